package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"healthgraph/health"
)

// compiled is a statement that nearly every request runs, with $1 and so on for its arguments. SQLite keeps it compiled, which takes
// several times as long as to run it. PostgreSQL's driver puts the arguments into the text: it loses broken connections of
// statements that the server keeps.
type compiled struct {
	db   *sql.DB
	text string
	kept *sql.Stmt // nil on PostgreSQL
	told func(statement string)
}

// compile makes a statement, whose connections compile it as they first need it.
func (s *Store) compile(ctx context.Context, db *bun.DB, text string) (compiled, error) {
	c := compiled{db: db.DB, text: text, told: func(string) {}}
	if !s.isSQLite() {
		return c, nil
	}
	var err error
	c.kept, err = db.DB.PrepareContext(ctx, text)
	return c, failed("prepare a statement", err)
}

// rows runs a SELECT and gives each of its rows to scan, which names where the columns go.
func (c compiled) rows(ctx context.Context, argument string, scan func(into func(...any) error) error) error {
	c.told("SELECT")
	query := func() (*sql.Rows, error) { return c.db.QueryContext(ctx, c.text, argument) }
	if c.kept != nil {
		query = func() (*sql.Rows, error) { return c.kept.QueryContext(ctx, argument) }
	}
	rows, err := query()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what went wrong, rows.Err says
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// perPerson reads rows of one person, or of several.
type perPerson struct{ one, several compiled }

// of reads the rows of the people.
func (p perPerson) of(ctx context.Context, users []health.UserID, scan func(into func(...any) error) error) error {
	if len(users) == 1 {
		return p.one.rows(ctx, string(users[0]), scan)
	}
	return p.several.rows(ctx, jsonList(users), scan)
}

// jsonList is the argument of a statement that takes any number of values.
func jsonList[T ~string](values []T) string {
	text, _ := json.Marshal(values) // texts always encode
	return string(text)
}

// among is the condition that a column is one of a jsonList.
func (s *Store) among(column string) string {
	if s.isSQLite() {
		return column + " IN (SELECT value FROM json_each($1))"
	}
	return column + " = ANY(ARRAY(SELECT json_array_elements_text($1::json)))" // an array, so that the index is used
}

// frequent are the statements of requests.
type frequent struct {
	links, upstreamIDs, grants perPerson
	known                      perPerson // all of these
	linksByID                  compiled
	putLink, addEvent          compiled // of SQLite alone
	wasErased                  compiled // likewise
}

func (s *Store) compileFrequent(ctx context.Context) (err error) {
	compile := func(db *bun.DB, text string) (c compiled) {
		if err == nil {
			c, err = s.compile(ctx, db, text)
		}
		return c
	}
	people := func(columns, table string) perPerson {
		text := fmt.Sprintf("SELECT %s FROM %s WHERE ", columns, table)
		return perPerson{compile(s.read, text+"person = $1"), compile(s.read, text+s.among("person"))}
	}
	s.frequent = frequent{
		links:       people(linkColumns, "links"),
		upstreamIDs: people("person, connector, upstream_id, time_zone, zone_due_at", "upstream_users"),
		grants:      people(readGrantColumns, "grants"),
		known:       perPerson{compile(s.read, s.selectKnown("person = $1")), compile(s.read, s.selectKnown(s.among("person")))},
		linksByID:   compile(s.read, "SELECT "+linkColumns+" FROM links WHERE "+s.among("id")+" AND length(id) < 64"), // those of links_hashed_id
	}
	if s.isSQLite() {
		s.frequent.putLink = compile(s.write, putLink)
		s.frequent.addEvent = compile(s.write, addEvent)
		s.frequent.wasErased = compile(s.write, wasErased)
	}
	return err
}

// observeFrequent tells of each run of a statement, as a bun.QueryHook does.
func (s *Store) observeFrequent(told func(string)) {
	f := &s.frequent
	for _, c := range []*compiled{
		&f.known.one, &f.known.several, &f.links.one, &f.links.several, &f.upstreamIDs.one, &f.upstreamIDs.several, &f.grants.one, &f.grants.several,
		&f.linksByID, &f.putLink, &f.addEvent, &f.wasErased,
	} {
		c.told = told
	}
}

// placeholders are $1 to $n.
func placeholders(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", i+1)
	}
	return strings.Join(list, ", ")
}

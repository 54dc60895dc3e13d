package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
)

// newcomer is a person of whom a link is written for the first time, after they were read at an instant. Who was erased since stays
// erased: what is under way must not bring them back.
type newcomer struct {
	Person  string    `bun:"person,type:text"`
	Receipt string    `bun:"receipt,type:text"` // the person of the line that an erasure leaves
	Since   time.Time `bun:"since,type:timestamptz"`
}

// newcomersAmong are the people of the records that are not stored.
func newcomersAmong(records []gateway.LinkRecord) (people []newcomer) {
	for _, r := range records {
		if r.Version == 0 && r.Receipt != "" {
			people = append(people, newcomer{string(r.User), string(r.Receipt), r.Since})
		}
	}
	slices.SortFunc(people, func(a, b newcomer) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), a.Since.Compare(b.Since))
	})
	return slices.CompactFunc(people, func(a, b newcomer) bool { return a.Person == b.Person })
}

// withoutErased leaves out the links that would be the first of somebody who was erased.
func withoutErased(links []linkRow, erased map[string]bool) []linkRow {
	if len(erased) == 0 {
		return links
	}
	return slices.DeleteFunc(slices.Clone(links), func(row linkRow) bool { return row.Version == 1 && erased[row.Person] })
}

// wasErased is an erasure's receipt, on SQLite.
const wasErased = "SELECT 1 FROM access_log WHERE person = $1 AND action = $2 AND happened_at >= $3 LIMIT 1"

// erasedInFile says who was erased, in the transaction that writes to the file: nobody else writes meanwhile.
func (s *Store) erasedInFile(ctx context.Context, tx bun.Tx, people []newcomer) (map[string]bool, error) {
	erased := map[string]bool{}
	find := tx.StmtContext(ctx, s.frequent.wasErased.kept) //nolint:sqlclosecheck // closed with the transaction
	for _, p := range people {
		var found int
		err := find.QueryRowContext(ctx, p.Receipt, string(health.AccessErased), instant(bun.NullTime{Time: p.Since})).Scan(&found)
		switch {
		case err == nil:
			erased[p.Person] = true
		case !errors.Is(err, sql.ErrNoRows):
			return nil, failed("look for an erasure", err)
		}
	}
	return erased, nil
}

// erasedInTx says who was erased, on PostgreSQL. Until the transaction ends nobody of them is: DeletePerson waits.
func (s *Store) erasedInTx(ctx context.Context, tx bun.Tx, people []newcomer) (map[string]bool, error) {
	names := make([]string, len(people))
	for i, p := range people {
		names[i] = p.Person
	}
	if _, err := tx.NewRaw("SELECT pg_advisory_xact_lock_shared(hashtextextended(person, 0)) FROM unnest(ARRAY[?]::text[]) AS person", bun.List(names)).Exec(ctx); err != nil {
		return nil, failed("look for an erasure", err)
	}
	var gone []string
	err := tx.NewRaw("WITH given (person, receipt, since) AS (?) SELECT given.person FROM given JOIN access_log AS line "+
		"ON line.person = given.receipt AND line.action = ? AND line.happened_at >= given.since", tx.NewValues(&people), string(health.AccessErased)).Scan(ctx, &gone)
	if err != nil {
		return nil, failed("look for an erasure", err)
	}
	erased := map[string]bool{}
	for _, person := range gone {
		erased[person] = true
	}
	return erased, nil
}

// holdOff makes first writes of links of the person wait until the transaction ends, on PostgreSQL: see erasedInTx.
func (s *Store) holdOff(ctx context.Context, tx bun.Tx, user health.UserID) error {
	if s.isSQLite() { // which has one writer
		return nil
	}
	_, err := tx.NewRaw("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", string(user)).Exec(ctx)
	return failed("delete a person's rows", err)
}

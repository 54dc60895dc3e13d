package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// Each person of a filled database has linksEach links, one upstream id, one grant, and a line of the access log and a kept day for
// each link. busy has as many lines again as all others together.
const (
	linksEach = 2
	busy      = health.UserID("busy")
)

var filledTables = []string{"links", "upstream_users", "grants", "access_log", "kept_days"}

// firstChecked is when the oldest link was checked. Each of the others was a second after the one before.
var firstChecked = time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC)

// filled is a database in which there is as much as was asked for last.
type filled struct {
	url   string
	db    *bun.DB
	links int
}

func newFilled(tb testing.TB, url string) *filled {
	tb.Helper()
	require.NoError(tb, store.Migrate(tb.Context(), store.Config{URL: url}, nil))
	s, err := store.Open(tb.Context(), store.Config{URL: url}) // which makes a SQLite file's tables
	require.NoError(tb, err)
	require.NoError(tb, s.Close())
	f := &filled{url: url, db: storetest.DB(tb, url)}
	f.db.SetMaxOpenConns(1)
	if f.isPostgres() {
		f.db.SetMaxIdleConns(0) // what a connection did is counted when it has ended
		for _, table := range filledTables {
			f.exec(tb, "ALTER TABLE "+table+" SET (autovacuum_enabled = off)") // which reads pages, too
		}
	} else {
		f.exec(tb, "PRAGMA synchronous = off")
		f.exec(tb, "PRAGMA cache_size = -500000") // in KiB: ids are in no order
	}
	return f
}

func (f *filled) isPostgres() bool { return strings.HasPrefix(f.url, "postgres") }

func (f *filled) exec(tb testing.TB, statement string, arguments ...any) {
	tb.Helper()
	_, err := f.db.ExecContext(tb.Context(), statement, arguments...)
	require.NoError(tb, err, statement)
}

// scrambled is a number's own, in no order, as ids of people are.
func scrambled(n int) string { return fmt.Sprintf("%08x", uint32(n)*2654435761) }

// person is one of those who are there at every size.
func person(n int) health.UserID { return health.UserID("person-" + scrambled(n)) }

func linkID(n int) health.LinkID {
	return health.LinkID("link_" + strings.Repeat("0", 30) + scrambled(n))
}

// fill adds what is missing to that many links.
func (f *filled) fill(tb testing.TB, links int) {
	tb.Helper()
	if links <= f.links {
		return
	}
	numbers := "WITH RECURSIVE n (i) AS (VALUES (%d) UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
	scramble, at := "printf('%%08x', (%s * 2654435761) %% 4294967296)", "strftime('%%Y-%%m-%%d %%H:%%M:%%S+00:00', %d + i, 'unixepoch')"
	blob := "zeroblob(80)"
	if f.isPostgres() {
		numbers = "WITH n (i) AS (SELECT generate_series(%d::bigint, %d)) "
		scramble, at = "lpad(to_hex((%s * 2654435761) %% 4294967296), 8, '0')", "to_timestamp(%d + i)"
		blob = "decode(repeat('00', 80), 'hex')"
	}
	all := func(from, to int) string { return fmt.Sprintf(numbers, from, to) }
	at = fmt.Sprintf(at, firstChecked.Unix())
	each := all(f.links, links-1)
	everybody := all(f.links/linksEach, links/linksEach-1)
	of := func(number string) string { return "'person-' || " + fmt.Sprintf(scramble, number) }
	for _, insert := range []string{
		`INSERT INTO links (id, person, data_source, connector, status, connected_at, checked_at, version) ` + each +
			`SELECT 'link_` + strings.Repeat("0", 30) + `' || ` + fmt.Sprintf(scramble, "i") + `, ` + of("(i / 2)") +
			`, CASE i % 2 WHEN 0 THEN 'garmin' ELSE 'fitbit' END, 'rook', 'CONNECTED', ` + at + `, ` + at + `, 1 FROM n`,
		`INSERT INTO upstream_users (person, connector, upstream_id) ` + everybody + `SELECT ` + of("i") + `, 'rook', ` + of("i") + ` FROM n`,
		`INSERT INTO grants (person, connector, account_id, sealed, scopes, time_zone, profile_read_at, lease, version) ` + everybody +
			`SELECT ` + of("i") + `, 'onetwentyone', ` + of("i") + `, ` + blob + `, '["profile"]', 'UTC', ` + at + `, '', 1 FROM n`,
		`INSERT INTO access_log (person, event_key, happened_at, action, actor, actor_name, connector, data_source, outcome) ` + each +
			`SELECT ` + of("(i / 2)") + `, ` + fmt.Sprintf(scramble, "i") + `, ` + at + `, 'LINKED', 'PERSON', '', 'rook', 'garmin', '' FROM n`,
		`INSERT INTO access_log (person, event_key, happened_at, action, actor, actor_name, connector, data_source, outcome) ` + each +
			`SELECT '` + string(busy) + `', ` + fmt.Sprintf(scramble, "i") + `, ` + at + `, 'LINKED', 'PERSON', '', 'rook', 'garmin', '' FROM n`,
		`INSERT INTO kept_days (person, connector, metric, zone, day, version, fetched_at, sealed) ` + each +
			`SELECT ` + of("(i / 2)") + `, 'rook', 'stepCount', '', '2026-03-0' || (1 + i % 2), 1, ` + at + `, ` + blob + ` FROM n`,
	} {
		f.exec(tb, insert)
	}
	if f.isPostgres() {
		f.exec(tb, "VACUUM ANALYZE") // as the server does by itself in time
	} else {
		f.exec(tb, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	f.links = links
}

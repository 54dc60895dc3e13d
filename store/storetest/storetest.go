// Package storetest is the suite that the store passes on PostgreSQL and on SQLite alike, and what tests need to have
// either: real databases, fresh for each test.
//
// A package whose tests use PostgreSQL starts and stops its server:
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
package storetest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/driver/pgdriver"

	"healthgraph/store"
)

// Run is the suite. open gives a fresh, empty, migrated store, closed when its test ends: see Open.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Helper()
	for _, topic := range []struct {
		name string
		test func(*testing.T, *store.Store)
	}{
		{"what is known", known},
		{"upstream ids", upstreamIDs},
		{"upstream ids of many", upstreamIDsOfMany},
		{"upstream ids, raced", upstreamIDsRaced},
		{"zones", zones},
		{"links", links},
		{"links, versions", linkVersions},
		{"links, times", linkTimes},
		{"links of many", linksOfMany},
		{"links, raced", linksRaced},
		{"links with their events", linkEvents},
		{"links in a crowd", linksInACrowd},
		{"links of newcomers", newcomers},
		{"links of newcomers, raced with an erasure", newcomersRaced},
		{"newest data", noteData},
		{"grants", grants},
		{"grants, versions", grantVersions},
		{"grants, raced", grantsRaced},
		{"grants, accounts", accounts},
		{"grants, accounts raced", accountsRaced},
		{"grants, added", grantsAdded},
		{"grants, added in a race", grantsAddedRaced},
		{"grants, accounts raced by one", accountsRacedByOne},
		{"access log", accessLogs},
		{"due links", dueLinks},
		{"due grants", dueGrants},
		{"leases", leases},
		{"budgets", budgets},
		{"budgets, raced", budgetsRaced},
		{"spent states", spentStates},
		{"spent states, raced", spentStatesRaced},
		{"data sources", dataSources},
		{"API keys", apiKeys},
		{"API keys, raced", apiKeysRaced},
		{"link key", linkKey},
		{"awkward ids", awkwardIDs},
		{"kept days", keptDays},
		{"kept days, versions", keptVersions},
		{"kept days, raced", keptRaced},
		{"kept days, beside ends of links", keptBesideEnds},
		{"kept days, by grant", keptByGrant},
		{"kept days of many", keptOfMany},
		{"kept days of many, in parts", keptOfManyInParts},
		{"kept days of many, raced", keptOfManyRaced},
		{"a person deleted", personDeleted},
		{"ended context", endedContext},
	} {
		t.Run(topic.name, func(t *testing.T) { topic.test(t, open(t)) })
	}
}

// Both runs the test on a fresh SQLite file and on a fresh PostgreSQL database, neither migrated.
func Both(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite gives the URL of a SQLite file that is not there yet, in the test's temporary directory.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "test.db"))
}

// Open migrates the database of the configuration and opens it until the test ends.
func Open(t testing.TB, config store.Config) *store.Store {
	t.Helper()
	require.NoError(t, store.Migrate(t.Context(), config, nil))
	s, err := store.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

// DB is a plain handle of the database behind a URL of SQLite or Postgres, for a look inside. It is closed when the test
// ends.
func DB(t testing.TB, url string) *bun.DB {
	t.Helper()
	var db *bun.DB
	if file, ok := strings.CutPrefix(url, "sqlite://"); ok {
		plain, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)&_txlock=immediate")
		require.NoError(t, err)
		db = bun.NewDB(plain, sqlitedialect.New())
	} else {
		db = bun.NewDB(sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(url))), pgdialect.New())
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return db
}

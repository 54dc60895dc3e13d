package migrations_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"healthgraph/migrations"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// tablesOf names the tables that are there, those of bun/migrate aside.
func tablesOf(t *testing.T, db *bun.DB) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	if db.Dialect().Name() == dialect.PG {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
	}
	var names, ours []string
	require.NoError(t, db.NewRaw(query).Scan(t.Context(), &names))
	for _, name := range names {
		if !strings.HasPrefix(name, "bun_") {
			ours = append(ours, name)
		}
	}
	return ours
}

var tables = []string{"upstream_users", "links", "grants", "spent_states", "data_sources", "instance", "access_log", "leases", "api_keys", "budgets", "kept_days"}

// steps are all there are, oldest first.
var steps = []string{"20261120090000_tables", "20261121090000_access", "20261121110000_api_keys", "20261121130000_budgets", "20261121140000_kept_days", "20261121150000_zones", "20261121160000_fewer_indexes"}

func TestUpAndDown(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		ctx, config, db := t.Context(), store.Config{URL: url}, storetest.DB(t, url)
		var told []string
		progress := func(line string) { told = append(told, line) }
		applied := func() (names []string) {
			states, err := store.MigrateStatus(ctx, config)
			require.NoError(t, err)
			require.NotEmpty(t, states)
			for _, state := range states {
				if !state.AppliedAt.IsZero() {
					assert.WithinDuration(t, time.Now(), state.AppliedAt, time.Minute)
					assert.Equal(t, time.UTC, state.AppliedAt.Location())
					names = append(names, state.Name)
				}
			}
			return names
		}

		assert.Empty(t, applied())
		require.NoError(t, store.MigrateDown(ctx, config, progress), "nothing to take back")
		assert.Empty(t, told)

		require.NoError(t, store.Migrate(ctx, config, progress))
		assert.ElementsMatch(t, tables, tablesOf(t, db))
		assert.Equal(t, []string{"applied " + steps[0], "applied " + steps[1], "applied " + steps[2], "applied " + steps[3], "applied " + steps[4], "applied " + steps[5], "applied " + steps[6]}, told)
		assert.Equal(t, steps, applied())
		key := linkKey(t, db)

		told = nil
		require.NoError(t, store.Migrate(ctx, config, progress))
		assert.Empty(t, told)
		assert.Equal(t, key, linkKey(t, db), "the key is made once")

		require.NoError(t, store.MigrateDown(ctx, config, progress))
		assert.Equal(t, []string{"took back " + steps[6], "took back " + steps[5], "took back " + steps[4], "took back " + steps[3], "took back " + steps[2], "took back " + steps[1], "took back " + steps[0]}, told)
		assert.Empty(t, tablesOf(t, db))
		assert.Empty(t, applied())

		require.NoError(t, store.Migrate(ctx, config, nil))
		assert.ElementsMatch(t, tables, tablesOf(t, db))
		assert.NotEqual(t, key, linkKey(t, db))
	})
}

func linkKey(t *testing.T, db *bun.DB) string {
	t.Helper()
	var key string
	require.NoError(t, db.NewRaw("SELECT CAST(count(*) AS TEXT) || min(CAST(link_key AS TEXT)) FROM instance").Scan(t.Context(), &key))
	return key
}

func TestNotMigrated(t *testing.T) {
	url := storetest.Postgres(t)
	db := storetest.DB(t, url)
	_, err := store.Open(t.Context(), store.Config{URL: url})
	require.ErrorIs(t, err, store.ErrNotMigrated)
	assert.ErrorContains(t, err, "healthgraph migrate up")
	_, err = store.MigrateStatus(t.Context(), store.Config{URL: url})
	require.NoError(t, err)
	var made int
	require.NoError(t, db.NewRaw("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(t.Context(), &made))
	assert.Zero(t, made, "looking makes nothing, not even the table of migrations")

	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: url}, nil))
	require.NoError(t, store.MigrateDown(t.Context(), store.Config{URL: url}, nil))
	_, err = store.Open(t.Context(), store.Config{URL: url})
	require.ErrorIs(t, err, store.ErrNotMigrated)
}

func TestMigratorsAtOnce(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		config := store.Config{URL: url, MaxConns: 1}
		var mutex sync.Mutex
		var applied []string
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				assert.NoError(t, store.Migrate(t.Context(), config, func(line string) {
					mutex.Lock()
					defer mutex.Unlock()
					if strings.HasPrefix(line, "applied") {
						applied = append(applied, line)
					}
				}))
			})
		}
		wait.Wait()
		assert.Len(t, applied, len(steps))
		assert.ElementsMatch(t, tables, tablesOf(t, storetest.DB(t, url)))
	})
}

// A migrator that crashed leaves nothing that stops the next one.
func TestAfterACrash(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		config, db := store.Config{URL: url}, storetest.DB(t, url)
		require.NoError(t, store.Migrate(t.Context(), config, nil))
		require.NoError(t, store.MigrateDown(t.Context(), config, nil))
		_, err := db.ExecContext(t.Context(), "INSERT INTO bun_migration_locks (table_name) VALUES ('bun_migrations')")
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context(), config, nil))
		pending, err := migrations.Pending(t.Context(), db)
		require.NoError(t, err)
		assert.Empty(t, pending)
	})
}

// A step that fails leaves neither tables nor the note that it was applied.
func TestFailedStep(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		config, db := store.Config{URL: url}, storetest.DB(t, url)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE instance (theirs TEXT)")
		require.NoError(t, err)
		require.ErrorContains(t, store.Migrate(t.Context(), config, nil), "20261120090000")
		assert.Equal(t, []string{"instance"}, tablesOf(t, db))
		pending, err := migrations.Pending(t.Context(), db)
		require.NoError(t, err)
		assert.Equal(t, steps, pending)

		_, err = db.ExecContext(t.Context(), "DROP TABLE instance")
		require.NoError(t, err)
		require.NoError(t, store.Migrate(t.Context(), config, nil))
	})
}

// Accounts that several people held before an account was one person's stay theirs, and nobody else's.
func TestAccountsHeldBefore(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		ctx, config, db := t.Context(), store.Config{URL: url}, storetest.DB(t, url)
		require.NoError(t, migrations.UpTo(ctx, db, 1))
		for person, account := range map[string]string{"person-1": "one", "person-2": "two", "person-3": "two"} {
			_, err := db.ExecContext(ctx, "INSERT INTO grants (person, connector, account_id, time_zone, lease, version) VALUES (?, 'onetwentyone', ?, '', '', 1)", person, account)
			require.NoError(t, err)
		}
		require.NoError(t, store.Migrate(ctx, config, nil))
		var shared []string
		require.NoError(t, db.NewRaw("SELECT person FROM grants WHERE shared ORDER BY person").Scan(ctx, &shared))
		assert.Equal(t, []string{"person-2", "person-3"}, shared)
		_, err := db.ExecContext(ctx, "UPDATE grants SET account_id = 'one' WHERE person = 'person-2'")
		require.NoError(t, err)
		_, err = db.ExecContext(ctx, "UPDATE grants SET shared = FALSE WHERE person = 'person-2'")
		require.Error(t, err)
	})
}

// Tables that are made again keep what was in them, column by column, there and back.
func TestRowsOutliveOtherKeys(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		ctx, config, db := t.Context(), store.Config{URL: url}, storetest.DB(t, url)
		require.NoError(t, migrations.UpTo(ctx, db, 6))
		const linkColumns = "id, person, data_source, connector, status, connected_at, checked_at, latest_data_at, pending_since, revoked_at, late_data_until, version, data_checked_at"
		const eventColumns = "person, event_key, happened_at, action, actor, actor_name, connector, data_source, outcome"
		times := make([]any, 8)
		for i := range times {
			times[i] = time.Date(2026, time.November, i+1, 2, 3, 4, 5000, time.UTC)
		}
		_, err := db.ExecContext(ctx, "INSERT INTO links ("+linkColumns+") VALUES ('link_1', 'person-1', 'oura', 'rook', 'CONNECTED', ?, ?, ?, ?, ?, ?, 7, ?)", times[:7]...)
		require.NoError(t, err)
		_, err = db.ExecContext(ctx, "INSERT INTO access_log ("+eventColumns+") VALUES ('person-1', 'key', ?, 'LINKED', 'UPSTREAM', 'name', 'rook', 'oura', 'DONE')", times[7])
		require.NoError(t, err)
		rows := func() (all []map[string]any) {
			for _, query := range []string{"SELECT " + linkColumns + " FROM links", "SELECT " + eventColumns + " FROM access_log"} {
				var row map[string]any
				require.NoError(t, db.NewRaw(query).Scan(ctx, &row))
				all = append(all, row)
			}
			return all
		}
		twice := func() error {
			_, err := db.ExecContext(ctx, "INSERT INTO links (id, person, data_source, connector, status, version) VALUES ('link_1', 'person-2', 'oura', 'rook', 'CONNECTED', 1)")
			return err
		}
		before, indexes := rows(), indexesOf(t, db)
		require.Len(t, before[0], 13)
		require.Len(t, before[1], 9)

		require.NoError(t, store.Migrate(ctx, config, nil))
		assert.Equal(t, before, rows())
		assert.Less(t, len(indexesOf(t, db)), len(indexes))
		require.Error(t, twice(), "a hash is one link's")

		require.NoError(t, store.MigrateDown(ctx, config, nil))
		assert.Equal(t, before, rows())
		assert.ElementsMatch(t, indexes, indexesOf(t, db))
		require.Error(t, twice())
	})
}

// indexesOf names the indexes, those that keys have by themselves included.
func indexesOf(t *testing.T, db *bun.DB) (names []string) {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'index'"
	if db.Dialect().Name() == dialect.PG {
		query = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
	}
	require.NoError(t, db.NewRaw(query).Scan(t.Context(), &names))
	return names
}

// Who waits for another migrator can stop waiting.
func TestWaitEnds(t *testing.T) {
	url := storetest.Postgres(t)
	db := storetest.DB(t, url)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	var key int64 = 0x6865616c74686772
	_, err = conn.ExecContext(t.Context(), "SELECT pg_advisory_lock(?)", key)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told []string
	err = store.Migrate(ctx, store.Config{URL: url}, func(line string) {
		told = append(told, line)
		cancel()
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"waiting for another migrator"}, told)
	assert.Empty(t, tablesOf(t, db))

	require.NoError(t, conn.Close())
	require.NoError(t, db.Close()) // and the lock with it
	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: url}, nil))
}

// One connection for lock and work would wait for itself for ever.
func TestOneConnection(t *testing.T) {
	db := storetest.DB(t, storetest.Postgres(t))
	db.SetMaxOpenConns(1)
	require.ErrorContains(t, migrations.Up(t.Context(), db, nil), "two connections")
}

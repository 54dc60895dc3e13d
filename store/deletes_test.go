package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

const rowsEach = 20

// crossing is a PostgreSQL whose plans visit rows in the order in which they lie, which is the opposite of that of their keys.
type crossing struct {
	*store.Store
	t  *testing.T
	db *bun.DB
}

func newCrossing(t *testing.T) crossing {
	t.Helper()
	url := storetest.Postgres(t)
	db := storetest.DB(t, url)
	for _, plan := range []string{"enable_indexscan", "enable_indexonlyscan"} {
		_, err := db.ExecContext(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET `+plan+` = off', current_database()); END $$`)
		require.NoError(t, err)
	}
	c := crossing{storetest.Open(t, store.Config{URL: url}), t, db}
	for i := range rowsEach {
		for _, user := range []health.UserID{"person-1", "person-2"} {
			written, err := c.PutLinks(t.Context(), []gateway.LinkRecord{{
				ID: health.LinkID(fmt.Sprintf("link_%s_%d", user, i)), User: user, Connector: "up",
				DataSource: health.DataSourceID(fmt.Sprintf("source-%02d", rowsEach-i)), Status: health.StatusConnected,
			}})
			require.NoError(t, err)
			require.Len(t, written, 1)
		}
	}
	for i := range rowsEach {
		require.NoError(t, c.keep(0, rowsEach-i, 1, "person-2"))
		require.NoError(t, c.keep(0, rowsEach-i, 1, "person-1"))
	}
	return c
}

// keep keeps count days of each person, from one on, at a version.
func (c crossing) keep(version int64, from, count int, users ...health.UserID) error {
	var all []gateway.NewDays
	for _, user := range users {
		days := gateway.NewDays{DataSources: []health.DataSourceID{"source-01"}}
		for i := range count {
			days.Days = append(days.Days, gateway.KeptDay{
				User: user, Connector: "up", Metric: "stepCount", Day: health.Date{Year: 2026, Month: 3, Day: from + i},
				Version: version, FetchedAt: time.Now(), Sealed: []byte("sealed"),
			})
		}
		all = append(all, days)
	}
	return c.KeepDays(c.t.Context(), all)
}

// waiting waits until so many sessions wait for a row.
func (c crossing) waiting(n int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		var sessions int
		err := c.db.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(c.t.Context(), &sessions)
		return err == nil && sessions == n
	}, 10*time.Second, time.Millisecond)
}

// Whoever deletes waits for whoever writes the same rows, or is waited for, never both.
func TestDeletesAndWritesDoNotWaitForEachOther(t *testing.T) {
	days := func(c crossing) error { return c.keep(1, 1, rowsEach, "person-1", "person-2") }
	for name, crossed := range map[string]struct {
		first         string // the row that the writer comes to first
		write, delete func(c crossing) error
	}{
		"forgetting days": {"kept_days WHERE person = 'person-1' AND day = '2026-03-01'", days, func(c crossing) error {
			return c.ForgetDays(c.t.Context(), "up", []health.UserID{"person-2", "person-1"})
		}},
		"a grant that takes an account over": {"kept_days WHERE person = 'person-1' AND day = '2026-03-01'", days, func(c crossing) error {
			grant := tokens.Record{User: "person-2", Connector: "up", AccountID: "account"}
			if err := c.PutGrant(c.t.Context(), grant); err != nil {
				return err
			}
			grant.User, grant.VerifiedAt = "person-1", time.Now()
			return c.PutGrant(c.t.Context(), grant)
		}},
		"noting how new data is": {"links WHERE person = 'person-1' AND data_source = 'source-01'", func(c crossing) error {
			records, err := c.Links(c.t.Context(), []health.UserID{"person-1"})
			if err == nil {
				_, err = c.PutLinks(c.t.Context(), records)
			}
			return err
		}, func(c crossing) error {
			var notes []gateway.DataNote
			for i := range rowsEach {
				notes = append(notes, gateway.DataNote{User: "person-1", DataSource: health.DataSourceID(fmt.Sprintf("source-%02d", rowsEach-i)), CheckedAt: time.Now()})
			}
			return c.NoteData(c.t.Context(), notes)
		}},
		"erasing a person": {"links WHERE person = 'person-1' AND data_source = 'source-01'", func(c crossing) error {
			records, err := c.Links(c.t.Context(), []health.UserID{"person-1"})
			if err == nil {
				_, err = c.PutLinks(c.t.Context(), records)
			}
			return err
		}, func(c crossing) error {
			_, err := c.DeletePerson(c.t.Context(), "person-1", health.AccessEvent{User: "receipt", Action: health.AccessErased, At: time.Now()})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrossing(t)
			holder, err := c.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer func() { _ = holder.Rollback() }()
			_, err = holder.ExecContext(t.Context(), "SELECT 1 FROM "+crossed.first+" FOR UPDATE")
			require.NoError(t, err)
			var done sync.WaitGroup
			done.Go(func() { assert.NoError(t, crossed.write(c)) })
			c.waiting(1)
			done.Go(func() { assert.NoError(t, crossed.delete(c)) })
			c.waiting(2)
			time.Sleep(1200 * time.Millisecond) // so that the delete, which may be tried again, looks for a deadlock before there is one
			require.NoError(t, holder.Rollback())
			done.Wait()
		})
	}
}

// Who tidies up waits for nobody: what somebody else holds is left for the next time.
func TestTidyingWaitsForNobody(t *testing.T) {
	c := newCrossing(t)
	long := time.Now().Add(time.Hour)
	require.NoError(t, c.AddAccessEvents(t.Context(), []health.AccessEvent{
		{User: "person-1", Key: "a", At: time.Now()}, {User: "person-1", Key: "b", At: time.Now()}, {User: "person-2", Key: "a", At: time.Now()},
	}))
	for _, nonce := range []string{"a", "b", "c"} {
		_, err := c.SpendState(t.Context(), nonce, time.Now(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
	}
	holder, err := c.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = holder.Rollback() }()
	for _, table := range []string{"kept_days WHERE person = 'person-1'", "access_log WHERE person = 'person-1' AND event_key = 'a'", "spent_states WHERE nonce = 'a'"} {
		_, err = holder.ExecContext(t.Context(), "SELECT 1 FROM "+table+" FOR UPDATE")
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	for _, want := range []int{5, rowsEach - 5} {
		deleted, err := c.ForgetDaysBefore(ctx, long, max(5, want))
		require.NoError(t, err)
		assert.Equal(t, want, deleted)
	}
	deleted, err := c.ForgetAccessEvents(ctx, long, 10)
	require.NoError(t, err)
	assert.Equal(t, 2, deleted)
	_, err = c.SpendState(ctx, "d", long, long)
	require.NoError(t, err)
	var nonces []string
	require.NoError(t, c.db.NewRaw("SELECT nonce FROM spent_states ORDER BY nonce").Scan(t.Context(), &nonces))
	assert.Equal(t, []string{"a", "d"}, nonces)

	require.NoError(t, holder.Rollback())
	deleted, err = c.ForgetDaysBefore(ctx, long, 2*rowsEach)
	require.NoError(t, err)
	assert.Equal(t, rowsEach, deleted)
	deleted, err = c.ForgetAccessEvents(ctx, long, 10)
	require.NoError(t, err)
	assert.Equal(t, 1, deleted)
}

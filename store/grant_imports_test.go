package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// Whoever writes two grants in one transaction, in the opposite order, waits for AddGrants or is waited for, never both.
func TestGrantsAreAddedBesideAnotherTransactionWithoutADeadlock(t *testing.T) {
	url := storetest.Postgres(t)
	s := storetest.Open(t, store.Config{URL: url})
	db := storetest.DB(t, url)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	insert := func(person, account string) {
		t.Helper()
		_, err := tx.ExecContext(t.Context(), `INSERT INTO grants (person, connector, account_id, sealed, time_zone, connected_at, lease, version)
			VALUES (?, 'up', ?, '', '', now(), '', 1)`, person, account)
		require.NoError(t, err)
	}
	insert("other-1", "account-1")
	type result struct {
		users []health.UserID
		err   error
	}
	done := make(chan result, 1)
	go func() {
		records := []tokens.Record{{User: "person-0", Connector: "up", AccountID: "account-0"}, {User: "person-1", Connector: "up", AccountID: "account-1"},
			{User: "person-2", Connector: "up", AccountID: "account-2"}}
		users, err := s.AddGrants(t.Context(), records, nil)
		done <- result{users, err}
	}()
	require.Eventually(t, func() bool {
		var waiting int
		err := db.NewRaw("SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(t.Context(), &waiting)
		return err == nil && waiting > 0
	}, 10*time.Second, time.Millisecond)
	insert("other-0", "account-0")
	require.NoError(t, tx.Commit())
	added := <-done
	require.NoError(t, added.err)
	assert.Equal(t, []health.UserID{"person-2"}, added.users)
}

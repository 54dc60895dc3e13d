package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

func isWhole(t *testing.T, at string) {
	t.Helper()
	var says string
	require.NoError(t, storetest.DB(t, at).NewRaw("PRAGMA integrity_check").Scan(t.Context(), &says))
	assert.Equal(t, "ok", says)
}

func TestAFullSQLiteFileCanBeReadAndIsWrittenToAgainLater(t *testing.T) {
	at := storetest.SQLite(t)
	s := storetest.Open(t, store.Config{URL: at})
	require.NoError(t, s.Limit(t.Context(), 60))
	big := []byte(strings.Repeat("x", 8<<10))
	kept := 0
	var full error
	for ; full == nil; kept++ {
		require.Less(t, kept, 1000, "it is never full")
		full = s.PutGrant(t.Context(), tokens.Record{User: health.UserID(fmt.Sprint("person-", kept)), Connector: "rook", Sealed: big, Shared: true})
	}
	kept-- // the last one was refused
	require.Positive(t, kept)
	require.ErrorContains(t, full, "database or disk is full")
	assert.NotContains(t, full.Error(), "person-")
	for range 5 {
		require.Error(t, s.PutGrant(t.Context(), tokens.Record{User: "person-late", Connector: "rook", Sealed: big, Shared: true}))
		count, err := s.CountGrants(t.Context())
		require.NoError(t, err)
		assert.Equal(t, kept, count, "what was confirmed, and not what was refused")
	}
	require.NoError(t, s.Limit(t.Context(), 1<<30))
	require.NoError(t, s.PutGrant(t.Context(), tokens.Record{User: "person-late", Connector: "rook", Sealed: big, Shared: true}))
	count, err := s.CountGrants(t.Context())
	require.NoError(t, err)
	assert.Equal(t, kept+1, count)
	isWhole(t, at)
}

func TestAWriteWaitsForAnotherProgramsLockAndThenFails(t *testing.T) {
	t.Parallel()
	at := storetest.SQLite(t)
	s := storetest.Open(t, store.Config{URL: at})
	lock, err := storetest.DB(t, at).BeginTx(t.Context(), nil) // takes it at once: see DB
	require.NoError(t, err)
	later := time.Now().Add(time.Hour)
	_, err = s.SpendState(t.Context(), "nonce-secret", later, time.Now())
	require.ErrorContains(t, err, "database is locked")
	assert.NotContains(t, err.Error(), "secret")
	_, err = s.LinkKey(t.Context())
	require.NoError(t, err, "reads go on")
	require.NoError(t, lock.Rollback())
	first, err := s.SpendState(t.Context(), "nonce-secret", later, time.Now())
	require.NoError(t, err)
	assert.True(t, first, "what failed was not done")
	isWhole(t, at)
}

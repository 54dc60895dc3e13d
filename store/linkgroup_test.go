package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// While one transaction is written to a SQLite file, the writes that come wait for it, and share the next.
func TestLinksThatWaitShareATransaction(t *testing.T) {
	url := storetest.SQLite(t)
	var committed atomic.Int32
	s := storetest.Open(t, store.Config{URL: url, OnQuery: func(statement string) {
		if statement == "COMMIT" {
			committed.Add(1)
		}
	}})
	other, err := storetest.DB(t, url).BeginTx(t.Context(), nil) // it holds the file's only lock for writing
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "UPDATE links SET version = version")
	require.NoError(t, err)
	var writers sync.WaitGroup
	wait := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { waiting, busy := store.WaitingLinks(s); return waiting == n && busy }, 4*time.Second, time.Millisecond)
	}
	for i := range 40 {
		if i == 1 {
			wait(0)
		}
		user := health.UserID(fmt.Sprint("person-", i))
		writers.Go(func() {
			written, err := s.PutLinks(t.Context(), []gateway.LinkRecord{{ID: health.LinkID(user), User: user, DataSource: "oura"}})
			assert.NoError(t, err)
			assert.Len(t, written, 1)
		})
	}
	wait(39)
	require.NoError(t, other.Rollback())
	writers.Wait()
	assert.EqualValues(t, 2, committed.Load(), "the first one's, and the others'")
}

// Whoever waits for a turn may leave, and then nothing of theirs is written. Whose write has begun is told how it ended.
func TestWhoWaitsForATurnMayLeave(t *testing.T) {
	url := storetest.SQLite(t)
	s := storetest.Open(t, store.Config{URL: url})
	other, err := storetest.DB(t, url).BeginTx(t.Context(), nil) // it holds the file's only lock for writing
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "UPDATE links SET version = version")
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	put := func(user health.UserID) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := s.PutLinks(ctx, []gateway.LinkRecord{{ID: health.LinkID(user), User: user, DataSource: "oura"}})
			done <- err
		}()
		return done
	}
	waiting := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { waiting, busy := store.WaitingLinks(s); return waiting == n && busy }, 4*time.Second, time.Millisecond)
	}
	begun := put("person-1")
	waiting(0)
	queued := put("person-2")
	waiting(1)
	leave()
	require.ErrorIs(t, <-queued, context.Canceled)
	waiting(0)
	require.NoError(t, other.Rollback())
	require.NoError(t, <-begun)
	records, err := s.Links(t.Context(), []health.UserID{"person-1", "person-2"})
	require.NoError(t, err)
	require.Len(t, records, 1)
	assert.Equal(t, health.UserID("person-1"), records[0].User)
}

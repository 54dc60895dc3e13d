package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

// firstLink is one that was read of a person of whom nothing was stored.
func firstLink(user health.UserID, since time.Time) gateway.LinkRecord {
	r := link(user, "oura")
	r.Since, r.Receipt = since, "receipt of "+user
	return r
}

func erase(t *testing.T, s *store.Store, user health.UserID, at time.Time) {
	t.Helper()
	receipt := event("receipt of "+user, at)
	receipt.Action = health.AccessErased
	_, err := s.DeletePerson(t.Context(), user, receipt)
	require.NoError(t, err)
}

// Who was erased is not brought back by what was read of them before, and may come back later.
func newcomers(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	erase(t, s, "person-1", noon)
	for _, before := range []time.Duration{0, time.Microsecond, time.Hour} {
		first := firstLink("person-1", noon.Add(-before))
		written, err := s.PutLinks(ctx, []gateway.LinkRecord{first, firstLink("person-2", noon.Add(-before))}, linkEvent(first))
		require.NoError(t, err)
		assert.NotContains(t, written, first.ID)
		assert.Empty(t, stored(t, s, "person-1"))
		assert.Empty(t, accessLog(t, s, "person-1"))
		assert.Len(t, stored(t, s, "person-2"), 1, "beside them")
	}
	first := firstLink("person-1", noon.Add(time.Microsecond))
	written, err := s.PutLinks(ctx, []gateway.LinkRecord{first}, linkEvent(first))
	require.NoError(t, err)
	assert.Equal(t, []health.LinkID{first.ID}, written)
	assert.Len(t, accessLog(t, s, "person-1"), 1)
}

// However an erasure and a first write meet, nothing of the person is left.
func newcomersRaced(t *testing.T, s *store.Store) {
	t.Helper()
	for i := range 30 {
		user := health.UserID(fmt.Sprint("person-", i))
		var all sync.WaitGroup
		all.Go(func() { erase(t, s, user, noon) })
		for range 3 {
			all.Go(func() {
				first := firstLink(user, noon.Add(-time.Second))
				_, err := s.PutLinks(t.Context(), []gateway.LinkRecord{first}, linkEvent(first))
				assert.NoError(t, err)
			})
		}
		all.Wait()
		assert.Empty(t, stored(t, s, user))
		assert.Empty(t, accessLog(t, s, user))
	}
}

package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

// linkEvent tells of a link.
func linkEvent(record gateway.LinkRecord) health.AccessEvent {
	e := event(record.User, noon)
	e.Key, e.Connector, e.DataSource = fmt.Sprintf("%s %d", record.ID, record.Version), record.Connector, record.DataSource
	return e
}

// An event is written with the link that it tells of, and not without.
func linkEvents(t *testing.T, s *store.Store) {
	t.Helper()
	oura, fitbit := link("person-1", "oura"), link("person-1", "fitbit")
	written, err := s.PutLinks(t.Context(), []gateway.LinkRecord{oura, fitbit}, linkEvent(oura))
	require.NoError(t, err)
	assert.ElementsMatch(t, []health.LinkID{oura.ID, fitbit.ID}, written)
	log := accessLog(t, s, "person-1")
	require.Len(t, log, 1)
	assert.Equal(t, linkEvent(oura), log[0], "every column, and its instant")

	whoop := link("person-1", "whoop")
	written, err = s.PutLinks(t.Context(), []gateway.LinkRecord{fitbit, whoop}, linkEvent(fitbit), linkEvent(whoop))
	require.NoError(t, err)
	assert.Equal(t, []health.LinkID{whoop.ID}, written)
	assert.Len(t, accessLog(t, s, "person-1"), 2, "nothing of fitbit's, which was stale")

	clash := link("person-2", "oura")
	clash.ID = oura.ID
	_, err = s.PutLinks(t.Context(), []gateway.LinkRecord{link("person-2", "fitbit"), clash}, linkEvent(link("person-2", "fitbit")))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), string(oura.ID))
	assert.Empty(t, stored(t, s, "person-2"), "all or none")
	assert.Empty(t, accessLog(t, s, "person-2"))
}

// Many may write at once: each is told of their own, what can't be written fails alone, and who has gone waits for nothing.
func linksInACrowd(t *testing.T, s *store.Store) {
	t.Helper()
	taken := link("somebody", "oura")
	put(t, s, 1, taken)
	ctx := t.Context()
	gone, leave := context.WithCancel(ctx)
	leave()
	var all sync.WaitGroup
	for i := range 60 {
		user := health.UserID(fmt.Sprint("person-", i))
		all.Go(func() {
			records := []gateway.LinkRecord{link(user, "oura"), link(user, "fitbit")}
			switch i % 6 {
			case 0:
				records[1].ID = taken.ID
				_, err := s.PutLinks(ctx, records, linkEvent(records[0]))
				assert.Error(t, err)
			case 1:
				_, err := s.PutLinks(gone, records, linkEvent(records[0]))
				assert.ErrorIs(t, err, context.Canceled)
			default:
				written, err := s.PutLinks(ctx, records, linkEvent(records[0]))
				assert.NoError(t, err)
				assert.ElementsMatch(t, []health.LinkID{records[0].ID, records[1].ID}, written)
			}
		})
	}
	all.Wait()
	for i := range 60 {
		user := health.UserID(fmt.Sprint("person-", i))
		links, lines := 2, 1
		if i%6 < 2 {
			links, lines = 0, 0
		}
		assert.Len(t, stored(t, s, user), links, user)
		assert.Len(t, accessLog(t, s, user), lines, user)
	}
}

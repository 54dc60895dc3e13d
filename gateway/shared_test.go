package gateway_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// gated lets the lister answer when the gate opens: each account by its own list.
func (h *house) gated(lists map[string][]health.DataSource) (open func()) {
	gate := make(chan struct{})
	h.lister.links = func(account string) connectors.LinksResult {
		<-gate
		states := []connectors.LinkState{}
		for _, source := range []health.DataSource{fitbit, appleHealth} {
			states = append(states, connectors.LinkState{DataSource: source, Connected: slices.ContainsFunc(lists[account], func(s health.DataSource) bool { return s.ID == source.ID })})
		}
		return connectors.LinksResult{Links: states}
	}
	return sync.OnceFunc(func() { close(gate) })
}

func (h *house) readersOfLinks(n int) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.cache.Waiting() == n }, 20*time.Second, time.Millisecond)
}

func TestTwoPeopleAtTheSameInstantShareNothing(t *testing.T) {
	h := newHouse(t)
	open := h.gated(map[string][]health.DataSource{"person-1": {fitbit}, "person-2": {appleHealth}})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			user := []health.UserID{"person-1", "person-2"}[i%2]
			links := h.links(user, "lister")
			want := map[health.DataSourceID]health.LinkStatus{"fitbit": health.StatusConnected, "apple_health": health.StatusNotConnected}
			if user == "person-2" {
				want["fitbit"], want["apple_health"] = want["apple_health"], want["fitbit"]
			}
			for source, status := range want {
				assert.Equal(t, status, links[source].Status, "%s %s", user, source)
				assert.Equal(t, user, links[source].User)
			}
		})
	}
	h.readersOfLinks(64)
	open()
	all.Wait()
	assert.ElementsMatch(t, []string{"links person-1", "links person-2"}, h.lister.made(), "and each is asked about once")
}

// A read that began before the person's link changed here is not for those who come after the change.
func TestAReadIsNotSharedAcrossAChange(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.lister.forget()
	gate := make(chan struct{})
	var asked atomic.Int64
	h.lister.links = func(string) connectors.LinksResult {
		first := asked.Add(1) == 1
		if first {
			<-gate
		}
		return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: first}, {DataSource: appleHealth}}}
	}
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		return connectors.Revocation{WasConnected: true}, nil
	}
	var early sync.WaitGroup
	early.Go(func() { h.links("person-1", "lister") })
	h.readersOfLinks(1)
	require.Eventually(t, func() bool { return asked.Load() == 1 }, 10*time.Second, time.Millisecond)
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, []any{health.RevokedUpstream, health.StatusRevoked}, []any{payload.Outcome, payload.Link.Status})
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status)
	assert.EqualValues(t, 3, asked.Load())
	close(gate)
	early.Wait()
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status, "nor does the early one's answer come back")
}

// What may be refused because nobody waits for it is not shared with somebody who does.
func TestABackgroundReadIsNotSharedWithPeople(t *testing.T) {
	h := newHouse(t)
	open := h.gated(nil)
	person := h.person("person-1")
	var all sync.WaitGroup
	all.Go(func() { h.Links(connectors.InBackground(t.Context()), "lister", []*gateway.Person{person}) })
	all.Go(func() { h.Links(t.Context(), "lister", []*gateway.Person{person}) })
	h.readersOfLinks(2)
	open()
	all.Wait()
	assert.Len(t, h.lister.made(), 2)
}

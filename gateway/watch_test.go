package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/tokens"
)

// newWatchedHouse is a house whose keeper tells of its changes, as the program's does.
func newWatchedHouse(t *testing.T) *house {
	t.Helper()
	return watched(newHouse(t))
}

func watched(h *house) *house {
	h.t.Helper()
	h.config.Changes = gateway.NewChanges(h.config.Registry)
	h.keeper.OnChange = func(user health.UserID, connector string) {
		h.config.Changes.Tell(gateway.Change{User: user, Connector: connector})
	}
	h.tokens = tokens.NewKeeper(h.keeper)
	h.config.Tokens = h.tokens
	h.Gateway = h.another(h.config)
	return h
}

// marker is a link that nothing in these tests touches.
const marker = "apple_health"

// until are the links that a watch tells of before the marker.
func (h *house) until(w *gateway.Watch, user health.UserID) (told []health.DataSourceLink) {
	h.t.Helper()
	h.Changes.Tell(gateway.Change{User: user, Connector: "lister", DataSource: marker})
	for {
		ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
		link, err := w.Next(ctx)
		cancel()
		require.NoError(h.t, err)
		if link.DataSource.ID == marker {
			return told
		}
		told = append(told, *link)
	}
}

func statuses(links []health.DataSourceLink) (all []string) {
	for _, link := range links {
		all = append(all, fmt.Sprint(link.DataSource.ID, " ", link.Status))
	}
	return all
}

// signed asks the granter's API with a person's grant, and is refused or not.
func (h *house) signed(user health.UserID) {
	h.t.Helper()
	status := http.StatusOK
	if h.granter.profileErr != nil {
		status = http.StatusUnauthorized
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	_, grants := h.stored(user)
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(h.t, err)
	response, err := h.tokens.ClientFor(grants[0], nil).Do(request)
	require.NoError(h.t, err)
	require.NoError(h.t, response.Body.Close())
}

func TestAWatchTellsOfEveryChangeOfALink(t *testing.T) {
	for name, c := range map[string]struct {
		before, deed func(h *house)
		want         []string
	}{
		"a link finished in the browser": {nil, func(h *house) { require.NoError(h.t, h.finish("person-1")) }, []string{"granter CONNECTED"}},
		"a grant that came another way":  {nil, func(h *house) { h.grant("person-1", nil) }, []string{"granter CONNECTED"}},
		"a link that the list shows": {nil, func(h *house) {
			h.lister.shows(fitbit)
			h.links("person-1", "lister")
		}, []string{"fitbit CONNECTED"}},
		"a link that the list shows no more": {func(h *house) {
			h.lister.shows(fitbit)
			h.links("person-1", "lister")
		}, func(h *house) {
			h.lister.shows()
			h.links("person-1", "lister")
		}, []string{"fitbit NOT_CONNECTED"}},
		"a revocation here": {func(h *house) { h.grant("person-1", nil); h.links("person-1", "granter") }, func(h *house) {
			_, err := h.Revoke(h.t.Context(), "person-1", "granter", byPerson)
			require.NoError(h.t, err)
		}, []string{"granter REVOKED"}},
		"a revocation at the upstream": {func(h *house) {
			h.lister.shows(fitbit)
			h.lister.ends()
			h.links("person-1", "lister")
		}, func(h *house) {
			_, err := h.Revoke(h.t.Context(), "person-1", "fitbit", byPerson)
			require.NoError(h.t, err)
		}, []string{"fitbit REVOKED"}},
		"a revocation whose effect can't be seen yet": {func(h *house) { h.lister.shows(fitbit); h.links("person-1", "lister") }, func(h *house) {
			h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
				h.lister.isDown()
				return connectors.Revocation{WasConnected: true, LateData: time.Hour}, nil
			}
			_, err := h.Revoke(h.t.Context(), "person-1", "fitbit", byPerson)
			require.NoError(h.t, err)
			h.lister.shows(fitbit)
		}, []string{"fitbit REVOKING"}},
		"every link revoked": {func(h *house) { h.grant("person-1", nil) }, func(h *house) {
			_, err := h.RevokeAll(h.t.Context(), "person-1", byPerson)
			require.NoError(h.t, err)
		}, []string{"granter REVOKED"}},
		"a person erased": {func(h *house) { h.grant("person-1", nil) }, func(h *house) {
			_, err := h.Erase(h.t.Context(), "person-1", byPerson)
			require.NoError(h.t, err)
		}, []string{"granter NOT_CONNECTED"}},
		"a person erased whose links had ended": {func(h *house) {
			h.grant("person-1", nil)
			_, err := h.Revoke(h.t.Context(), "person-1", "granter", byPerson)
			require.NoError(h.t, err)
		}, func(h *house) {
			_, err := h.Erase(h.t.Context(), "person-1", byPerson)
			require.NoError(h.t, err)
		}, []string{"granter NOT_CONNECTED"}},
		"a grant refused": {func(h *house) { h.grant("person-1", nil) }, func(h *house) {
			h.granter.profileErr = down
			h.signed("person-1")
		}, []string{"granter REAUTHORIZATION_REQUIRED"}},
		"a grant taken after all": {func(h *house) {
			h.grant("person-1", nil)
			h.granter.profileErr = down
			h.signed("person-1")
			h.clock.advance(16 * time.Minute)
		}, func(h *house) {
			h.granter.profileErr = nil
			h.signed("person-1")
		}, []string{"granter CONNECTED"}},
		"another's proof of the account": {func(h *house) {
			h.granter.profileErr = down
			require.NoError(h.t, h.finish("person-1"))
			h.granter.profileErr = nil
			h.granter.profile.AccountID = "a-2"
		}, func(h *house) { h.HomeZone(h.t.Context(), h.person("person-1")) }, []string{"granter NOT_CONNECTED"}},
		"a scope withdrawn": {func(h *house) {
			h.grant("person-1", &connectors.Profile{Scopes: []string{"steps", "profile"}})
			h.clock.advance(2 * time.Hour)
		}, func(h *house) {
			h.granter.profile = connectors.Profile{Scopes: []string{"profile"}}
			h.HomeZone(h.t.Context(), h.person("person-1"))
		}, []string{"granter CONNECTED"}},
		"a round of reconciling": {func(h *house) {
			h.lister.shows(fitbit)
			h.links("person-1", "lister")
			h.clock.advance(48 * time.Hour)
		}, func(h *house) {
			h.lister.shows()
			_, err := h.Reconcile(h.t.Context(), "lister", gateway.ReconcileOptions{CheckedBefore: 24 * time.Hour, PerHour: 1000, Report: func(gateway.ReconcileProgress) {}})
			require.NoError(h.t, err)
		}, []string{"fitbit NOT_CONNECTED"}},

		"an upstream that is down": {func(h *house) { h.lister.shows(fitbit); h.links("person-1", "lister") }, func(h *house) {
			h.lister.isDown()
			h.links("person-1", "lister")
		}, nil},
		"a link that is as it was": {func(h *house) { h.lister.shows(fitbit); h.links("person-1", "lister") }, func(h *house) {
			h.clock.advance(2 * time.Hour)
			h.links("person-1", "lister")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWatchedHouse(t)
			if c.before != nil {
				c.before(h)
			}
			theirs, others := h.Watch("person-1"), h.Watch("person-2")
			defer theirs.Close()
			defer others.Close()
			c.deed(h)
			told := h.until(theirs, "person-1")
			assert.Equal(t, c.want, statuses(told))
			for _, link := range told {
				assert.Equal(t, health.UserID("person-1"), link.User)
				connector := link.DataSource.Connector
				asked := h.links("person-1", connector)[link.DataSource.ID]
				asked.CheckedAt, link.CheckedAt = nil, nil // of the moment when it was read
				if link.Problem != nil {
					asked.Problem.AuthorizationURL, link.Problem.AuthorizationURL = nil, nil // a new state each time
				}
				assert.Equal(t, asked, link, "as connections shows it")
			}
			assert.Empty(t, h.until(others, "person-2"), "nobody else is told")
		})
	}
}

func TestAnErasedPersonsWatchBringsNoRowBack(t *testing.T) {
	h := newWatchedHouse(t)
	h.grant("person-1", nil)
	w := h.Watch("person-1")
	defer w.Close()
	_, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.Equal(t, []string{"granter NOT_CONNECTED"}, statuses(h.until(w, "person-1")))
	records, grants := h.stored("person-1")
	assert.Empty(t, records)
	assert.Empty(t, grants)
	ids, err := h.store.UpstreamIDs(t.Context(), []health.UserID{"person-1"})
	require.NoError(t, err)
	assert.Empty(t, ids)
}

// However many changes nobody takes, one of each link waits, and it is the latest.
func TestAFloodIsOneEventForEachLink(t *testing.T) {
	h := newWatchedHouse(t)
	w := h.Watch("person-1")
	defer w.Close()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10_000 {
				h.Changes.Tell(gateway.Change{User: "person-1", Connector: "lister", DataSource: "fitbit"})
				h.Changes.Tell(gateway.Change{User: "person-1", Connector: "granter"})
			}
		})
	}
	all.Wait()
	assert.Equal(t, 2, gateway.Waiting(w))
	h.grant("person-1", nil)
	assert.ElementsMatch(t, []string{"fitbit NOT_CONNECTED", "granter CONNECTED"}, statuses(h.until(w, "person-1")))
}

func TestALinkThatLooksAsBeforeIsNotToldAgain(t *testing.T) {
	h := newWatchedHouse(t)
	w := h.Watch("person-1")
	defer w.Close()
	h.grant("person-1", nil)
	link, err := w.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, health.StatusConnected, link.Status)
	h.Changes.Tell(gateway.Change{User: "person-1", Connector: "granter"})
	assert.Empty(t, h.until(w, "person-1"))
}

func TestPeopleWatchedAtTheSameTimeAreKeptApart(t *testing.T) {
	h := newWatchedHouse(t)
	h.shareAccounts()
	var all sync.WaitGroup
	for i := range 20 {
		user := health.UserID(fmt.Sprint("person-", i))
		w := h.Watch(user)
		all.Go(func() {
			defer w.Close()
			for range 5 {
				h.clock.advance(time.Second)
				h.grant(user, nil)
				link, err := w.Next(t.Context())
				if assert.NoError(t, err) {
					assert.Equal(t, user, link.User)
					assert.Equal(t, health.StatusConnected, link.Status)
				}
			}
		})
	}
	all.Wait()
}

func TestAWatchEndsWithItsContextAndLeavesNothing(t *testing.T) {
	h := newWatchedHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := h.Watch("person-1")
	cancel()
	_, err := w.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, gateway.Watches(h.Changes))
	w.Close()
	w.Close()
	assert.Zero(t, gateway.Watches(h.Changes))
}

// While the database is away nothing is told, and nothing is lost.
func TestAChangeThatCannotBeReadIsToldLater(t *testing.T) {
	h := newWatchedHouse(t)
	away := &awayStore{Store: h.store}
	h.config.Store = away
	h.Gateway = h.another(h.config)
	h.grant("person-1", nil)
	away.readings.Store(2)
	w := h.Watch("person-1")
	defer w.Close()
	h.Changes.Tell(gateway.Change{User: "person-1", Connector: "granter"})
	assert.Equal(t, []string{"granter CONNECTED"}, statuses(h.until(w, "person-1")))
	assert.Contains(t, h.log.String(), "could not be read")
	assert.NotContains(t, h.log.String(), "person-1")
}

// awayStore is a store that fails for so many readings of links.
type awayStore struct {
	gateway.Store

	readings atomic.Int32
}

func (s *awayStore) Links(ctx context.Context, users []health.UserID) ([]gateway.LinkRecord, error) {
	if s.readings.Add(-1) >= 0 {
		return nil, health.Fail(health.Internal, "the database is away", nil)
	}
	return s.Store.Links(ctx, users)
}

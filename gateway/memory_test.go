package gateway_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

// forgetful is a store that can't take data sources for now.
type forgetful struct {
	*store.Store

	mu     sync.Mutex
	fails  bool
	writes int
}

func (f *forgetful) failing(fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = fails
}

// AddDataSources implements gateway.Store.
func (f *forgetful) AddDataSources(ctx context.Context, sources []health.DataSource) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.fails {
		return errors.New("disk full")
	}
	return f.Store.AddDataSources(ctx, sources)
}

func TestADiscoveredSourceThatCouldNotBeStoredIsStoredAtTheNextSighting(t *testing.T) {
	h := newHouse(t)
	db := &forgetful{Store: h.store}
	config := h.config
	config.Store = db
	h.Gateway = h.another(config)
	h.lister.shows(health.DataSource{ID: "zepp", Name: "Zepp"})

	db.failing(true)
	assert.Equal(t, health.StatusConnected, h.links("person-1", "lister")["zepp"].Status, "the answer stands")
	assert.Contains(t, h.log.String(), "could not be stored")
	h.clock.advance(time.Second)
	_, err := h.another(h.config).Filter(t.Context(), []string{"zepp"})
	assert.Equal(t, health.BadUserInput, codeOf(err), "no other process can know it")

	db.failing(false)
	h.links("person-2", "lister")
	_, err = h.another(h.config).Filter(t.Context(), []string{"zepp"})
	require.NoError(t, err, "every process knows it now")
	_, err = h.Filter(t.Context(), []string{"zepp"})
	require.NoError(t, err)
	assert.Equal(t, 2, db.writes)
	h.links("person-3", "lister")
	assert.Equal(t, 2, db.writes, "and it is not written again")
}

func TestUnknownSlugsAreLookedUpOnceASecond(t *testing.T) {
	h := newHouse(t)
	look := func() int {
		return h.statementsOf(func() {
			_, err := h.Filter(t.Context(), []string{"no_such_thing"})
			assert.Equal(t, health.BadUserInput, codeOf(err))
		})["SELECT"]
	}
	assert.Equal(t, 1, look())
	for range 10 {
		assert.Zero(t, look())
	}
	h.clock.advance(time.Second)
	assert.Equal(t, 1, look())
}

// unknown is an upstream's word that it has never heard of a person.
func unknown(string) connectors.LinksResult {
	return connectors.LinksResult{Unknown: true, Links: []connectors.LinkState{{DataSource: fitbit}, {DataSource: appleHealth}}}
}

func TestAnUpstreamThatForgetsAPersonWhomItKnewIsNotBelieved(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.counts(nil)
	h.links("person-1", "lister")
	before := h.links("person-1", "lister")["fitbit"]
	stored, _ := h.stored("person-1")
	h.lister.links = unknown
	got := h.links("person-1", "lister")
	for id, link := range got {
		assert.Equal(t, health.StatusUnknown, link.Status, id)
		require.NotNil(t, link.Problem, id)
		assert.Equal(t, health.UpstreamInvalid, link.Problem.Code, id)
	}
	assert.Equal(t, before.ConnectedAt, got["fitbit"].ConnectedAt)
	after, _ := h.stored("person-1")
	assert.ElementsMatch(t, stored, after, "nothing is changed by it")
	assert.Contains(t, h.log.String(), `"code":"UPSTREAM_INVALID"`)
	count := h.stepCount("25", "26")
	assert.Equal(t, []health.Presence{health.PresenceUnavailable, health.PresenceUnavailable}, presences(count), "that there is nothing is not believed either")
	assert.False(t, count.Complete)

	assert.Equal(t, health.StatusNotConnected, h.links("stranger", "lister")["fitbit"].Status)
	h.lister.shows(fitbit)
	assert.Equal(t, before, withCheck(h.links("person-1", "lister")["fitbit"], before.CheckedAt), "as before once it is mended")
}

// withCheck is the link as if it had been checked then.
func withCheck(link health.DataSourceLink, at *time.Time) health.DataSourceLink {
	link.CheckedAt = at
	return link
}

func TestAnUpstreamMayForgetAPersonWhoseLastLinkWasRevoked(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		h.lister.links = unknown
		return connectors.Revocation{WasConnected: true, LateData: time.Hour}, nil
	}
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstream, payload.Outcome)
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status)
	assert.Empty(t, h.log.String())
}

func TestASourceThatIsNoLongerShownIsNotSaidToBeConnected(t *testing.T) {
	h := newHouse(t)
	zepp := health.DataSource{ID: "zepp", Name: "Zepp"}
	h.lister.shows(fitbit, zepp)
	before := h.links("person-1", "lister")["zepp"]
	require.Equal(t, health.StatusConnected, before.Status)
	h.lister.shows(fitbit) // without zepp
	done, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: "https://app.example/", DataSource: &zepp.ID})
	require.NoError(t, err)
	assert.Equal(t, []any{before.ID(), health.StatusNotConnected}, []any{done.Link.ID(), done.Link.Status})
	assert.Nil(t, done.Link.ConnectedAt)
	require.NotNil(t, done.Problem)
	assert.Equal(t, health.NotConnected, done.Problem.Code)

	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) { return connectors.Revocation{}, nil }
	payload, err := h.Revoke(t.Context(), "person-1", "zepp", byPerson)
	require.NoError(t, err)
	assert.Equal(t, []any{health.AlreadyRevoked, health.StatusNotConnected}, []any{payload.Outcome, payload.Link.Status})
}

func TestSamplesAreAskedForAsFarAsTheEarthHasCome(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.walks(map[string]float64{"29": 100})
	for until, want := range map[string]string{"29": "2026-03-29", "30": "2026-03-30", "31": "2026-03-30"} {
		h.granter.forget()
		h.stepCount("20", until)
		assert.Equal(t, []string{"samples account-of-person-1 2026-03-20 " + want}, h.granter.made(), "it is the 29th, and the 30th somewhere")
	}
	h.granter.forget()
	count := h.stepCount("31", "31")
	assert.Empty(t, h.granter.made())
	assert.Equal(t, []health.Presence{health.PresenceNotSynced}, presences(count))
	assert.True(t, count.Complete)
}

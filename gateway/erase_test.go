package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// ends makes the lister end whatever it is asked to.
func (l *lister) ends() {
	l.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		l.shows()
		return connectors.Revocation{WasConnected: true}, nil
	}
}

func TestRevokingAllEndsWhatStandsAndNothingElse(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.ends()
	h.grant("person-1", nil)
	h.grant("person-2", nil)
	payload, err := h.RevokeAll(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Complete)
	outcomes := map[health.DataSourceID]health.RevokeOutcome{}
	for _, result := range payload.Results {
		outcomes[result.Link.DataSource.ID] = result.Outcome
	}
	assert.Equal(t, map[health.DataSourceID]health.RevokeOutcome{"fitbit": health.RevokedUpstream, "granter": health.RevokedLocallyOnly}, outcomes)
	_, grants := h.stored("person-2")
	assert.Len(t, grants, 1, "another person's links stand")

	payload, err = h.RevokeAll(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Complete)
	assert.Empty(t, payload.Results, "there is nothing left to end")
}

func TestAnErasedPersonLeavesNothingBehind(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.ends()
	h.grant("person-1", nil)
	h.links("person-1", "lister")
	h.links("person-2", "lister")
	payload, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Erased)
	assert.Len(t, payload.Results, 2)
	assert.Positive(t, payload.DeletedRows)
	records, grants := h.stored("person-1")
	assert.Empty(t, records)
	assert.Empty(t, grants)
	records, _ = h.stored("person-2")
	assert.NotEmpty(t, records)

	payload, err = h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Erased, "safe to send again")
}

func TestNothingIsDeletedWhileALinkCouldNotBeEnded(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.grant("person-1", nil)
	h.lister.isDown()
	payload, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.False(t, payload.Erased)
	assert.Zero(t, payload.DeletedRows)
	records, _ := h.stored("person-1")
	assert.NotEmpty(t, records)
	problems := map[health.DataSourceID]health.Code{}
	for _, result := range payload.Results {
		if result.Outcome == health.RevokeFailed {
			problems[result.Link.DataSource.ID] = result.Problem.Code
		}
	}
	assert.Equal(t, map[health.DataSourceID]health.Code{"fitbit": health.UpstreamUnavailable}, problems)

	h.lister.shows(fitbit)
	h.lister.ends()
	payload, err = h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Erased, "once the upstream is back")
}

// Whose revocation and list have both just failed is asked no more: the others would only take as long, and all be lost.
func TestAnUpstreamThatGoesDownBetweenRevocationsIsAskedOnce(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit, appleHealth)
	asked := 0
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		asked++
		h.lister.isDown()
		return connectors.Revocation{}, down
	}
	payload, err := h.RevokeAll(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.Equal(t, 1, asked)
	require.Len(t, payload.Results, 2)
	for _, result := range payload.Results {
		assert.Equal(t, health.RevokeFailed, result.Outcome)
		assert.Equal(t, health.UpstreamUnavailable, result.Problem.Code)
	}

	h.lister.shows(fitbit, appleHealth)
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		asked++
		return connectors.Revocation{}, down
	}
	_, err = h.RevokeAll(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.Equal(t, 3, asked, "its list says that it is there: each is tried")
}

func TestAPersonOfWhomNothingIsKnownCannotBeErasedWhileAnUpstreamIsDown(t *testing.T) {
	h := newHouse(t)
	h.lister.isDown()
	payload, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.False(t, payload.Erased, "they may have links there")
}

// They may have linked something since anybody looked.
func TestAPersonOfWhomNothingStoodCannotBeErasedWhileAnUpstreamIsDown(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.lister.shows()
	h.links("person-1", "lister") // fitbit is kept, and not connected
	h.lister.isDown()
	h.lister.forget()
	payload, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.False(t, payload.Erased)
	require.NotEmpty(t, payload.Results)
	for _, result := range payload.Results {
		assert.Equal(t, health.RevokeFailed, result.Outcome)
		assert.Equal(t, health.UpstreamUnavailable, result.Problem.Code)
	}
	assert.Equal(t, []string{"links person-1"}, h.lister.made(), "which is down, and asked once")
	rows, _ := h.stored("person-1")
	assert.NotEmpty(t, rows)

	h.lister.shows()
	payload, err = h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Erased)
	assert.Empty(t, payload.Results)
}

// Whoever has just come back from the consent page may be linked by now.
func TestAReturnThatNobodyHasLookedAtSinceMayStand(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(appleHealth)
	h.links("person-1", "lister")
	h.lister.shows() // apple_health is kept, and not connected
	h.links("person-1", "lister")
	_, err := h.store.PutLinks(t.Context(), []gateway.LinkRecord{{
		ID: "link_1", User: "person-1", Connector: "lister", DataSource: "fitbit", Status: health.StatusNotConnected, PendingSince: h.clock.Now().Add(time.Second),
	}})
	require.NoError(t, err)
	h.lister.isDown()
	payload, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.False(t, payload.Erased)
	require.Len(t, payload.Results, 1, "of what was not connected there is nothing to end")
	assert.Equal(t, health.DataSourceID("fitbit"), payload.Results[0].Link.DataSource.ID)

	h.lister.shows()
	h.clock.advance(time.Hour)
	payload, err = h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.True(t, payload.Erased, "the upstream says that nothing came of it")
}

// A replica may not have seen a source that another one found.
func TestASourceThatAnotherProcessFoundStandsWhileTheUpstreamIsDown(t *testing.T) {
	h := newHouse(t)
	other := h.another(h.config)
	zepp := health.DataSource{ID: "zepp", Name: "Zepp", Kind: health.KindBrowser}
	h.lister.shows(zepp)
	h.links("person-1", "lister")
	h.lister.isDown()
	payload, err := other.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	assert.False(t, payload.Erased)
	require.Len(t, payload.Results, 1)
	assert.Equal(t, zepp.ID, payload.Results[0].Link.DataSource.ID)
}

// A read that is under way while a person is erased does not bring them back, though it was the first that showed a link.
func TestAReadUnderWayBringsNobodyBack(t *testing.T) {
	h := newHouse(t)
	h.links("person-1", "lister") // of which nothing is kept
	connected := connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: true}}}
	begun := false
	h.lister.links = func(string) connectors.LinksResult {
		result := connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit}}}
		if !begun {
			_, err := h.store.DeletePerson(t.Context(), "person-1", health.AccessEvent{
				User: h.Receipt("person-1"), At: h.clock.Now(), Action: health.AccessErased, Actor: byPerson,
			})
			require.NoError(t, err)
			begun, result = true, connected
		}
		return result
	}
	assert.Equal(t, health.StatusConnected, h.links("person-1", "lister")["fitbit"].Status, "which is what the upstream showed")
	records, _ := h.stored("person-1")
	assert.Empty(t, records)
	log, err := h.AccessLog(t.Context(), "person-1", 10, "")
	require.NoError(t, err)
	assert.Empty(t, log.Nodes)

	h.lister.links = func(string) connectors.LinksResult { return connected }
	h.links("person-1", "lister")
	records, _ = h.stored("person-1")
	assert.Len(t, records, 1, "who comes back later is kept again")
}

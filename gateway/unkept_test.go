package gateway_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

func TestOfAPersonWhoJustLooksNothingIsKept(t *testing.T) {
	h := newHouse(t)
	look := func(user health.UserID) map[string]int {
		return h.statementsOf(func() {
			h.links(user, "lister")
			h.links(user, "granter")
		})
	}
	for range 2 {
		statements := look("person-1")
		assert.Equal(t, []string{"SELECT"}, keys(statements), "no write")
		records, _ := h.stored("person-1")
		assert.Empty(t, records)
		h.clock.advance(2 * time.Hour)
	}
	before := h.links("person-1", "lister")

	h.lister.shows(fitbit)
	assert.Greater(t, len(look("person-1")), 1, "once there is something to remember")
	records, _ := h.stored("person-1")
	require.Len(t, records, 1)
	assert.Equal(t, health.DataSourceID("fitbit"), records[0].DataSource)
	for id, link := range h.links("person-1", "lister") {
		assert.Equal(t, before[id].ID(), link.ID(), "the id that it had before it was kept")
	}
	h.lister.shows()
	h.links("person-1", "lister")
	records, _ = h.stored("person-1")
	assert.Len(t, records, 1, "what was ever more than NOT_CONNECTED stays")
}

func keys(counts map[string]int) (keys []string) {
	for key := range counts {
		keys = append(keys, key)
	}
	return keys
}

func TestALinkIsFoundByItsIDAlsoWhereNothingIsKept(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(health.DataSource{ID: "zepp", Name: "Zepp"})
	kept := h.links("person-2", "lister")["zepp"].ID()
	h.lister.shows()
	fresh := h.links("person-1", "lister")["fitbit"].ID()
	old := health.LinkID(health.LinkIDPrefix + base64.RawURLEncoding.EncodeToString(make([]byte, 18))) // as they were before ADR 0013
	_, err := h.store.PutLinks(t.Context(), []gateway.LinkRecord{{ID: old, User: "person-3", Connector: "lister", DataSource: "fitbit", Status: health.StatusConnected, CheckedAt: h.clock.Now()}})
	require.NoError(t, err)

	var owners map[health.LinkID]gateway.LinkOwner
	ids := []health.LinkID{fresh, kept, old, "link_", fresh[:len(fresh)-4] + "AAAA", old[:len(old)-1] + "B"}
	statements := h.statementsOf(func() { owners, err = h.another(h.config).LinkOwners(t.Context(), ids) })
	require.NoError(t, err)
	assert.Equal(t, map[health.LinkID]gateway.LinkOwner{
		fresh: {User: "person-1", Connector: "lister", DataSource: "fitbit"},
		kept:  {User: "person-2", Connector: "lister", DataSource: "zepp"},
		old:   {User: "person-3", Connector: "lister", DataSource: "fitbit"},
	}, owners)
	assert.LessOrEqual(t, statements["SELECT"], 3, "the older id, and what another process reads when it starts")
	h.lister.shows(fitbit)
	assert.Equal(t, old, h.links("person-3", "lister")["fitbit"].ID(), "what is kept keeps its id")
}

// A revocation that does not say whether there was anything to end needs to know how the link stood.
func TestBeforeARevocationALinkOfWhichNothingIsKeptIsLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		shown   []health.DataSource
		outcome health.RevokeOutcome
	}{
		"not connected":                   {nil, health.AlreadyRevoked},
		"connected behind our back":       {[]health.DataSource{fitbit}, health.RevokedUpstream},
		"another is connected, it is not": {[]health.DataSource{appleHealth}, health.AlreadyRevoked},
		"it and another behind our back":  {[]health.DataSource{fitbit, appleHealth}, health.RevokedUpstream},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.lister.shows(c.shown...)
			h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
				h.lister.shows()
				return connectors.Revocation{Unsure: true}, nil
			}
			payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
			require.NoError(t, err)
			assert.Equal(t, c.outcome, payload.Outcome)
		})
	}
}

// While replicas of both versions run, a link that nothing was kept of may be written under its hash in the meantime.
func TestAChangeIsWrittenOverWhatAnOlderVersionWrote(t *testing.T) {
	h := newHouse(t)
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		_, err := h.store.PutLinks(t.Context(), []gateway.LinkRecord{{
			ID: "link_older", User: "person-1", Connector: "lister", DataSource: "fitbit", Status: health.StatusConnected, CheckedAt: h.clock.Now(), ConnectedAt: h.clock.Now(),
		}})
		return connectors.Revocation{WasConnected: true}, err
	}
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstream, payload.Outcome)
	assert.Nil(t, payload.Problem)
	records, _ := h.stored("person-1")
	require.Len(t, records, 1)
	assert.Equal(t, health.StatusRevoked, records[0].Status)
	assert.Equal(t, health.LinkID("link_older"), records[0].ID)
}

package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

func TestARevocationSaysWhatTheUpstreamConfirmed(t *testing.T) {
	ended := connectors.Revocation{WasConnected: true, LateData: 6 * time.Hour}
	for name, c := range map[string]struct {
		connected  bool // before
		revocation connectors.Revocation
		err        error
		afterwards func(*lister)
		outcome    health.RevokeOutcome
		status     health.LinkStatus
		problem    health.Code
		late       bool
	}{
		"taken, and shown no more":           {true, ended, nil, func(l *lister) { l.shows() }, health.RevokedUpstream, health.StatusRevoked, "", true},
		"taken, but still shown":             {true, ended, nil, func(l *lister) { l.shows(fitbit) }, health.RevokedUpstreamPending, health.StatusRevoking, "", true},
		"taken, but the list can't be read":  {true, ended, nil, (*lister).isDown, health.RevokedUpstreamPending, health.StatusUnknown, health.UpstreamUnavailable, true},
		"there was nothing to end":           {false, connectors.Revocation{}, nil, func(l *lister) { l.shows() }, health.AlreadyRevoked, health.StatusNotConnected, "", false},
		"taken, though nothing was known":    {false, ended, nil, func(l *lister) { l.shows() }, health.RevokedUpstream, health.StatusRevoked, "", true},
		"it does not say, and was connected": {true, connectors.Revocation{Unsure: true, LateData: 6 * time.Hour}, nil, func(l *lister) { l.shows() }, health.RevokedUpstream, health.StatusRevoked, "", true},
		"it does not say, and was not":       {false, connectors.Revocation{Unsure: true, LateData: 6 * time.Hour}, nil, func(l *lister) { l.shows() }, health.AlreadyRevoked, health.StatusNotConnected, "", false},
		"this source can't be revoked":       {true, connectors.Revocation{}, nil, func(l *lister) { l.shows(fitbit) }, health.RevokeFailed, health.StatusConnected, health.Unsupported, false},
		"nothing to end, and no list either": {false, connectors.Revocation{}, nil, (*lister).isDown, health.RevokeFailed, health.StatusUnknown, health.UpstreamUnavailable, false},
		"the upstream fails at it":           {true, connectors.Revocation{}, down, func(l *lister) { l.shows(fitbit) }, health.RevokeFailed, health.StatusConnected, health.UpstreamUnavailable, false},
		"the upstream is down":               {true, connectors.Revocation{}, down, (*lister).isDown, health.RevokeFailed, health.StatusUnknown, health.UpstreamUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if c.connected {
				h.lister.shows(fitbit)
			}
			before := h.links("person-1", "lister")["fitbit"]
			h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
				c.afterwards(h.lister)
				return c.revocation, c.err
			}
			payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
			require.NoError(t, err)
			assert.Equal(t, c.outcome, payload.Outcome)
			assert.Equal(t, c.status, payload.Link.Status)
			assert.Equal(t, before.ID(), payload.Link.ID())
			assert.Equal(t, c.late, payload.LateDataUntil != nil)
			if c.late {
				assert.WithinDuration(t, h.clock.Now().Add(6*time.Hour), *payload.LateDataUntil, time.Second)
			}
			if c.problem == "" {
				assert.Nil(t, payload.Problem)
			} else {
				require.NotNil(t, payload.Problem)
				assert.Equal(t, c.problem, payload.Problem.Code)
			}
		})
	}
}

// An upstream that took a revocation without saying whether there was anything to end: what was last known of the link decides, and where
// nobody knows it may have stood.
func TestARevocationOfWhichTheUpstreamDoesNotSayWhetherThereWasALink(t *testing.T) {
	unsure := connectors.Revocation{Unsure: true, LateData: time.Hour}
	status := func(s health.LinkStatus) *health.LinkStatus { return &s }
	for name, c := range map[string]struct {
		before     func(h *house) // as the list can still be read
		afterwards func(*lister)
		outcome    health.RevokeOutcome
		status     health.LinkStatus
		lastKnown  *health.LinkStatus
	}{
		"nothing is known, nor afterwards": {func(*house) {}, (*lister).isDown, health.RevokedUpstreamPending, health.StatusUnknown, status(health.StatusRevoking)},
		"nothing is known before":          {func(*house) {}, func(l *lister) { l.shows() }, health.RevokedUpstream, health.StatusRevoked, nil},
		"its neighbours are known": {func(h *house) {
			h.lister.shows(appleHealth)
			h.links("person-1", "lister")
		}, func(l *lister) { l.shows(appleHealth) }, health.AlreadyRevoked, health.StatusNotConnected, nil},
		"its neighbours are known, and nothing afterwards": {func(h *house) {
			h.lister.shows(appleHealth)
			h.links("person-1", "lister")
		}, (*lister).isDown, health.RevokeFailed, health.StatusUnknown, status(health.StatusNotConnected)},
		"it was connected, and nothing is known afterwards": {func(h *house) {
			h.lister.shows(fitbit)
			h.links("person-1", "lister")
		}, (*lister).isDown, health.RevokedUpstreamPending, health.StatusUnknown, status(health.StatusRevoking)},
		"it was on its way": {func(h *house) {
			source := fitbit.ID
			_, err := h.Complete(h.t.Context(), gateway.CompleteRequest{User: "person-1", URL: returnURL, DataSource: &source, Actor: byPerson})
			require.NoError(h.t, err)
		}, func(l *lister) { l.shows() }, health.RevokedUpstream, health.StatusRevoked, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			c.before(h)
			h.lister.isDown()
			h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
				c.afterwards(h.lister)
				return unsure, nil
			}
			payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
			require.NoError(t, err)
			assert.Equal(t, []any{c.outcome, c.status, c.lastKnown}, []any{payload.Outcome, payload.Link.Status, payload.Link.LastKnownStatus})
		})
	}
}

// What ended once, or never was, a person may have linked again where nobody looked.
func TestALinkMadeSinceAnybodyLookedIsEndedAsOne(t *testing.T) {
	for name, c := range map[string]struct {
		stillShown bool
		outcome    health.RevokeOutcome
		status     health.LinkStatus
	}{
		"shown no more": {false, health.RevokedUpstream, health.StatusRevoked},
		"still shown":   {true, health.RevokedUpstreamPending, health.StatusRevoking},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.lister.shows(fitbit)
			h.links("person-1", "lister")
			h.lister.shows()
			require.Equal(t, health.StatusNotConnected, h.links("person-1", "lister")["fitbit"].Status)
			h.lister.shows(fitbit)
			h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
				if !c.stillShown {
					h.lister.shows()
				}
				return connectors.Revocation{Unsure: true, LateData: time.Hour}, nil
			}
			payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
			require.NoError(t, err)
			assert.Equal(t, c.outcome, payload.Outcome)
			assert.Equal(t, c.status, payload.Link.Status)
			assert.NotNil(t, payload.LateDataUntil)
			assert.Nil(t, payload.Problem)
		})
	}
}

func TestAFailedRevocationChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	before, _ := h.stored("person-1")
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) { return connectors.Revocation{}, down }
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokeFailed, payload.Outcome)
	assert.Equal(t, "PT1M", payload.Problem.RetryAfter.String())
	assert.Equal(t, fitbit.ID, payload.Problem.DataSource.ID)
	after, _ := h.stored("person-1")
	assert.ElementsMatch(t, before, after)
}

func TestARevokedLinkCanBeRevokedAndConnectedAgain(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	first := h.links("person-1", "lister")["fitbit"]
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		h.lister.shows()
		return connectors.Revocation{WasConnected: true, LateData: time.Hour}, nil
	}
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstream, payload.Outcome)
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) { return connectors.Revocation{}, nil }
	payload, err = h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.AlreadyRevoked, payload.Outcome)
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status)

	h.lister.shows(fitbit)
	h.clock.advance(2 * time.Hour)
	again := h.links("person-1", "lister")["fitbit"]
	assert.Equal(t, health.StatusConnected, again.Status)
	assert.Equal(t, first.ID(), again.ID(), "stable for ever")
	assert.True(t, again.ConnectedAt.After(*first.ConnectedAt))
}

func TestASourceBeyondTheCatalogueCanBeRevoked(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(health.DataSource{ID: "zepp", Name: "Zepp"})
	h.links("person-1", "lister")
	h.lister.revocation = func(source health.DataSourceID) (connectors.Revocation, error) {
		assert.Equal(t, health.DataSourceID("zepp"), source)
		h.lister.shows()
		return connectors.Revocation{WasConnected: true}, nil
	}
	payload, err := h.Revoke(t.Context(), "person-1", "zepp", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedUpstream, payload.Outcome, "although the list has no line for it any more")
	assert.Equal(t, health.StatusRevoked, payload.Link.Status)
	records, _ := h.stored("person-1")
	require.Len(t, records, 1)
	assert.Equal(t, health.DataSourceID("zepp"), records[0].DataSource)
	assert.Equal(t, health.StatusRevoked, records[0].Status)
}

func TestWhereTheUpstreamOffersNoRevocationTheGrantIsForgotten(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.grant("person-2", nil)
	h.links("person-1", "granter")
	payload, err := h.Revoke(t.Context(), "person-1", "granter", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokedLocallyOnly, payload.Outcome)
	assert.Equal(t, health.StatusRevoked, payload.Link.Status)
	assert.Equal(t, "end it in Granter's app as well", payload.Problem.Message)
	_, grants := h.stored("person-1")
	assert.Empty(t, grants)
	_, grants = h.stored("person-2")
	assert.Len(t, grants, 1, "another person's stays")

	payload, err = h.Revoke(t.Context(), "person-1", "granter", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.AlreadyRevoked, payload.Outcome)
	assert.Nil(t, payload.Problem)
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "granter")["granter"].Status)

	h.grant("person-1", nil)
	assert.Equal(t, health.StatusConnected, h.links("person-1", "granter")["granter"].Status)
}

func TestOneWhoNeverLinkedHasNothingToRevoke(t *testing.T) {
	h := newHouse(t)
	payload, err := h.Revoke(t.Context(), "person-1", "granter", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.AlreadyRevoked, payload.Outcome)
	assert.Equal(t, health.StatusNotConnected, payload.Link.Status)
}

func TestAnUnknownSourceIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	h := newHouse(t)
	_, err := h.Revoke(t.Context(), "person-1", "no_such_thing", byPerson)
	assert.Equal(t, health.BadUserInput, codeOf(err))
	assert.Equal(t, "input.dataSource", health.AsError(err).Argument)
	assert.ErrorContains(t, err, "fitbit, apple_health, granter")
	assert.NotContains(t, err.Error(), "no_such_thing")
	assert.Empty(t, h.lister.made())
}

// plain is an upstream that shows a list and can't revoke.
type plain struct{ list *lister }

// Describe implements connectors.Connector.
func (p plain) Describe() connectors.Description { return p.list.Describe() }

// AcceptsID implements connectors.Identifier.
func (p plain) AcceptsID(id string) bool { return p.list.AcceptsID(id) }

// ReadLinks implements connectors.LinkReader.
func (p plain) ReadLinks(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	return p.list.ReadLinks(ctx, accounts)
}

func TestWhereNothingCanRevokeThePersonIsTold(t *testing.T) {
	h := newHouse(t)
	registry, err := connectors.NewRegistry(plain{h.lister})
	require.NoError(t, err)
	config := h.config
	config.Registry = registry
	h.lister.shows(fitbit)
	payload, err := h.another(config).Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, health.RevokeFailed, payload.Outcome)
	assert.Equal(t, health.StatusConnected, payload.Link.Status)
	assert.Equal(t, health.Unsupported, payload.Problem.Code)
}

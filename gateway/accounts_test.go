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

// finish links the person to the account a-1.
func (h *house) finish(user health.UserID) error {
	h.t.Helper()
	_, err := h.Complete(h.t.Context(), gateway.CompleteRequest{User: user, URL: back(h.state(user)), Actor: byPerson})
	return err
}

func (h *house) actions(user health.UserID) (actions []health.AccessAction) {
	h.t.Helper()
	log, err := h.AccessLog(h.t.Context(), user, gateway.MaxAccessEvents, "")
	require.NoError(h.t, err)
	for _, entry := range log.Nodes {
		actions = append(actions, entry.Action)
	}
	return actions
}

func TestAnAccountIsOnePersons(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.finish("person-1"))
	assert.Equal(t, health.AccountInUse, codeOf(h.finish("person-2")))
	_, grants := h.stored("person-2")
	assert.Empty(t, grants)
	assert.Equal(t, health.StatusNotConnected, h.links("person-2", "granter")["granter"].Status)
	assert.Empty(t, h.actions("person-2"))
	link := h.links("person-1", "granter")["granter"]
	assert.Equal(t, health.StatusConnected, link.Status)
	assert.True(t, *link.AccountVerified)

	_, err := h.Revoke(t.Context(), "person-1", "granter", byPerson)
	require.NoError(t, err)
	assert.Nil(t, h.links("person-1", "granter")["granter"].AccountVerified)
	require.NoError(t, h.finish("person-2"), "it is free again")
}

func TestAnAccountMayBeSharedWhereTheOperatorSaysSo(t *testing.T) {
	h := newHouse(t)
	h.shareAccounts()
	require.NoError(t, h.finish("person-1"))
	require.NoError(t, h.finish("person-2"))
	for _, user := range []health.UserID{"person-1", "person-2"} {
		assert.Equal(t, health.StatusConnected, h.links(user, "granter")["granter"].Status)
	}
}

// Who can't prove whose the account is does not keep it from who can.
func TestProofTakesAnAccountFromWhoHasNone(t *testing.T) {
	h := newHouse(t)
	h.granter.profileErr = down
	require.NoError(t, h.finish("person-1"))
	link := h.links("person-1", "granter")["granter"]
	assert.Equal(t, health.StatusConnected, link.Status)
	assert.False(t, *link.AccountVerified, "and says so")
	assert.Equal(t, health.AccountInUse, codeOf(h.finish("person-2")), "nobody has proof: the first keeps it")

	h.granter.profileErr = nil
	require.NoError(t, h.finish("person-2"))
	assert.Equal(t, health.StatusNotConnected, h.links("person-1", "granter")["granter"].Status)
	assert.Equal(t, []health.AccessAction{health.AccessEnded, health.AccessLinked}, h.actions("person-1"))
	assert.True(t, *h.links("person-2", "granter")["granter"].AccountVerified)
	assert.Equal(t, health.AccountInUse, codeOf(h.finish("person-1")))
}

func TestAnAccountIsVerifiedAsSoonAsTheProfileCanBeRead(t *testing.T) {
	h := newHouse(t)
	h.granter.profileErr = down
	require.NoError(t, h.finish("person-1"))
	h.HomeZone(t.Context(), h.person("person-1"))
	assert.False(t, *h.links("person-1", "granter")["granter"].AccountVerified)
	h.granter.profileErr = nil
	h.HomeZone(t.Context(), h.person("person-1"))
	assert.True(t, *h.links("person-1", "granter")["granter"].AccountVerified)
}

func TestAGrantForAnotherAccountIsForgottenUnlessItWasConfirmedBefore(t *testing.T) {
	other := connectors.Profile{AccountID: "another", Scopes: []string{"steps", "profile"}}
	t.Run("never confirmed", func(t *testing.T) {
		h := newHouse(t)
		h.granter.profileErr = down
		require.NoError(t, h.finish("person-1"))
		h.granter.profile, h.granter.profileErr = other, nil
		assert.Equal(t, health.ZoneDefault, h.HomeZone(t.Context(), h.person("person-1")).Origin)
		assert.Equal(t, health.StatusNotConnected, h.links("person-1", "granter")["granter"].Status)
		assert.Equal(t, []health.AccessAction{health.AccessEnded, health.AccessLinked}, h.actions("person-1"))
	})
	t.Run("confirmed", func(t *testing.T) {
		h := newHouse(t)
		require.NoError(t, h.finish("person-1"))
		h.clock.advance(2 * time.Hour)
		h.granter.profile = other
		h.HomeZone(t.Context(), h.person("person-1"))
		assert.Equal(t, health.StatusConnected, h.links("person-1", "granter")["granter"].Status)
		assert.Contains(t, h.log.String(), "names another account than the person linked")
		assert.NotContains(t, h.log.String(), "another\"", "which one is nobody's concern")
	})
	t.Run("linked again while it was asked", func(t *testing.T) {
		h := newHouse(t)
		h.granter.profileErr = down
		require.NoError(t, h.finish("person-1"))
		stale := h.person("person-1")
		h.clock.advance(time.Second)
		h.grant("person-1", &connectors.Profile{AccountID: "account-of-person-1"})
		h.granter.profile, h.granter.profileErr = other, nil
		h.HomeZone(t.Context(), stale)
		link := h.links("person-1", "granter")["granter"]
		assert.Equal(t, health.StatusConnected, link.Status, "the answer was about the grant before")
		assert.True(t, *link.AccountVerified)
	})
	t.Run("not in a row", func(t *testing.T) {
		h := newHouse(t)
		for _, user := range []health.UserID{"person-1", "person-2", "person-3", "person-4"} {
			h.granter.profileErr = down
			h.grant(user, nil)
			h.granter.profile, h.granter.profileErr = other, nil
			h.HomeZone(t.Context(), h.person(user))
			assert.Equal(t, health.StatusNotConnected, h.links(user, "granter")["granter"].Status, user)
			h.granter.profile = connectors.Profile{AccountID: "a-1"}
			require.NoError(t, h.finish("person-between"), "whom the upstream names as the browser did")
			_, err := h.Revoke(t.Context(), "person-between", "granter", byPerson)
			require.NoError(t, err)
		}
		assert.NotContains(t, h.log.String(), "ALARM")
	})
	t.Run("said of everybody", func(t *testing.T) {
		h := newHouse(t)
		h.granter.profileErr = down
		users := []health.UserID{"person-1", "person-2", "person-3", "person-4"}
		for _, user := range users {
			h.grant(user, nil)
		}
		h.granter.profile, h.granter.profileErr = other, nil
		connected := 0
		for _, user := range users {
			h.HomeZone(t.Context(), h.person(user))
			if h.links(user, "granter")["granter"].Status == health.StatusConnected {
				connected++
			}
		}
		assert.Equal(t, 2, connected, "the third in a row is not believed any more")
		assert.Contains(t, h.log.String(), "ALARM")
	})
}

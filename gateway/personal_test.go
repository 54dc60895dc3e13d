package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

func (h *house) byToken(account string) error {
	h.t.Helper()
	payload, err := h.LinkByPersonalToken(h.t.Context(), gateway.PersonalTokenRequest{
		User: "person-1", DataSource: "granter", AccountID: account, Token: health.NewSecret("personal-canary"), Actor: byPerson,
	})
	if err == nil {
		assert.Equal(h.t, health.StatusConnected, payload.Link.Status)
		assert.True(h.t, *payload.Link.AccountVerified)
	}
	return err
}

func TestAPersonalTokenIsForTheAccountThatItsProfileNames(t *testing.T) {
	h := newHouse(t)
	refused := health.AsError(h.byToken("another"))
	require.Equal(t, health.BadUserInput, codeOf(refused))
	assert.Equal(t, "input.accountId", refused.Argument)
	h.granter.profile = connectors.Profile{}
	assert.Equal(t, health.UpstreamInvalid, codeOf(h.byToken("a-1")), "it does not say whose it is")
	_, grants := h.stored("person-1")
	assert.Empty(t, grants)
	h.granter.profile = connectors.Profile{AccountID: "a-1", Scopes: []string{"steps"}}
	require.NoError(t, h.byToken("a-1"))
	_, grants = h.stored("person-1")
	require.Len(t, grants, 1)
	assert.True(t, grants[0].ExpiresAt.IsZero())
	assert.NotContains(t, h.log.String(), "canary")
}

func TestAnUnreadProfileStoresNoPersonalToken(t *testing.T) {
	h := newHouse(t)
	require.NoError(t, h.byToken("a-1"))
	_, before := h.stored("person-1")
	h.granter.profileErr = down
	assert.Equal(t, health.UpstreamUnavailable, codeOf(h.byToken("a-1")))
	_, after := h.stored("person-1")
	assert.Equal(t, before, after, "and an earlier link stands")
}

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

func (h *house) authorizationURL(user health.UserID, source health.DataSourceID, redirect *health.URL) (health.AuthorizationURL, error) {
	h.t.Helper()
	request, err := h.AuthorizeRequest(h.t.Context(), source, redirect)
	if err != nil {
		return health.AuthorizationURL{}, err
	}
	return h.AuthorizationURL(h.t.Context(), h.person(user), request), nil
}

func TestTheUpstreamIsAskedForItsPage(t *testing.T) {
	h := newHouse(t)
	h.lister.authorize = func(connectors.AuthorizeRequest) (connectors.Authorization, error) {
		return connectors.Authorization{URL: "https://lister.example/consent"}, nil
	}
	answer, err := h.authorizationURL("person-1", "fitbit", pointer(health.URL(returnURL)))
	require.NoError(t, err)
	assert.Equal(t, health.URL("https://lister.example/consent"), *answer.URL)
	assert.False(t, *answer.Authorized)
	assert.Nil(t, answer.Problem)
	assert.Equal(t, []string{"authorize person-1 fitbit " + returnURL}, h.lister.made())
}

func TestOneWhoIsLinkedAlreadyNeedsNoPage(t *testing.T) {
	h := newHouse(t)
	h.lister.authorize = func(connectors.AuthorizeRequest) (connectors.Authorization, error) {
		return connectors.Authorization{Authorized: true}, nil
	}
	h.grant("person-1", nil)
	for _, source := range []health.DataSourceID{"fitbit", "granter"} {
		answer, err := h.authorizationURL("person-1", source, nil)
		require.NoError(t, err)
		assert.True(t, *answer.Authorized)
		assert.Nil(t, answer.URL)
	}
}

func TestAReturnURLHasToBeAllowedByOperatorAndUpstream(t *testing.T) {
	h := newHouse(t)
	for redirect, good := range map[health.URL]bool{
		returnURL: true, "https://app.example/other": false /* by the upstream */, "https://evil.example/back": false,
		returnURL + "/": false, returnURL + "?x": false, "HTTPS://app.example/back": false,
	} {
		_, err := h.AuthorizeRequest(t.Context(), "fitbit", &redirect)
		assert.Equal(t, good, err == nil, redirect)
		if err != nil {
			assert.Equal(t, "redirectUrl", health.AsError(err).Argument)
			assert.Equal(t, health.BadUserInput, codeOf(err))
			assert.NotContains(t, err.Error(), "evil")
		}
	}
	assert.Empty(t, h.lister.made())
	config := h.config
	config.ReturnURLs = nil
	_, err := h.another(config).AuthorizeRequest(t.Context(), "fitbit", pointer(health.URL(returnURL)))
	assert.ErrorContains(t, err, "leave it out")
}

func TestAnOAuthPageIsMadeWithoutAnyCallOrWrite(t *testing.T) {
	h := newHouse(t)
	person := h.person("person-1")
	request, err := h.AuthorizeRequest(t.Context(), "granter", nil)
	require.NoError(t, err)
	var answer health.AuthorizationURL
	assert.Empty(t, h.statementsOf(func() { answer = h.AuthorizationURL(t.Context(), person, request) }))
	assert.Empty(t, h.granter.made())
	assert.False(t, *answer.Authorized)
	assert.WithinDuration(t, h.clock.Now().Add(30*time.Minute), *answer.ExpiresAt, time.Second)
	assert.NotContains(t, string(*answer.URL), "person-1", "the state is sealed")
	assert.NotEqual(t, *answer.URL, *h.AuthorizationURL(t.Context(), person, request).URL, "each has a nonce of its own")
}

func TestAnSDKsSourceHasNoPage(t *testing.T) {
	h := newHouse(t)
	answer, err := h.authorizationURL("person-1", "apple_health", nil)
	require.NoError(t, err)
	assert.Nil(t, answer.URL)
	assert.Equal(t, health.Unsupported, answer.Problem.Code)
	assert.Empty(t, h.lister.made())
}

func TestAnUpstreamThatFailsIsAProblemInTheAnswer(t *testing.T) {
	h := newHouse(t)
	h.lister.authorize = func(connectors.AuthorizeRequest) (connectors.Authorization, error) {
		return connectors.Authorization{}, down
	}
	answer, err := h.authorizationURL("person-1", "fitbit", nil)
	require.NoError(t, err)
	assert.Nil(t, answer.Authorized, "which is not known")
	assert.Equal(t, health.UpstreamUnavailable, answer.Problem.Code)
	assert.Equal(t, fitbit.ID, answer.Problem.DataSource.ID)
}

func TestAFilterHoldsKnownSourcesAndNotTooMany(t *testing.T) {
	h := newHouse(t)
	many := make([]string, gateway.MaxDataSources+1)
	for i := range many {
		many[i] = "fitbit"
	}
	for name, c := range map[string]struct {
		ids  []string
		good bool
	}{
		"no argument": {nil, true}, "one": {many[:1], true}, "the most": {many[:gateway.MaxDataSources], true},
		"an empty list": {[]string{}, false}, "too many": {many, false}, "unknown": {[]string{"fitbit", "nope"}, false}, "empty": {[]string{""}, false},
	} {
		filter, err := h.Filter(t.Context(), c.ids)
		assert.Equal(t, c.good, err == nil, name)
		if !c.good {
			assert.Equal(t, "dataSources", health.AsError(err).Argument)
			continue
		}
		assert.True(t, filter.Allows("fitbit"))
		assert.Equal(t, c.ids == nil, filter.Allows("granter"), name)
	}
	filter, err := h.Filter(t.Context(), []string{"granter"})
	require.NoError(t, err)
	assert.Equal(t, []string{"granter"}, h.StepConnectors(filter))
	assert.Equal(t, []string{"lister", "granter"}, h.StepConnectors(gateway.Filter{}))
}

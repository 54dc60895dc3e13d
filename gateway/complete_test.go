package gateway_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// state begins a link at the granter and gives the state that is sent with the browser.
func (h *house) state(user health.UserID) string {
	h.t.Helper()
	request, err := h.AuthorizeRequest(h.t.Context(), "granter", nil)
	require.NoError(h.t, err)
	answer := h.AuthorizationURL(h.t.Context(), h.person(user), request)
	require.NotNil(h.t, answer.URL)
	page, err := url.Parse(string(*answer.URL))
	require.NoError(h.t, err)
	return page.Query().Get("state")
}

func back(state string) string {
	return returnURL + "?code=c-1&account=a-1&state=" + url.QueryEscape(state)
}

func TestALinkIsFinishedByThePersonWhoBeganIt(t *testing.T) {
	h := newHouse(t)
	payload, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(h.state("person-1"))})
	require.NoError(t, err)
	assert.Equal(t, health.StatusConnected, payload.Link.Status)
	assert.Nil(t, payload.Problem)
	assert.Equal(t, []string{"steps", "profile"}, payload.Link.ScopesGranted)
	assert.Equal(t, []string{"exchange c-1 " + returnURL, "profile a-1"}, h.granter.made())
	_, grants := h.stored("person-1")
	require.Len(t, grants, 1)
	assert.Equal(t, "a-1", grants[0].AccountID)
	assert.NotContains(t, string(grants[0].Sealed), "canary")
	assert.NotContains(t, h.log.String(), "canary")
}

func TestAServiceMayFinishALinkWithoutSayingWhose(t *testing.T) {
	h := newHouse(t)
	payload, err := h.Complete(t.Context(), gateway.CompleteRequest{URL: back(h.state("person-1")), DataSource: pointer(granted.ID)})
	require.NoError(t, err)
	assert.Equal(t, health.UserID("person-1"), payload.Link.User)
	assert.Equal(t, health.StatusConnected, payload.Link.Status)
}

func TestWhatIsNotAReturnOfOursChangesNothingAndAsksNobody(t *testing.T) {
	for name, c := range map[string]struct {
		user     health.UserID
		url      func(state string) string
		source   *health.DataSourceID
		after    time.Duration
		code     health.Code
		argument string
	}{
		"another person's":       {"person-3", back, nil, 0, health.Forbidden, "input.url"},
		"forged":                 {"person-1", func(string) string { return back("forged") }, nil, 0, health.BadUserInput, "input.url"},
		"altered":                {"person-1", func(s string) string { return back(flip(s)) }, nil, 0, health.BadUserInput, "input.url"},
		"cut short":              {"person-1", func(s string) string { return back(s[:len(s)-4]) }, nil, 0, health.BadUserInput, "input.url"},
		"an empty state":         {"person-1", func(string) string { return back("") }, nil, 0, health.BadUserInput, "input.url"},
		"a huge state":           {"person-1", func(string) string { return back(strings.Repeat("A", 1<<20)) }, nil, 0, health.BadUserInput, "input.url"},
		"no state":               {"person-1", func(string) string { return returnURL + "?code=c-1" }, nil, 0, health.BadUserInput, "input.url"},
		"two states":             {"person-1", func(s string) string { return back(s) + "&state=x" }, nil, 0, health.BadUserInput, "input.url"},
		"expired":                {"person-1", back, nil, 30 * time.Minute, health.BadUserInput, "input.url"},
		"another page":           {"person-1", func(s string) string { return strings.Replace(back(s), "/back", "/other", 1) }, nil, 0, health.BadUserInput, "input.url"},
		"another host":           {"person-1", func(s string) string { return strings.Replace(back(s), "app.example", "evil.example", 1) }, nil, 0, health.BadUserInput, "input.url"},
		"another scheme":         {"person-1", func(s string) string { return strings.Replace(back(s), "https:", "http:", 1) }, nil, 0, health.BadUserInput, "input.url"},
		"another port":           {"person-1", func(s string) string { return strings.Replace(back(s), "app.example", "app.example:8443", 1) }, nil, 0, health.BadUserInput, "input.url"},
		"no code":                {"person-1", func(s string) string { return strings.Replace(back(s), "code=c-1", "code=", 1) }, nil, 0, health.BadUserInput, "input.url"},
		"a malformed query":      {"person-1", func(s string) string { return back(s) + "&%zz" }, nil, 0, health.BadUserInput, "input.url"},
		"no URL":                 {"person-1", func(string) string { return ":" }, nil, 0, health.BadUserInput, "input.url"},
		"another source's":       {"person-1", back, pointer(health.DataSourceID("no_such_thing")), 0, health.BadUserInput, "input.dataSource"},
		"a list's, without whom": {"", back, pointer(fitbit.ID), 0, health.BadUserInput, "input.userId"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			state := h.state("person-1")
			h.clock.advance(c.after)
			_, err := h.Complete(t.Context(), gateway.CompleteRequest{User: c.user, URL: c.url(state), DataSource: c.source})
			require.Error(t, err)
			failure := health.AsError(err)
			assert.Equal(t, c.code, failure.Code)
			assert.Equal(t, c.argument, failure.Argument)
			assert.NotContains(t, err.Error(), state)
			assert.Empty(t, h.granter.made(), "nobody is asked")
			assert.Empty(t, h.lister.made(), "nobody is asked")
			for _, user := range []health.UserID{"person-1", "person-3"} {
				records, grants := h.stored(user)
				assert.Empty(t, records)
				assert.Empty(t, grants)
			}
			if c.after == 0 {
				payload, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(state)})
				require.NoError(t, err, "the state was not spent")
				assert.Equal(t, health.StatusConnected, payload.Link.Status)
			}
		})
	}
}

func TestAStateLastsToItsLastMoment(t *testing.T) {
	h := newHouse(t)
	state := h.state("person-1")
	h.clock.advance(29*time.Minute + 58*time.Second)
	_, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(state)})
	assert.NoError(t, err)
}

func TestAReturnThatIsUsedAgainTellsHowTheLinkStands(t *testing.T) {
	h := newHouse(t)
	state := h.state("person-1")
	_, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(state)})
	require.NoError(t, err)
	h.granter.forget()
	_, before := h.stored("person-1")
	_, err = h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(state)})
	assert.Equal(t, health.BadUserInput, codeOf(err))
	assert.Equal(t, health.StatusConnected, health.AsError(err).LinkStatus)
	assert.Empty(t, h.granter.made(), "without a second exchange")
	_, after := h.stored("person-1")
	assert.Equal(t, before, after)

	_, err = h.Complete(t.Context(), gateway.CompleteRequest{User: "person-3", URL: back(state)})
	assert.Equal(t, health.Forbidden, codeOf(err))
	assert.Empty(t, health.AsError(err).LinkStatus, "which is not another person's to know")
}

func TestAPersonWhoSaidNoIsNotConnected(t *testing.T) {
	h := newHouse(t)
	state := h.state("person-1")
	payload, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: returnURL + "?error=access_denied&state=" + url.QueryEscape(state)})
	require.NoError(t, err)
	assert.Equal(t, health.StatusNotConnected, payload.Link.Status)
	require.NotNil(t, payload.Problem)
	assert.Equal(t, health.NotConnected, payload.Problem.Code)
	assert.Equal(t, granted.ID, payload.Problem.DataSource.ID)
	assert.Empty(t, h.granter.made())

	_, err = h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(state)})
	assert.Equal(t, health.StatusNotConnected, health.AsError(err).LinkStatus, "the state is spent")
}

func TestAnAccountThatTheGrantDoesNotBelongToIsRefused(t *testing.T) {
	h := newHouse(t)
	_, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: strings.Replace(back(h.state("person-1")), "account=a-1", "account=a-2", 1)})
	assert.Equal(t, health.BadUserInput, codeOf(err))
	_, grants := h.stored("person-1")
	assert.Empty(t, grants)
}

func TestAProfileThatCannotBeReadCostsNoLink(t *testing.T) {
	h := newHouse(t)
	h.granter.profileErr = down
	payload, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(h.state("person-1"))})
	require.NoError(t, err)
	assert.Equal(t, health.StatusConnected, payload.Link.Status)
	assert.Nil(t, payload.Link.ScopesGranted)
}

func TestAFailedExchangeLinksNothing(t *testing.T) {
	h := newHouse(t)
	h.granter.exchangeErr = health.Refuse("url", "the code was used")
	_, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(h.state("person-1"))})
	assert.Equal(t, health.BadUserInput, codeOf(err), "a refused code")
	assert.Equal(t, "input.url", health.AsError(err).Argument)

	h.granter.exchangeErr = down
	payload, err := h.Complete(t.Context(), gateway.CompleteRequest{User: "person-1", URL: back(h.state("person-1"))})
	require.NoError(t, err)
	assert.Equal(t, health.StatusNotConnected, payload.Link.Status)
	assert.Equal(t, health.UpstreamUnavailable, payload.Problem.Code)
	_, grants := h.stored("person-1")
	assert.Empty(t, grants)
}

func TestWhereTheListDecidesTheURLIsNotBelieved(t *testing.T) {
	h := newHouse(t)
	h.lister.links = func(account string) connectors.LinksResult {
		return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: account == "person-3"}}}
	}
	request := gateway.CompleteRequest{User: "person-1", URL: "https://app.example/back/client_uuid/x/user_id/person-3?user_id=person-3", DataSource: pointer(fitbit.ID)}
	payload, err := h.Complete(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, health.UserID("person-1"), payload.Link.User)
	assert.Equal(t, health.StatusPending, payload.Link.Status)
	assert.Equal(t, health.NotConnected, payload.Problem.Code)
	assert.Equal(t, []string{"links person-1"}, h.lister.made())

	h.clock.advance(15 * time.Minute)
	assert.Equal(t, health.StatusNotConnected, h.links("person-1", "lister")["fitbit"].Status, "it was awaited for long enough")

	h.lister.shows(fitbit)
	payload, err = h.Complete(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, health.StatusConnected, payload.Link.Status)
	assert.Nil(t, payload.Problem)

	h.lister.isDown()
	payload, err = h.Complete(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, health.StatusUnknown, payload.Link.Status)
	assert.Equal(t, health.UpstreamUnavailable, payload.Problem.Code)
}

// flip alters one letter in the middle.
func flip(s string) string {
	b := []byte(s)
	if b[len(b)/2] == 'A' {
		b[len(b)/2] = 'B'
	} else {
		b[len(b)/2] = 'A'
	}
	return string(b)
}

package onetwentyone_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
	simulator "healthgraph/simulators/onetwentyone"
)

type switches = simulator.Switches

// world is a simulated OneTwentyOne on a port of its own, and a connector to it.
type world struct {
	testing.TB
	*onetwentyone.Connector
	sim *simulator.Simulator
}

func simulated(tb testing.TB, change func(*switches), encoding onetwentyone.TokenEncoding) world {
	tb.Helper()
	config := simulator.Config{ClientID: "client-1", ClientSecret: clientSecret, RedirectURIs: []string{back},
		HistoryStart: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	sim := simulator.New(config)
	sim.Switch(change)
	sim.Control().Clock.Freeze(noon)
	server := httptest.NewServer(sim.Handler())
	tb.Cleanup(server.Close)
	own := configured(server.URL, connectors.ClientConfig{Now: func() time.Time { return noon }})
	own.TokenEncoding = encoding
	connector, err := onetwentyone.New(own)
	require.NoError(tb, err)
	return world{tb, connector, sim}
}

// bearer signs with a token, and asks for small pages so that there are many.
type bearer struct {
	token    string
	pageSize string
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	if query := r.URL.Query(); b.pageSize != "" && query.Has("pageSize") {
		query.Set("pageSize", b.pageSize)
		r.URL.RawQuery = query.Encode()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// link lets the person decide as in the browser, and exchanges what comes back.
func (w world) link(decision string, scopes ...string) (connectors.Grant, error) {
	w.Helper()
	authorization, err := w.Authorize(w.Context(), connectors.AuthorizeRequest{State: "sealed state&more"})
	require.NoError(w, err)
	page, err := url.Parse(authorization.URL)
	require.NoError(w, err)
	form := page.Query()
	form.Set("user", "demo")
	form.Set("decision", decision)
	form["scope"] = scopes
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(page.Scheme+"://"+page.Host+page.Path, form)
	require.NoError(w, err)
	require.NoError(w, response.Body.Close())
	location, err := response.Location()
	require.NoError(w, err)
	assert.Equal(w, "sealed state&more", location.Query().Get("state"))
	return w.Exchange(w.Context(), location.Query(), "")
}

func account(grant connectors.Grant, pageSize string) connectors.Account {
	return connectors.Account{ID: grant.AccountID, Client: &http.Client{Transport: bearer{grant.AccessToken.Reveal(), pageSize}}}
}

var week = health.DateRange{From: day("2026-03-25"), To: day("2026-03-31")}

// seen is what of the samples every way of answering must agree on.
func seen(t *testing.T, result connectortest.AllSamples) (all []health.Sample) {
	t.Helper()
	require.NoError(t, result.Err)
	assert.Zero(t, result.Refused)
	for _, s := range result.Samples {
		if s.Start.Before(time.Date(2026, 3, 31, 22, 0, 0, 0, time.UTC)) && !s.End.Before(time.Date(2026, 3, 24, 23, 0, 0, 0, time.UTC)) { // Paris
			all = append(all, health.Sample{Start: s.Start, End: s.End, Value: s.Value})
		}
	}
	return all
}

// Whichever way OneTwentyOne's open questions are answered, a person links, is renewed and read alike.
func TestAgainstTheSimulator(t *testing.T) {
	plain := simulated(t, func(*switches) {}, onetwentyone.JSON)
	grant, err := plain.link("allow", "profile", "quantity")
	require.NoError(t, err)
	want := seen(t, connectortest.ReadAllSamples(t.Context(), plain, account(grant, ""), stepsOn(week)))
	require.Greater(t, len(want), 100)

	for name, change := range map[string]func(*switches){
		"as assumed":            func(*switches) {},
		"camel case":            func(s *switches) { s.ItemNames = "camel" },
		"numbers as texts":      func(s *switches) { s.Numbers = "string" },
		"times with offsets":    func(s *switches) { s.Times = "offset" },
		"local times":           func(s *switches) { s.Times = "local" },
		"no devices":            func(s *switches) { s.ItemDevices = false },
		"no ids":                func(s *switches) { s.ItemIDs = false },
		"the end excluded":      func(s *switches) { s.EndDate = "exclusive" },
		"dates at home":         func(s *switches) { s.PlainDates = "home" },
		"at home, end excluded": func(s *switches) { s.PlainDates, s.EndDate = "home", "exclusive" },
		"by overlap":            func(s *switches) { s.RangeBy = "overlap" },
		"no next page":          func(s *switches) { s.NoPage = "absent" },
		"a foreign next page":   func(s *switches) { s.NextPage = "foreign" },
		"limits in headers":     func(s *switches) { s.LimitIn = "headers" },
		"no limits":             func(s *switches) { s.LimitIn = "none" },
		"a lifetime in answers": func(s *switches) { s.TokenExpiresIn = true },
		"rotating tokens":       func(s *switches) { s.RotateRefreshTokens = true },
		"JSON alone":            func(s *switches) { s.TokenEncoding = "json" },
		"forms alone":           func(s *switches) { s.TokenEncoding = "form" },
		"strict parameters":     func(s *switches) { s.RejectExtraParams = true },
	} {
		t.Run(name, func(t *testing.T) {
			encoding := onetwentyone.JSON
			if name == "forms alone" {
				encoding = onetwentyone.Form
			}
			w := simulated(t, change, encoding)
			grant, err := w.link("allow", "profile", "quantity")
			require.NoError(t, err)
			assert.Equal(t, w.sim.UserID("demo"), grant.AccountID)
			grant, err = w.Refresh(t.Context(), grant)
			require.NoError(t, err)
			grant, err = w.Refresh(t.Context(), grant)
			require.NoError(t, err)
			profile, err := w.ReadProfile(t.Context(), account(grant, ""))
			require.NoError(t, err)
			assert.Equal(t, grant.AccountID, profile.AccountID)
			assert.Equal(t, "Europe/Paris", profile.TimeZone.String())
			assert.ElementsMatch(t, []string{"profile", "quantity"}, profile.Scopes)
			for _, pageSize := range []string{"", "50"} {
				assert.Equal(t, want, seen(t, connectortest.ReadAllSamples(t.Context(), w, account(grant, pageSize), stepsOn(week))))
			}
		})
	}
}

// Samples that arrive while the pages are turned shift nothing.
func TestSamplesThatArriveMeanwhile(t *testing.T) {
	w := simulated(t, func(s *switches) { s.ExtraSamples = 3 }, onetwentyone.JSON)
	grant, err := w.link("allow", "quantity")
	require.NoError(t, err)
	twoDays := health.DateRange{From: day("2026-03-25"), To: day("2026-03-26")}
	before := simulated(t, func(*switches) {}, onetwentyone.JSON)
	other, err := before.link("allow", "quantity")
	require.NoError(t, err)
	whole := connectortest.ReadAllSamples(t.Context(), before, account(other, ""), stepsOn(twoDays))
	got := connectortest.ReadAllSamples(t.Context(), w, account(grant, "100"), stepsOn(twoDays))
	require.NoError(t, got.Err)
	found := map[string]int{}
	for _, s := range got.Samples {
		found[s.ID]++
	}
	for _, s := range whole.Samples {
		assert.Equal(t, 1, found[s.ID])
	}
}

func TestSimulatedRefusals(t *testing.T) {
	w := simulated(t, func(*switches) {}, onetwentyone.JSON)
	_, err := w.link("deny")
	assert.Equal(t, health.NotConnected, code(err))

	grant, err := w.link("allow", "profile")
	require.NoError(t, err)
	missing := connectortest.ReadAllSamples(t.Context(), w, account(grant, ""), stepsOn(week))
	assert.Equal(t, health.ReauthorizationRequired, code(missing.Err), "the scope was not granted")

	_, err = w.Exchange(t.Context(), url.Values{"code": {"unknown"}, "user_id": {grant.AccountID}}, "")
	assert.Equal(t, health.BadUserInput, code(err))
	grant.RefreshToken = health.NewSecret("unknown")
	_, err = w.Refresh(t.Context(), grant)
	assert.Equal(t, health.ReauthorizationRequired, code(err))

	config := simulator.Config{ClientID: "client-1", ClientSecret: "another secret", RedirectURIs: []string{back}}
	server := httptest.NewServer(simulator.New(config).Handler())
	t.Cleanup(server.Close)
	wrong, err := newConnector(server.URL, connectors.ClientConfig{})
	require.NoError(t, err)
	_, err = wrong.(connectors.Refresher).Refresh(t.Context(), grant)
	assert.Equal(t, health.UpstreamInvalid, code(err), "our own secret is wrong: no person is told to link again")
}

func TestSimulatedMisbehaviour(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*switches)
		code   health.Code
		some   bool
	}{
		"the first page for ever": {func(s *switches) { s.RepeatPage = true }, health.UpstreamInvalid, true},
		"pages without end":       {func(s *switches) { s.NeverEnding = true }, health.UpstreamInvalid, true},
		"a spent limit":           {func(s *switches) { s.DailyLimit = 2 }, health.RateLimited, true},
		"no word on the limit":    {func(s *switches) { s.DailyLimit, s.LimitIn = 2, "none" }, health.RateLimited, true},
		"an error in HTML":        {func(s *switches) { s.ErrorBody, s.DailyLimit, s.RetryAfter = "html", 0, "none" }, health.RateLimited, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := simulated(t, c.change, onetwentyone.JSON)
			grant, err := w.link("allow", "quantity")
			require.NoError(t, err)
			result := connectortest.ReadAllSamples(t.Context(), w, account(grant, "50"), stepsOn(week))
			require.Equal(t, c.code, code(result.Err))
			assert.Equal(t, c.some, len(result.Samples) > 0)
			if c.code == health.RateLimited {
				assert.InDelta(t, 12*time.Hour, health.AsError(result.Err).RetryAfter, float64(time.Second), "until midnight in UTC")
			}
			if strings.Contains(name, "limit") {
				wantCalls := map[string]int{"a spent limit": 2, "no word on the limit": 3}[name]
				assert.Equal(t, wantCalls, w.sim.Control().Calls().Routes["quantity"].Calls)
			}
		})
	}
}

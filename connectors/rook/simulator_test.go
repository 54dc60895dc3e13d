package rook_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/rook"
	"healthgraph/health"
	"healthgraph/simulators"
	simulator "healthgraph/simulators/rook"
)

// simulated starts a simulated ROOK on a port of its own, and a connector to it.
func simulated(t *testing.T, change func(*simulator.Switches)) (*rook.Connector, *simulator.Simulator) {
	t.Helper()
	clock := simulators.NewClock()
	clock.Freeze(noon)
	sim := simulator.New(simulator.Config{Clock: clock, Secret: secretKey})
	sim.Configure(change)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	connector, err := rook.New(rook.Config{BaseURL: server.URL, ClientUUID: simulator.DummyClientUUID, SecretKey: health.NewSecret(secretKey),
		Client: connectors.ClientConfig{Now: func() time.Time { return noon }}})
	require.NoError(t, err)
	return connector, sim
}

// consent decides as the person would in the browser.
func consent(t *testing.T, page, decision string) {
	t.Helper()
	u, err := url.Parse(page)
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(page, url.Values{"state": {u.Query().Get("state")}, "decision": {decision}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Less(t, response.StatusCode, 400)
}

// Whichever way ROOK's open questions are answered, a person links, reads and revokes alike.
func TestAgainstTheSimulator(t *testing.T) {
	for name, change := range map[string]func(*simulator.Switches){
		"as assumed":              func(*simulator.Switches) {},
		"status":                  func(s *simulator.Switches) { s.FlagName = "status" },
		"names in lower case":     func(s *simulator.Switches) { s.NameStyle = "lower" },
		"names in upper case":     func(s *simulator.Switches) { s.NameStyle = "upper" },
		"names in snake case":     func(s *simulator.Switches) { s.NameStyle = "snake" },
		"names in kebab case":     func(s *simulator.Switches) { s.NameStyle = "kebab" },
		"names joined":            func(s *simulator.Switches) { s.NameStyle = "joined" },
		"the older map":           func(s *simulator.Switches) { s.V2List = false },
		"the older map, joined":   func(s *simulator.Switches) { s.V2List, s.V1KeyStyle = false, "joined" },
		"204 for the unknown":     func(s *simulator.Switches) { s.UnknownUserStatus = 204 },
		"404 for the unknown":     func(s *simulator.Switches) { s.UnknownUserStatus = 404 },
		"a null URL":              func(s *simulator.Switches) { s.AuthorizationURLWhenAuthorized = "null" },
		"204 for a late revoke":   func(s *simulator.Switches) { s.RevokeNotConnectedStatus = 204 },
		"404 for no data":         func(s *simulator.Switches) { s.NoDataStatus = 404 },
		"422 for tomorrow":        func(s *simulator.Switches) { s.FutureDateStatus = 422 },
		"no granular data":        func(s *simulator.Switches) { s.GranularData = false },
		"times at UTC's midnight": func(s *simulator.Switches) { s.SummaryInstant = "utcMidnight" },
		"times in UTC":            func(s *simulator.Switches) { s.SummaryInstant = "localMidnightInUTC" },
		"times of extraction":     func(s *simulator.Switches) { s.SummaryInstant = "extraction" },
		"null sources":            func(s *simulator.Switches) { s.NullSources, s.V2NullSources = []string{"Withings"}, "null" },
	} {
		t.Run(name, func(t *testing.T) {
			connector, _ := simulated(t, change)
			demo, stranger := connectors.Account{ID: "demo"}, connectors.Account{ID: "stranger"}
			connected := func(account connectors.Account) (ids []health.DataSourceID) {
				result := connector.ReadLinks(t.Context(), []connectors.Account{account})[0]
				require.NoError(t, result.Err)
				for _, link := range result.Links {
					if link.Connected {
						ids = append(ids, link.DataSource.ID)
					}
				}
				return ids
			}
			assert.Equal(t, []health.DataSourceID{"garmin", "apple_health"}, connected(demo))
			assert.Empty(t, connected(stranger))

			asked := connectors.AuthorizeRequest{Account: stranger, DataSource: oura, ReturnURL: "https://app.example/back"}
			authorization, err := connector.Authorize(t.Context(), asked)
			require.NoError(t, err)
			require.False(t, authorization.Authorized)
			consent(t, authorization.URL, "deny")
			assert.Empty(t, connected(stranger))
			consent(t, authorization.URL, "allow")
			assert.Equal(t, []health.DataSourceID{"oura"}, connected(stranger))
			authorization, err = connector.Authorize(t.Context(), asked)
			require.NoError(t, err)
			assert.Equal(t, connectors.Authorization{Authorized: true}, authorization)

			for _, was := range []bool{true, false} {
				revocation, err := connector.Revoke(t.Context(), stranger, oura)
				require.NoError(t, err)
				assert.True(t, revocation.WasConnected == was || name == "204 for a late revoke")
				assert.Empty(t, connected(stranger))
			}
			readTwoWeeks(t, connector, demo)
		})
	}
}

// readTwoWeeks expects the figures that the simulator invents for demo, whatever their wrapping.
func readTwoWeeks(t *testing.T, connector *rook.Connector, demo connectors.Account) {
	t.Helper()
	dates := health.DateRange{From: day("2026-03-21"), To: day("2026-04-04")}.Each()
	plain, _ := simulated(t, func(*simulator.Switches) {})
	want := plain.ReadDailySteps(t.Context(), demo, dates)
	withSteps := 0
	for i, got := range connector.ReadDailySteps(t.Context(), demo, dates) {
		require.NoError(t, got.Err, dates[i])
		assert.Equal(t, want[i].Total.Steps, got.Total.Steps, dates[i])
		if got.Total.Steps != nil {
			withSteps++
			assert.NotEmpty(t, got.Total.DataSources)
		}
	}
	assert.Greater(t, withSteps, 7)
	assert.Less(t, withSteps, len(dates)-2, "tomorrow and the day after have none yet")
}

// Without distance there are no steps, and zero is not nothing.
func TestSimulatedDaysWithoutSteps(t *testing.T) {
	connector, sim := simulated(t, func(s *simulator.Switches) { s.OmitDistance = true })
	result := connector.ReadDailySteps(t.Context(), connectors.Account{ID: "demo"}, []health.Date{day("2026-03-25")})[0]
	require.NoError(t, result.Err)
	assert.Nil(t, result.Total.Steps)
	assert.NotEmpty(t, result.Total.DataSources)
	assert.Equal(t, int64(1), int64(len(sim.Control().Calls().Log)), "one call for a day")
}

func TestSimulatedFaults(t *testing.T) {
	connector, sim := simulated(t, func(*simulator.Switches) {})
	for kind, want := range map[string]health.Code{
		simulators.KindBrokenJSON: health.UpstreamInvalid, simulators.KindHTML: health.UpstreamInvalid, simulators.KindEmpty: health.UpstreamInvalid,
		simulators.KindDisconnect: health.UpstreamUnavailable, simulators.KindTruncated: health.UpstreamUnavailable,
	} {
		require.NoError(t, sim.Control().SetFaults([]simulators.Fault{{Route: "*", User: "demo", Kind: kind}}))
		results := connector.ReadLinks(t.Context(), []connectors.Account{{ID: "stranger"}, {ID: "demo"}})
		assert.NoError(t, results[0].Err, kind)
		assert.Equal(t, want, code(results[1].Err), kind)
		assert.Equal(t, want, code(connector.ReadDailySteps(t.Context(), connectors.Account{ID: "demo"}, []health.Date{day("2026-03-25")})[0].Err), kind)
	}
}

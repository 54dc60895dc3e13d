package onetwentyone_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
)

const (
	clientSecret = "a-client-secret-that-must-not-show"
	accountID    = "0b5c1f0e-3a52-4e0b-9a51-6c1a7d1b2c01"
	back         = "https://app.example/back"
)

var noon = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)

func file(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(content)
}

func configured(baseURL string, client connectors.ClientConfig) onetwentyone.Config {
	return onetwentyone.Config{BaseURL: baseURL, ClientID: "client-1", ClientSecret: health.NewSecret(clientSecret), RedirectURI: back, Client: client}
}

func newConnector(baseURL string, client connectors.ClientConfig) (connectors.Connector, error) {
	return onetwentyone.New(configured(baseURL, client))
}

// against makes a connector whose OneTwentyOne is the handler, and an account whose client does not sign.
func against(t *testing.T, handler http.HandlerFunc) (*onetwentyone.Connector, connectors.Account) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	connector, err := onetwentyone.New(configured(server.URL, connectors.ClientConfig{Now: func() time.Time { return noon }}))
	require.NoError(t, err)
	return connector, connectors.Account{ID: accountID, Client: server.Client()}
}

// answering makes one whose OneTwentyOne always answers the same.
func answering(t *testing.T, status int, body string) (*onetwentyone.Connector, connectors.Account) {
	t.Helper()
	return against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func code(err error) health.Code {
	if err == nil {
		return ""
	}
	return health.AsError(err).Code
}

func day(text string) health.Date {
	date, err := health.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return date
}

func TestConformance(t *testing.T) {
	profile := file(t, "profile.json")
	pages := map[string]string{"1": file(t, "page1.json"), "2": file(t, "page2.json")}
	sleep := map[string]string{"1": file(t, "sleep1.json"), "2": file(t, "sleep2.json")}
	connectortest.Run(t, connectortest.Harness{
		New: newConnector,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch path := r.URL.Path; {
			case path == "/api/token":
				_, _ = io.WriteString(w, `{"access_token":"at-1","refresh_token":"rt-1"}`)
			case path == "/api/refresh":
				_, _ = io.WriteString(w, `{"access_token":"at-2","expires_in":3600}`)
			case strings.HasPrefix(path, "/api/v1/profile/"):
				_, _ = io.WriteString(w, profile)
			case strings.HasPrefix(path, "/api/v1/sleep/"):
				_, _ = io.WriteString(w, sleep[r.URL.Query().Get("page")])
			case pages[r.URL.Query().Get("page")] != "":
				_, _ = io.WriteString(w, pages[r.URL.Query().Get("page")])
			default:
				_, _ = io.WriteString(w, `{"pagination":{"has_more":false},"data":[]}`)
			}
		}),
		Now:       noon,
		Accounts:  []string{accountID, "0b5c1f0e-3a52-4e0b-9a51-6c1a7d1b2c02"},
		Source:    health.DataSource{ID: "onetwentyone", Name: "OneTwentyOne", Kind: health.KindBrowser},
		ReturnURL: back,
		Return:    url.Values{"code": {"a-code-that-must-not-show"}, "user_id": {accountID}, "state": {"s"}},
		Grant: connectors.Grant{AccountID: accountID, AccessToken: health.NewSecret("an-access-token-that-must-not-show"),
			RefreshToken: health.NewSecret("a-refresh-token-that-must-not-show")},
		Days:    health.DateRange{From: day("2026-03-29"), To: day("2026-03-31")},
		Secrets: []string{clientSecret},
	})
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, change := range map[string]func(*onetwentyone.Config){
		"no client id":               func(c *onetwentyone.Config) { c.ClientID = "" },
		"no client secret":           func(c *onetwentyone.Config) { c.ClientSecret = health.Secret{} },
		"a base URL without host":    func(c *onetwentyone.Config) { c.BaseURL = "121" },
		"a relative redirect URI":    func(c *onetwentyone.Config) { c.RedirectURI = "/back" },
		"an encoding that is none":   func(c *onetwentyone.Config) { c.TokenEncoding = 7 },
		"a redirect URI with a hash": func(c *onetwentyone.Config) { c.RedirectURI = back + "#x" },
	} {
		config := configured("", connectors.ClientConfig{})
		change(&config)
		_, err := onetwentyone.New(config)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), clientSecret)
	}
	_, err := onetwentyone.New(configured("", connectors.ClientConfig{}))
	assert.NoError(t, err, "production is the default, and JSON")
}

// An account that the gateway did not get from a grant is never asked about.
func TestAccountThatCannotBeAsked(t *testing.T) {
	connector, account := against(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	for _, bad := range []connectors.Account{{ID: accountID}, {ID: "../token", Client: account.Client}, {Client: account.Client}} {
		_, err := connector.ReadProfile(t.Context(), bad)
		assert.Equal(t, health.Internal, code(err))
		assert.Equal(t, health.Internal, code(connectortest.ReadAllSamples(t.Context(), connector, bad, stepsOn(march29)).Err))
		assert.Equal(t, health.Internal, code(connector.ReadSleepSessions(t.Context(), bad, lastNight).Err))
	}
}

func TestReadProfile(t *testing.T) {
	for name, c := range map[string]struct {
		body, account, zone string
		scopes              []string
		code                health.Code
	}{
		"the documented one":      {body: file(t, "profile.json"), account: accountID, zone: "Europe/Paris", scopes: []string{"quantity", "profile"}},
		"no zone, no scopes":      {body: `{"data":{"user_id":"` + accountID + `"}}`, account: accountID},
		"a zone that is none":     {body: `{"data":{"home_timezone":"Mars/Olympus","scopes":[]}}`, scopes: []string{}},
		"a zone that is a number": {body: `{"data":{"home_timezone":2,"scopes":null}}`},
		"no data":                 {body: `{"limit":{}}`, code: health.UpstreamInvalid},
		"data that is a list":     {body: `{"data":[]}`, code: health.UpstreamInvalid},
		"an id that is none":      {body: `{"data":{"user_id":"x"}}`, code: health.UpstreamInvalid},
		"scopes that are a text":  {body: `{"data":{"scopes":"profile"}}`, code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			connector, account := answering(t, http.StatusOK, c.body)
			got, err := connector.ReadProfile(t.Context(), account)
			require.Equal(t, c.code, code(err))
			zone := ""
			if got.TimeZone != nil {
				zone = got.TimeZone.String()
			}
			assert.Equal(t, c.account, got.AccountID)
			assert.Equal(t, c.zone, zone)
			assert.Equal(t, c.scopes, got.Scopes)
		})
	}
	connector, account := answering(t, http.StatusForbidden, "")
	_, err := connector.ReadProfile(t.Context(), account)
	assert.Equal(t, health.ReauthorizationRequired, code(err), "the scope was not granted")
	assert.Equal(t, []string{"profile", "quantity", "sleep"}, connector.Scopes())
}

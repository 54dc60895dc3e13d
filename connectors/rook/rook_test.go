package rook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/connectors/rook"
	"healthgraph/health"
)

const secretKey = "a-secret-key-that-must-not-show"

var noon = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)

func file(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(content)
}

func newConnector(baseURL string, client connectors.ClientConfig) (connectors.Connector, error) {
	return rook.New(rook.Config{BaseURL: baseURL, ClientUUID: "client-uuid-that-must-not-show", SecretKey: health.NewSecret(secretKey), Client: client})
}

// against makes a connector whose ROOK is the handler.
func against(t *testing.T, handler http.HandlerFunc) *rook.Connector {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	connector, err := newConnector(server.URL, connectors.ClientConfig{Now: func() time.Time { return noon }})
	require.NoError(t, err)
	return connector.(*rook.Connector)
}

// answering makes one whose ROOK always answers the same.
func answering(t *testing.T, status int, body string) *rook.Connector {
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

func TestConformance(t *testing.T) {
	summary, sleep := file(t, "summary.json"), file(t, "sleep.json")
	pages := map[string]string{"/data_sources/authorized": file(t, "links_v2.json"), "/authorizer": file(t, "authorizer.json"),
		"/revoke_auth": `{"message":"revoked"}`}
	connectortest.Run(t, connectortest.Harness{
		New: newConnector,
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			if user == "" || password != secretKey {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			if date := r.URL.Query().Get("date"); date != "" {
				answer := summary
				if strings.Contains(r.URL.Path, "/sleep_health/") {
					answer = sleep
				}
				answer = strings.ReplaceAll(answer, "person-a", r.URL.Query().Get("user_id"))
				_, _ = io.WriteString(w, strings.ReplaceAll(answer, "2026-03-29", date))
				return
			}
			for end, page := range pages {
				if strings.HasSuffix(r.URL.Path, end) {
					_, _ = io.WriteString(w, page)
				}
			}
		}),
		Now:       noon,
		Accounts:  []string{"person-that-must-not-show-a", "person-that-must-not-show-b", "person-that-must-not-show-c"},
		Source:    health.DataSource{ID: "oura", Name: "Oura", Kind: health.KindBrowser},
		ReturnURL: "https://app.example/back",
		Days:      health.DateRange{From: day("2026-03-29"), To: day("2026-03-31")},
		Secrets:   []string{secretKey, "client-uuid-that-must-not-show"},
		Answers: func(operation string, status int) bool {
			switch operation {
			case connectortest.Revoke:
				return status == http.StatusUnprocessableEntity // nothing to revoke
			case connectortest.ReadLinks, connectortest.ReadDailySteps, connectortest.ReadDailySleep:
				return status == http.StatusNotFound // a person that ROOK does not know
			}
			return false
		},
	})
}

func day(text string) health.Date {
	date, err := health.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return date
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := rook.Config{ClientUUID: "u", SecretKey: health.NewSecret(secretKey)}
	for name, change := range map[string]func(*rook.Config){
		"no client UUID":           func(c *rook.Config) { c.ClientUUID = "" },
		"a colon in the user name": func(c *rook.Config) { c.ClientUUID = "a:b" },
		"no secret key":            func(c *rook.Config) { c.SecretKey = health.Secret{} },
		"a base URL without host":  func(c *rook.Config) { c.BaseURL = "rook" },
	} {
		config := good
		change(&config)
		_, err := rook.New(config)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), secretKey)
	}
	_, err := rook.New(good)
	assert.NoError(t, err, "production is the default")
}

func TestDescribe(t *testing.T) {
	connector := answering(t, http.StatusOK, "")
	var kinds []string
	for _, source := range connector.Describe().DataSources {
		kinds = append(kinds, string(source.ID)+" "+string(source.Kind))
	}
	assert.Equal(t, []string{"garmin BROWSER", "oura BROWSER", "polar BROWSER", "fitbit BROWSER", "withings BROWSER",
		"whoop BROWSER", "dexcom BROWSER", "apple_health SDK", "health_connect SDK", "samsung_health SDK", "android SDK"}, kinds)
}

func TestAcceptsID(t *testing.T) {
	connector := answering(t, http.StatusOK, "")
	for id, accepted := range map[string]bool{
		"a": true, "Person-1": true, strings.Repeat("x", 50): true, connectors.GeneratedIDPrefix + "00ff": true,
		"": false, strings.Repeat("x", 51): false, "a_b": false, "a/b": false, "a b": false, "é": false, "a\n": false, "..": false,
	} {
		assert.Equal(t, accepted, connector.AcceptsID(id), id)
	}
}

// An id that was never accepted must not become another route's address.
func TestUnacceptableIDIsNeverSent(t *testing.T) {
	connector := against(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	account := connectors.Account{ID: "../x"}
	oura := health.DataSource{ID: "oura", Name: "Oura", Kind: health.KindBrowser}
	_, authorizeErr := connector.Authorize(t.Context(), connectors.AuthorizeRequest{Account: account, DataSource: oura})
	_, revokeErr := connector.Revoke(t.Context(), account, oura)
	for _, err := range []error{
		connector.ReadLinks(t.Context(), []connectors.Account{account})[0].Err,
		connector.ReadDailySteps(t.Context(), account, []health.Date{day("2026-03-29")})[0].Err,
		connector.ReadDailySleep(t.Context(), account, []health.Date{day("2026-03-29")})[0].Err,
		authorizeErr, revokeErr,
	} {
		assert.Equal(t, health.Internal, code(err))
	}
}

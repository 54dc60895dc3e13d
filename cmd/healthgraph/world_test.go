package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/simulators/rook"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

func TestMain(m *testing.M) {
	if os.Getenv(beTheProgram) != "" {
		theProgram()
	}
	os.Exit(storetest.Main(m))
}

const (
	testSecret    = "a secret of at least thirty-two bytes"
	testReturnURL = "https://app.example/linked"
)

// today is when every world begins: a Wednesday after the DST changes of spring.
var today = time.Date(2026, time.April, 15, 10, 0, 0, 0, time.UTC)

// world is the whole program as it runs, in front of both simulated upstreams, all over real HTTP. One clock moves all.
type world struct {
	t            *testing.T
	clock        *simulators.Clock
	rook         *rook.Simulator
	oneTwentyOne *onetwentyone.Simulator
	settings     settings
	wiring       options
	app          *app
	database     *sql.DB
	graphql      string // URL
	log          *logtest.Log
	statements   *counter
	audience     []string // of callers' tokens
}

// worldOptions change what newWorld starts.
type worldOptions struct {
	databaseURL string // a new SQLite file when empty
	change      func(*settings)
	options     func(*options)
}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	w := &world{t: t, clock: simulators.NewClock(), log: &logtest.Log{}, statements: &counter{}}
	w.clock.Freeze(today)
	w.rook = rook.New(rook.Config{Clock: w.clock})
	w.oneTwentyOne = onetwentyone.New(onetwentyone.Config{
		ClientID: "test-client", ClientSecret: "test-client-secret", Clock: w.clock,
		RedirectURIs: []string{testReturnURL, "com.example.app:/linked"},
	})
	if o.databaseURL == "" {
		o.databaseURL = storetest.SQLite(t)
	}
	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: o.databaseURL}, nil)) // SQLite migrates itself
	w.database = storetest.DB(t, o.databaseURL).DB
	w.settings = settings{
		gatewaySettings: gatewaySettings{
			databaseSettings: databaseSettings{DatabaseURL: o.databaseURL},
			RookBaseURL:      w.serve(w.rook.Handler()), RookClientUUID: rook.DummyClientUUID, RookSecretKey: rook.DummySecret,
			OneTwentyOneBaseURL: w.serve(w.oneTwentyOne.Handler()), OneTwentyOneClientID: "test-client", OneTwentyOneClientSecret: "test-client-secret",
			OneTwentyOneRedirectURI: testReturnURL, OneTwentyOneEncoding: "json",
			upstreamSettings: upstreamSettings{UpstreamTimeout: 8 * time.Second}, // without retries and breakers, for exact counts
			KeepDays:         "off",
		},
		JWTSecret:        testSecret,
		ReturnURLs:       []string{"https://app.example/rook", "com.example.app:/linked", "https://app.example/a-return-url-that-is-longer-than-rook-takes"},
		OperationTimeout: 20 * time.Second,
	}
	if o.change != nil {
		o.change(&w.settings)
	}
	var keyset bytes.Buffer
	require.NoError(t, tokens.WriteKeyset(&keyset))
	w.wiring = options{keyset: keyset.Bytes(), now: w.clock.Now, onQuery: w.statements.add}
	if o.options != nil {
		o.options(&w.wiring)
	}
	t.Cleanup(func() { require.NoError(t, w.app.close()) })
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.app, err = newApp(w.t.Context(), w.settings, w.wiring, slog.New(slog.NewJSONHandler(w.log, nil)))
	require.NoError(w.t, err)
	w.graphql = w.serve(w.app.handler) + "/graphql"
}

// restart ends the program and starts it on the same database, as it is or with other settings.
func (w *world) restart(change func(*settings)) {
	w.t.Helper()
	require.NoError(w.t, w.app.close())
	if change != nil {
		change(&w.settings)
	}
	w.start()
}

func (w *world) serve(h http.Handler) string {
	w.t.Helper()
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL
}

// token speaks for a person, or with users:any for a service.
func (w *world) token(subject string, scopes ...string) string {
	w.t.Helper()
	token, err := callers.Issue(health.NewSecret(testSecret), health.UserID(subject), scopes, w.clock.Now(), 24*time.Hour, w.audience...)
	require.NoError(w.t, err)
	return token
}

func (w *world) service() string { return w.token("a-service", callers.ScopeAnyUser) }

// answer is a GraphQL response.
type answer struct {
	t      *testing.T
	Status int
	Raw    string
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// ask sends one operation.
func (w *world) ask(token, query string, variables map[string]any) answer {
	w.t.Helper()
	a, err := w.try(token, query, variables)
	require.NoError(w.t, err)
	return a
}

// try is ask for other goroutines than the test's.
func (w *world) try(token, query string, variables map[string]any) (answer, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	a, postErr := w.post("Bearer "+token, string(body))
	return a, errors.Join(err, postErr)
}

// post sends a body as it is.
func (w *world) post(authorization, body string) (answer, error) {
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.graphql, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", authorization)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	a := answer{t: w.t, Status: response.StatusCode, Raw: string(raw)}
	return a, errors.Join(err, json.Unmarshal(raw, &a))
}

// into reads the data of an answer that must have no errors.
func (a answer) into(data any) {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.Status, a.Raw)
	require.Empty(a.t, a.Errors, a.Raw)
	require.NoError(a.t, json.Unmarshal(a.Data, data))
}

// code is the code of the only error.
func (a answer) code() string {
	a.t.Helper()
	require.Len(a.t, a.Errors, 1, a.Raw)
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// consent clicks through the simulated consent page of OneTwentyOne, and gives the URL that the browser comes back to.
func (w *world) consent(page, person, decision string, scopes ...string) string {
	w.t.Helper()
	u, err := url.Parse(page)
	require.NoError(w.t, err)
	form := u.Query()
	form["scope"] = scopes
	form.Set("user", person)
	form.Set("decision", decision)
	u.RawQuery = ""
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(u.String(), form)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	require.Equal(w.t, http.StatusSeeOther, response.StatusCode)
	return response.Header.Get("Location")
}

// link links a person to OneTwentyOne as whoever is named there, by the whole flow.
func (w *world) link(user, upstreamPerson string, scopes ...string) {
	w.t.Helper()
	if scopes == nil {
		scopes = []string{"profile", "quantity"}
	}
	returned := w.consent(w.authorizationURL(user), upstreamPerson, "allow", scopes...)
	var done struct {
		CompleteAuthorization struct {
			Link struct{ Status string }
		}
	}
	w.ask(w.token(user), `mutation($url: URL!) { completeAuthorization(input: {url: $url}) { link { status } } }`, map[string]any{"url": returned}).into(&done)
	require.Equal(w.t, "CONNECTED", done.CompleteAuthorization.Link.Status)
}

func (w *world) authorizationURL(user string) string {
	w.t.Helper()
	var begun struct {
		AuthorizationURL struct{ URL string } `json:"authorizationUrl"`
	}
	w.ask(w.token(user), `{ authorizationUrl(dataSource: "onetwentyone") { url } }`, nil).into(&begun)
	require.NotEmpty(w.t, begun.AuthorizationURL.URL)
	return begun.AuthorizationURL.URL
}

// calls is how often each route of both upstreams was called since the last forgetCalls; routes not called are left out.
func (w *world) calls() map[string]int {
	counts := map[string]int{}
	for prefix, control := range map[string]*simulators.Control{"rook.": w.rook.Control(), "onetwentyone.": w.oneTwentyOne.Control()} {
		for route, c := range control.Calls().Routes {
			if c.Calls > 0 {
				counts[prefix+route] = c.Calls
			}
		}
	}
	return counts
}

// control sends a request to a simulator's control endpoint.
func (w *world) control(s http.Handler, method, path, body string) string {
	w.t.Helper()
	request := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, request)
	require.Less(w.t, recorder.Code, 300, recorder.Body.String())
	return recorder.Body.String()
}

// forgetCalls begins counting anew: upstream calls and SQL statements.
func (w *world) forgetCalls() {
	w.t.Helper()
	w.control(w.rook.Handler(), http.MethodDelete, "/_control/calls", "")
	w.control(w.oneTwentyOne.Handler(), http.MethodDelete, "/_control/calls", "")
	w.statements.reset()
}

// counter counts SQL statements.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add(string) { c.mu.Lock(); c.n++; c.mu.Unlock() }
func (c *counter) reset()     { c.mu.Lock(); c.n = 0; c.mu.Unlock() }
func (c *counter) count() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/resolvers"
	"healthgraph/server"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// canary stands in whatever a client sends or a connector holds, and must not come back.
const canary = "canary"

const secret = "a-secret-of-32-bytes-and-some-more"

// site is the real handler on a real SQLite file, with one small upstream.
type site struct {
	http.Handler
	t        testing.TB
	gateway  *gateway.Gateway
	streams  *server.Streams
	upstream *upstream
	log      *logtest.Log
	token    string
}

func newSite(t testing.TB, changes ...func(*server.Config)) *site {
	t.Helper()
	s := &site{t: t, upstream: &upstream{}, log: &logtest.Log{}}
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	registry, err := connectors.NewRegistry(s.upstream)
	require.NoError(t, err)
	db := storetest.Open(t, store.Config{URL: storetest.SQLite(t)})
	var keyset bytes.Buffer
	require.NoError(t, tokens.WriteKeyset(&keyset))
	sealer, err := tokens.NewSealer(keyset.Bytes())
	require.NoError(t, err)
	keeper := tokens.NewKeeper(tokens.KeeperConfig{Store: db, Sealer: sealer, Now: time.Now, Log: log})
	g, err := gateway.New(t.Context(), gateway.Config{Registry: registry, Store: db, Tokens: keeper, Now: time.Now, Log: log})
	require.NoError(t, err)
	verifier, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), Now: time.Now})
	require.NoError(t, err)
	config := server.Config{Resolver: &resolvers.Resolver{Gateway: g, Log: log, Timeout: 10 * time.Second}, Verifier: verifier, Log: log}
	for _, change := range changes {
		change(&config)
	}
	if config.Streams == nil {
		config.Streams = server.NewStreams(server.StreamLimits{})
	}
	s.gateway, s.streams = g, config.Streams
	s.Handler = server.New(config)
	s.token, err = callers.Issue(health.NewSecret(secret), "person-1", nil, time.Now(), time.Hour)
	require.NoError(t, err)
	return s
}

// send makes a request with a good token, unless headers say otherwise ("" leaves one out).
func (s *site) send(method, target, body string, headers map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// post sends a document as most clients do.
func (s *site) post(document string, headers map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document})
	require.NoError(s.t, err)
	return s.send(http.MethodPost, "/graphql", string(body), headers)
}

type answer struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// read decodes an answer, and checks what every answer has.
func read(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	assert.Contains(t, []string{"application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"}, w.Header().Get("Content-Type"))
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	var a answer
	decoder := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	require.NoError(t, decoder.Decode(&a), w.Body.String())
	_, err := decoder.Token()
	require.ErrorIs(t, err, io.EOF)
	for _, e := range a.Errors {
		assert.NotEmpty(t, e.Message)
	}
	return a
}

// codes are those of an answer's errors.
func codes(a answer) []any {
	var all []any
	for _, e := range a.Errors {
		all = append(all, e.Extensions["code"])
	}
	return all
}

// assertNoEcho says that neither body nor headers hold a byte of what was sent.
func assertNoEcho(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	assert.NotContains(t, strings.ToLower(w.Body.String()), canary)
	for name, values := range w.Header() {
		assert.NotContains(t, strings.ToLower(name+strings.Join(values, " ")), canary)
	}
}

// upstream shows one link, and panics where it is told to.
type upstream struct {
	mu      sync.Mutex
	calls   []string
	asked   []string // the people whose links were read
	panicIn string
	ended   map[string]bool // people whose link is shown no more
	held    chan struct{}   // until it is closed no links are answered; nil holds nothing
}

func (u *upstream) note(call string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls = append(u.calls, call)
	if u.panicIn == call {
		panic(canary + " in a panic")
	}
}

func (u *upstream) made() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string{}, u.calls...)
}

// Describe implements connectors.Connector.
func (u *upstream) Describe() connectors.Description {
	return connectors.Description{ID: "up", Name: "Up", DataSources: []health.DataSource{{ID: "fitbit", Name: "Fitbit", Kind: health.KindBrowser}}}
}

// AcceptsID implements connectors.Identifier.
func (u *upstream) AcceptsID(string) bool { return true }

// ReadLinks implements connectors.LinkReader.
func (u *upstream) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	u.note("links")
	u.mu.Lock()
	held := u.held
	u.mu.Unlock()
	if held != nil {
		<-held
	}
	results := make([]connectors.LinksResult, len(accounts))
	for i := range results {
		u.mu.Lock()
		u.asked = append(u.asked, accounts[i].ID)
		connected := !u.ended[accounts[i].ID]
		u.mu.Unlock()
		results[i].Links = []connectors.LinkState{{DataSource: u.Describe().DataSources[0], Connected: connected}}
	}
	return results
}

// Revoke implements connectors.Revoker.
func (u *upstream) Revoke(context.Context, connectors.Account, health.DataSource) (connectors.Revocation, error) {
	u.note("revoke")
	return connectors.Revocation{WasConnected: true}, nil
}

package callers_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/logtest"
)

const audience = "healthgraph"

// stepClock stands still until it is moved.
type stepClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *stepClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *stepClock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// provider is an identity provider over real HTTP on loopback, which can be told to do anything else.
type provider struct {
	t   testing.TB
	url string

	mu        sync.Mutex
	jwks      []byte
	discovery http.HandlerFunc // nil: as it should be
	keys      http.HandlerFunc // nil: the jwks
	calls     map[string]int   // by path
}

const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/keys"
)

func newProvider(t testing.TB, entries ...[3]string) *provider {
	t.Helper()
	p := &provider{t: t, jwks: document(t, entries...), calls: map[string]int{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.calls[r.URL.Path]++
	jwks, discovery, keys := p.jwks, p.discovery, p.keys
	p.mu.Unlock()
	switch {
	case r.URL.Path == discoveryPath && discovery != nil:
		discovery(w, r)
	case r.URL.Path == discoveryPath:
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.url, "jwks_uri": p.url + keysPath, "token_endpoint": p.url + "/token"})
	case r.URL.Path == keysPath && keys != nil:
		keys(w, r)
	case r.URL.Path == keysPath:
		_, _ = w.Write(jwks)
	default:
		http.NotFound(w, r)
	}
}

// shows changes the keys that it publishes.
func (p *provider) shows(entries ...[3]string) {
	p.t.Helper()
	jwks := document(p.t, entries...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jwks = jwks
}

// answers changes what it does at its two addresses; nil is as it should be.
func (p *provider) answers(discovery, keys http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discovery, p.keys = discovery, keys
}

// called is how often the path was asked for since the last time that this was asked.
func (p *provider) called(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.calls[path]
	p.calls[path] = 0
	return n
}

// token is one of the provider's, signed with the named RSA or P-256 key.
func (p *provider) token(key, kid string, change claims) string {
	p.t.Helper()
	all := claims{"iss": p.url, "aud": audience}
	for name, value := range change {
		all[name] = value
	}
	algorithm := jwa.RS256()
	if key == "p256" {
		algorithm = jwa.ES256()
	}
	return sign(p.t, algorithm, keys()[key], kid, good(all))
}

// site is a verifier in front of providers, with its clock and its log.
type site struct {
	*callers.Verifier
	t     *testing.T
	clock *stepClock
	log   *logtest.Log
}

func newSite(t *testing.T, change func(*callers.Config), providers ...*provider) *site {
	t.Helper()
	s := &site{t: t, clock: &stepClock{at: now}, log: &logtest.Log{}}
	config := callers.Config{Audience: audience, Now: s.clock.now, Log: slog.New(slog.NewJSONHandler(s.log, nil))}
	for _, p := range providers {
		config.Issuers = append(config.Issuers, callers.IssuerConfig{Issuer: p.url})
	}
	if change != nil {
		change(&config)
	}
	var err error
	s.Verifier, err = callers.NewVerifier(config)
	require.NoError(t, err)
	return s
}

// code is what a token comes to: "" for taken. Nothing of it comes back, nor into the log.
func (s *site) code(token string) health.Code {
	s.t.Helper()
	caller, err := s.Verify(s.t.Context(), "Bearer "+token)
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 {
			require.NotContains(s.t, s.log.String(), part)
			if err != nil {
				require.NotContains(s.t, err.Error(), part)
			}
		}
	}
	if err == nil {
		require.Equal(s.t, health.UserID("person-1"), caller.Subject)
		return ""
	}
	require.Zero(s.t, caller)
	failure := health.AsError(err)
	require.NoError(s.t, failure.Unwrap())
	require.Equal(s.t, failure.Code == callers.CodeIssuerUnavailable, failure.RetryAfter > 0)
	return failure.Code
}

package server_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
	"healthgraph/server/ratelimit"
)

// limited has limits that hardly fill while a test lasts.
func limited(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	return newSite(t, func(c *server.Config) {
		c.RateLimits = &server.RateLimits{
			Limiter: newLimiter(t), Person: ratelimit.Limit{PerMinute: 1, Burst: 3}, Service: ratelimit.Limit{PerMinute: 1, Burst: 5}, Failures: ratelimit.Limit{PerMinute: 1, Burst: 2},
		}
		change(c)
	})
}

func newLimiter(t *testing.T) *ratelimit.Limiter {
	t.Helper()
	l, err := ratelimit.New(ratelimit.Config{Key: []byte(strings.Repeat("k", 32)), Keys: 1000, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return l
}

func issue(t *testing.T, subject string, scopes ...string) map[string]string {
	t.Helper()
	token, err := callers.Issue(health.NewSecret(secret), health.UserID(subject), scopes, time.Now(), time.Hour)
	require.NoError(t, err)
	return map[string]string{"Authorization": "Bearer " + token}
}

func TestWhoAsksTooMuchIsToldWhenToAskAgain(t *testing.T) {
	s := limited(t, func(*server.Config) {})
	for name, c := range map[string]struct {
		headers map[string]string
		kind    string
		window  int
		burst   int
	}{
		"a person":              {issue(t, "person-1"), `"person"`, 180, 3},
		"another person":        {issue(t, "person-2"), `"person"`, 180, 3},
		"a service":             {issue(t, "backend", callers.ScopeAnyUser), `"service"`, 300, 5},
		"a service named alike": {issue(t, "person-1", callers.ScopeAnyUser), `"service"`, 300, 5},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range c.burst {
				body := []string{viewer, "{", `{"query":"{ nothing }"}`}[i%3] // whatever becomes of it counts
				w := s.send(http.MethodPost, "/graphql", body, c.headers)
				assert.NotEqual(t, http.StatusTooManyRequests, w.Code)
				assert.Equal(t, fmt.Sprintf("%s;q=%d;w=%d", c.kind, c.burst, c.window), w.Header().Get("RateLimit-Policy"))
				assert.Regexp(t, fmt.Sprintf(`^%s;r=%d;t=[56]\d$`, c.kind, c.burst-1-i), w.Header().Get("RateLimit"))
				assert.Empty(t, w.Header().Get("Retry-After"))
			}
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut} {
				for _, accept := range []string{newer, "application/json"} {
					headers := map[string]string{"Accept": accept, "Authorization": c.headers["Authorization"]}
					w := s.send(method, "/graphql?query=%7Bviewer%7Bid%7D%7D", viewer, headers)
					assert.Equal(t, http.StatusTooManyRequests, w.Code)
					after := w.Header().Get("Retry-After")
					assert.Regexp(t, `^[56]\d$`, after)
					assert.Contains(t, w.Header().Get("RateLimit"), ";r=0;t="+after)
					assert.Equal(t, accept+"; charset=utf-8", w.Header().Get("Content-Type"))
					a := read(t, w)
					assert.Nil(t, a.Data)
					assert.Equal(t, []any{"RATE_LIMITED"}, codes(a))
					assert.Contains(t, []any{"PT1M", "PT" + after + "S"}, a.Errors[0].Extensions["retryAfter"])
					assertHardened(t, w.Header(), "429")
				}
			}
		})
	}
	assert.Equal(t, http.StatusOK, s.send(http.MethodGet, "/livez", "", nil).Code, "this is not limited")
	assert.Equal(t, 1, strings.Count(s.log.String(), "requests were refused by the rate limits"), "once a minute")
	assert.NotContains(t, s.log.String(), "person-1")
}

// guess sends a token from an address.
func (s *site) guess(token, peer, forwarded string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "/graphql", strings.NewReader(viewer))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if forwarded != "" {
		r.Header.Set("X-Forwarded-For", forwarded)
	}
	r.RemoteAddr = peer
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestGuessingTokensIsSlow(t *testing.T) {
	proxies := server.Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]struct {
		from, also, other [2]string // peer and X-Forwarded-For: of the guesser, of what counts as the same, and of somebody else
	}{
		"directly":           {[2]string{"192.0.2.1:1", ""}, [2]string{"192.0.2.1:2", "198.51.100.9"}, [2]string{"192.0.2.2:1", ""}},
		"behind a proxy":     {[2]string{"10.0.0.1:1", "192.0.2.1"}, [2]string{"10.0.0.2:1", "198.51.100.9, 192.0.2.1"}, [2]string{"10.0.0.1:1", "192.0.2.2"}},
		"one IPv6 network":   {[2]string{"[2001:db8::1]:1", ""}, [2]string{"[2001:db8::ffff:1]:1", ""}, [2]string{"[2001:db8:0:1::1]:1", ""}},
		"a private network":  {[2]string{"172.16.0.1:1", ""}, [2]string{"172.16.0.1:2", ""}, [2]string{"172.16.0.2:2", ""}},
		"IPv4 known as IPv6": {[2]string{"[::ffff:192.0.2.1]:1", ""}, [2]string{"192.0.2.1:1", ""}, [2]string{"[::ffff:192.0.2.2]:1", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := limited(t, func(c *server.Config) { c.TrustedProxies = proxies })
			for range 10 {
				assert.Equal(t, http.StatusUnauthorized, s.guess("", c.from[0], c.from[1]).Code, "nothing is guessed without a token")
			}
			for range 2 {
				assert.Equal(t, http.StatusUnauthorized, s.guess("canary", c.from[0], c.from[1]).Code)
				assert.Equal(t, http.StatusOK, s.guess(s.token, c.from[0], c.from[1]).Code, "a good one is good still")
			}
			for _, from := range [][2]string{c.from, c.also} {
				for _, token := range []string{"canary", s.token} {
					w := s.guess(token, from[0], from[1])
					assert.Equal(t, http.StatusTooManyRequests, w.Code, "not even a good one is looked at")
					assert.Regexp(t, `^[56]\d$`, w.Header().Get("Retry-After"))
					assert.Empty(t, w.Header().Get("WWW-Authenticate"))
					assert.Equal(t, []any{"RATE_LIMITED"}, codes(read(t, w)))
				}
			}
			assert.Equal(t, http.StatusUnauthorized, s.guess("canary", c.other[0], c.other[1]).Code)
			assert.NotEqual(t, http.StatusUnauthorized, s.guess(s.token, c.other[0], c.other[1]).Code)
			assert.NotContains(t, s.log.String(), "192.0.2")
		})
	}
}

// One stranger must not stop everybody whom a proxy brings, only because nobody said that it is one.
func TestAProxyThatNobodyNamedIsNotTakenForAGuesser(t *testing.T) {
	s := limited(t, func(*server.Config) {})
	for range 10 {
		assert.Equal(t, http.StatusUnauthorized, s.guess("canary", "10.0.0.1:1", "192.0.2.1").Code)
	}
	assert.Equal(t, http.StatusOK, s.guess(s.token, "10.0.0.1:1", "192.0.2.2").Code)
	assert.Equal(t, 1, strings.Count(s.log.String(), "HEALTHGRAPH_TRUSTED_PROXIES"))
	for range 10 {
		s.guess("canary", "198.51.100.1:1", "192.0.2.1")
	}
	assert.Equal(t, http.StatusTooManyRequests, s.guess("canary", "198.51.100.1:1", "").Code, "a header helps nobody who comes from the internet")
}

func TestLimitsThatAreMeasuredRefuseNobody(t *testing.T) {
	s := limited(t, func(c *server.Config) { c.RateLimits.MeasureOnly = true })
	for range 10 {
		w := s.send(http.MethodPost, "/graphql", viewer, nil)
		assert.Equal(t, http.StatusOK, w.Code)
		for _, header := range []string{"RateLimit", "RateLimit-Policy", "Retry-After"} {
			assert.Empty(t, w.Header().Get(header), "a limit that is none would be obeyed")
		}
		assert.Equal(t, http.StatusUnauthorized, s.guess("canary", "192.0.2.1:1", "").Code)
		assert.Equal(t, http.StatusOK, s.send(http.MethodPost, "/graphql", viewer, issue(t, "person-2")).Code)
	}
	assert.Equal(t, 1, strings.Count(s.log.String(), "requests would have been refused by the rate limits"))
	assert.Contains(t, s.log.String(), `"failures":1`)
	assert.NotContains(t, s.log.String(), "192.0.2")
}

func TestWhatIsRefusedBeforeIsNotCounted(t *testing.T) {
	s := limited(t, func(*server.Config) {})
	for range 10 {
		assert.Equal(t, http.StatusForbidden, s.send(http.MethodPost, "/graphql", viewer, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}).Code)
		assert.Equal(t, http.StatusMethodNotAllowed, s.send(http.MethodOptions, "/graphql", "", nil).Code)
		assert.Equal(t, http.StatusNotFound, s.send(http.MethodPost, "/graphql/", viewer, nil).Code)
	}
	assert.Contains(t, s.send(http.MethodPost, "/graphql", viewer, nil).Header().Get("RateLimit"), ";r=2;")
}

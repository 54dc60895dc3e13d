package main

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/logtest"
	"healthgraph/server/redistest"
)

// two are two gateways on one database and one Redis, in front of the same upstreams.
func two(t *testing.T, redisURL string) (first, second *world) {
	t.Helper()
	first = newWorld(t, worldOptions{change: func(s *settings) {
		s.RateLimitMode, s.RateLimitPerson, s.RateLimitService, s.RateLimitFailures, s.RedisURL = rateLimitEnforce, "1/40", "1/60", "1/10", redisURL
	}})
	other := *first
	second = &other
	second.log = &logtest.Log{}
	var err error
	second.app, err = newApp(t.Context(), second.settings, second.wiring, slog.New(slog.NewJSONHandler(second.log, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.app.close()) })
	second.graphql = second.serve(second.app.handler) + "/graphql"
	return first, second
}

// answered is how many of so many requests at both, at once, got this status; every other one got 429.
func answered(t *testing.T, token string, each, status int, worlds ...*world) int {
	t.Helper()
	var all sync.WaitGroup
	var n atomic.Int32
	for _, w := range worlds {
		for range 4 {
			all.Go(func() {
				for range each / 4 {
					a, err := w.post("Bearer "+token, `{"query": "{ viewer { id } }"}`)
					if !assert.NoError(t, err) {
						return
					}
					if a.Status == status {
						n.Add(1)
						continue
					}
					assert.Equal(t, http.StatusTooManyRequests, a.Status)
				}
			})
		}
	}
	all.Wait()
	return int(n.Load())
}

func TestTwoGatewaysShareLimitsAndGoOnWithoutTheRedis(t *testing.T) {
	redis := redistest.Start(t)
	first, second := two(t, redis.URL)

	assert.Equal(t, 40, answered(t, first.token("person-1"), 40, http.StatusOK, first, second), "a person, at both together")
	assert.Equal(t, 40, answered(t, first.token("person-2"), 40, http.StatusOK, first, second), "another")
	assert.Equal(t, 60, answered(t, first.service(), 60, http.StatusOK, first, second), "a service")
	assert.NotContains(t, first.log.String()+second.log.String(), "can't be shared")

	redis.Kill()
	assert.Equal(t, 80, answered(t, first.token("person-3"), 60, http.StatusOK, first, second), "each for itself")
	for _, w := range []*world{first, second} {
		assert.Equal(t, 1, strings.Count(w.log.String(), "rate limits can't be shared"))
	}

	redis.Restart()
	back := func() bool {
		for _, w := range []*world{first, second} {
			_, err := w.post("Bearer "+w.token("person-4"), `{"query": "{ viewer { id } }"}`)
			require.NoError(t, err)
			if !strings.Contains(w.log.String(), "rate limits are shared again") {
				return false
			}
		}
		return true
	}
	assert.Eventually(t, back, 30*time.Second, 100*time.Millisecond)
	assert.Equal(t, 40, answered(t, first.token("person-5"), 40, http.StatusOK, first, second), "together again")
	assert.Equal(t, 10, answered(t, "canary", 20, http.StatusUnauthorized, first, second), "a guesser")
	assert.Empty(t, contains(first.log.String()+second.log.String(), "person-", "127.0.0.1", "canary"))
}

package ratelimit_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"healthgraph/logtest"
	"healthgraph/server/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is one that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 4, 15, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

var key = []byte(strings.Repeat("k", 32))

// limiter has a clock that stands still, and writes to the log.
func limiter(t *testing.T, redisURL string, keys int) (*ratelimit.Limiter, *clock, *logtest.Log) {
	t.Helper()
	c, log := newClock(), &logtest.Log{}
	l, err := ratelimit.New(ratelimit.Config{RedisURL: redisURL, Key: key, Keys: keys, Now: c.Now, Log: slog.New(slog.NewJSONHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l, c, log
}

func TestABucketHoldsABurstAndFillsEvenly(t *testing.T) {
	l, c, _ := limiter(t, "", 10)
	limit := ratelimit.Limit{PerMinute: 60, Burst: 3}
	take := func() ratelimit.Result { return l.Take(t.Context(), "person", "person-1", limit) }
	assert.Equal(t, ratelimit.Result{Allowed: true, Remaining: 2, Wait: time.Second}, take())
	assert.Equal(t, ratelimit.Result{Allowed: true, Remaining: 1, Wait: time.Second}, take())
	assert.Equal(t, ratelimit.Result{Allowed: true, Remaining: 0, Wait: time.Second}, take())
	assert.Zero(t, l.Denied("person", "person-1"), "nothing was refused yet")
	for range 3 { // what is refused does not count
		assert.Equal(t, ratelimit.Result{Allowed: false, Remaining: 0, Wait: time.Second}, take())
	}
	assert.Equal(t, time.Second, l.Denied("person", "person-1"))
	c.pass(999 * time.Millisecond)
	assert.Equal(t, ratelimit.Result{Allowed: false, Remaining: 0, Wait: time.Millisecond}, take())
	c.pass(time.Millisecond)
	assert.Zero(t, l.Denied("person", "person-1"))
	assert.True(t, take().Allowed)
	assert.False(t, take().Allowed)
	c.pass(2500 * time.Millisecond)
	assert.Equal(t, ratelimit.Result{Allowed: true, Remaining: 1, Wait: 500 * time.Millisecond}, take())
	c.pass(time.Hour)
	assert.Equal(t, 2, take().Remaining, "never more than a burst")

	assert.True(t, l.Take(t.Context(), "person", "person-2", limit).Allowed, "another")
	assert.True(t, l.Take(t.Context(), "service", "person-1", limit).Allowed, "another kind of the same name")
	assert.Zero(t, l.Denied("person", "nobody"))
}

func TestInAMinuteNobodyGetsMoreThanTheLimitAndABurst(t *testing.T) {
	for _, limit := range []ratelimit.Limit{{600, 100}, {7, 3}, {6000, 1000}, {1, 1}, {1_000_000, 5}} {
		l, c, _ := limiter(t, "", 10)
		allowed, tries := 0, 20_000
		for range tries {
			if l.Take(t.Context(), "person", "person-1", limit).Allowed {
				allowed++
			}
			c.pass(time.Minute / time.Duration(tries))
		}
		want := min(tries, limit.PerMinute+limit.Burst)
		assert.InDelta(t, want, allowed, 1, "%+v", limit)
	}
}

func TestOnlySoManyKeysAreKept(t *testing.T) {
	l, _, _ := limiter(t, "", 3)
	limit := ratelimit.Limit{PerMinute: 1, Burst: 1}
	take := func(i int) bool { return l.Take(t.Context(), "person", fmt.Sprint(i), limit).Allowed }
	for i := range 3 {
		assert.True(t, take(i))
	}
	assert.False(t, take(0), "all three are kept, and the first was used last")
	assert.True(t, take(3))
	assert.False(t, take(0), "not the one that was used for longest is forgotten")
	assert.True(t, take(1), "but this one")
}

func TestLimitsAreCountedExactlyByManyAtOnce(t *testing.T) {
	l, _, _ := limiter(t, "", 10)
	assert.Equal(t, 100, takenBy(t, 8, 50, l))
}

// takenBy is how many of so many requests by so many at once of each limiter were allowed, of a limit that does not fill.
func takenBy(t *testing.T, callers, each int, limiters ...*ratelimit.Limiter) int {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	allowed := 0
	for _, l := range limiters {
		for range callers {
			all.Go(func() {
				for range each {
					if l.Take(t.Context(), "person", "person-1", ratelimit.Limit{PerMinute: 1, Burst: 100}).Allowed {
						mu.Lock()
						allowed++
						mu.Unlock()
					}
				}
			})
		}
	}
	all.Wait()
	return allowed
}

func TestALimitIsWrittenAsTwoNumbers(t *testing.T) {
	limit, err := ratelimit.ParseLimit("600/100")
	require.NoError(t, err)
	assert.Equal(t, ratelimit.Limit{PerMinute: 600, Burst: 100}, limit)
	assert.Equal(t, 10*time.Second, limit.Window())
	for _, text := range []string{"", "600", "600/", "/100", "0/1", "1/0", "-1/1", "canary/1", "1/canary", "1/2/3", "600 / 100", "6000001/1", "1/1000001", "1.5/2"} {
		_, err := ratelimit.ParseLimit(text)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "canary")
	}
	for _, url := range []string{"http://canary", "canary", "redis://canary:canary@host:port:canary/0", "redis://host/canary"} {
		err := ratelimit.CheckURL(url)
		require.Error(t, err, url)
		assert.NotContains(t, err.Error(), "canary")
	}
	for _, url := range []string{"redis://localhost:6379", "rediss://user:password@redis.example:6380/2"} {
		assert.NoError(t, ratelimit.CheckURL(url))
	}
	_, err = ratelimit.New(ratelimit.Config{Key: []byte("short"), Keys: 1, Now: time.Now})
	require.Error(t, err)
}

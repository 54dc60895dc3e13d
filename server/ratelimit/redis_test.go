package ratelimit_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/ratelimit"
	"healthgraph/server/redistest"
)

var slow = ratelimit.Limit{PerMinute: 1, Burst: 3} // fills less than once in a test

// everything that a Redis holds, and for how long.
func everything(t *testing.T, url string) map[string]time.Duration {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { assert.NoError(t, client.Close()) }()
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	all := map[string]time.Duration{}
	for _, key := range keys {
		value, err := client.Get(t.Context(), key).Result()
		require.NoError(t, err)
		assert.Regexp(t, `^\d{16}$`, value, "an instant in microseconds, with all its digits")
		all[key], err = client.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
	}
	return all
}

func TestTwoProcessesShareOneLimitExactly(t *testing.T) {
	server := redistest.Start(t)
	first, _, log := limiter(t, server.URL, 10)
	second, _, _ := limiter(t, server.URL, 10)
	assert.Equal(t, 100, takenBy(t, 8, 20, first, second))

	for name, l := range map[string]*ratelimit.Limiter{"one": first, "the other": second} {
		r := l.Take(t.Context(), "person", "person-1", ratelimit.Limit{PerMinute: 1, Burst: 100})
		assert.False(t, r.Allowed, name)
		assert.Greater(t, r.Wait, 50*time.Second, name)
		assert.LessOrEqual(t, r.Wait, time.Minute, name)
	}
	assert.Empty(t, log.String())
}

func TestWhatIsSharedTellsNothingOfAnybodyAndEnds(t *testing.T) {
	server := redistest.Start(t)
	l, _, _ := limiter(t, server.URL, 10)
	for i := range 3 {
		r := l.Take(t.Context(), "person", "canary@example.org", slow)
		assert.Equal(t, ratelimit.Result{Allowed: true, Remaining: 2 - i, Wait: r.Wait}, r)
		assert.LessOrEqual(t, r.Wait, time.Minute)
	}
	l.Take(t.Context(), "service", "canary@example.org", slow)
	l.Take(t.Context(), "failures", "192.0.2.1", slow)
	all := everything(t, server.URL)
	assert.Len(t, all, 3)
	for key, ends := range all {
		assert.Regexp(t, `^healthgraph:ratelimit:[\w-]{24}$`, key)
		assert.Greater(t, ends, time.Duration(0))
		assert.LessOrEqual(t, ends, slow.Window())
	}
	quick := ratelimit.Limit{PerMinute: ratelimit.MaxPerMinute, Burst: 1}
	assert.True(t, l.Take(t.Context(), "person", "quick", quick).Allowed)
	gone := func() bool { return len(everything(t, server.URL)) == 3 }
	assert.Eventually(t, gone, 10*time.Second, 10*time.Millisecond, "a full bucket is forgotten")
}

// A limit may be changed while buckets are there: nobody waits longer than the new one says.
func TestALimitThatWasChangedCountsAtOnce(t *testing.T) {
	server := redistest.Start(t)
	for name, url := range map[string]string{"in this process": "", "shared": server.URL} {
		l, _, _ := limiter(t, url, 10)
		for range 1000 {
			l.Take(t.Context(), "person", "person-1", ratelimit.Limit{PerMinute: 1, Burst: 1000})
		}
		r := l.Take(t.Context(), "person", "person-1", ratelimit.Limit{PerMinute: 600, Burst: 100})
		assert.LessOrEqual(t, r.Wait, time.Second, name)
	}
}

func TestARedisThatGoesAwayStopsNobody(t *testing.T) {
	server := redistest.Start(t)
	l, c, log := limiter(t, server.URL, 1000)
	take := func(name string) ratelimit.Result { return l.Take(t.Context(), "person", name, slow) }
	lines := func(says string) int { return strings.Count(log.String(), says) }
	const away, back = "rate limits can't be shared", "rate limits are shared again"
	for _, end := range []struct {
		name       string
		down, up   func()
		cause      string
		stillThere bool
	}{
		{"killed", server.Kill, server.Restart, "no connection", false},
		{"hangs", server.Hang, server.Resume, "no answer in time", true},
		{"killed again", server.Kill, server.Restart, "no connection", false},
	} {
		person := "person " + end.name
		assert.True(t, take(person).Allowed)
		assert.Len(t, everything(t, server.URL), 1, "which is counted there")
		end.down()
		for i := range 200 {
			want := i < 3
			assert.Equal(t, want, take(person).Allowed, "%s, request %d: this process counts for itself", end.name, i)
		}
		assert.Equal(t, 1, lines(away), "%s: however many it costs", end.name)
		assert.Contains(t, log.String(), `"cause":"`+end.cause+`"`)
		c.pass(59 * time.Second)
		take(person)
		assert.Equal(t, 1, lines(away), "not twice in a minute")
		c.pass(2 * time.Second)
		take(person)
		assert.Equal(t, 2, lines(away), "once a minute")

		end.up()
		c.pass(2 * time.Second) // a question is due
		shared := func() bool {
			c.pass(2 * time.Second)
			take("person after " + end.name)
			return lines(back) == 1
		}
		assert.Eventually(t, shared, 20*time.Second, 10*time.Millisecond, end.name)
		if !end.stillThere {
			assert.Equal(t, 2, take(person).Remaining, "%s: counted there, where nothing is left", end.name)
		}
		assert.NotEmpty(t, everything(t, server.URL))
		assert.NotContains(t, log.String(), "127.0.0.1")
		assert.NotContains(t, log.String(), "person")
		log.Reset()
		c.pass(2 * time.Minute)
		flush(t, server.URL)
	}
}

func flush(t *testing.T, url string) {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	client := redis.NewClient(options)
	require.NoError(t, client.FlushAll(t.Context()).Err())
	require.NoError(t, client.Close())
}

func TestARedisThatRefusesIsOneThatIsAway(t *testing.T) {
	server := redistest.Start(t)
	at := server.URL[strings.LastIndex(server.URL, "@")+1:]
	for name, test := range map[string]struct{ url, cause string }{
		"no password":       {"redis://" + at, "it answers NOAUTH"},
		"another password":  {"redis://:canary@" + at, "it answers WRONGPASS"},
		"nobody is there":   {"redis://127.0.0.1:1", "no connection"},
		"TLS where none is": {"rediss://" + at, "no answer in time"},
	} {
		l, _, log := limiter(t, test.url, 10)
		for i := range 5 {
			assert.Equal(t, i < 3, l.Take(t.Context(), "person", "person-1", slow).Allowed, name)
		}
		assert.Contains(t, log.String(), fmt.Sprintf(`"cause":%q`, test.cause), name)
		assert.NotContains(t, log.String(), "canary")
		assert.Equal(t, 1, strings.Count(log.String(), "\n"), name)
	}
}

func TestACallerWhoGoesAwaySaysNothingOfTheRedis(t *testing.T) {
	server := redistest.Start(t)
	l, _, log := limiter(t, server.URL, 10)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	assert.True(t, l.Take(gone, "person", "person-1", slow).Allowed)
	assert.Len(t, everything(t, server.URL), 1)
	assert.Empty(t, log.String())
}

// One request in a second waits for a Redis that hangs, however many come.
func TestARedisThatHangsIsAskedOnceASecond(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var asked atomic.Int32
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			defer connection.Close()
		}
	}()
	l, c, _ := limiter(t, "redis://"+listener.Addr().String(), 10)
	for range 3 {
		for i := range 20 {
			l.Take(t.Context(), "person", fmt.Sprint(i), slow)
		}
		c.pass(time.Second)
	}
	assert.EqualValues(t, 3, asked.Load())
	require.NoError(t, listener.Close())
	<-ended
}

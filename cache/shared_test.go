package cache_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/cache"
	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/server/redistest"
	"healthgraph/tokens"
)

// upstream is both kinds of upstream in one place, and counts what it is asked.
type upstream struct {
	mu    sync.Mutex
	calls map[string]int
}

func (u *upstream) note(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls[what]++
}

// made gives the calls since it was last asked.
func (u *upstream) made() map[string]int {
	u.mu.Lock()
	defer u.mu.Unlock()
	made := u.calls
	u.calls = map[string]int{}
	return made
}

type totals struct{ *upstream }

func (totals) Describe() connectors.Description {
	return connectors.Description{ID: "totals", Name: "Totals", DataSources: []health.DataSource{{ID: "fitbit", Name: "Fitbit", Kind: health.KindBrowser}}}
}

func (totals) AcceptsID(string) bool { return true }

func (u totals) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	logo := health.URL("https://images.example/canary.png")
	for i, account := range accounts {
		u.note("links of " + account.ID)
		results[i].Links = []connectors.LinkState{{DataSource: health.DataSource{ID: "fitbit", Name: "source-canary of " + account.ID, LogoURL: &logo}, Connected: true}}
	}
	return results
}

func (u totals) ReadDailySteps(_ context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	for i, date := range dates {
		u.note("day of " + account.ID)
		steps := 1000*date.Day + len(account.ID)
		results[i].Total = health.DayTotal{Date: date, Steps: &steps}
	}
	return results
}

type sampler struct{ *upstream }

func (sampler) Describe() connectors.Description {
	return connectors.Description{ID: "sampler", Name: "Sampler", DataSources: []health.DataSource{{ID: "watch", Name: "Watch", Kind: health.KindBrowser}}}
}

func (sampler) AcceptsID(string) bool { return true }

func (u sampler) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	return make([]connectors.LinksResult, len(accounts))
}

func (u sampler) ReadSamples(_ context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	u.note("samples of " + account.ID)
	for i := range 2 {
		at := request.Span.Start.Add(time.Duration(i) * time.Hour)
		if !yield([]health.Sample{{ID: "id", Start: at, End: at.Add(time.Minute), Value: 77.25, Unit: "count", Device: "device-canary of " + account.ID}}) {
			break
		}
	}
	return connectors.SampleResult{Refused: 1}
}

var now = time.Date(2026, time.April, 15, 10, 0, 0, 0, time.UTC)

// process is one of those that share.
type process struct {
	*connectors.Registry
	*cache.Cache
	t *testing.T
}

func newProcess(t *testing.T, u *upstream, sealer *tokens.Sealer, url string, timeout time.Duration, log *logtest.Log) process {
	t.Helper()
	registry, err := connectors.NewRegistry(totals{u}, sampler{u})
	require.NoError(t, err)
	config := cache.Config{Bytes: 1 << 20, Freshness: cache.Freshness{Links: time.Minute, Recent: time.Minute, Past: time.Hour}, Now: func() time.Time { return now }}
	if url != "" {
		config.Shared, err = cache.NewShared(cache.SharedConfig{
			URL: url, Key: []byte("a key of thirty-two bytes or more"), Sealer: sealer, Now: time.Now, Timeout: timeout,
			Log: slog.New(slog.NewJSONHandler(log, nil)),
		})
		require.NoError(t, err)
	}
	c := cache.New(config)
	c.Before(registry)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return process{registry, c, t}
}

func newSealer(t *testing.T) *tokens.Sealer {
	t.Helper()
	var keyset bytes.Buffer
	require.NoError(t, tokens.WriteKeyset(&keyset))
	sealer, err := tokens.NewSealer(keyset.Bytes())
	require.NoError(t, err)
	return sealer
}

func account(user string, state uint64) connectors.Account {
	return connectors.Account{ID: "account-" + user, Reuse: connectors.Reuse{User: health.UserID("user-" + user), State: state, MaxAge: time.Hour}}
}

type everything struct {
	links   []connectors.LinksResult
	days    []connectors.DayResult
	samples connectortest.AllSamples
}

// read reads all that there is about somebody.
func (p process) read(who connectors.Account) everything {
	days := health.DateRange{From: health.Date{Year: 2026, Month: 4, Day: 10}, To: health.Date{Year: 2026, Month: 4, Day: 15}}
	return everything{
		p.Plug("totals").Links.ReadLinks(p.t.Context(), []connectors.Account{who}),
		p.Plug("totals").DailySteps.ReadDailySteps(p.t.Context(), who, days.Each()),
		connectortest.ReadAllSamples(p.t.Context(), p.Plug("sampler").Samples, who, connectors.SamplesOn(health.StepCountMetric, days)),
	}
}

// held is all that the Redis holds, by name.
func held(t *testing.T, url string) map[string]string {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { assert.NoError(t, client.Close()) }()
	names, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	all := map[string]string{}
	for _, name := range names {
		if value, err := client.Get(t.Context(), name).Result(); err == nil {
			all[name] = value
		} else {
			all[name] = strings.Join(client.SMembers(t.Context(), name).Val(), " ")
		}
		left, err := client.PTTL(t.Context(), name).Result()
		require.NoError(t, err)
		assert.Positive(t, left, "each ends by itself")
	}
	return all
}

const patient = 10 * time.Second // of tests of what is shared: whoever waits for the Redis is not what they are about

var allOfOne = map[string]int{"links of account-a": 1, "day of account-a": 6, "samples of account-a": 1}

func TestReplicasShareAnswersThatNobodyElseCanRead(t *testing.T) {
	server := redistest.Start(t)
	u, sealer, log := &upstream{calls: map[string]int{}}, newSealer(t), &logtest.Log{}
	first, second := newProcess(t, u, sealer, server.URL, patient, log), newProcess(t, u, sealer, server.URL, patient, log)
	one := first.read(account("a", 7))
	assert.Equal(t, allOfOne, u.made())
	require.Eventually(t, func() bool { return len(held(t, server.URL)) == 9 }, 20*time.Second, 10*time.Millisecond, "eight answers and the person's list of them")

	assert.Equal(t, one, second.read(account("a", 7)))
	assert.Empty(t, u.made())
	assert.EqualValues(t, 8, second.Counters.Shared.Load())
	assert.Equal(t, one, second.read(account("a", 7)), "and in the process from then on")
	assert.EqualValues(t, 8, second.Counters.Shared.Load())
	for name, value := range held(t, server.URL) {
		for _, secret := range []string{"canary", "user-a", "account-a", "77.25", "stepCount", "fitbit", "10005", "totals"} {
			assert.NotContains(t, name+value, secret)
		}
	}

	third := newProcess(t, u, sealer, server.URL, patient, log)
	third.read(account("a", 8))
	assert.Equal(t, allOfOne, u.made(), "given in another state")
	third.read(account("b", 7))
	assert.Equal(t, map[string]int{"links of account-b": 1, "day of account-b": 6, "samples of account-b": 1}, u.made(), "another person's")
	stranger := newProcess(t, u, newSealer(t), server.URL, patient, log)
	stranger.read(account("a", 8))
	assert.Equal(t, allOfOne, u.made(), "sealed under another keyset")
	assert.Empty(t, log.String())

	require.Eventually(t, func() bool { return len(held(t, server.URL)) == 18 }, 20*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { // an answer that is still being written may come after one
		third.Forget("user-a")
		return len(held(t, server.URL)) == 9
	}, 20*time.Second, 10*time.Millisecond, "the other person's are left")
}

func TestAnAnswerThatWasMovedOrAlteredIsNone(t *testing.T) {
	server := redistest.Start(t)
	u, sealer, log := &upstream{calls: map[string]int{}}, newSealer(t), &logtest.Log{}
	first := newProcess(t, u, sealer, server.URL, patient, log)
	first.read(account("a", 7))
	require.Eventually(t, func() bool { return len(held(t, server.URL)) == 9 }, 20*time.Second, 10*time.Millisecond)
	options, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { assert.NoError(t, client.Close()) }()
	var before string
	for name, value := range held(t, server.URL) {
		if strings.HasPrefix(value, "healthgraph:") {
			continue // the person's list
		}
		if before == "" {
			before = value[:len(value)-1] + string(value[len(value)-1]^1)
		}
		require.NoError(t, client.Set(t.Context(), name, before, time.Hour).Err())
		before = value
	}
	u.made()
	newProcess(t, u, sealer, server.URL, patient, log).read(account("a", 7))
	assert.Equal(t, allOfOne, u.made())
}

func TestARedisThatIsAwayOrHangsIsAMiss(t *testing.T) {
	for name, misbehave := range map[string]func(*redistest.Server){"killed": (*redistest.Server).Kill, "hanging": (*redistest.Server).Hang} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			if name == "hanging" {
				t.Cleanup(server.Resume)
			}
			u, sealer, log := &upstream{calls: map[string]int{}}, newSealer(t), &logtest.Log{}
			p := newProcess(t, u, sealer, server.URL, 0, &logtest.Log{})
			p.read(account("a", 7))
			u.made()
			misbehave(server)
			q := newProcess(t, u, sealer, server.URL, 0, log)
			want := newProcess(t, &upstream{calls: map[string]int{}}, sealer, "", 0, log).read(account("a", 7))
			assert.Equal(t, want, q.read(account("a", 7)))
			assert.Equal(t, allOfOne, u.made())
			assert.Equal(t, want, q.read(account("a", 7)))
			assert.Empty(t, u.made(), "the process's own memory goes on")
			assert.Equal(t, 1, strings.Count(log.String(), "remembered answers can't be shared: each process remembers its own"), log.String())
		})
	}
}

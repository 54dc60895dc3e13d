package ratelimit_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/redistest"
)

// scripts is how many scripts a Redis has run.
func scripts(t *testing.T, client *redis.Client) int {
	t.Helper()
	stats, err := client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	n := 0
	for _, found := range regexp.MustCompile(`cmdstat_eval(?:sha)?:calls=(\d+)`).FindAllStringSubmatch(stats, -1) {
		calls, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		n += calls
	}
	return n
}

// Each of many names has its own bucket, and all of them are one question.
func TestManyNamesAreCountedAtOnce(t *testing.T) {
	server := redistest.Start(t)
	for where, url := range map[string]string{"in this process": "", "shared": server.URL} {
		t.Run(where, func(t *testing.T) {
			l, _, log := limiter(t, url, 1000)
			assert.Empty(t, l.TakeAll(t.Context(), "actedFor", nil, slow))
			for range 3 {
				assert.True(t, l.Take(t.Context(), "actedFor", "7", slow).Allowed)
			}
			names := make([]string, 100)
			for i := range names {
				names[i] = fmt.Sprint(i)
			}
			for round := range 4 {
				results := l.TakeAll(t.Context(), "actedFor", names, slow)
				require.Len(t, results, 100)
				for i, r := range results {
					want := round < 3 && i != 7
					assert.Equal(t, want, r.Allowed, "round %d, %d", round, i)
					if !want {
						assert.Positive(t, r.Wait)
						assert.LessOrEqual(t, r.Wait, time.Minute)
						assert.Zero(t, r.Remaining)
					} else {
						assert.Equal(t, 2-round, r.Remaining)
					}
				}
			}
			assert.True(t, l.Take(t.Context(), "person", "7", slow).Allowed, "another kind of the same name")
			assert.Empty(t, log.String())
		})
	}
	options, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { assert.NoError(t, client.Close()) }()
	l, _, _ := limiter(t, server.URL, 1000)
	names := []string{"1"}
	for len(names) <= 1000 {
		before := scripts(t, client)
		l.TakeAll(t.Context(), "person", names, slow)
		assert.Equal(t, 1, scripts(t, client)-before, "%d names", len(names))
		for range 9 * len(names) {
			names = append(names, fmt.Sprint(len(names)))
		}
	}
	server.Kill()
	assert.Len(t, l.TakeAll(t.Context(), "person", names, slow), len(names), "without it, this process counts")
}

package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"healthgraph/sharing"
)

const (
	redisTimeout = 250 * time.Millisecond // of one question, connecting included: then this process counts for itself
	keyPrefix    = "healthgraph:ratelimit:"
)

// takeScript is Limit.take on buckets in Redis, in microseconds of Redis' own clock, which is the same for all. It gives for each
// whether the request fits, and the time until the bucket is full again. A bucket that is full is no key at all.
var takeScript = redis.NewScript(`
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answers = {}
for i, key in ipairs(KEYS) do
	local full = tonumber(redis.call('GET', key) or 0)
	local missing = math.min(math.max(0, full - now), window)
	local after = missing + interval
	local fits = after <= window
	if fits then
		redis.call('SET', key, string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
	end
	answers[2 * i - 1], answers[2 * i] = fits and 1 or 0, fits and after or missing
end
return answers
`)

// shared are buckets in a Redis.
type shared struct{ *sharing.Client }

// CheckURL refuses what is no URL of a Redis. Its error does not repeat it, which may hold a password.
func CheckURL(url string) error { return sharing.CheckURL(url) }

func newShared(url string, now func() time.Time, log *slog.Logger) (*shared, error) {
	client, err := sharing.New(sharing.Config{
		URL: url, Timeout: redisTimeout, Connect: redisTimeout, What: "rate limits", Meanwhile: "each process counts for itself", Now: now, Log: log,
	})
	return &shared{client}, err
}

func (s *shared) close() error { return s.Close() }

// take counts in each of the buckets, in one question. nil is that it could not be counted.
func (s *shared) take(ctx context.Context, keys []string, limit Limit) []Result {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = keyPrefix + key
	}
	interval, window := limit.interval().Microseconds(), limit.Window().Microseconds()
	var answer []int64
	answered := s.Ask(ctx, func(ctx context.Context) (err error) {
		answer, err = takeScript.Run(ctx, s.Client.Client, names, interval, window).Int64Slice()
		if err == nil && len(answer) != 2*len(keys) {
			err = errors.New("another answer than was promised")
		}
		return err
	})
	if !answered {
		return nil
	}
	results := make([]Result, len(keys))
	for i := range results {
		results[i] = limit.result(answer[2*i] == 1, time.Duration(answer[2*i+1])*time.Microsecond)
	}
	return results
}

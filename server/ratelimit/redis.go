package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	redisTimeout = 250 * time.Millisecond // of one question, connecting included: then this process counts for itself
	redisPause   = time.Second            // before the next question after one that failed
	tellEvery    = time.Minute
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

// quiet stops the client's own log, which writes addresses to standard error.
var quiet = sync.OnceFunc(logging.Disable)

// shared are buckets in a Redis.
type shared struct {
	client *redis.Client
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	again  time.Time // not asked before
	down   bool      // the last question failed
	told   time.Time // when a failure was last logged
	toldOf bool      // the present failure was
}

// CheckURL refuses what is no URL of a Redis. Its error does not repeat it, which may hold a password.
func CheckURL(url string) error {
	if _, err := redis.ParseURL(url); err != nil {
		return errors.New("must be redis://user:password@host:port/number, or rediss:// with TLS")
	}
	return nil
}

func newShared(url string, now func() time.Time, log *slog.Logger) (*shared, error) {
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = redisTimeout, redisTimeout, redisTimeout, redisTimeout
	options.ContextTimeoutEnabled = true
	options.MaxRetries, options.DialerRetries = -1, 1 // the next request is the retry
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quiet()
	return &shared{client: redis.NewClient(options), now: now, log: log}, nil
}

func (s *shared) close() error { return s.client.Close() }

// take counts in each of the buckets, in one question. nil is that it could not be counted.
func (s *shared) take(ctx context.Context, keys []string, limit Limit) []Result {
	if !s.mayAsk() {
		return nil
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = keyPrefix + key
	}
	// A caller who goes away says nothing about the Redis.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), redisTimeout)
	defer cancel()
	interval, window := limit.interval().Microseconds(), limit.Window().Microseconds()
	answer, err := takeScript.Run(asking, s.client, names, interval, window).Int64Slice()
	if err == nil && len(answer) != 2*len(keys) {
		err = errors.New("another answer than was promised")
	}
	s.heard(ctx, err)
	if err != nil {
		return nil
	}
	results := make([]Result, len(keys))
	for i := range results {
		results[i] = limit.result(answer[2*i] == 1, time.Duration(answer[2*i+1])*time.Microsecond)
	}
	return results
}

// mayAsk lets one request ask at a time while the Redis is away, and the others go on without.
func (s *shared) mayAsk() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.down {
		return true
	}
	now := s.now()
	if now.Before(s.again) {
		return false
	}
	s.again = now.Add(redisPause)
	return true
}

// heard notes how a question ended. However many requests an outage costs, it leaves one line a minute in the log.
func (s *shared) heard(ctx context.Context, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if err == nil {
		if s.down && s.toldOf {
			s.log.InfoContext(ctx, "rate limits are shared again")
		}
		s.down, s.toldOf = false, false
		return
	}
	s.down, s.again = true, now.Add(redisPause)
	if s.told.IsZero() || now.Sub(s.told) >= tellEvery {
		s.told, s.toldOf = now, true
		s.log.WarnContext(ctx, "rate limits can't be shared: each process counts for itself until the Redis is back", "cause", causeOf(err))
	}
}

// causeOf is why, without an address, a name or a key.
func causeOf(err error) string {
	var refusal redis.Error
	var network net.Error
	switch {
	case errors.As(err, &refusal):
		code, _, _ := strings.Cut(refusal.Error(), " ")
		return "it answers " + code
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout(), errors.Is(err, redis.ErrPoolTimeout):
		return "no answer in time"
	default:
		return "no connection"
	}
}

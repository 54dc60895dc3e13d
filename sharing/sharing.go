// Package sharing is how processes share something in a Redis that may be away at any time: nobody waits for it long, nothing
// fails for want of it, and an outage leaves a line a minute in the log.
package sharing

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
	pause     = time.Second // before the next question after one that failed
	tellEvery = time.Minute
)

// quiet stops the client's own log, which writes addresses to standard error.
var quiet = sync.OnceFunc(logging.Disable)

// Config makes a Client.
type Config struct {
	URL     string        // redis://… or rediss://…
	Timeout time.Duration // of one question
	// Connect is how long connecting may take, in the background where some connections are kept Ready, else within Timeout.
	Connect time.Duration
	Ready   int
	// What is shared, and what becomes of it meanwhile, for the log: "rate limits", "each process counts for itself".
	What, Meanwhile string
	Now             func() time.Time
	Log             *slog.Logger
}

// Client asks a Redis. It is safe for concurrent use.
type Client struct {
	*redis.Client

	config Config

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

// New connects to nothing yet: a Redis that is down delays no start.
func New(config Config) (*Client, error) {
	if err := CheckURL(config.URL); err != nil {
		return nil, err
	}
	options, err := redis.ParseURL(config.URL)
	if err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = config.Connect, config.Timeout, config.Timeout, config.Timeout
	options.MinIdleConns = config.Ready
	options.ContextTimeoutEnabled = true
	options.MaxRetries, options.DialerRetries = -1, 1 // the next request is the retry
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quiet()
	return &Client{Client: redis.NewClient(options), config: config}, nil
}

// Ask asks a question, and says whether there was an answer. It goes on when the caller leaves: that says nothing about the Redis.
func (c *Client) Ask(ctx context.Context, question func(context.Context) error) bool {
	if !c.mayAsk() {
		return false
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.config.Timeout)
	defer cancel()
	err := question(asking)
	c.heard(ctx, err)
	return err == nil
}

// mayAsk lets one request ask at a time while the Redis is away, and the others go on without.
func (c *Client) mayAsk() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.down {
		return true
	}
	now := c.config.Now()
	if now.Before(c.again) {
		return false
	}
	c.again = now.Add(pause)
	return true
}

// heard notes how a question ended. However many requests an outage costs, it leaves one line a minute in the log.
func (c *Client) heard(ctx context.Context, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.config.Now()
	if err == nil {
		if c.down && c.toldOf {
			c.config.Log.InfoContext(ctx, c.config.What+" are shared again")
		}
		c.down, c.toldOf = false, false
		return
	}
	c.down, c.again = true, now.Add(pause)
	if c.told.IsZero() || now.Sub(c.told) >= tellEvery {
		c.told, c.toldOf = now, true
		c.config.Log.WarnContext(ctx, c.config.What+" can't be shared: "+c.config.Meanwhile+" until the Redis is back", "cause", causeOf(err))
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

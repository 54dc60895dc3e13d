// Package cache spares upstreams what they have just been asked. In front of every connector's reads it makes identical ones that
// are under way once, and remembers answers for as long as they are fresh: in this process, bounded by bytes, and
// for all replicas in a Redis if there is one.
//
// An answer is one person's, of one account at one upstream, given in one state of their links: nothing else finds it. Failures
// and answers that are not whole are never remembered.
package cache

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Freshness is how long answers may stand for others, by what they are about.
type Freshness struct {
	Links  time.Duration
	Recent time.Duration // of days that are not past, and of those without a figure
	Past   time.Duration // of days that ended two days ago or more, for whoever measured and whatever the zone
}

// settled is how long a day has been over when no more is expected to come of it soon.
const settled = 48 * time.Hour

// Config makes a Cache. Without bytes nothing is remembered, anywhere.
type Config struct {
	Bytes     int // of answers in this process
	Freshness Freshness
	Shared    *Shared // with other processes; nil where each remembers its own
	Now       func() time.Time
}

// Cache is safe for concurrent use.
type Cache struct {
	Counters Counters

	config  Config
	answers *otter.Cache[key, answer] // nil where nothing is remembered
	readers []waited
}

// New makes an empty one.
func New(config Config) *Cache {
	if config.Now == nil {
		config.Now = time.Now
	}
	c := &Cache{config: config}
	if config.Bytes > 0 {
		c.answers = otter.Must(&otter.Options[key, answer]{
			MaximumWeight: uint64(config.Bytes),
			Weigher:       func(_ key, a answer) uint32 { return uint32(min(max(a.bytes, 1), math.MaxUint32)) }, //nolint:gosec // within the bounds
			// What is stale goes even when nobody asks for it again.
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[key, answer]) time.Duration { return e.Value.freshFor }),
		})
	}
	return c
}

// Before puts the cache in front of the reads of every connector of the registry. It is for wiring, before anybody reads.
func (c *Cache) Before(registry *connectors.Registry) {
	for _, plug := range registry.Plugs() {
		f := front{c, plug.Description.ID, plug.Description.Name}
		if plug.Links != nil {
			r := &linkReader{LinkReader: plug.Links, front: f}
			r.flights.Join = f.join
			plug.Links, c.readers = r, append(c.readers, &r.flights)
		}
		if plug.DailySteps != nil {
			r := &dayReader{DailyStepReader: plug.DailySteps, front: f}
			r.flights.Join = f.join
			plug.DailySteps, c.readers = r, append(c.readers, &r.flights)
		}
		if plug.Samples != nil {
			r := &sampleReader{SampleReader: plug.Samples, front: f, under: map[read]*walk{}}
			plug.Samples, c.readers = r, append(c.readers, r)
		}
	}
}

// Forget forgets all answers about a person, here and where they are shared.
func (c *Cache) Forget(user health.UserID) {
	if c.answers == nil {
		return
	}
	for k := range c.answers.Keys() {
		if k.user == user {
			c.answers.Invalidate(k)
		}
	}
	if c.config.Shared != nil {
		c.config.Shared.forget(user)
	}
}

// Close ends what the cache does by itself, when nobody reads any more.
func (c *Cache) Close() error {
	if c.answers != nil {
		c.answers.StopAllGoroutines()
	}
	if c.config.Shared == nil {
		return nil
	}
	return c.config.Shared.Close()
}

// Waiting counts those who wait for a read that others may join.
func (c *Cache) Waiting() (n int) {
	for _, r := range c.readers {
		n += r.WaitedFor()
	}
	return n
}

type waited interface{ WaitedFor() int }

// front is what stands before one connector's reads.
type front struct {
	*Cache

	connector, name string
}

// join is for whoever would wait for a read that another began: as long as its call hangs, so do they.
func (f front) join(ctx context.Context, _ read) (patient context.Context, leave func(), err error) {
	return connectors.Join(ctx, f.name)
}

// late is for whoever has no time to wait any more, or may not wait.
func (f front) late(err error) error {
	var refused *health.Error
	if errors.As(err, &refused) {
		return refused
	}
	return health.Fail(health.UpstreamUnavailable, f.name+" is not available: it did not answer in time", err)
}

package simulators

import (
	"sync"
	"time"
)

// Clock is a simulator's idea of now: the machine's clock plus an offset, or a moment that stands still.
// Several simulators may share one, so that a test moves them all together. Safe for concurrent use.
type Clock struct {
	mu     sync.RWMutex
	offset time.Duration
	frozen *time.Time
}

// NewClock returns a clock that follows the machine's clock.
func NewClock() *Clock { return &Clock{} }

// Now is the simulated moment, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.frozen != nil {
		return *c.frozen
	}
	return time.Now().UTC().Add(c.offset).Round(0)
}

// Set moves the clock to t, from where it continues to run.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.offset = nil, time.Until(t)
}

// Freeze stops the clock at t until Set or Reset.
func (c *Clock) Freeze(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t = t.UTC().Round(0)
	c.frozen = &t
}

// Advance moves the clock by d, backwards when d is negative. A frozen clock stays frozen at the new moment.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.frozen != nil {
		t := c.frozen.Add(d)
		c.frozen = &t
		return
	}
	c.offset += d
}

// Reset makes the clock follow the machine's clock again.
func (c *Clock) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.offset = nil, 0
}

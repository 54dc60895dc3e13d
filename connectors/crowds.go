package connectors

import (
	"context"
	"sync"
	"time"

	"healthgraph/health"
)

// Crowds bound how many operations wait for one upstream at a time, for a turn or for what another's call will bring: one that hangs
// must not hold all that may be under way, with those who ask another upstream among them. However many calls of an operation wait, it
// counts once. Those of calls under way do not count: turns bound them. Safe for concurrent use.
type Crowds struct {
	most int

	mu sync.Mutex
	at map[string]*crowd // by the upstream's name
}

// crowd are the operations that wait for one upstream.
type crowd struct {
	waits  map[*operation]*wait
	served time.Time     // when one of them last got what it waited for; before that, when the first began to wait
	took   time.Duration // for how long it had waited
}

// operation is one that was admitted.
type operation struct{ crowds *Crowds }

// wait is an operation's in a crowd.
type wait struct {
	places int       // in which it waits
	until  time.Time // zero for one that waits for as long as it takes
}

// An upstream keeps up with those who wait for it while one of them is served at least every stalledAfter, and none waits for longer
// than lateAfter. That many operations wait for a moment is then no fault of its, and a process that is short of CPU time sheds what is
// too much by its admission.
const (
	stalledAfter = 500 * time.Millisecond
	lateAfter    = 2 * time.Second
)

// NewCrowds makes Crowds of so many operations at each upstream. More wait only while the upstream keeps up.
func NewCrowds(most int) *Crowds { return &Crowds{most: most, at: map[string]*crowd{}} }

type operationKey struct{}

// Operation makes what is done under ctx one operation's. Calls of none, as in the background, are not bounded here: there are few.
func (c *Crowds) Operation(ctx context.Context) context.Context {
	return context.WithValue(ctx, operationKey{}, &operation{c})
}

// Wait lets ctx's operation wait for the upstream while patient lasts, until leave is told whether it got what it waited for, exactly
// once. It is UPSTREAM_UNAVAILABLE at once where too many wait; where patient ends before ctx, that is its cause.
func Wait(ctx context.Context, upstream string) (patient context.Context, leave func(served bool), err error) {
	o, _ := ctx.Value(operationKey{}).(*operation)
	if o == nil {
		return ctx, func(bool) {}, nil
	}
	c, begun := o.crowds, time.Now()
	at, own := c.join(upstream, o, begun)
	if own == nil {
		return nil, nil, tooMany(upstream)
	}
	if own.until.IsZero() {
		return ctx, func(served bool) { c.leave(at, o, begun, served) }, nil
	}
	patient, cancel := context.WithCancelCause(ctx)
	stop := watch(patient, func() time.Duration { return c.hope(at, own) }, func() { cancel(tooMany(upstream)) })
	return patient, func(served bool) {
		stop()
		cancel(nil)
		c.leave(at, o, begun, served)
	}, nil
}

// join gives the operation's wait in the upstream's crowd; nil where it is one too many.
func (c *Crowds) join(upstream string, o *operation, now time.Time) (at *crowd, own *wait) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at = c.at[upstream]; at == nil {
		at = &crowd{waits: map[*operation]*wait{}}
		c.at[upstream] = at
	}
	if len(at.waits) == 0 {
		at.served, at.took = now, 0
	}
	if own = at.waits[o]; own == nil {
		own = &wait{}
		if len(at.waits) >= c.most {
			own.until = now.Add(lateAfter)
			if at.took >= lateAfter || at.hope(own, now) <= 0 {
				return at, nil
			}
		}
		at.waits[o] = own
	}
	own.places++
	return at, own
}

func (c *Crowds) leave(at *crowd, o *operation, begun time.Time, served bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := at.waits[o]
	if own.places--; own.places == 0 {
		delete(at.waits, o)
	}
	if served {
		at.served = time.Now()
		at.took = at.served.Sub(begun)
	}
}

func (c *Crowds) hope(at *crowd, own *wait) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return at.hope(own, time.Now())
}

// hope is for how long one that is beyond the bound may still wait.
func (at *crowd) hope(own *wait, now time.Time) time.Duration {
	return min(own.until.Sub(now), at.served.Add(stalledAfter).Sub(now))
}

func tooMany(upstream string) error {
	e := health.Fail(health.UpstreamUnavailable, "too many operations wait for "+upstream+" already", nil)
	e.RetryAfter = crowdedTime
	return e
}

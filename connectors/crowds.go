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
	waits   map[*operation]*wait
	beyond  int       // of them, beyond the bound
	suspect bool      // one of these gave up in vain or would have had to, and none was served since
	again   time.Time // when one of these may find out whether that has passed
	moved   time.Time // when a wait last ended otherwise, or the first began
}

// operation is one that was admitted.
type operation struct{ crowds *Crowds }

// wait is an operation's in a crowd.
type wait struct {
	places int       // in which it waits
	until  time.Time // zero for one that waits for as long as it takes
	served bool      // in any of these, meanwhile
}

// That many operations wait for a moment is no fault of the upstream's: a process that is short of CPU time sheds what is too much by its
// admission. So those beyond the bound may wait for a moment as well, shorter than one may wait to be admitted, until it was too short
// for one of them. Then they have to wait no more, but for one now and then. More than half as many again as the bound come only while waits
// end: an upstream that hangs ends none, and shall not have taken all places before the first moment is over.
const (
	moment       = 500 * time.Millisecond
	stalled      = moment / 2 // without the end of a wait
	suspectPause = time.Second
)

// NewCrowds makes Crowds of so many operations at each upstream. More wait only for a moment, while that is enough.
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
	at, until, ok := o.crowds.join(upstream, o)
	if !ok {
		return nil, nil, tooMany(upstream)
	}
	patient, stop := ctx, func() {}
	if !until.IsZero() {
		hurried, cancel := context.WithCancelCause(ctx)
		timer := time.AfterFunc(time.Until(until), func() {
			if o.crowds.isBeyond(at, o) {
				cancel(tooMany(upstream))
			}
		})
		patient, stop = hurried, func() { timer.Stop(); cancel(nil) }
	}
	return patient, func(served bool) {
		ended := patient.Err() == nil
		gaveUp := !served && !ended && ctx.Err() == nil
		stop()
		o.crowds.leave(at, o, served, ended, gaveUp)
	}, nil
}

// Join is Wait for what another's call will bring, be it that call's refusal: that it ends says nothing of the upstream.
func Join(ctx context.Context, upstream string) (patient context.Context, leave func(), err error) {
	patient, left, err := Wait(ctx, upstream)
	if err != nil {
		return nil, nil, err
	}
	return patient, func() { left(false) }, nil
}

// join begins a wait of the operation's in the upstream's crowd, and says until when it may last; not ok where it is one too many.
func (c *Crowds) join(upstream string, o *operation) (at *crowd, until time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at = c.at[upstream]; at == nil {
		at = &crowd{waits: map[*operation]*wait{}}
		c.at[upstream] = at
	}
	now := time.Now()
	if len(at.waits) == 0 {
		at.moved = now
	}
	own := at.waits[o]
	switch {
	case own != nil:
	case len(at.waits) < c.most:
		own = &wait{}
		at.suspect = at.suspect && len(at.waits) > 0
	case at.suspect && (at.beyond > 0 || now.Before(at.again)):
		return at, until, false
	case at.beyond >= c.most/2 && now.Sub(at.moved) >= stalled:
		at.suspect, at.again = true, now.Add(suspectPause)
		return at, until, false
	default:
		own = &wait{until: now.Add(moment)}
		at.beyond++
	}
	at.waits[o] = own
	own.places++
	return at, own.until, true
}

// isBeyond says, when its moment is over, whether the operation still is one too many. Where no more wait than may, it waits on as they do.
func (c *Crowds) isBeyond(at *crowd, o *operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := at.waits[o]
	if own == nil || own.until.IsZero() {
		return false
	}
	if len(at.waits)-at.beyond < c.most {
		own.until = time.Time{}
		at.beyond--
		return false
	}
	return true
}

func (c *Crowds) leave(at *crowd, o *operation, served, ended, gaveUp bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ended {
		at.moved = time.Now()
	}
	own := at.waits[o]
	isBeyond := !own.until.IsZero()
	own.served = own.served || served
	if own.places--; own.places == 0 {
		delete(at.waits, o)
		if isBeyond {
			at.beyond--
		}
	}
	switch {
	case gaveUp && !own.served:
		at.suspect, at.again = true, time.Now().Add(suspectPause)
	case served && isBeyond:
		at.suspect = false
	}
}

func tooMany(upstream string) error {
	e := health.Fail(health.UpstreamUnavailable, "too many operations wait for "+upstream+" already", nil)
	e.RetryAfter = crowdedTime
	return e
}

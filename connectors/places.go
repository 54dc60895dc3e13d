package connectors

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
)

var (
	// errCrowded says that too many wait already.
	errCrowded = errors.New("too many calls wait for their turn")
	// errStuck says that waiting leads nowhere: no call under way has ended for long.
	errStuck = errors.New("no call under way ends")
)

// places bound the calls in flight, and those that wait for a place: in the order in which they came.
type places struct {
	upstream string
	bulkhead bulkhead.Bulkhead[any]
	waiting  atomic.Int64
	most     int64
	patience time.Duration // without a place given back, after which nobody waits
	since    atomic.Int64  // when a place was last taken or given back, in ns after made
	made     time.Time
}

func newPlaces(c ClientConfig) *places {
	p := &places{upstream: c.Upstream, most: int64(c.MaxWaiting), patience: patience(c.Timeout), made: time.Now()}
	p.bulkhead = bulkhead.New[any](uint(c.MaxInFlight)) //nolint:gosec // not negative
	return p
}

// enter takes a place, to be given back by leave: at once, or after others while ctx lasts. Where too many calls wait, it is errCrowded
// at once; where too many operations do, what Wait says, unless the call changes something: those are few, and cost the person dear. Where no place has been given back for long it is errStuck for everybody who
// waits: an upstream that hangs must not hold all who ask it until its calls are over.
func (p *places) enter(ctx context.Context, changes bool) (err error) {
	if p.bulkhead.TryAcquirePermit() {
		p.moved()
		return nil
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > p.most {
		return errCrowded
	}
	if p.hope() <= 0 {
		return errStuck
	}
	patient := ctx
	if !changes {
		var leave func(bool)
		if patient, leave, err = Wait(ctx, p.upstream); err != nil {
			return err
		}
		defer func() { leave(err == nil) }()
	}
	waiting, cancel := context.WithCancelCause(patient)
	defer cancel(nil)
	defer p.watch(waiting, cancel)()
	if err := p.bulkhead.AcquirePermit(waiting); err != nil {
		return context.Cause(waiting)
	}
	p.moved()
	return nil
}

func (p *places) leave() {
	p.moved()
	p.bulkhead.ReleasePermit()
}

// watch cancels whoever waits in vain, until it is stopped.
func (p *places) watch(waiting context.Context, cancel context.CancelCauseFunc) (stop func() bool) {
	var timer *time.Timer
	timer = time.AfterFunc(time.Hour, func() {
		switch hope := p.hope(); {
		case waiting.Err() != nil: // it is over
		case hope <= 0:
			cancel(errStuck)
		default:
			timer.Reset(hope)
		}
	})
	timer.Reset(p.hope())
	return timer.Stop
}

func (p *places) moved() { p.since.Store(int64(time.Since(p.made))) }

// hope is for how long it is still worth to wait.
func (p *places) hope() time.Duration {
	return p.patience - (time.Since(p.made) - time.Duration(p.since.Load()))
}

package connectors

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/failsafe-go/failsafe-go/bulkhead"
)

// errCrowded says that too many wait already.
var errCrowded = errors.New("too many calls wait for their turn")

// places bound the calls in flight, and those that wait for a place: in the order in which they came.
type places struct {
	bulkhead bulkhead.Bulkhead[any]
	waiting  atomic.Int64
	most     int64
}

func newPlaces(inFlight, waiting int) *places {
	return &places{bulkhead: bulkhead.New[any](uint(inFlight)), most: int64(waiting)} //nolint:gosec // not negative
}

// enter takes a place, to be given back by leave: at once, or after others while ctx lasts. Where too many wait, it is
// errCrowded at once.
func (p *places) enter(ctx context.Context) error {
	if p.bulkhead.TryAcquirePermit() {
		return nil
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > p.most {
		return errCrowded
	}
	return p.bulkhead.AcquirePermit(ctx)
}

func (p *places) leave() { p.bulkhead.ReleasePermit() }

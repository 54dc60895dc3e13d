package resolvers

import (
	"context"
	"sync"
	"time"

	"healthgraph/health"
)

// Freshness says until when the answer to an operation need not be asked for again. The zero Freshness is that of an answer that
// nobody may keep.
type Freshness struct {
	mu    sync.Mutex
	until time.Time
	once  bool // something in the answer is good for this once
}

type freshnessKey struct{}

// WithFreshness lets the operation that is executed with ctx say how fresh its answer is. It may be asked when there is one.
func WithFreshness(ctx context.Context) (context.Context, *Freshness) {
	f := &Freshness{}
	return context.WithValue(ctx, freshnessKey{}, f), f
}

// Until is the end of the freshness of what is soonest stale. It is zero where the answer has to be asked for each time: where
// anything in it came from no upstream's answer that is remembered, or is not whole.
func (f *Freshness) Until() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.once {
		return time.Time{}
	}
	return f.until
}

// lasts notes a part of the answer.
func (f *Freshness) lasts(until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case until.IsZero():
		f.once = true
	case f.until.IsZero() || until.Before(f.until):
		f.until = until
	}
}

// lastingFields are those that may be kept for a while: their reads say for how long.
var lastingFields = map[string]bool{"connections": true, "stepCount": true, "quantity": true, "quantityStatistics": true, "id": true, "__typename": true, "dataSources": true}

// lasts notes until when something that the operation read is fresh; zero: it is good for this once.
func (r *reads) lasts(until time.Time) {
	if r.freshness != nil {
		r.freshness.lasts(until)
	}
}

// linksLast notes how fresh links are. One that could not be read, or that somebody is waiting for, is asked for each time.
func (r *reads) linksLast(links []health.DataSourceLink) {
	for _, link := range links {
		switch link.Status {
		case health.StatusUnknown, health.StatusPending, health.StatusRevoking:
			r.lasts(time.Time{})
		default:
			r.lasts(link.FreshUntil)
		}
	}
}

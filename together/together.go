// Package together makes reads once that several ask for at the same time.
package together

import (
	"context"
	"errors"
	"slices"
	"sync"

	"healthgraph/stack"
)

// Reads makes identical reads that are under way at the same time once. A key says whose the read is and of what: nothing
// is ever shared between two keys. Nobody's leaving ends a read that others wait for; it ends when all have left.
//
// Values are shared, so nobody may change them. The zero Reads is ready for use.
type Reads[K comparable, V any] struct {
	// Join is asked by whoever is about to wait for reads that others began, one of which the key names, and may refuse it. The caller
	// waits while patient lasts, and then calls leave, once. nil lets everybody. It is set before the first Read.
	Join func(ctx context.Context, key K) (patient context.Context, leave func(), err error)

	mu    sync.Mutex
	under map[K]place[K, V]
}

// place is where a read's value will be.
type place[K comparable, V any] struct {
	flight *flight[K, V]
	at     int
}

// flight is a batch of reads under way.
type flight[K comparable, V any] struct {
	boarding []K             // under what others find it, guarded by Reads.mu; nil once they do not
	ctx      context.Context //nolint:containedctx // it is nobody's: the callers' own end apart from it
	cancel   context.CancelFunc
	waiting  int // for its values, guarded by Reads.mu
	done     chan struct{}
	values   []V
	cut      bool // by its deadline
	panicked any
}

// mostTogether bounds the batches that others may join: whoever asks for one value waits for all of them. As many calls go out at
// a time.
const mostTogether = 16

// Read gives a value for each key, in order. Those that nobody is reading are read by one call of f, which is given their
// indices and gives their values in that order. f goes on when this caller leaves, as long as others wait, and at most until the
// caller's deadline: who has more time reads again. Where f is refused something as that caller's, all who wait are. The error is ctx's, or Join's: the caller left, and others wait on.
func (t *Reads[K, V]) Read(ctx context.Context, keys []K, f func(ctx context.Context, missing []int) []V) ([]V, error) {
	values := make([]V, len(keys))
	places, joined := t.board(ctx, keys, f)
	if err := t.wait(ctx, keys, places, joined); err != nil {
		return nil, err
	}
	var cut []int
	for i, p := range places {
		switch {
		case p.flight.panicked != nil:
			panic(p.flight.panicked)
		case p.flight.cut && lastsLonger(ctx, p.flight.ctx):
			cut = append(cut, i)
		default:
			values[i] = p.flight.values[p.at]
		}
	}
	return values, t.again(ctx, keys, cut, values, f)
}

// wait waits for the flights, as Join has it where somebody else began one of them.
func (t *Reads[K, V]) wait(ctx context.Context, keys []K, places []place[K, V], joined int) error {
	if joined >= 0 && t.Join != nil {
		patient, leave, err := t.Join(ctx, keys[joined])
		if err != nil {
			t.leave(places)
			return err
		}
		defer leave()
		ctx = patient
	}
	if !t.await(ctx, places) {
		return context.Cause(ctx) //nolint:wrapcheck // the caller says what was not read
	}
	return nil
}

// await waits for the flights to end, and leaves them. It is false when ctx ended first and others wait for one of them. A flight
// that nobody else waits for ends at once then, and what it brought all the same is not lost.
func (t *Reads[K, V]) await(ctx context.Context, places []place[K, V]) bool {
	for i, p := range places {
		select {
		case <-p.flight.done:
		case <-ctx.Done():
			if !t.leave(places) {
				return false
			}
			for _, rest := range places[i:] {
				<-rest.flight.done
			}
			return true
		}
	}
	t.leave(places)
	return true
}

// lastsLonger says whether one context goes on when the other's deadline is over.
func lastsLonger(one, other context.Context) bool {
	deadline, has := one.Deadline()
	end, ends := other.Deadline()
	return one.Err() == nil && ends && (!has || deadline.After(end))
}

// again reads what somebody else's deadline cut off.
func (t *Reads[K, V]) again(ctx context.Context, keys []K, cut []int, values []V, f func(context.Context, []int) []V) error {
	if len(cut) == 0 {
		return nil
	}
	rest := make([]K, len(cut))
	for i, at := range cut {
		rest[i] = keys[at]
	}
	more, err := t.Read(ctx, rest, func(ctx context.Context, missing []int) []V {
		indices := make([]int, len(missing))
		for i, at := range missing {
			indices[i] = cut[at]
		}
		return f(ctx, indices)
	})
	for i, value := range more {
		values[cut[i]] = value
	}
	return err
}

// board finds the reads that are under way, and begins one of the others. joined is the place of one that is; -1 where
// there is none.
func (t *Reads[K, V]) board(ctx context.Context, keys []K, f func(context.Context, []int) []V) (places []place[K, V], joined int) {
	places, joined = make([]place[K, V], len(keys)), -1
	var missing []int
	own := &flight[K, V]{done: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, key := range keys {
		p, found := t.under[key]
		if found {
			joined = i
		} else {
			p = place[K, V]{own, len(missing)}
			missing = append(missing, i)
		}
		places[i] = p
		p.flight.waiting++
	}
	if len(missing) == 0 {
		return places, joined
	}
	shared := context.WithoutCancel(ctx)
	if deadline, has := ctx.Deadline(); has {
		own.ctx, own.cancel = context.WithDeadline(shared, deadline) //nolint:gosec // leave calls cancel
	} else {
		own.ctx, own.cancel = context.WithCancel(shared) //nolint:gosec // likewise
	}
	if len(missing) <= mostTogether {
		own.boarding = keys
		if t.under == nil {
			t.under = map[K]place[K, V]{}
		}
		for at, i := range missing {
			t.under[keys[i]] = place[K, V]{own, at}
		}
	}
	go t.fly(own, missing, f)
	return places, joined
}

// takeOff ends the boarding: who comes later reads anew. It is called with mu held.
func (t *Reads[K, V]) takeOff(flight *flight[K, V]) {
	for _, key := range flight.boarding {
		if t.under[key].flight == flight {
			delete(t.under, key)
		}
	}
	flight.boarding = nil
}

// fly makes the read. A panic is everybody's who waits.
func (t *Reads[K, V]) fly(own *flight[K, V], missing []int, f func(context.Context, []int) []V) {
	defer func() {
		own.panicked = recover()
		own.cut = errors.Is(own.ctx.Err(), context.DeadlineExceeded)
		t.mu.Lock()
		t.takeOff(own)
		t.mu.Unlock()
		close(own.done)
	}()
	stack.Grow()
	own.values = f(own.ctx, missing)
}

// leave is for a caller who waits no more. A flight whose last one leaves ends, and nobody joins it from then on. It says whether
// nobody else waits for those that go on.
func (t *Reads[K, V]) leave(places []place[K, V]) (alone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range places {
		if p.flight.waiting--; p.flight.waiting == 0 {
			t.takeOff(p.flight)
			p.flight.cancel()
		}
	}
	return !slices.ContainsFunc(places, func(p place[K, V]) bool { return p.flight.waiting > 0 })
}

// WaitedFor counts those who wait for a read that may be joined.
func (t *Reads[K, V]) WaitedFor() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.under {
		n += p.flight.waiting
	}
	return n
}

package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// ErrLeaseHeld says that another process does the work at the moment.
var ErrLeaseHeld = errors.New("another process is at it")

// lease is the right to do work that one process at a time does. It is a committed row with an end: a process that dies
// leaves it behind, and the next one takes it over then.
type lease struct {
	gateway      *Gateway
	name, holder string
	lasts        time.Duration
}

func (g *Gateway) newLease(name string, lasts time.Duration) lease {
	return lease{g, name, rand.Text(), lasts}
}

// take takes the lease, or makes it last anew where it is held already.
func (l lease) take(ctx context.Context) error {
	now := l.gateway.Now()
	held, err := l.gateway.Store.TakeLease(ctx, l.name, l.holder, now.Add(l.lasts), now)
	if err == nil && !held {
		return ErrLeaseHeld
	}
	return err
}

// giveBack ends the lease, even when ctx has ended.
func (l lease) giveBack(ctx context.Context) {
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := l.gateway.Store.DropLease(ctx, l.name, l.holder); err != nil { // it ends by itself
		l.gateway.Log.WarnContext(ctx, "a lease could not be given back", "name", l.name, "error", err)
	}
}

// wait sleeps until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

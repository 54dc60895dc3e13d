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

// take takes the lease, and says how far the work has come by whoever held it last.
func (l lease) take(ctx context.Context) (reached string, err error) {
	now := l.gateway.Now()
	reached, held, err := l.gateway.Store.TakeLease(ctx, l.name, l.holder, now.Add(l.lasts), now)
	if err == nil && !held {
		err = ErrLeaseHeld
	}
	return reached, err
}

// keep makes the lease last anew, and remembers how far the work has come.
func (l lease) keep(ctx context.Context, reached string) error {
	held, err := l.gateway.Store.KeepLease(ctx, l.name, l.holder, reached, l.gateway.Now().Add(l.lasts))
	if err == nil && !held {
		return ErrLeaseHeld
	}
	return err
}

// giveBack lets others take the lease after a while, even when ctx has ended.
func (l lease) giveBack(ctx context.Context, reached string, after time.Duration) {
	ctx, cancel := outlive(ctx)
	defer cancel()
	if _, err := l.gateway.Store.KeepLease(ctx, l.name, l.holder, reached, l.gateway.Now().Add(after)); err != nil { // it ends by itself
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

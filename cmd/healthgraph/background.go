package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"healthgraph/gateway"
	"healthgraph/health"
)

const (
	backgroundPause = 10 * time.Minute
	forgetAtOnce    = 1000 // rows, so that no statement takes long
)

// background is the work that serve does beside its callers, until ctx ends.
type background struct {
	*app

	settings settings
	log      *slog.Logger
	pause    time.Duration // between two rounds of the same work, about
}

func (b background) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, file := range []*watchedFile{b.keyset, b.jwks, b.trusted, b.certificate} {
		if file != nil {
			all.Go(func() { file.watch(ctx, lookAtFilesEvery) })
		}
	}
	all.Go(func() { b.verifier.Watch(ctx) })
	if b.settings.ReconcilePerHour > 0 {
		for _, connector := range b.gateway.Connectors() {
			all.Go(func() { b.reconcile(ctx, connector) })
		}
	}
	if b.settings.AccessLogKeep > 0 {
		all.Go(func() {
			b.forget(ctx, b.settings.AccessLogKeep, "old lines of the access log could not be deleted", b.store.ForgetAccessEvents)
		})
	}
	all.Go(func() { b.forgetDays(ctx) })
	all.Wait()
}

// reconcile makes round after round. Replicas that start together spread out: one works, the others look in again later.
func (b background) reconcile(ctx context.Context, connector string) {
	pause := b.pause
	for sleep(ctx, spread(pause)) {
		p, err := b.round(ctx, connector)
		pause = b.pause
		if p.Failed > 0 {
			pause *= 6 // who can't be asked now will not be for a while
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, gateway.ErrLeaseHeld):
		case err != nil:
			b.log.WarnContext(ctx, "reconciling ended early, and goes on later", "connector", connector, "due", p.Due, "checked", p.Checked, "failed", p.Failed, "error", err)
		case p.Checked > 0:
			b.log.InfoContext(ctx, "links were reconciled", "connector", connector, "checked", p.Checked, "changed", p.Changed, "failed", p.Failed)
		}
	}
}

// round is one of reconcile. What a connector makes of a strange answer must not end the process.
func (b background) round(ctx context.Context, connector string) (p gateway.ReconcileProgress, err error) {
	defer health.Recovered(&err)
	return b.gateway.Reconcile(ctx, connector, gateway.ReconcileOptions{
		CheckedBefore: b.settings.ReconcileAfter, PerHour: b.settings.ReconcilePerHour, Report: func(gateway.ReconcileProgress) {},
	})
}

// forgetDays deletes kept days that were not read for long, and all of them where keeping is off.
func (b background) forgetDays(ctx context.Context) {
	if keep, err := b.settings.keepDays(); err == nil { // else serve did not start
		b.forget(ctx, keep, "old kept days could not be deleted", b.store.ForgetDaysBefore)
	}
}

// forget deletes what was kept for long enough.
func (b background) forget(ctx context.Context, keep time.Duration, failure string, forget func(ctx context.Context, before time.Time, limit int) (int, error)) {
	for sleep(ctx, spread(b.pause)) {
		for {
			n, err := forget(ctx, time.Now().Add(-keep), forgetAtOnce)
			if err != nil && ctx.Err() == nil {
				b.log.ErrorContext(ctx, failure, "error", err)
			}
			if n < forgetAtOnce || err != nil {
				break
			}
		}
	}
}

// spread is about d, another time each time.
func spread(d time.Duration) time.Duration { return d/2 + rand.N(d) } //nolint:gosec // nobody gains by guessing it

// sleep says whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

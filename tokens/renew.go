package tokens

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

const (
	renewEarly = 5 * time.Minute // before the upstream's expiry, so that no page of a walk meets it
	pollLease  = 50 * time.Millisecond
	// A renewal waits for a turn and for the upstream, and then writes, all within its lease.
	turnTime  = 2 * time.Second
	writeTime = 2 * time.Second
)

// leaseFor is how long a renewal belongs to whoever began it.
func (k *Keeper) leaseFor() time.Duration { return turnTime + k.callTimeout + writeTime }

// renew gives a grant newer than the used one. All callers in this process share one upstream call.
func (k *Keeper) renew(ctx context.Context, used Record, refresher connectors.Refresher) (_ Record, _ connectors.Grant, err error) {
	patient, leave, err := connectors.Wait(ctx, refresher.Describe().Name)
	if err != nil {
		return Record{}, connectors.Grant{}, err
	}
	defer func() { leave(err == nil) }()
	type renewed struct {
		record Record
		grant  connectors.Grant
	}
	result := k.renewals.DoChan(used.Connector+"\x00"+string(used.User), func() (_ any, err error) {
		defer health.Recovered(&err)
		k.renewing.RLock()
		defer k.renewing.RUnlock()
		// It outlives the caller that began it, as others wait for it too, and may first have to wait for a lease to end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*k.leaseFor())
		defer cancel()
		record, grant, err := k.renewNow(ctx, used, refresher)
		return renewed{record, grant}, err
	})
	select {
	case <-patient.Done():
		if refused := (*health.Error)(nil); errors.As(context.Cause(patient), &refused) {
			return Record{}, connectors.Grant{}, refused // too many wait for the upstream
		}
		slow := health.Fail(health.UpstreamUnavailable, "there was no time left to renew the authorisation", context.Cause(patient))
		slow.RetryAfter = k.leaseFor() // it goes on, for so long at most
		return Record{}, connectors.Grant{}, slow
	case r := <-result:
		if r.Err != nil {
			return Record{}, connectors.Grant{}, r.Err
		}
		done, _ := r.Val.(renewed) // what the function above gives
		return done.record, done.grant, nil
	}
}

func (k *Keeper) renewNow(ctx context.Context, used Record, refresher connectors.Refresher) (Record, connectors.Grant, error) {
	current, mine, err := k.claim(ctx, used, refresher)
	if err != nil {
		return Record{}, connectors.Grant{}, err
	}
	grant, err := k.open(current)
	if err != nil || !mine {
		return current, grant, err
	}
	calling, cancel := context.WithTimeout(ctx, current.LeaseUntil.Sub(k.now())-writeTime) // never beyond the lease
	defer cancel()
	next, err := refresher.Refresh(calling, grant)
	if err == nil && next.AccountID != current.AccountID {
		err = health.Fail(health.UpstreamInvalid, "the upstream renewed another account's authorisation", nil)
	}
	switch {
	case err == nil:
		k.suspicion.success(matter{current.Connector, aboutRefreshes})
		renewed, err := k.keep(ctx, current, next)
		return renewed, next, err
	case health.AsError(err).Code == health.ReauthorizationRequired:
		return k.refusedRefresh(ctx, current, err)
	default:
		k.release(ctx, current)
		return Record{}, connectors.Grant{}, err
	}
}

// claim takes the lease on the renewal of a grant. Whoever does not get it waits for the one who has it. mine is false when
// there is nothing left to do: somebody renewed the grant, or the person linked again, since it was read.
//
// The lease is a committed row, so it holds among all processes, and a crash leaves it behind: after leaseFor the next one
// takes it over. Its random number fences off a holder who was thought dead.
func (k *Keeper) claim(ctx context.Context, used Record, refresher connectors.Refresher) (current Record, mine bool, err error) {
	for {
		if current, err = k.reload(ctx, used); err != nil {
			return Record{}, false, err
		}
		switch {
		case !k.sameTokens(current, used):
			return current, false, nil
		case current.RefusedAt.After(used.RefusedAt):
			return Record{}, false, refusedForGood(refresher)
		case current.Lease == "" || !k.now().Before(current.LeaseUntil):
			current.Lease, current.LeaseUntil = rand.Text(), k.now().Add(k.leaseFor())
			written, err := k.store.UpdateGrant(ctx, current)
			if err != nil {
				return Record{}, false, err
			}
			if written {
				current.Version++
				return current, true, nil
			}
		default:
			if err := pause(ctx); err != nil {
				return Record{}, false, health.Fail(health.UpstreamUnavailable, "the authorisation is being renewed, which takes long", err)
			}
		}
	}
}

// pause waits a little before the lease is looked at again, not as long for everybody.
func pause(ctx context.Context) error {
	timer := time.NewTimer(pollLease + mathrand.N(pollLease)) //nolint:gosec // nobody gains by guessing it
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// sameTokens says whether two forms of a grant hold the same tokens: one that was only resealed is no newer.
func (k *Keeper) sameTokens(one, other Record) bool {
	if bytes.Equal(one.Sealed, other.Sealed) {
		return true
	}
	a, errA := k.sealer.openGrant(one)
	b, errB := k.sealer.openGrant(other)
	return errA == nil && errB == nil &&
		a.AccessToken.Reveal() == b.AccessToken.Reveal() && a.RefreshToken.Reveal() == b.RefreshToken.Reveal()
}

// keep stores a renewed grant and gives the lease back. A holder whose lease was taken over still stores what it got, as long
// as nobody else got anything: the upstream may take nothing but the newest tokens.
func (k *Keeper) keep(ctx context.Context, claimed Record, next connectors.Grant) (Record, error) {
	sealed, err := k.sealer.sealGrant(claimed.User, claimed.Connector, next)
	if err != nil {
		return Record{}, err
	}
	return k.update(ctx, claimed, func(r Record) (Record, []health.AccessEvent) {
		var events []health.AccessEvent
		if r.Lease == claimed.Lease || k.sameTokens(r, claimed) {
			r.Sealed, r.ExpiresAt, r.RefusedAt = sealed, next.ExpiresAt, time.Time{}
			events = append(events, k.event(claimed, health.AccessRefreshed, byItself))
		}
		return r.released(claimed.Lease), events
	})
}

// release gives the lease back after a failure that says nothing of the grant.
func (k *Keeper) release(ctx context.Context, claimed Record) {
	_, err := k.update(ctx, claimed, func(r Record) (Record, []health.AccessEvent) { return r.released(claimed.Lease), nil })
	if err != nil { // it ends by itself
		k.log.WarnContext(ctx, "the lease on a renewal could not be given back", "connector", claimed.Connector, "error", err)
	}
}

// released is the record without the lease, if it is that one.
func (r Record) released(lease string) Record {
	if lease != "" && r.Lease == lease {
		r.Lease, r.LeaseUntil = "", time.Time{}
	}
	return r
}

// refusedForGood names the upstream, where it is known.
func refusedForGood(refresher connectors.Refresher) error {
	name := "the upstream"
	if refresher != nil {
		name = refresher.Describe().Name
	}
	return health.Fail(health.ReauthorizationRequired, name+" no longer accepts this person's authorisation: link it again", nil)
}

// refusedRefresh gives the grant that another process got while this one was refused: a refresh token is often good for
// one use, and that one was first. Without one, the refusal is the person's to mend.
func (k *Keeper) refusedRefresh(ctx context.Context, used Record, refusal error) (Record, connectors.Grant, error) {
	newer, err := k.reload(ctx, used)
	if err == nil && !k.sameTokens(newer, used) {
		grant, err := k.open(newer)
		return newer, grant, err
	}
	if !k.believed(ctx, used, aboutRefreshes) {
		k.release(ctx, used)
		return Record{}, connectors.Grant{}, errSuspect()
	}
	k.markRefused(ctx, used)
	return Record{}, connectors.Grant{}, refusal
}

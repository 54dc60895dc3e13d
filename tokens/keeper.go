package tokens

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Keeper keeps people's grants. Safe for concurrent use.
type Keeper struct {
	store    Store
	sealer   *Sealer
	now      func() time.Time
	log      *slog.Logger
	renewals singleflight.Group // one renewal of a grant at a time in this process
}

// NewKeeper makes a Keeper.
func NewKeeper(store Store, sealer *Sealer, now func() time.Time, log *slog.Logger) *Keeper {
	return &Keeper{store: store, sealer: sealer, now: now, log: log}
}

// Grants gives what is stored of the people's grants, in one statement and in no order.
func (k *Keeper) Grants(ctx context.Context, users []health.UserID) ([]Record, error) {
	return k.store.Grants(ctx, users)
}

// Save seals and stores the grant of a person who linked (again), over any earlier one. profile is nil when it could not
// be read.
func (k *Keeper) Save(ctx context.Context, user health.UserID, connector string, grant connectors.Grant, profile *connectors.Profile) error {
	sealed, err := k.sealer.sealGrant(user, connector, grant)
	if err != nil {
		return err
	}
	record := Record{
		User: user, Connector: connector, AccountID: grant.AccountID,
		Sealed: sealed, ExpiresAt: grant.ExpiresAt, ConnectedAt: k.now(),
	}
	if profile != nil {
		record = withProfile(record, *profile, k.now())
	}
	return k.store.PutGrant(ctx, record)
}

// SaveProfile remembers what the upstream says of the person, unless they linked again meanwhile.
func (k *Keeper) SaveProfile(ctx context.Context, used Record, profile connectors.Profile) (Record, error) {
	return k.update(ctx, used, func(r Record) Record { return withProfile(r, profile, k.now()) })
}

// update applies f to the newest form of a grant and writes it. Whoever wrote the row meanwhile is not overwritten: f is
// applied to what they wrote. A grant that the person replaced or ended is left alone: f(used) is given, unwritten.
func (k *Keeper) update(ctx context.Context, used Record, f func(Record) Record) (Record, error) {
	current := used
	for range 5 {
		next := f(current)
		written, err := k.store.UpdateGrant(ctx, next)
		if err != nil {
			return next, err
		}
		if written {
			next.Version++
			return next, nil
		}
		current, err = k.reload(ctx, used)
		if err != nil {
			return f(used), err
		}
		if !current.ConnectedAt.Equal(used.ConnectedAt) {
			return f(used), nil
		}
	}
	return f(used), health.Fail(health.Internal, "something went wrong inside the gateway", errors.New("a grant was written by too many at once"))
}

func withProfile(r Record, p connectors.Profile, now time.Time) Record {
	r.Scopes, r.TimeZone, r.ProfileReadAt = p.Scopes, "", now
	if p.TimeZone != nil {
		r.TimeZone = p.TimeZone.String()
	}
	return r
}

// Forget deletes a grant and says whether there was one.
func (k *Keeper) Forget(ctx context.Context, user health.UserID, connector string) (bool, error) {
	return k.store.DeleteGrant(ctx, user, connector)
}

// Client gives an HTTP client that signs with a grant that is not stored yet: the one just exchanged.
func (k *Keeper) Client(grant connectors.Grant) *http.Client {
	return &http.Client{Transport: bearer{grant.AccessToken}}
}

// bearer signs with one access token.
type bearer struct{ token health.Secret }

// RoundTrip sends a signed copy of the request.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	signed := r.Clone(r.Context())
	signed.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	return transport.RoundTrip(signed)
}

// transport carries all signed requests, so that connections are shared between people.
var transport http.RoundTripper = connectors.NewTransport()

const (
	// A refused grant is tried again after this long, in case the refusal was the upstream's mistake. Until then it costs
	// no call.
	reviveAfter    = 15 * time.Minute
	renewEarly     = 5 * time.Minute  // before the upstream's expiry, so that no page of a walk meets it
	renewalTimeout = 10 * time.Second // a renewal outlives the caller that began it, others wait for it too
)

// renew gives a grant newer than the used one. All callers in this process share one upstream call.
func (k *Keeper) renew(ctx context.Context, used Record, refresher connectors.Refresher) (Record, connectors.Grant, error) {
	type renewed struct {
		record Record
		grant  connectors.Grant
	}
	result := k.renewals.DoChan(used.Connector+"\x00"+string(used.User), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewalTimeout)
		defer cancel()
		record, grant, err := k.renewNow(ctx, used, refresher)
		return renewed{record, grant}, err
	})
	select {
	case <-ctx.Done():
		return Record{}, connectors.Grant{}, health.Fail(health.UpstreamUnavailable, "there was no time left to renew the authorisation", ctx.Err())
	case r := <-result:
		if r.Err != nil {
			return Record{}, connectors.Grant{}, r.Err
		}
		done, _ := r.Val.(renewed) // what the function above gives
		return done.record, done.grant, nil
	}
}

func (k *Keeper) renewNow(ctx context.Context, used Record, refresher connectors.Refresher) (Record, connectors.Grant, error) {
	current, err := k.reload(ctx, used)
	if err != nil {
		return Record{}, connectors.Grant{}, err
	}
	grant, err := k.open(current)
	if err != nil {
		return Record{}, connectors.Grant{}, err
	}
	if !bytes.Equal(current.Sealed, used.Sealed) {
		return current, grant, nil // somebody renewed it, or the person linked again, since it was read
	}
	next, err := refresher.Refresh(ctx, grant)
	if err != nil {
		if health.AsError(err).Code == health.ReauthorizationRequired {
			return k.refusedRefresh(ctx, current, err)
		}
		return Record{}, connectors.Grant{}, err
	}
	if next.AccountID != current.AccountID {
		return Record{}, connectors.Grant{}, health.Fail(health.UpstreamInvalid, "the upstream renewed another account's authorisation", nil)
	}
	sealed, err := k.sealer.sealGrant(current.User, current.Connector, next)
	if err != nil {
		return Record{}, connectors.Grant{}, err
	}
	renewed, err := k.update(ctx, current, func(r Record) Record {
		r.Sealed, r.ExpiresAt, r.RefusedAt = sealed, next.ExpiresAt, time.Time{}
		return r
	})
	return renewed, next, err
}

// refusedRefresh gives the grant that another process got while this one was refused: a refresh token is often good for
// one use, and that one was first. Without one, the refusal is the person's to mend.
func (k *Keeper) refusedRefresh(ctx context.Context, used Record, refusal error) (Record, connectors.Grant, error) {
	newer, err := k.reload(ctx, used)
	if err == nil && !bytes.Equal(newer.Sealed, used.Sealed) {
		grant, err := k.open(newer)
		return newer, grant, err
	}
	k.markRefused(ctx, used)
	return Record{}, connectors.Grant{}, refusal
}

func (k *Keeper) reload(ctx context.Context, used Record) (Record, error) {
	records, err := k.store.Grants(ctx, []health.UserID{used.User})
	if err != nil {
		return Record{}, err
	}
	for _, r := range records {
		if r.Connector == used.Connector {
			return r, nil
		}
	}
	return Record{}, health.Fail(health.NotConnected, "the link was ended meanwhile", nil)
}

// open opens a record's tokens. Those that do not open are the operator's to mend: the keyset is not the one that
// sealed them.
func (k *Keeper) open(r Record) (connectors.Grant, error) {
	grant, err := k.sealer.openGrant(r)
	if err != nil {
		return connectors.Grant{}, health.Fail(health.Internal, "the stored authorisation can't be opened", err)
	}
	return grant, nil
}

// markRefused remembers a terminal answer, and keeps the sealed grant. One that was renewed meanwhile was not the one refused.
func (k *Keeper) markRefused(ctx context.Context, used Record) {
	_, err := k.update(ctx, used, func(r Record) Record {
		if bytes.Equal(r.Sealed, used.Sealed) {
			r.RefusedAt = k.now()
		}
		return r
	})
	if err != nil {
		k.log.ErrorContext(ctx, "a refused grant could not be marked", "connector", used.Connector, "error", err)
	}
}

// revive forgets a refusal: the upstream took the grant after all.
func (k *Keeper) revive(ctx context.Context, used Record) {
	_, err := k.update(ctx, used, func(r Record) Record {
		r.RefusedAt = time.Time{}
		return r
	})
	if err != nil {
		k.log.ErrorContext(ctx, "a revived grant could not be marked", "connector", used.Connector, "error", err)
	}
}

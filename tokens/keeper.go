package tokens

import (
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
	store       Store
	sealer      *Sealer
	now         func() time.Time
	log         *slog.Logger
	callTimeout time.Duration
	renewals    singleflight.Group // one renewal of a grant at a time in this process

	suspicion suspicion
}

// KeeperConfig makes a Keeper.
type KeeperConfig struct {
	Store  Store
	Sealer *Sealer
	Now    func() time.Time
	Log    *slog.Logger
	// CallTimeout is how long one upstream call may take, and thereby how long a renewal is left to whoever began it: 4 s
	// longer. The default is 8 s.
	CallTimeout time.Duration
}

// NewKeeper makes a Keeper.
func NewKeeper(c KeeperConfig) *Keeper {
	if c.CallTimeout == 0 {
		c.CallTimeout = 8 * time.Second
	}
	return &Keeper{store: c.Store, sealer: c.Sealer, now: c.Now, log: c.Log, callTimeout: c.CallTimeout}
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

// DoubtProfile makes the next reader of the profile read it again.
func (k *Keeper) DoubtProfile(ctx context.Context, used Record) {
	if used.ProfileReadAt.IsZero() {
		return
	}
	_, err := k.update(ctx, used, func(r Record) Record {
		r.ProfileReadAt = time.Time{}
		return r
	})
	if err != nil {
		k.log.ErrorContext(ctx, "a profile could not be doubted", "connector", used.Connector, "error", err)
	}
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

// reviveAfter is when a refused grant is tried again, in case the refusal was the upstream's mistake. Until then it costs
// no call.
const reviveAfter = 15 * time.Minute

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

// Opens says whether the record's tokens can be used at all.
func (k *Keeper) Opens(r Record) bool {
	_, err := k.open(r)
	return err == nil
}

// open opens a record's tokens. Those that do not open were sealed under a keyset that is gone: the operator is told, and
// the person can link again. The record is left as it is, in case the keyset comes back.
func (k *Keeper) open(r Record) (connectors.Grant, error) {
	grant, err := k.sealer.openGrant(r)
	if err != nil {
		k.log.Error("a stored grant does not open: is the keyset the one that sealed it?", "connector", r.Connector)
		return connectors.Grant{}, health.Fail(health.ReauthorizationRequired, "the stored authorisation can't be opened any more: link it again", err)
	}
	return grant, nil
}

// markRefused remembers a terminal answer, and keeps the sealed grant. One that was renewed meanwhile was not the one refused.
func (k *Keeper) markRefused(ctx context.Context, used Record) {
	k.log.WarnContext(ctx, "an upstream refused a person's grant for good", "connector", used.Connector)
	_, err := k.update(ctx, used, func(r Record) Record {
		if k.sameTokens(r, used) {
			r.RefusedAt = k.now()
		}
		return r.released(used.Lease)
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

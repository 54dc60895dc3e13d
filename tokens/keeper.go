package tokens

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Keeper keeps people's grants. Safe for concurrent use.
type Keeper struct {
	store         Store
	sealer        *Sealer
	now           func() time.Time
	log           *slog.Logger
	callTimeout   time.Duration
	shareAccounts bool
	renewing      sync.RWMutex // held to read while the upstream may hold a renewal of ours
	onChange      func(user health.UserID, connector string)
	renewals      singleflight.Group // one renewal of a grant at a time in this process

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
	// ShareAccounts lets several people link the same account of an upstream.
	ShareAccounts bool
	// OnChange, if any, is called after a grant was kept, refused, revived or disowned, or its scopes or account were found to
	// be others: the link looks different then. It must not wait. Forget is told by whoever calls it.
	OnChange func(user health.UserID, connector string)
}

// NewKeeper makes a Keeper.
func NewKeeper(c KeeperConfig) *Keeper {
	if c.CallTimeout == 0 {
		c.CallTimeout = 8 * time.Second
	}
	if c.OnChange == nil {
		c.OnChange = func(health.UserID, string) {}
	}
	return &Keeper{store: c.Store, sealer: c.Sealer, now: c.Now, log: c.Log, callTimeout: c.CallTimeout, shareAccounts: c.ShareAccounts, onChange: c.OnChange}
}

// Wait waits until no renewal is under way, which takes some seconds at most: what an upstream gives for a refresh token that
// it takes once would be lost with the process. It is for the end, when nobody begins another.
func (k *Keeper) Wait() {
	k.renewing.Lock()
	defer k.renewing.Unlock()
}

// Grants gives what is stored of the people's grants, in one statement and in no order.
func (k *Keeper) Grants(ctx context.Context, users []health.UserID) ([]Record, error) {
	return k.store.Grants(ctx, users)
}

// Linked is a grant that a person has just given.
type Linked struct {
	User      health.UserID
	Connector string
	Grant     connectors.Grant
	Profile   *connectors.Profile // nil when it could not be read
	Actor     health.Actor
}

// Save seals and stores the grant of a person who linked (again), over any earlier one. ACCOUNT_IN_USE means that another
// person holds a grant for the same account: nothing is stored then.
func (k *Keeper) Save(ctx context.Context, l Linked) error {
	record, err := k.newRecord(l.User, l.Connector, l.Grant)
	if err != nil {
		return err
	}
	if l.Profile != nil {
		record = withProfile(record, *l.Profile, k.now())
		k.confirmed(l.Connector, l.Grant.AccountID, *l.Profile)
	}
	event := k.event(record, health.AccessLinked, l.Actor)
	if err = k.store.PutGrant(ctx, record, event); errors.Is(err, ErrAccountInUse) {
		return health.Fail(health.AccountInUse, "another person has linked the same account here: it has to be ended there first", nil)
	}
	if err == nil {
		k.onChange(l.User, l.Connector)
	}
	return err
}

func (k *Keeper) newRecord(user health.UserID, connector string, grant connectors.Grant) (Record, error) {
	sealed, err := k.sealer.sealGrant(user, connector, grant)
	return Record{
		User: user, Connector: connector, AccountID: grant.AccountID, Sealed: sealed, ExpiresAt: grant.ExpiresAt,
		Shared: k.shareAccounts, ConnectedAt: k.now(),
	}, err
}

// event is a line of the access log about a grant.
func (k *Keeper) event(r Record, action health.AccessAction, actor health.Actor) health.AccessEvent {
	return health.AccessEvent{User: r.User, At: k.now(), Action: action, Actor: actor, Connector: r.Connector}
}

var byItself = health.Actor{Kind: health.ActorGateway}

// SaveProfile remembers what the upstream says of the person, unless they linked again meanwhile.
func (k *Keeper) SaveProfile(ctx context.Context, used Record, profile connectors.Profile) (Record, error) {
	k.confirmed(used.Connector, used.AccountID, profile)
	return k.update(ctx, used, func(r Record) (Record, []health.AccessEvent) { return withProfile(r, profile, k.now()), nil })
}

// confirmed ends a row of grants for other accounts than the browser named: the upstream names somebody's as they did.
func (k *Keeper) confirmed(connector, accountID string, profile connectors.Profile) {
	if accountID != "" && profile.AccountID == accountID {
		k.suspicion.success(matter{connector, aboutAccounts})
	}
}

// doubtAfter is how old a profile must be to be doubted: a newer one says already what it has to say.
const doubtAfter = 10 * time.Minute

// DoubtProfile makes the next reader of the profile read it again.
func (k *Keeper) DoubtProfile(ctx context.Context, used Record) {
	if used.ProfileReadAt.IsZero() || k.now().Sub(used.ProfileReadAt) < doubtAfter {
		return
	}
	_, err := k.update(ctx, used, func(r Record) (Record, []health.AccessEvent) {
		r.ProfileReadAt = time.Time{}
		return r, nil
	})
	if err != nil {
		k.log.ErrorContext(ctx, "a profile could not be doubted", "connector", used.Connector, "error", err)
	}
}

// update applies f to the newest form of a grant and writes it, f's events with it. Whoever wrote the row meanwhile is not
// overwritten: f is applied to what they wrote. A grant that the person replaced or ended is left alone: f(used) is given,
// unwritten.
func (k *Keeper) update(ctx context.Context, used Record, f func(Record) (Record, []health.AccessEvent)) (Record, error) {
	unwritten, _ := f(used)
	current := used
	for range 5 {
		next, events := f(current)
		written, err := k.store.UpdateGrant(ctx, next, events...)
		if err != nil {
			return next, err
		}
		if written {
			if looksDifferent(current, next) {
				k.onChange(next.User, next.Connector)
			}
			next.Version++
			return next, nil
		}
		current, err = k.reload(ctx, used)
		if err != nil {
			return unwritten, err
		}
		if !current.ConnectedAt.Equal(used.ConnectedAt) {
			return unwritten, nil
		}
	}
	return unwritten, health.Fail(health.Internal, "something went wrong inside the gateway", errors.New("a grant was written by too many at once"))
}

// looksDifferent says whether two forms of a grant make different links.
func looksDifferent(one, other Record) bool {
	return one.Refused() != other.Refused() || one.VerifiedAt.IsZero() != other.VerifiedAt.IsZero() || !slices.Equal(one.Scopes, other.Scopes)
}

func withProfile(r Record, p connectors.Profile, now time.Time) Record {
	r.Scopes, r.TimeZone, r.ProfileReadAt = p.Scopes, "", now
	if p.AccountID != "" && p.AccountID == r.AccountID && r.VerifiedAt.IsZero() {
		r.VerifiedAt = now
	}
	if p.TimeZone != nil {
		r.TimeZone = p.TimeZone.String()
	}
	return r
}

// Forget deletes a grant, with a line in the access log, and says whether there was one.
func (k *Keeper) Forget(ctx context.Context, user health.UserID, connector string, event health.AccessEvent) (bool, error) {
	return k.store.DeleteGrant(ctx, user, connector, event)
}

// Disown forgets a grant that turned out to be for another account than the one that the browser named: it could never be
// used. If that is said of several people in a row, nobody is believed. A grant that was written since is left alone: it may be
// another one.
func (k *Keeper) Disown(ctx context.Context, used Record) error {
	if !k.believed(ctx, used, aboutAccounts) {
		return errSuspect()
	}
	ctx, cancel := toWrite(ctx)
	defer cancel()
	ended, err := k.store.DropGrant(ctx, used, k.event(used, health.AccessEnded, byItself))
	if ended {
		k.onChange(used.User, used.Connector)
	}
	return err
}

// Client gives an HTTP client that signs with a grant that is not stored yet: the one just exchanged.
func (k *Keeper) Client(grant connectors.Grant) *http.Client {
	return &http.Client{Transport: bearer{grant.AccessToken}}
}

// bearer signs with one access token.
type bearer struct{ token health.Secret }

// RoundTrip sends a signed copy of the request.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	signed := *r
	signed.Header = r.Header.Clone()
	signed.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	return transport.RoundTrip(&signed)
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
	_, err := k.update(ctx, used, func(r Record) (Record, []health.AccessEvent) {
		var events []health.AccessEvent
		if k.sameTokens(r, used) {
			if !r.Refused() { // otherwise it was tried again, or somebody else has said so
				events = append(events, k.event(used, health.AccessRefused, byItself))
			}
			r.RefusedAt = k.now()
		}
		return r.released(used.Lease), events
	})
	if err != nil {
		k.log.ErrorContext(ctx, "a refused grant could not be marked", "connector", used.Connector, "error", err)
	}
}

// revive forgets a refusal: the upstream took the grant after all.
func (k *Keeper) revive(ctx context.Context, used Record) {
	_, err := k.update(ctx, used, func(r Record) (Record, []health.AccessEvent) {
		if !r.Refused() {
			return r, nil
		}
		r.RefusedAt = time.Time{}
		return r, []health.AccessEvent{k.event(used, health.AccessRevived, byItself)}
	})
	if err != nil {
		k.log.ErrorContext(ctx, "a revived grant could not be marked", "connector", used.Connector, "error", err)
	}
}

package tokens

import (
	"context"
	"errors"
	"time"

	"healthgraph/health"
)

// Record is a person's grant at one upstream, as it is stored. What is secret is sealed; the rest is what must be known
// without opening it.
type Record struct {
	User          health.UserID
	Connector     string
	AccountID     string    // the person's id at the upstream
	Sealed        []byte    // the tokens, sealed for exactly this row
	ExpiresAt     time.Time // of the access token; zero = never
	RefusedAt     time.Time // when the upstream last refused this grant for good; zero = it did not
	Scopes        []string  // granted; nil = the upstream did not say
	TimeZone      string    // IANA, "" = the upstream did not say
	ProfileReadAt time.Time // when scopes and zone were read; zero = never
	VerifiedAt    time.Time // when the upstream confirmed that the grant is for AccountID; zero = it has not
	Shared        bool      // other people may hold grants for the same account
	ConnectedAt   time.Time
	Lease         string    // of whoever is renewing the grant; "" = nobody is
	LeaseUntil    time.Time // when the lease may be taken over
	Version       int64     // counts the writes of this row; 0 = not stored yet
}

// Refused says whether the person has to link again.
func (r Record) Refused() bool { return !r.RefusedAt.IsZero() }

// ErrAccountInUse says that another person holds a grant for the same account.
var ErrAccountInUse = errors.New("another person holds a grant for the account")

// Store keeps grants and spent states.
type Store interface {
	// Grants gives the grants of the people, at all upstreams, in one statement and in no order.
	Grants(ctx context.Context, users []health.UserID) ([]Record, error)
	// GrantsAfter gives at most limit grants of anybody, in the order of person and connector, from behind that one on; ""
	// and "" begin with the first.
	GrantsAfter(ctx context.Context, user health.UserID, connector string, limit int) ([]Record, error)
	// CountGrants counts all grants.
	CountGrants(ctx context.Context) (int, error)
	// GrantsAtStake gives the connector's grants of the people, and those of anybody for the accounts, in one statement, in
	// no order. One that is both may come twice.
	GrantsAtStake(ctx context.Context, connector string, users []health.UserID, accounts []string) ([]Record, error)
	// AddGrants makes those of the records whose person has no grant at the connector yet and whose account nobody else has to
	// themselves, with the events about those people, and gives the people, in no order. The others are left as they are.
	AddGrants(ctx context.Context, records []Record, events []health.AccessEvent) ([]health.UserID, error)
	// PutGrant writes the record over whatever is there: a person linked (again). It is ErrAccountInUse when another person
	// holds the account, unless the record is shared, or verified where theirs is not: theirs then goes.
	PutGrant(ctx context.Context, record Record, events ...health.AccessEvent) error
	// UpdateGrant writes the record, and the events with it, if the row still has record.Version, and says whether it did.
	UpdateGrant(ctx context.Context, record Record, events ...health.AccessEvent) (bool, error)
	// DeleteGrant forgets a grant, writes the events with it, and says whether there was one.
	DeleteGrant(ctx context.Context, user health.UserID, connector string, events ...health.AccessEvent) (bool, error)
	// DropGrant forgets the record if the row still has record.Version, writes the events with it, and says whether it did.
	DropGrant(ctx context.Context, record Record, events ...health.AccessEvent) (bool, error)
	// SpendState remembers a nonce until expiresAt, and says whether this is the first time that it is seen. Nonces that
	// expired before now are forgotten.
	SpendState(ctx context.Context, nonce string, expiresAt, now time.Time) (bool, error)
}

package callers

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"healthgraph/health"
)

// How the keys of issuers are kept. docs/operations.md promises these.
const (
	refreshEvery = 10 * time.Minute // so that a key that an issuer removed stops working
	fetchGap     = 10 * time.Second // between two attempts, whatever tokens come in
	keysOutlive  = 24 * time.Hour   // the last answer of an issuer, while it can't be read
	lookEvery    = 5 * time.Second  // for what is due
	tellEvery    = time.Minute      // the same failure
)

// CodeIssuerUnavailable is of a token that can't be judged: the keys of its issuer could not be read.
const CodeIssuerUnavailable health.Code = "ISSUER_UNAVAILABLE"

// IssuerConfig is an identity provider whose tokens are taken.
type IssuerConfig struct {
	Issuer  string // `iss` of its tokens, exactly; also where its discovery document is looked for, unless there is a JWKSURL
	JWKSURL string // where its keys are; empty: its discovery document says where
}

// Check says what is wrong with the configuration, without repeating it.
func (c IssuerConfig) Check() error {
	if c.JWKSURL != "" {
		if c.Issuer == "" {
			return errors.New("the issuer of a JWKS URL is missing")
		}
		if !isSafeURL(c.JWKSURL, true) {
			return errors.New("it must be an https:// URL without a user or fragment; http:// is taken on a loopback address alone")
		}
		return nil
	}
	u, err := url.Parse(c.Issuer)
	if err != nil || !isSafeURL(c.Issuer, true) || u.RawQuery != "" || u.ForceQuery {
		return errors.New("it must be an https:// URL without a user, query or fragment; http:// is taken on a loopback address alone")
	}
	return nil
}

// issuer keeps the keys of an identity provider. jwk.Cache does not fit: it knows a JWKS by its address, which discovery may
// change; it does not say how old a set is; and it can't hold back refreshes that strangers' tokens ask for.
type issuer struct {
	config IssuerConfig
	number int // its place in the configuration, for the log: a setting's value is not logged
	fetch  fetcher
	now    func() time.Time
	log    *slog.Logger

	mu        sync.Mutex // of all below; never held while the issuer is asked
	keys      []verificationKey
	readAt    time.Time     // when the keys were read; zero: never
	triedAt   time.Time     // when the last attempt began; zero: never
	underWay  chan struct{} // closed when the attempt ends; nil when there is none
	failure   error         // of the last attempt
	toldAt    time.Time     // when the failure was logged
	toldCause string
}

// keysFor gives the keys that may have signed a token with that kid, or all where it names none. A kid that is not known
// makes the keys be read again, at most once in fetchGap, for however many tokens. None is an error only where the issuer
// can't be read: CodeIssuerUnavailable.
func (i *issuer) keysFor(ctx context.Context, id string) ([]verificationKey, error) {
	for asked := false; ; asked = true {
		i.mu.Lock()
		now := i.now()
		good := i.good(now)
		if good {
			if found := withID(i.keys, id); len(found) > 0 {
				i.mu.Unlock()
				return found, nil
			}
		}
		if asked || (i.underWay == nil && now.Sub(i.triedAt) < fetchGap) {
			failing, wait := !good || i.failure != nil, i.triedAt.Add(fetchGap).Sub(now)
			i.mu.Unlock()
			if failing {
				return nil, unavailable(wait)
			}
			return nil, nil
		}
		attempt := i.begin(context.WithoutCancel(ctx)) // others may wait for it too
		i.mu.Unlock()
		select {
		case <-attempt:
		case <-ctx.Done():
			return nil, unavailable(fetchGap)
		}
	}
}

func unavailable(wait time.Duration) error {
	e := health.Fail(CodeIssuerUnavailable, "the keys of this token's issuer can't be read at present", nil)
	e.RetryAfter = max(wait, time.Second)
	return e
}

func withID(keys []verificationKey, id string) []verificationKey {
	if id == "" {
		return keys
	}
	var found []verificationKey
	for _, key := range keys {
		if key.id == id {
			found = append(found, key)
		}
	}
	return found
}

// good says whether the keys can be relied on. The lock is held.
func (i *issuer) good(now time.Time) bool {
	return !i.readAt.IsZero() && now.Sub(i.readAt) < keysOutlive
}

// due says whether it is time to read the keys, without being asked to.
func (i *issuer) due(now time.Time) bool {
	if i.failure != nil {
		return now.Sub(i.triedAt) >= fetchGap
	}
	return i.triedAt.IsZero() || now.Sub(i.triedAt) >= refreshEvery
}

// begin joins the attempt under way, or starts one that ends with ctx or after fetchTimeout. The lock is held.
func (i *issuer) begin(ctx context.Context) <-chan struct{} {
	if i.underWay != nil {
		return i.underWay
	}
	i.triedAt = i.now()
	i.underWay = make(chan struct{})
	go func() {
		keys, err := i.fetched(ctx)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.tell(ctx, len(keys), err)
		if i.failure = err; err == nil {
			i.keys, i.readAt = keys, i.triedAt
		}
		close(i.underWay)
		i.underWay = nil
	}()
	return i.underWay
}

// fetched asks the issuer. What others' code makes of its answer must not end the process.
func (i *issuer) fetched(ctx context.Context) (keys []verificationKey, err error) {
	defer health.Recovered(&err)
	return i.fetch.keysOf(ctx, i.config)
}

// tell logs a failure, the same one at most once a minute, and the first success after one. The lock is held.
func (i *issuer) tell(ctx context.Context, keys int, err error) {
	now := i.now()
	switch {
	case err == nil && (i.failure != nil || i.readAt.IsZero()):
		i.toldCause = ""
		i.log.InfoContext(ctx, "the keys of an issuer were read", "issuer", i.number, "keys", keys)
	case err == nil || (err.Error() == i.toldCause && now.Sub(i.toldAt) < tellEvery):
	default:
		i.toldAt, i.toldCause = now, err.Error()
		if i.good(now) {
			i.log.WarnContext(ctx, "the keys of an issuer can't be read: those read before stay in use", "issuer", i.number, "cause", err, "until", i.readAt.Add(keysOutlive).UTC())
		} else {
			i.log.ErrorContext(ctx, "the keys of an issuer can't be read: its tokens are answered with ISSUER_UNAVAILABLE", "issuer", i.number, "cause", err)
		}
	}
}

// Refresh reads the keys of those issuers for which it is time, and returns when that is done or ctx ends.
func (v *Verifier) Refresh(ctx context.Context) {
	var attempts []<-chan struct{}
	for _, i := range v.issuers {
		i.mu.Lock()
		if i.due(i.now()) {
			attempts = append(attempts, i.begin(ctx))
		}
		i.mu.Unlock()
	}
	for _, attempt := range attempts {
		<-attempt // ends with ctx, or soon where a request has begun it
	}
}

// Watch calls Refresh at once and every few seconds, until ctx ends. Without issuers it returns at once.
func (v *Verifier) Watch(ctx context.Context) {
	if len(v.issuers) == 0 {
		return
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		v.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

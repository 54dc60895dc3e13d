package callers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"healthgraph/health"
)

// How API keys are read. docs/operations.md promises these.
const (
	keysReadEvery  = 10 * time.Second // so that a revocation is known
	useNotedEvery  = time.Hour
	keyCallTimeout = 5 * time.Second // of a call to the database
	// MaxLiveAPIKeys bounds how many keys may be live at once, and thereby how much of them each process keeps.
	MaxLiveAPIKeys = 1000
)

// APIKeyStore keeps API keys.
type APIKeyStore interface {
	// LiveAPIKeys gives all keys that are neither revoked nor expired at that time, in one statement.
	LiveAPIKeys(ctx context.Context, at time.Time) ([]APIKey, error)
	// NoteAPIKeyUse sets when the key was last used, unless it was used after since.
	NoteAPIKeyUse(ctx context.Context, id string, at, since time.Time) error
}

// What the bearer of a bad key is told. One text for keys that never were, are revoked, have expired and were rotated.
var (
	errMistypedKey = errors.New("the API key is mistyped or cut short")
	errBadKey      = errors.New("the API key is not valid here")
)

// keyring holds the live keys as they were at most keysReadEvery ago. It reads them all at once, since they are few: so a
// flood of invented keys costs no more statements than one good key does.
type keyring struct {
	store APIKeyStore
	now   func() time.Time
	log   *slog.Logger
	reads singleflight.Group

	mu     sync.Mutex
	keys   map[string]APIKey
	readAt time.Time // zero: never
}

// verify gives the caller behind the text of a key.
func (r *keyring) verify(ctx context.Context, text string) (Caller, error) {
	id, ok := parseAPIKey(text)
	if !ok {
		return Caller{}, unauthenticated(errMistypedKey)
	}
	if err := r.refresh(ctx); err != nil {
		return Caller{}, err
	}
	now := r.now()
	r.mu.Lock()
	key, found := r.keys[id]
	good := found && key.opens(hashOf(text), now) && slices.Contains(key.Scopes, ScopeAnyUser) // else it would pass for a person
	used := good && now.Sub(key.LastUsedAt) >= useNotedEvery
	if used {
		key.LastUsedAt = now
		r.keys[id] = key
	}
	r.mu.Unlock()
	if !good {
		return Caller{}, unauthenticated(errBadKey)
	}
	if used {
		r.note(ctx, id, now)
	}
	return Caller{Subject: key.Name, Scopes: listed(key.Scopes)}, nil
}

// isFresh says whether the keys may be relied on. A clock that was put back makes them be read again.
func (r *keyring) isFresh() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := r.now().Sub(r.readAt)
	return !r.readAt.IsZero() && age >= 0 && age < keysReadEvery
}

// refresh reads the keys if it is time, once for all who wait for it. Without a database nobody knows what was revoked, and
// nobody is let in.
func (r *keyring) refresh(ctx context.Context) error {
	if r.isFresh() {
		return nil
	}
	done := r.reads.DoChan("", func() (_ any, err error) {
		defer health.Recovered(&err)
		return nil, r.read(context.WithoutCancel(ctx))
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return notRead()
	}
}

// notRead is of a key that can't be judged, as nothing can be without the database.
func notRead() error {
	return health.Fail(health.Internal, "something went wrong inside the gateway", nil)
}

func (r *keyring) read(ctx context.Context) error {
	if r.isFresh() { // by now
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, keyCallTimeout)
	defer cancel()
	at := r.now()
	live, err := r.store.LiveAPIKeys(ctx, at)
	if err != nil {
		r.log.ErrorContext(ctx, "API keys could not be read", "cause", err)
		return notRead()
	}
	keys := make(map[string]APIKey, len(live))
	for _, key := range live {
		keys[key.ID] = key
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.readAt = keys, at
	return nil
}

// note stores when a key was used. The caller is let in all the same where that fails.
func (r *keyring) note(ctx context.Context, id string, at time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keyCallTimeout)
	defer cancel()
	if err := r.store.NoteAPIKeyUse(ctx, id, at, at.Add(-useNotedEvery)); err != nil {
		r.log.ErrorContext(ctx, "the use of an API key could not be stored", "cause", err)
	}
}

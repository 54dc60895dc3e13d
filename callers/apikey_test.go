package callers_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var keyText = regexp.MustCompile(`^hgk_[a-z2-7]{10}_[a-z2-7]{59}$`)

// keySite is a verifier in front of a real database, with what it sends there.
type keySite struct {
	*callers.Verifier
	t          *testing.T
	db         *store.Store
	clock      *stepClock
	log        *logtest.Log
	mu         sync.Mutex
	statements []string
}

func newKeySite(t *testing.T, url string) *keySite {
	t.Helper()
	s := &keySite{t: t, clock: &stepClock{at: now}, log: &logtest.Log{}}
	s.db = storetest.Open(t, store.Config{URL: url, OnQuery: func(statement string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.statements = append(s.statements, statement)
	}})
	var err error
	s.Verifier, err = callers.NewVerifier(callers.Config{
		Secret: health.NewSecret(sharedSecret), APIKeys: s.db, Audience: audience, RequireScopes: true, Now: s.clock.now, Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	})
	require.NoError(t, err)
	return s
}

// sent are the statements since it was last asked.
func (s *keySite) sent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := strings.Join(s.statements, " ")
	s.statements = nil
	return all
}

// made is a key in the database, with its text.
func (s *keySite) made(change func(*callers.APIKey), scopes ...string) (callers.APIKey, string) {
	s.t.Helper()
	key, text, err := callers.NewAPIKey("a-service", append(scopes, callers.ScopeAnyUser), s.clock.now())
	require.NoError(s.t, err)
	if change != nil {
		change(&key)
	}
	require.NoError(s.t, s.db.AddAPIKey(s.t.Context(), key))
	return key, text.Reveal()
}

// message is what the bearer of a key is told, "" for one who is let in. Nothing of the key comes back or is logged.
func (s *keySite) message(text string) string {
	s.t.Helper()
	caller, err := s.Verify(s.t.Context(), "Bearer "+text)
	if len(text) > 20 {
		require.NotContains(s.t, s.log.String(), text[len(text)-20:])
	}
	if err == nil {
		require.Equal(s.t, health.UserID("a-service"), caller.Subject)
		require.True(s.t, caller.IsService())
		require.Equal(s.t, health.Actor{Kind: health.ActorService, Name: "a-service"}, caller.Actor())
		return ""
	}
	require.Zero(s.t, caller)
	require.Equal(s.t, health.Unauthenticated, health.AsError(err).Code)
	require.NoError(s.t, health.AsError(err).Unwrap())
	return health.AsError(err).Message
}

const (
	badKey      = "the API key is not valid here"
	mistypedKey = "the API key is mistyped or cut short"
)

func TestAnAPIKeyIsMadeOfAnIDASecretAndAChecksum(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key, text, err := callers.NewAPIKey("a service", []string{callers.ScopeAnyUser}, now)
		require.NoError(t, err)
		require.Regexp(t, keyText, text.Reveal())
		assert.Equal(t, key.ID, strings.Split(text.Reveal(), "_")[1])
		assert.Len(t, key.Hash.Reveal(), 32)
		assert.NotContains(t, fmt.Sprintf("%+v %#v %v", key, key, text), text.Reveal()[20:40])
		seen[text.Reveal()] = true
		rotated, other := key.Rotated(now.Add(time.Hour))
		assert.Equal(t, key.ID, rotated.ID)
		seen[other.Reveal()] = true
	}
	assert.Len(t, seen, 200)
	for says, c := range map[string]struct {
		name   string
		scopes []string
	}{
		"the name can't be used": {"", []string{callers.ScopeAnyUser}}, "begin with link_": {"link_canary", []string{callers.ScopeAnyUser}},
		"users:any is missing": {"a", []string{callers.ScopeQuantitiesRead}}, "the scopes are connections:read": {"a", []string{callers.ScopeAnyUser, "canary"}}, "is missing: a service": {"a", nil},
	} {
		_, _, err := callers.NewAPIKey(c.name, c.scopes, now)
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "canary")
	}
}

func TestAMistypedKeyIsKnownWithoutTheDatabase(t *testing.T) {
	s := newKeySite(t, storetest.SQLite(t))
	_, text := s.made(nil)
	s.sent()
	for i := range text {
		typo := text[:i] + "a" + text[i+1:]
		if text[i] == 'a' {
			typo = text[:i] + "b" + text[i+1:]
		}
		if i < 4 { // another kind of credential
			require.Error(t, func() error { _, err := s.Verify(t.Context(), "Bearer "+typo); return err }())
			continue
		}
		require.Equal(t, mistypedKey, s.message(typo), "%d", i)
	}
	for _, bad := range []string{"hgk_", text[:len(text)-1], text + "a", strings.ToUpper(text[4:]), "hgk_" + strings.ToUpper(text[4:]), strings.Replace(text, "_", "-", 2), text + " " + text, "hgk_" + strings.Repeat("_", 70)} {
		_, err := s.Verify(t.Context(), "Bearer "+bad)
		require.Error(t, err)
	}
	for i := range text[5:] {
		if swapped := text[:i+4] + text[i+5:i+6] + text[i+4:i+5] + text[i+6:]; swapped != text {
			require.Equal(t, mistypedKey, s.message(swapped), "two neighbours have changed places")
		}
	}
	assert.Empty(t, s.sent())
	assert.Empty(t, s.message(text))
	_, err := verifier(t, sharedSecret, nil).Verify(t.Context(), "Bearer "+text)
	assert.Equal(t, health.Unauthenticated, health.AsError(err).Code, "where no keys are kept")
}

func TestAKeyWorksUntilItIsRevokedExpiresOrIsRotatedAway(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		s := newKeySite(t, url)
		stay, staying := s.made(nil)
		ending, ended := s.made(func(k *callers.APIKey) { k.ExpiresAt = now.Add(time.Hour) }, callers.ScopeQuantitiesRead)
		revoked, gone := s.made(nil)
		_, person := s.made(func(k *callers.APIKey) { k.Scopes = []string{callers.ScopeConnectionsRead} })
		unknown, never, err := callers.NewAPIKey("a-service", []string{callers.ScopeAnyUser}, now)
		require.NoError(t, err)
		assert.NotEqual(t, stay.ID, unknown.ID)
		for _, text := range []string{staying, ended, gone} {
			assert.Empty(t, s.message(text))
		}
		assert.Equal(t, badKey, s.message(never.Reveal()))
		assert.Equal(t, badKey, s.message(person), "without users:any it would pass for a person of its name")
		_, foreign := stay.Rotated(time.Time{})
		assert.Equal(t, badKey, s.message(foreign.Reveal()), "a secret that was never stored, under an id that is")

		caller, err := s.Verify(t.Context(), "Bearer "+ended)
		require.NoError(t, err)
		assert.Equal(t, []string{callers.ScopeQuantitiesRead, callers.ScopeAnyUser}, caller.Scopes)
		caller, err = s.Verify(t.Context(), "Bearer "+staying)
		require.NoError(t, err)
		assert.True(t, caller.May(callers.ScopeConnectionsWrite), "users:any alone may do everything")

		found, err := s.db.RevokeAPIKey(t.Context(), revoked.ID, now)
		require.NoError(t, err)
		require.True(t, found)
		after, fresh := stay.Rotated(now.Add(time.Minute))
		done, err := s.db.RotateAPIKey(t.Context(), stay, after)
		require.NoError(t, err)
		require.True(t, done)
		s.clock.move(10*time.Second - time.Nanosecond)
		assert.Empty(t, s.message(gone), "not yet known here")
		assert.Equal(t, badKey, s.message(fresh.Reveal()))
		s.clock.move(time.Nanosecond)
		assert.Equal(t, badKey, s.message(gone))
		for _, text := range []string{fresh.Reveal(), staying, ended} {
			assert.Empty(t, s.message(text), "and the one before, for the grace")
		}
		s.clock.move(50 * time.Second)
		assert.Equal(t, badKey, s.message(staying))
		assert.Empty(t, s.message(fresh.Reveal()))
		s.clock.move(ending.ExpiresAt.Sub(s.clock.now()) - time.Second)
		assert.Empty(t, s.message(ended))
		s.clock.move(time.Second)
		assert.Equal(t, badKey, s.message(ended), "at once, although it is remembered")
		assert.Empty(t, s.log.String())
	})
}

func TestAFloodOfInventedKeysCostsOneStatement(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		s := newKeySite(t, url)
		_, text := s.made(nil)
		s.sent()
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() {
				for range 20 {
					_, invented, err := callers.NewAPIKey("a-service", []string{callers.ScopeAnyUser}, now)
					assert.NoError(t, err)
					_, err = s.Verify(t.Context(), "Bearer "+invented.Reveal())
					assert.Equal(t, health.Unauthenticated, health.AsError(err).Code)
				}
			})
		}
		wait.Wait()
		assert.Equal(t, "SELECT", s.sent())
		assert.Empty(t, s.message(text))
		assert.Equal(t, "UPDATE", s.sent(), "its use is noted")
		s.clock.move(10 * time.Second)
		for range 200 {
			wait.Go(func() {
				_, err := s.Verify(t.Context(), "Bearer "+text)
				assert.NoError(t, err)
			})
		}
		wait.Wait()
		assert.Equal(t, "SELECT", s.sent())
		s.clock.move(-time.Hour)
		assert.Empty(t, s.message(text))
		assert.Equal(t, "SELECT", s.sent(), "a clock that was put back makes nothing last")
	})
}

func TestAUseIsNotedOnceAnHourAmongAllProcesses(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		first, second := newKeySite(t, url), newKeySite(t, url)
		_, text := first.made(nil)
		used := func() time.Time {
			all, err := first.db.APIKeys(t.Context())
			require.NoError(t, err)
			return all[0].LastUsedAt
		}
		assert.Zero(t, used())
		for minute := range 100 {
			for _, s := range []*keySite{first, second} {
				require.Empty(t, s.message(text))
				s.clock.move(time.Minute)
			}
			want := now
			if minute >= 60 {
				want = now.Add(time.Hour)
			}
			require.Equal(t, want, used())
		}
		updates := strings.Count(first.sent()+second.sent(), "UPDATE")
		assert.Equal(t, 2, updates)
	})
}

func TestWithoutItsDatabaseNoKeyIsGood(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		s := newKeySite(t, url)
		_, text := s.made(nil)
		require.Empty(t, s.message(text))
		db := storetest.DB(t, url)
		_, err := db.ExecContext(t.Context(), "ALTER TABLE api_keys RENAME TO away")
		require.NoError(t, err)
		require.Empty(t, s.message(text), "for ten seconds nobody notices")
		s.clock.move(10 * time.Second)
		for range 3 {
			caller, err := s.Verify(t.Context(), "Bearer "+text)
			assert.Zero(t, caller)
			assert.Equal(t, health.Internal, health.AsError(err).Code)
			assert.NoError(t, health.AsError(err).Unwrap())
		}
		assert.Contains(t, s.log.String(), `"level":"ERROR","msg":"API keys could not be read"`)
		_, err = s.Verify(t.Context(), "Bearer "+signHS256(t, good(claims{"aud": audience})))
		assert.NoError(t, err, "a token needs no database")
		_, err = db.ExecContext(t.Context(), "ALTER TABLE away RENAME TO api_keys")
		require.NoError(t, err)
		assert.Empty(t, s.message(text))

		s.clock.move(2 * time.Hour) // its use would be noted, which the database refuses
		_, err = db.ExecContext(t.Context(), "UPDATE api_keys SET last_used_at = NULL")
		require.NoError(t, err)
		if strings.HasPrefix(url, "postgres") {
			_, err = db.ExecContext(t.Context(), "ALTER TABLE api_keys ADD CHECK (last_used_at IS NULL)")
		} else {
			_, err = db.ExecContext(t.Context(), "CREATE TRIGGER stop BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, 'stop'); END")
		}
		require.NoError(t, err)
		assert.Empty(t, s.message(text))
		assert.Contains(t, s.log.String(), `"msg":"the use of an API key could not be stored"`)
		all, err := s.db.APIKeys(t.Context())
		require.NoError(t, err)
		assert.NotContains(t, s.log.String(), fmt.Sprintf("%x", all[0].Hash.Reveal()))
		assert.NotContains(t, s.log.String(), text)
	})
}

// Whatever is rotated and revoked while keys are used, a key is good or refused alike, and in the end refused.
func TestKeysAreUsedWhileTheyAreRotatedAndRevoked(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		s := newKeySite(t, url)
		key, text := s.made(nil)
		texts := []string{text}
		var using, changing sync.WaitGroup
		var mu sync.Mutex
		stop := make(chan struct{})
		for range 8 {
			using.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					mu.Lock()
					one := texts[rand.IntN(len(texts))]
					mu.Unlock()
					_, err := s.Verify(t.Context(), "Bearer "+one)
					if err != nil {
						assert.Equal(t, badKey, health.AsError(err).Message)
					}
					s.clock.move(time.Second)
				}
			})
		}
		changing.Go(func() {
			for range 20 {
				after, fresh := key.Rotated(s.clock.now().Add(time.Hour))
				done, err := s.db.RotateAPIKey(t.Context(), key, after)
				assert.NoError(t, err)
				assert.True(t, done)
				key = after
				mu.Lock()
				texts = append(texts, fresh.Reveal())
				mu.Unlock()
			}
			_, err := s.db.RevokeAPIKey(t.Context(), key.ID, s.clock.now())
			assert.NoError(t, err)
		})
		changing.Wait()
		close(stop)
		using.Wait()
		s.clock.move(10 * time.Second)
		for _, one := range texts {
			assert.Equal(t, badKey, s.message(one))
		}
		assert.Empty(t, s.log.String())
	})
}

package storetest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/store"
)

func apiKey(id string) callers.APIKey {
	return callers.APIKey{
		ID: id, Name: "a service", Scopes: []string{"users:any", "quantities:read"}, Hash: apiKeyHash(1), CreatedAt: noon,
	}
}

// apiKeyHash has all 32 bytes that a hash has, NUL and quotes among them.
func apiKeyHash(n byte) health.Secret {
	return health.NewSecret(string([]byte{n, 0, '\'', 0xff}) + strings.Repeat(`\`, 28))
}

func allAPIKeys(t *testing.T, s *store.Store) []callers.APIKey {
	t.Helper()
	all, err := s.APIKeys(t.Context())
	require.NoError(t, err)
	return all
}

func liveAPIKeys(t *testing.T, s *store.Store, at time.Time) (ids []string) {
	t.Helper()
	live, err := s.LiveAPIKeys(t.Context(), at)
	require.NoError(t, err)
	for _, key := range live {
		ids = append(ids, key.ID)
	}
	return ids
}

func apiKeys(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	assert.Empty(t, allAPIKeys(t, s))
	assert.Empty(t, liveAPIKeys(t, s, noon))

	plain, whole := apiKey("b"), apiKey("a")
	whole.PreviousHash, whole.PreviousUntil = apiKeyHash(2), noon.Add(time.Hour)
	whole.ExpiresAt, whole.LastUsedAt = noon.Add(time.Minute), noon.Add(time.Microsecond)
	later := apiKey("0")
	later.CreatedAt = noon.Add(time.Second)
	for _, key := range []callers.APIKey{later, plain, whole} {
		require.NoError(t, s.AddAPIKey(ctx, key))
	}
	require.Error(t, s.AddAPIKey(ctx, plain), "an id is one key's")
	all := allAPIKeys(t, s)
	require.Len(t, all, 3)
	for i, want := range []callers.APIKey{whole, plain, later} {
		assert.Equal(t, want.Hash.Reveal(), all[i].Hash.Reveal())
		assert.Equal(t, want.PreviousHash.Reveal(), all[i].PreviousHash.Reveal())
		all[i].Hash, all[i].PreviousHash = want.Hash, want.PreviousHash // each is a pointer of its own
		assert.Equal(t, want, all[i])
	}
	assert.ElementsMatch(t, []string{"a", "b", "0"}, liveAPIKeys(t, s, noon.Add(time.Minute-time.Microsecond)))
	assert.ElementsMatch(t, []string{"b", "0"}, liveAPIKeys(t, s, noon.Add(time.Minute)), "one has expired")

	for at, want := range map[time.Duration]bool{time.Hour: true, 2*time.Hour - time.Microsecond: false, 3 * time.Hour: true} {
		used := apiKey(fmt.Sprint("used ", at))
		require.NoError(t, s.AddAPIKey(ctx, used))
		require.NoError(t, s.NoteAPIKeyUse(ctx, used.ID, noon.Add(time.Hour), noon))
		require.NoError(t, s.NoteAPIKeyUse(ctx, used.ID, noon.Add(at), noon.Add(at).Add(-time.Hour)))
		for _, key := range allAPIKeys(t, s) {
			if key.ID == used.ID {
				assert.Equal(t, want, key.LastUsedAt.Equal(noon.Add(at)), "%s", at)
			}
		}
	}
	require.NoError(t, s.NoteAPIKeyUse(ctx, "nobody's", noon, noon))

	for range 2 {
		found, err := s.RevokeAPIKey(ctx, "b", noon)
		require.NoError(t, err)
		assert.True(t, found)
	}
	found, err := s.RevokeAPIKey(ctx, "nobody's", noon)
	require.NoError(t, err)
	assert.False(t, found)
	assert.NotContains(t, liveAPIKeys(t, s, noon), "b")
	_, err = s.RevokeAPIKey(ctx, "b", noon.Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, noon, allAPIKeys(t, s)[1].RevokedAt, "since the first time")
}

func apiKeysRaced(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	before := apiKey("a")
	require.NoError(t, s.AddAPIKey(ctx, before))
	var won atomic.Int64
	var winner atomic.Value
	race(func(int) {
		after, text := before.Rotated(noon.Add(time.Hour))
		done, err := s.RotateAPIKey(ctx, before, after)
		assert.NoError(t, err)
		assert.NotEmpty(t, text.Reveal())
		if done {
			won.Add(1)
			winner.Store(after)
		}
	})
	require.EqualValues(t, 1, won.Load(), "what was shown to the others never worked")
	rotated := allAPIKeys(t, s)[0]
	after := winner.Load().(callers.APIKey) //nolint:forcetypeassert,errcheck // nothing else is stored
	assert.Equal(t, after.Hash.Reveal(), rotated.Hash.Reveal())
	assert.Equal(t, before.Hash.Reveal(), rotated.PreviousHash.Reveal())
	assert.Equal(t, noon.Add(time.Hour), rotated.PreviousUntil)

	race(func(i int) { // whatever comes first, it is revoked in the end
		if i%2 == 0 {
			_, err := s.RevokeAPIKey(ctx, "a", noon)
			assert.NoError(t, err)
			return
		}
		next, _ := rotated.Rotated(time.Time{})
		_, err := s.RotateAPIKey(ctx, rotated, next)
		assert.NoError(t, err)
	})
	assert.Empty(t, liveAPIKeys(t, s, noon))
	next, _ := allAPIKeys(t, s)[0].Rotated(time.Time{})
	done, err := s.RotateAPIKey(ctx, allAPIKeys(t, s)[0], next)
	require.NoError(t, err)
	assert.False(t, done, "a revoked key is not rotated back to life")
}

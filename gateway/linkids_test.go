package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

func testLinkIDs(tb testing.TB, key string) *linkIDs {
	tb.Helper()
	hash := sha256.Sum256([]byte(key))
	ids, err := newLinkIDs(hash[:])
	require.NoError(tb, err)
	return ids
}

func TestALinksIDSaysWhoseItIsToWhoeverHasTheKey(t *testing.T) {
	ids := testLinkIDs(t, "a key")
	for _, user := range []health.UserID{"1", "person-1", "auth0|person-1", "日本語", "ends\\0", health.UserID(strings.Repeat("x", health.MaxUserIDBytes))} {
		for _, source := range []health.DataSourceID{"oura", "apple_health", health.DataSourceID(strings.Repeat("s", 100))} {
			id := ids.NameLink(user, source)
			assert.Equal(t, id, ids.NameLink(user, source), "for ever")
			assert.Equal(t, id, testLinkIDs(t, "a key").NameLink(user, source), "in every process")
			openedUser, openedSource, ours := ids.open(id)
			assert.True(t, ours)
			assert.Equal(t, []any{user, source}, []any{openedUser, openedSource})
			assert.True(t, strings.HasPrefix(string(id), health.LinkIDPrefix))
			assert.Less(t, len(id), maxLinkID)
			assert.False(t, isHash(id), "which it would be looked up as")

			_, _, ours = testLinkIDs(t, "another key").open(id)
			assert.False(t, ours)
		}
	}
	assert.True(t, isHash(health.LinkID(ids.hash("person-1", "oura"))))
}

func TestALinksIDTellsNothing(t *testing.T) {
	ids := testLinkIDs(t, "a key")
	id := ids.NameLink("person-1", "oura")
	for name, other := range map[string]health.LinkID{
		"another person's": ids.NameLink("person-2", "oura"), "another source's": ids.NameLink("person-1", "fitbit"), "moved": ids.NameLink("a-person-1", "our"),
	} {
		assert.Len(t, other, len(id), name+": a length says nothing either")
		same := 0
		for i := len(health.LinkIDPrefix); i < len(id); i++ {
			if id[i] == other[i] {
				same++
			}
		}
		assert.Less(t, same, 12, name+": no part of it is the same")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(string(id), health.LinkIDPrefix))
	require.NoError(t, err)
	assert.NotContains(t, string(sealed), "person-1")
	assert.NotContains(t, string(sealed), "oura")
}

func TestAnIDThatNobodyMadeIsNobodys(t *testing.T) {
	ids := testLinkIDs(t, "a key")
	good := string(ids.NameLink("person-1", "oura"))
	for i := range good {
		changed := []byte(good)
		changed[i] ^= 1
		_, _, ours := ids.open(health.LinkID(changed))
		assert.False(t, ours, "changed at %d", i)
	}
	for _, id := range []string{
		"", "link_", "person-1", strings.TrimPrefix(good, health.LinkIDPrefix), good + "A", good + "\n", good[:len(good)-1], good + good,
		ids.hash("person-1", "oura"), health.LinkIDPrefix + strings.Repeat("A", 1<<20),
	} {
		_, _, ours := ids.open(health.LinkID(id))
		assert.False(t, ours, "%.40q", id)
	}
}

func BenchmarkLinkID(b *testing.B) {
	ids := testLinkIDs(b, "a key")
	for b.Loop() {
		ids.NameLink("person-1", "apple_health")
	}
}

package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/tokens"
)

func grant(user health.UserID) tokens.Record {
	return tokens.Record{
		User:          user,
		Connector:     "onetwentyone",
		AccountID:     "account of " + string(user),
		Sealed:        []byte{0, 1, 0, 0xff, '\'', '\\', 0},
		ExpiresAt:     noon,
		Scopes:        []string{"steps", `quo"ted`, "it's", "日"},
		TimeZone:      "Europe/Paris",
		ProfileReadAt: noon.Add(time.Second),
		ConnectedAt:   noon.Add(time.Minute),
	}
}

func storedGrant(t *testing.T, s *store.Store, user health.UserID) tokens.Record {
	t.Helper()
	records, err := s.Grants(t.Context(), []health.UserID{user})
	require.NoError(t, err)
	require.Len(t, records, 1)
	return records[0]
}

func grants(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	none, err := s.Grants(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	none, err = s.Grants(ctx, []health.UserID{"person-1"})
	require.NoError(t, err)
	assert.Empty(t, none)

	first := grant("person-1")
	require.NoError(t, s.PutGrant(ctx, first))
	first.Version = 1
	assert.Equal(t, first, storedGrant(t, s, "person-1"))

	bare := tokens.Record{User: "person-1", Connector: "onetwentyone", Sealed: []byte{0}, Scopes: []string{}, RefusedAt: time.Date(2026, 3, 29, 1, 2, 3, 4000, time.UTC)}
	require.NoError(t, s.PutGrant(ctx, bare))
	bare.Version = 2
	assert.Equal(t, bare, storedGrant(t, s, "person-1"), "an empty list is not an unknown one")
	bare.Scopes, bare.Sealed = nil, nil
	require.NoError(t, s.PutGrant(ctx, bare))
	bare.Version = 3
	assert.Equal(t, bare, storedGrant(t, s, "person-1"))

	other := grant("person-1")
	other.Connector = "another"
	require.NoError(t, s.PutGrant(ctx, other))
	require.NoError(t, s.PutGrant(ctx, grant("person-2")))
	all, err := s.Grants(ctx, append(manyUsers(), "person-1", "person-2"))
	require.NoError(t, err)
	assert.Len(t, all, 3)

	there, err := s.DeleteGrant(ctx, "person-1", "another")
	require.NoError(t, err)
	assert.True(t, there)
	there, err = s.DeleteGrant(ctx, "person-1", "another")
	require.NoError(t, err)
	assert.False(t, there)
	assert.Equal(t, "onetwentyone", storedGrant(t, s, "person-1").Connector)
	storedGrant(t, s, "person-2")
	t.Run("walked", func(t *testing.T) { grantsWalked(t, s) })
}

// grantsWalked expects one grant each of person-1 and person-2, and leaves more.
func grantsWalked(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	for i := range 20 { // in another order than that of the walk
		record := grant(health.UserID(fmt.Sprintf("walked %s %d", []string{"é", "Z", "a"}[i%10%3], i*7%10)))
		record.Connector = []string{"another", "onetwentyone"}[i/10]
		require.NoError(t, s.PutGrant(ctx, record))
	}
	total, err := s.CountGrants(ctx)
	require.NoError(t, err)
	assert.Equal(t, 22, total)
	all, err := s.GrantsAfter(ctx, "", "", 1000)
	require.NoError(t, err)
	assert.Len(t, all, total)
	for _, size := range []int{1, 3, 22} {
		var walked []tokens.Record
		for user, connector := health.UserID(""), ""; ; {
			page, err := s.GrantsAfter(ctx, user, connector, size)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(t, len(page), size)
			walked = append(walked, page...)
			user, connector = page[len(page)-1].User, page[len(page)-1].Connector
		}
		assert.Equal(t, all, walked, "in pages of %d", size)
	}
	// What came and went meanwhile disturbs nobody else's place.
	page, err := s.GrantsAfter(ctx, "", "", 2)
	require.NoError(t, err)
	there, err := s.DeleteGrant(ctx, page[1].User, page[1].Connector)
	require.NoError(t, err)
	require.True(t, there)
	next, err := s.GrantsAfter(ctx, page[1].User, page[1].Connector, 1)
	require.NoError(t, err)
	assert.Equal(t, all[2:3], next)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = s.GrantsAfter(ended, "", "", 1)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.CountGrants(ended)
	require.ErrorIs(t, err, context.Canceled)
}

func grantVersions(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	update := func(record tokens.Record, want bool) {
		t.Helper()
		did, err := s.UpdateGrant(ctx, record)
		require.NoError(t, err)
		require.Equal(t, want, did)
	}
	first := grant("person-1")
	update(first, false) // it never makes a row
	require.NoError(t, s.PutGrant(ctx, first))
	require.NoError(t, s.PutGrant(ctx, grant("person-2")))
	update(first, false)

	first.Version, first.Sealed, first.ExpiresAt, first.RefusedAt = 1, []byte{0}, time.Time{}, time.Date(2026, 3, 29, 1, 2, 3, 4000, time.UTC)
	update(first, true)
	update(first, false)
	first.Version = 2
	assert.Equal(t, first, storedGrant(t, s, "person-1"))
	assert.EqualValues(t, 1, storedGrant(t, s, "person-2").Version)

	// Linking again takes the row from whoever was renewing the old grant.
	require.NoError(t, s.PutGrant(ctx, grant("person-1")))
	update(first, false)
	assert.EqualValues(t, 3, storedGrant(t, s, "person-1").Version)
}

func grantsRaced(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	race(func(int) { assert.NoError(t, s.PutGrant(ctx, grant("person-1"))) })
	record := storedGrant(t, s, "person-1")
	assert.EqualValues(t, racers, record.Version, "every write counts")
	var won atomic.Int64
	race(func(int) {
		did, err := s.UpdateGrant(ctx, record)
		assert.NoError(t, err)
		if did {
			won.Add(1)
		}
	})
	assert.EqualValues(t, 1, won.Load())
}

package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/tokens"
)

// added makes grants with an event for each, and gives whose were made, in order.
func added(t *testing.T, s *store.Store, records ...tokens.Record) []health.UserID {
	t.Helper()
	var events []health.AccessEvent
	for _, r := range records {
		events = append(events, event(r.User, noon))
	}
	users, err := s.AddGrants(t.Context(), records, events)
	require.NoError(t, err)
	slices.Sort(users)
	return users
}

// grantsAdded: what is there already is never written over.
func grantsAdded(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	of := func(user health.UserID, account string, shared bool) tokens.Record {
		r := grant(user)
		r.AccountID, r.Shared = account, shared
		return r
	}
	assert.Empty(t, added(t, s))
	bare := tokens.Record{User: "person-0", Connector: "onetwentyone", AccountID: "bare", Sealed: []byte{0, '\'', 0xff}}
	assert.Equal(t, []health.UserID{"person-0", "person-1"}, added(t, s, of("person-1", "a", false), bare))
	want := of("person-1", "a", false)
	want.Version, bare.Version = 1, 1
	assert.Equal(t, want, storedGrant(t, s, "person-1"))
	assert.Equal(t, bare, storedGrant(t, s, "person-0"))

	require.NoError(t, s.PutGrant(ctx, want)) // its second version
	assert.Equal(t, []health.UserID{"person-3"},
		added(t, s, of("person-1", "b", false), of("person-2", "a", false), of("person-3", "c", false), of("person-4", "c", false)),
		"the person is linked, the account is another's, and of two for one account one is made")
	assert.EqualValues(t, 2, storedGrant(t, s, "person-1").Version, "it is left alone")
	for user, lines := range map[health.UserID]int{"person-1": 1, "person-2": 0, "person-3": 1, "person-4": 0} {
		assert.Len(t, accessLog(t, s, user), lines, user)
	}
	assert.Empty(t, added(t, s, of("person-1", "a", false), of("person-3", "c", false)), "nothing is new")
	assert.Equal(t, []health.UserID{"person-5", "person-6"}, added(t, s, of("person-5", "d", true), of("person-6", "d", true)))
	elsewhere := of("person-1", "a", false)
	elsewhere.Connector = "another"
	assert.Equal(t, []health.UserID{"person-1"}, added(t, s, elsewhere))

	at := func(users []health.UserID, accounts ...string) (found []health.UserID) {
		t.Helper()
		records, err := s.GrantsAtStake(ctx, "onetwentyone", users, accounts)
		require.NoError(t, err)
		for _, r := range records {
			stored, err := s.Grants(ctx, []health.UserID{r.User})
			require.NoError(t, err)
			assert.Contains(t, stored, r)
			found = append(found, r.User)
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	assert.Equal(t, []health.UserID{"person-1", "person-3", "person-5", "person-6"}, at([]health.UserID{"person-1", "nobody"}, "c", "d", "none"))
	assert.Equal(t, []health.UserID{"person-3"}, at([]health.UserID{"person-3"}, "c"))
	assert.Empty(t, at([]health.UserID{"nobody"}, "none"))
	assert.Empty(t, at(nil))

	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := s.AddGrants(ended, []tokens.Record{of("person-7", "e", false)}, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.GrantsAtStake(ended, "onetwentyone", []health.UserID{"person-1"}, []string{"a"})
	require.ErrorIs(t, err, context.Canceled)
}

// grantsAddedRaced: the same accounts for two sets of people, in opposite orders at once, beside people who link.
func grantsAddedRaced(t *testing.T, s *store.Store) {
	t.Helper()
	const many = 200
	sets := make([][]tokens.Record, 2)
	events := make([][]health.AccessEvent, 2)
	for set := range sets {
		for n := range many {
			r := grant(health.UserID(fmt.Sprintf("person-%d-%03d", set, n)))
			r.AccountID = fmt.Sprintf("account %d", []int{n, many - 1 - n}[set])
			sets[set] = append(sets[set], r)
			events[set] = append(events[set], event(r.User, noon))
		}
	}
	made := make([][]health.UserID, racers)
	race(func(i int) {
		if i == 0 {
			for n := 0; n < many; n += 20 {
				own := sets[0][n]
				own.TimeZone, own.AccountID = "Asia/Tokyo", "own of "+string(own.User)
				assert.NoError(t, s.PutGrant(t.Context(), own))
			}
			return
		}
		users, err := s.AddGrants(t.Context(), sets[i%2], events[i%2])
		assert.NoError(t, err)
		made[i] = users
	})
	times := map[health.UserID]int{}
	for _, users := range made {
		for _, user := range users {
			times[user]++
		}
	}
	records, err := s.GrantsAfter(t.Context(), "", "", 3*many)
	require.NoError(t, err)
	accounts := map[string]bool{}
	for _, r := range records {
		assert.LessOrEqual(t, times[r.User], 1)
		assert.Len(t, accessLog(t, s, r.User), times[r.User])
		assert.False(t, accounts[r.AccountID], "an account is one person's")
		accounts[r.AccountID] = true
	}
	assert.GreaterOrEqual(t, len(records), many)
	for n := 0; n < many; n += 20 {
		assert.Equal(t, "Asia/Tokyo", storedGrant(t, s, sets[0][n].User).TimeZone, "who links is never written over")
	}
}

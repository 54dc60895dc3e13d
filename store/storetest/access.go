package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/tokens"
)

func event(user health.UserID, at time.Time) health.AccessEvent {
	return health.AccessEvent{
		User: user, At: at, Action: health.AccessRevoked, Actor: health.Actor{Kind: health.ActorService, Name: "a service"},
		Connector: "rook", DataSource: "oura", Outcome: health.RevokedUpstream,
	}
}

func accessLog(t *testing.T, s *store.Store, user health.UserID) []health.AccessEvent {
	t.Helper()
	events, err := s.AccessEvents(t.Context(), user, health.AccessEvent{}, 1000)
	require.NoError(t, err)
	return events
}

func accessLogs(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.AddAccessEvents(ctx, nil))
	var all []health.AccessEvent // newest first
	for i := range 25 {          // several at the same instant, and instants whose text grows and shrinks
		e := event("person-1", noon.Truncate(time.Second).Add(time.Duration(i/3)*130*time.Millisecond))
		e.Key = fmt.Sprintf("key %02d", i)
		all = append([]health.AccessEvent{e}, all...)
	}
	require.NoError(t, s.AddAccessEvents(ctx, append(all[10:], event("person-2", noon))))
	require.NoError(t, s.AddAccessEvents(ctx, all[:10]))
	again := all[3]
	again.Action = health.AccessErased
	require.NoError(t, s.AddAccessEvents(ctx, []health.AccessEvent{again}))
	assert.Equal(t, all, accessLog(t, s, "person-1"), "twice is once")

	var paged []health.AccessEvent
	for before := (health.AccessEvent{}); ; {
		page, err := s.AccessEvents(ctx, "person-1", before, 4)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
		before = page[len(page)-1]
	}
	assert.Equal(t, all, paged)

	random := accessLog(t, s, "person-2")
	require.Len(t, random, 1)
	assert.Len(t, random[0].Key, 26)

	forgotten, err := s.ForgetAccessEvents(ctx, all[10].At, 5)
	require.NoError(t, err)
	assert.Equal(t, 5, forgotten)
	for forgotten > 0 {
		forgotten, err = s.ForgetAccessEvents(ctx, all[10].At, 5)
		require.NoError(t, err)
	}
	left := accessLog(t, s, "person-1")
	assert.Equal(t, all[:len(left)], left, "the newest stay")
	assert.Equal(t, all[10].At, left[len(left)-1].At)
}

// accounts: one account is one person's, unless both share it.
func accounts(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	of := func(user health.UserID, change func(*tokens.Record)) tokens.Record {
		r := grant(user)
		r.AccountID = "the account"
		if change != nil {
			change(&r)
		}
		return r
	}
	verified := func(r *tokens.Record) { r.VerifiedAt = noon }
	shared := func(r *tokens.Record) { r.Shared = true }
	holders := func() (users []health.UserID) {
		records, err := s.Grants(ctx, []health.UserID{"person-1", "person-2", "person-3"})
		require.NoError(t, err)
		for _, r := range records {
			users = append(users, r.User)
		}
		return users
	}

	require.NoError(t, s.PutGrant(ctx, of("person-1", nil), event("person-1", noon)))
	require.NoError(t, s.PutGrant(ctx, of("person-1", nil)), "their own")
	require.ErrorIs(t, s.PutGrant(ctx, of("person-2", nil), event("person-2", noon)), tokens.ErrAccountInUse)
	assert.Equal(t, []health.UserID{"person-1"}, holders())
	assert.Empty(t, accessLog(t, s, "person-2"), "what did not happen is not logged")
	elsewhere := of("person-2", nil)
	elsewhere.Connector = "another"
	require.NoError(t, s.PutGrant(ctx, elsewhere), "the same id at another upstream is another account")
	_, err := s.DeleteGrant(ctx, "person-2", "another", event("person-2", noon))
	require.NoError(t, err)
	assert.Len(t, accessLog(t, s, "person-2"), 1)

	require.NoError(t, s.PutGrant(ctx, of("person-2", verified)), "proof takes it from who has none")
	assert.Equal(t, []health.UserID{"person-2"}, holders())
	log := accessLog(t, s, "person-1")
	require.Len(t, log, 2)
	assert.Contains(t, []health.AccessAction{log[0].Action, log[1].Action}, health.AccessEnded)
	require.ErrorIs(t, s.PutGrant(ctx, of("person-1", nil)), tokens.ErrAccountInUse)
	require.ErrorIs(t, s.PutGrant(ctx, of("person-1", verified)), tokens.ErrAccountInUse, "proof against proof: the first stays")

	require.NoError(t, s.PutGrant(ctx, of("person-3", shared)))
	require.ErrorIs(t, s.PutGrant(ctx, of("person-1", nil)), tokens.ErrAccountInUse)
	gone, err := s.DeleteGrant(ctx, "person-2", "onetwentyone")
	require.NoError(t, err)
	require.True(t, gone)
	require.ErrorIs(t, s.PutGrant(ctx, of("person-1", verified)), tokens.ErrAccountInUse, "who shares an account holds it all the same")
	require.NoError(t, s.PutGrant(ctx, of("person-1", shared)))
	require.NoError(t, s.PutGrant(ctx, of("person-1", nil)), "who shares an account may link it again")
	assert.ElementsMatch(t, []health.UserID{"person-1", "person-3"}, holders())
}

// accountsRacedByOne: whoever links the same account twice at once is not in their own way.
func accountsRacedByOne(t *testing.T, s *store.Store) {
	t.Helper()
	for round := range 20 {
		r := grant(health.UserID(fmt.Sprintf("racer %d", round)))
		race(func(int) { assert.NoError(t, s.PutGrant(t.Context(), r)) })
	}
}

func accountsRaced(t *testing.T, s *store.Store) {
	t.Helper()
	for round := range 10 {
		account := fmt.Sprintf("account %d", round)
		won := make([]bool, racers)
		race(func(i int) {
			r := grant(health.UserID(fmt.Sprintf("racer %d", i)))
			r.AccountID = account
			err := s.PutGrant(t.Context(), r)
			if won[i] = err == nil; !won[i] {
				assert.ErrorIs(t, err, tokens.ErrAccountInUse)
			}
		})
		winners := 0
		for _, w := range won {
			if w {
				winners++
			}
		}
		assert.Equal(t, 1, winners)
	}
}

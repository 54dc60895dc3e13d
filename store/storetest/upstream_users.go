package storetest

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

const (
	many   = 5000 // people in one call
	racers = 50   // goroutines
)

// race runs all racers at once and waits for them.
func race(run func(i int)) {
	start := make(chan struct{})
	var done sync.WaitGroup
	for i := range racers {
		done.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	done.Wait()
}

// manyUsers makes ids as long as they may be.
func manyUsers() []health.UserID {
	users := make([]health.UserID, many)
	for i := range users {
		users[i] = health.UserID(fmt.Sprintf("%0*d", health.MaxUserIDBytes, i))
	}
	return users
}

func upstreamIDs(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.AddUpstreamIDs(ctx, nil))
	none, err := s.UpstreamIDs(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	none, err = s.UpstreamIDs(ctx, []health.UserID{"person-1"})
	require.NoError(t, err)
	assert.Empty(t, none)

	first := gateway.UpstreamID{User: "person-1", Connector: "rook", ID: "1"}
	annToo := gateway.UpstreamID{User: "person-1", Connector: "other", ID: "1"}
	second := gateway.UpstreamID{User: "person-2", Connector: "rook", ID: "2"}
	require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{first, annToo}))
	changed := first
	changed.ID = "3"
	bobChanged := second
	bobChanged.ID = "4"
	require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{changed, second, bobChanged}), "what is there stays")

	got, err := s.UpstreamIDs(ctx, []health.UserID{"person-1", "person-2", "person-1", "carl"})
	require.NoError(t, err)
	assert.ElementsMatch(t, []gateway.UpstreamID{first, annToo, second}, got)

	clash := []gateway.UpstreamID{
		{User: "dora", Connector: "rook", ID: "5"},
		{User: "emil", Connector: "rook", ID: first.ID},
	}
	require.Error(t, s.AddUpstreamIDs(ctx, clash), "two people must not share an upstream's account")
	got, err = s.UpstreamIDs(ctx, []health.UserID{"dora", "emil"})
	require.NoError(t, err)
	assert.Empty(t, got, "all or none")
}

func upstreamIDsOfMany(t *testing.T, s *store.Store) {
	t.Helper()
	users := manyUsers()
	ids := make([]gateway.UpstreamID, many)
	for i, user := range users {
		ids[i] = gateway.UpstreamID{User: user, Connector: "rook", ID: strconv.Itoa(i)}
	}
	require.NoError(t, s.AddUpstreamIDs(t.Context(), ids))
	got, err := s.UpstreamIDs(t.Context(), users)
	require.NoError(t, err)
	assert.ElementsMatch(t, ids[:10], firstTen(got))
	assert.Len(t, got, many)
}

func firstTen(ids []gateway.UpstreamID) []gateway.UpstreamID {
	var ten []gateway.UpstreamID
	for _, id := range ids {
		if len(id.ID) == 1 {
			ten = append(ten, id)
		}
	}
	return ten
}

func upstreamIDsRaced(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	// Each proposes its own id for first, and all the same for second.
	race(func(i int) {
		assert.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{
			{User: "person-2", Connector: "rook", ID: "the same"},
			{User: "person-1", Connector: "rook", ID: strconv.Itoa(i)},
		}))
	})
	first, err := s.UpstreamIDs(ctx, []health.UserID{"person-1", "person-2"})
	require.NoError(t, err)
	require.Len(t, first, 2)
	race(func(int) {
		again, err := s.UpstreamIDs(ctx, []health.UserID{"person-1", "person-2"})
		assert.NoError(t, err)
		assert.ElementsMatch(t, first, again)
	})
}

// awkwardIDs are those that a careless statement, collation or column would confuse.
func awkwardIDs(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	longest := fmt.Sprintf("%0*d", health.MaxUserIDBytes, 0)
	users := []health.UserID{
		"first", "First", "FIRST", "first.", "first'", "first''", `first\`, `first\'`, "first?", "first?0", "first?connector", "$1", "first$1", "first--",
		"first/*", "first%", "an_", "0", "00", "0.0", "1e3", "1000", "NULL", "null", "true", "2026-03-29", "[a]", "{a}", `"person-1"`,
		"é", "e\u0301", "ß", "ss", "ΑΓΩ", "αγω", "人物", "👩‍⚕️", "ﬁ", "fi",
		health.UserID(longest), health.UserID(longest[1:]), health.UserID(longest[1:] + "1"),
	}
	var ids []gateway.UpstreamID
	for i, user := range users {
		ids = append(ids, gateway.UpstreamID{User: user, Connector: "rook", ID: strconv.Itoa(i)})
	}
	require.NoError(t, s.AddUpstreamIDs(ctx, ids))
	for i, user := range users {
		got, err := s.UpstreamIDs(ctx, []health.UserID{user})
		require.NoError(t, err)
		assert.Equal(t, ids[i:i+1], got, "%q", user)
	}
	all, err := s.UpstreamIDs(ctx, users)
	require.NoError(t, err)
	assert.ElementsMatch(t, ids, all)
}

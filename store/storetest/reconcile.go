package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

func dueLinks(t *testing.T, s *store.Store) {
	t.Helper()
	checked := func(user health.UserID, source health.DataSourceID, status health.LinkStatus, ago time.Duration) gateway.LinkRecord {
		r := link(user, source)
		r.Connector, r.Status, r.CheckedAt = "rook", status, noon.Add(-ago)
		return r
	}
	elsewhere := checked("elsewhere", "oura", health.StatusConnected, 48*time.Hour)
	elsewhere.Connector = "another"
	put(t, s, 10,
		checked("old", "oura", health.StatusConnected, 24*time.Hour), checked("old", "fitbit", health.StatusConnected, 48*time.Hour),
		checked("fresh", "oura", health.StatusConnected, 23*time.Hour),
		checked("half", "oura", health.StatusConnected, 23*time.Hour), checked("half", "fitbit", health.StatusConnected, 25*time.Hour),
		checked("pending", "oura", health.StatusPending, time.Hour), checked("revoking", "oura", health.StatusRevoking, 2*time.Hour),
		checked("revoking lately", "oura", health.StatusRevoking, time.Minute),
		checked("ended", "oura", health.StatusRevoked, 48*time.Hour), elsewhere,
	)
	due := gateway.Due{Connector: "rook", CheckedBefore: noon.Add(-24 * time.Hour), SettleBefore: noon.Add(-time.Hour)}
	walked(t, s, due, false, "half", "old", "pending", "revoking")

	// One that brought data once, is looked at every hour, and went silent.
	note := func(user health.UserID, latest, asked time.Duration) {
		require.NoError(t, s.NoteData(t.Context(), []gateway.DataNote{{User: user, DataSource: "oura", Latest: noon.Add(-latest), CheckedAt: noon.Add(-asked)}}))
	}
	note("fresh", 80*time.Hour, 25*time.Hour)
	note("half", 80*time.Hour, time.Hour)
	walked(t, s, due, false, "half", "old", "pending", "revoking")
	due.SilentBefore = noon.Add(-72 * time.Hour)
	walked(t, s, due, false, "half", "old", "pending", "revoking", "fresh")
}

func dueGrants(t *testing.T, s *store.Store) {
	t.Helper()
	for user, change := range map[health.UserID]struct{ read, refused time.Duration }{
		"never read": {0, 0}, "old": {24 * time.Hour, 0}, "fresh": {23 * time.Hour, 0},
		"refused lately": {48 * time.Hour, time.Hour}, "refused long ago": {48 * time.Hour, 25 * time.Hour},
	} {
		r := grant(user)
		r.ProfileReadAt = time.Time{}
		if change.read > 0 {
			r.ProfileReadAt = noon.Add(-change.read)
		}
		if change.refused > 0 {
			r.RefusedAt = noon.Add(-change.refused)
		}
		require.NoError(t, s.PutGrant(t.Context(), r))
	}
	walked(t, s, gateway.Due{Connector: "onetwentyone", CheckedBefore: noon.Add(-24 * time.Hour)}, true, "never read", "old", "refused long ago")
	walked(t, s, gateway.Due{Connector: "another", CheckedBefore: noon}, true)
}

// walked expects these people to be due, in whatever order the database has them, each once, page by page.
func walked(t *testing.T, s *store.Store, due gateway.Due, byGrant bool, expected ...health.UserID) {
	t.Helper()
	n, err := s.CountDue(t.Context(), due, byGrant)
	require.NoError(t, err)
	assert.Equal(t, len(expected), n)
	var people []health.UserID
	for {
		page, err := s.Due(t.Context(), due, byGrant, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		people = append(people, page...)
		due.After = page[len(page)-1]
	}
	assert.ElementsMatch(t, expected, people)
}

func leases(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	take := func(name, holder string, now time.Time) bool {
		t.Helper()
		_, held, err := s.TakeLease(ctx, name, holder, now.Add(time.Minute), now)
		require.NoError(t, err)
		return held
	}
	keep := func(holder, reached string, until time.Time) bool {
		t.Helper()
		held, err := s.KeepLease(ctx, "work", holder, reached, until)
		require.NoError(t, err)
		return held
	}
	assert.False(t, keep("one", "", noon), "there is none yet")
	assert.True(t, take("work", "one", noon))
	assert.False(t, take("work", "two", noon.Add(time.Minute-time.Second)))
	assert.True(t, take("other work", "two", noon))
	assert.True(t, keep("one", "person-3", noon.Add(90*time.Second)))
	assert.False(t, take("work", "two", noon.Add(time.Minute)), "it lasts longer now")
	reached, held, err := s.TakeLease(ctx, "work", "two", noon.Add(time.Hour), noon.Add(90*time.Second))
	require.NoError(t, err)
	assert.True(t, held, "until it ended")
	assert.Equal(t, "person-3", reached, "and how far the work has come is known")
	assert.False(t, keep("one", "person-9", noon.Add(2*time.Hour)), "it is another's by now")
	assert.True(t, keep("two", "", noon.Add(91*time.Second)), "given back")
	assert.True(t, take("work", "three", noon.Add(91*time.Second)))

	for round := range 10 {
		var winners atomic.Int32
		race(func(i int) {
			_, held, err := s.TakeLease(ctx, fmt.Sprintf("raced %d", round), fmt.Sprintf("holder %d", i), noon.Add(time.Minute), noon)
			assert.NoError(t, err)
			if held {
				winners.Add(1)
			}
		})
		assert.EqualValues(t, 1, winners.Load())
	}
}

package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

// noon is some instant with the microseconds that the store keeps.
var noon = time.Date(2026, 3, 29, 12, 0, 0, 123_456_000, time.UTC)

func link(user health.UserID, source health.DataSourceID) gateway.LinkRecord {
	return gateway.LinkRecord{
		ID:         health.LinkID(fmt.Sprintf("%s%s/%s", health.LinkIDPrefix, user, source)),
		User:       user,
		Connector:  "rook",
		DataSource: source,
		Status:     health.StatusConnected,
		CheckedAt:  noon,
	}
}

// stored gives the person's links by data source.
func stored(t *testing.T, s *store.Store, user health.UserID) map[health.DataSourceID]gateway.LinkRecord {
	t.Helper()
	records, err := s.Links(t.Context(), []health.UserID{user})
	require.NoError(t, err)
	bySource := make(map[health.DataSourceID]gateway.LinkRecord)
	for _, record := range records {
		bySource[record.DataSource] = record
	}
	require.Len(t, bySource, len(records))
	return bySource
}

// put writes the records and requires that so many were written.
func put(t *testing.T, s *store.Store, want int, records ...gateway.LinkRecord) {
	t.Helper()
	written, err := s.PutLinks(t.Context(), records)
	require.NoError(t, err)
	require.Len(t, written, want)
}

func links(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	put(t, s, 0)
	none, err := s.Links(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)

	fitbit, oura := link("person-1", "fitbit"), link("person-1", "oura")
	put(t, s, 3, fitbit, oura, link("person-2", "fitbit"))
	got := stored(t, s, "person-1")
	require.Len(t, got, 2)
	fitbit.Version = 1
	assert.Empty(t, cmp.Diff(fitbit, got["fitbit"]))

	sealed := link("person-3", "oura")
	sealed.ID = health.LinkID(health.LinkIDPrefix + strings.Repeat("a", 64))
	put(t, s, 1, sealed)
	byID, err := s.LinksByID(ctx, []health.LinkID{"link_unknown", oura.ID, sealed.ID})
	require.NoError(t, err)
	require.Len(t, byID, 1, "an id of this length says itself whose it is, and is in no index")
	assert.Empty(t, cmp.Diff(oura, byID[0], cmpopts.IgnoreFields(oura, "Version")))

	all, err := s.Links(ctx, []health.UserID{"person-1", "person-2", "carl"})
	require.NoError(t, err)
	assert.Len(t, all, 3)
}

func linkVersions(t *testing.T, s *store.Store) {
	t.Helper()
	first := link("person-1", "fitbit")
	put(t, s, 1, first)
	second := first
	second.Status = health.StatusRevoked
	put(t, s, 0, second) // Version 0 is for rows that are not there
	assert.Equal(t, health.StatusConnected, stored(t, s, "person-1")["fitbit"].Status)

	second.Version, second.Connector, second.ID = 1, "other", "link_other"
	put(t, s, 1, second)
	got := stored(t, s, "person-1")["fitbit"]
	assert.EqualValues(t, 2, got.Version)
	assert.Equal(t, health.StatusRevoked, got.Status)
	assert.Equal(t, "other", got.Connector)
	assert.Equal(t, first.ID, got.ID, "an id is for ever")
	put(t, s, 0, second) // stale now

	ahead := got
	ahead.Version = 3
	put(t, s, 0, ahead)

	erased := link("person-1", "oura")
	erased.Version = 4
	put(t, s, 0, erased) // a version is for rows that are there
	assert.Len(t, stored(t, s, "person-1"), 1)

	// The same link twice in one call, and beside it one that is stale and one that is new.
	pending, last, fresh := got, got, link("person-1", "whoop")
	pending.Status, last.Status = health.StatusPending, health.StatusConnected
	put(t, s, 2, pending, first, fresh, last)
	assert.Equal(t, health.StatusConnected, stored(t, s, "person-1")["fitbit"].Status, "the last one is taken")
	assert.EqualValues(t, 3, stored(t, s, "person-1")["fitbit"].Version)
}

func linkTimes(t *testing.T, s *store.Store) {
	t.Helper()
	west := time.FixedZone("west", -8*60*60)
	record := link("person-1", "fitbit")
	record.ConnectedAt = noon.In(west)
	record.CheckedAt = noon.Add(999 * time.Nanosecond)
	record.PendingSince = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	record.RevokedAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	record.LateDataUntil = noon.Truncate(time.Second)
	record.LatestDataAt = noon // NoteData alone writes it
	put(t, s, 1, record)

	want := record
	want.ConnectedAt, want.CheckedAt, want.LatestDataAt, want.Version = noon, noon, time.Time{}, 1
	got := stored(t, s, "person-1")["fitbit"]
	// Equal, not only the same instant: UTC, and the zero time for NULL.
	assert.Equal(t, want, got)

	got.ConnectedAt, got.CheckedAt, got.PendingSince, got.RevokedAt, got.LateDataUntil =
		time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	put(t, s, 1, got)
	got.Version = 2
	assert.Equal(t, got, stored(t, s, "person-1")["fitbit"], "times can be forgotten")
}

func linksOfMany(t *testing.T, s *store.Store) {
	t.Helper()
	users := manyUsers()
	records := make([]gateway.LinkRecord, many)
	for i, user := range users {
		records[i] = link(user, "fitbit")
		records[i].ID = health.LinkID(fmt.Sprint(health.LinkIDPrefix, i))
	}
	put(t, s, many, records...)
	got, err := s.Links(t.Context(), users)
	require.NoError(t, err)
	put(t, s, many, got...)
	put(t, s, 0, got...)
}

func linksRaced(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	const each = 40                 // links: every one is a chance to get into each other's way
	for version := range int64(3) { // 0: all are new
		var written atomic.Int64
		race(func(i int) {
			mine := make([]gateway.LinkRecord, each)
			for j := range mine {
				mine[j] = link("person-1", health.DataSourceID(fmt.Sprint("source", j)))
				mine[j].Version = version
			}
			if i%2 == 0 {
				slices.Reverse(mine)
			}
			n, err := s.PutLinks(ctx, mine)
			assert.NoError(t, err)
			written.Add(int64(len(n)))
		})
		assert.EqualValues(t, each, written.Load(), "each link is written once for each version")
	}
	assert.EqualValues(t, 3, stored(t, s, "person-1")["source0"].Version)
}

func noteData(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	fitbit := func(latest, checkedAt time.Time) []gateway.DataNote {
		return []gateway.DataNote{{User: "person-1", DataSource: "fitbit", Latest: latest, CheckedAt: checkedAt}}
	}
	put(t, s, 3, link("person-1", "fitbit"), link("person-1", "oura"), link("person-2", "fitbit"))
	require.NoError(t, s.NoteData(ctx, nil))
	require.NoError(t, s.NoteData(ctx, fitbit(time.Time{}, noon)))
	assert.Zero(t, stored(t, s, "person-1")["fitbit"].LatestDataAt)
	assert.Equal(t, noon, stored(t, s, "person-1")["fitbit"].DataCheckedAt, "it was asked for, and there was none")

	later := noon.Add(time.Hour)
	require.NoError(t, s.NoteData(ctx, append(fitbit(noon, later), gateway.DataNote{User: "person-1", DataSource: "unknown", Latest: noon, CheckedAt: later})))
	assert.Equal(t, noon, stored(t, s, "person-1")["fitbit"].LatestDataAt)
	assert.Equal(t, later, stored(t, s, "person-1")["fitbit"].DataCheckedAt)
	require.NoError(t, s.NoteData(ctx, fitbit(time.Time{}, noon)))
	assert.Equal(t, later, stored(t, s, "person-1")["fitbit"].DataCheckedAt, "nor does what was read before and is written after")
	assert.Equal(t, noon, stored(t, s, "person-1")["fitbit"].LatestDataAt, "finding none forgets nothing")
	assert.Zero(t, stored(t, s, "person-1")["oura"].LatestDataAt)
	assert.Zero(t, stored(t, s, "person-1")["oura"].DataCheckedAt)
	assert.Zero(t, stored(t, s, "person-2")["fitbit"].LatestDataAt)

	require.NoError(t, s.NoteData(ctx, []gateway.DataNote{{User: "person-1", DataSource: "oura", Latest: noon}}))
	assert.Equal(t, noon, stored(t, s, "person-1")["oura"].LatestDataAt)
	assert.Zero(t, stored(t, s, "person-1")["oura"].DataCheckedAt, "something was found, though nobody asked for whatever is new")
	require.NoError(t, s.NoteData(ctx, fitbit(noon, time.Time{})))
	assert.Equal(t, later, stored(t, s, "person-1")["fitbit"].DataCheckedAt)

	// Forward in steps whose text grows and shrinks, and never back.
	second := noon.Truncate(time.Second)
	latest := noon
	for _, at := range []time.Time{
		second, second.Add(100 * time.Millisecond), second.Add(130 * time.Millisecond), second.Add(123_457 * time.Microsecond),
		second.Add(time.Second), second.Add(1001 * time.Millisecond), second.Add(1000_001 * time.Microsecond),
		second.Add(time.Minute).In(time.FixedZone("east", 9*60*60)), second.Add(-time.Hour), second.AddDate(0, 0, 3),
	} {
		if at.After(latest) {
			latest = at.UTC()
		}
		require.NoError(t, s.NoteData(ctx, fitbit(at, later)))
		assert.Equal(t, latest, stored(t, s, "person-1")["fitbit"].LatestDataAt)
	}

	written := stored(t, s, "person-1")["fitbit"]
	assert.EqualValues(t, 1, written.Version, "noting data is no write of the link")
	written.LatestDataAt, written.DataCheckedAt = time.Time{}, time.Time{}
	put(t, s, 1, written)
	assert.Equal(t, latest, stored(t, s, "person-1")["fitbit"].LatestDataAt, "nor does a write of the link forget it")
	assert.Equal(t, later, stored(t, s, "person-1")["fitbit"].DataCheckedAt)

	// Several people at once, and one source twice.
	last := later.Add(time.Hour)
	require.NoError(t, s.NoteData(ctx, slices.Concat(fitbit(latest.Add(time.Hour), later), []gateway.DataNote{
		{User: "person-2", DataSource: "fitbit", Latest: noon, CheckedAt: last}, {User: "nobody", DataSource: "fitbit", Latest: noon, CheckedAt: last},
	}, fitbit(latest.Add(time.Minute), last))))
	assert.Equal(t, latest.Add(time.Hour), stored(t, s, "person-1")["fitbit"].LatestDataAt)
	assert.Equal(t, last, stored(t, s, "person-1")["fitbit"].DataCheckedAt)
	assert.Equal(t, noon, stored(t, s, "person-2")["fitbit"].LatestDataAt)
	assert.Equal(t, last, stored(t, s, "person-2")["fitbit"].DataCheckedAt)
	assert.Zero(t, stored(t, s, "person-1")["oura"].DataCheckedAt)
	assert.Empty(t, stored(t, s, "nobody"))
}

package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

func keptDay(user health.UserID, day string, version int64, fetchedAt time.Time) gateway.KeptDay {
	date, err := health.ParseDate(day)
	if err != nil {
		panic(err)
	}
	return gateway.KeptDay{
		User: user, Connector: "rook", Metric: "stepCount", Day: date, Version: version, FetchedAt: fetchedAt,
		Sealed: fmt.Append(nil, "version ", version, " of ", fetchedAt.UnixMicro()),
	}
}

var garmin = []health.DataSourceID{"garmin"}

// newDays are days of one person, to be kept if the data sources are connected.
func newDays(sources []health.DataSourceID, days ...gateway.KeptDay) []gateway.NewDays {
	return []gateway.NewDays{{DataSources: sources, Days: days}}
}

var allDays = health.DateRange{From: health.Date{Year: 1970, Month: 1, Day: 1}, To: health.Date{Year: 2200, Month: 12, Day: 31}}

// kept gives what is kept of the people, in UTC and in the upstream's own days, by person, zone and day.
func kept(t *testing.T, s *store.Store, days health.DateRange, users ...health.UserID) map[string]gateway.KeptDay {
	t.Helper()
	found, err := s.KeptDays(t.Context(), gateway.KeptDays{Users: users, Connector: "rook", Metric: "stepCount", Zones: []string{"", "UTC"}, Days: days})
	require.NoError(t, err)
	all := map[string]gateway.KeptDay{}
	for _, day := range found {
		all[string(day.User)+" "+day.Zone+" "+day.Day.String()] = day
	}
	require.Len(t, all, len(found))
	return all
}

func keptDays(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	first := keptDay("person-1", "2026-03-01", 1, noon)
	require.NoError(t, s.KeepDays(ctx, newDays(garmin, first)))
	assert.Empty(t, kept(t, s, allDays, "person-1"), "nothing is kept of whom nothing is linked")
	put(t, s, 4, link("person-1", "garmin"), link("person-1", "oura"), link("person-2", "garmin"), link("person-3", "garmin"))

	inUTC, elsewhere, other, sleep := first, first, first, first
	inUTC.Zone, elsewhere.Zone, other.Connector, sleep.Metric = "UTC", "Asia/Tokyo", "onetwentyone", "sleep"
	require.NoError(t, s.KeepDays(ctx, newDays(garmin, first, inUTC, elsewhere, sleep)))
	require.NoError(t, s.KeepDays(ctx, newDays(garmin, other)), "which is not linked")
	require.NoError(t, s.KeepDays(ctx, newDays(garmin, keptDay("person-2", "2026-03-02", 7, noon))))
	assert.Equal(t, map[string]gateway.KeptDay{
		"person-1  2026-03-01": first, "person-1 UTC 2026-03-01": inUTC,
		"person-2  2026-03-02": keptDay("person-2", "2026-03-02", 7, noon),
	}, kept(t, s, allDays, "person-1", "person-2", "nobody"))
	assert.Len(t, kept(t, s, health.DateRange{From: first.Day, To: first.Day}, "person-1", "person-2"), 2)
	none, err := s.KeptDays(ctx, gateway.KeptDays{})
	require.NoError(t, err)
	assert.Empty(t, none)

	var years []gateway.KeptDay
	for i := range 1830 {
		day := keptDay("person-3", "2021-01-01", 0, noon)
		day.Day = day.Day.AddDays(i)
		years = append(years, day)
	}
	require.NoError(t, s.KeepDays(ctx, newDays(garmin, years...)))
	assert.Len(t, kept(t, s, allDays, "person-3"), 1830)

	require.NoError(t, s.ForgetDays(ctx, "rook", nil))
	require.NoError(t, s.ForgetDays(ctx, "onetwentyone", []health.UserID{"person-1"}))
	require.NoError(t, s.ForgetDays(ctx, "rook", []health.UserID{"person-1", "nobody"}))
	assert.Empty(t, kept(t, s, allDays, "person-1"))
	assert.Len(t, kept(t, s, allDays, "person-2"), 1, "another's stay")

	require.NoError(t, s.KeepDays(ctx, newDays(garmin, keptDay("person-3", "2026-03-01", 0, noon.Add(time.Second)))))
	forgotten, err := s.ForgetDaysBefore(ctx, noon.Add(time.Second), 1000)
	require.NoError(t, err)
	assert.Equal(t, 1000, forgotten)
	forgotten, err = s.ForgetDaysBefore(ctx, noon.Add(time.Second), 1000)
	require.NoError(t, err)
	assert.Equal(t, 831, forgotten, "the rest, person-2's as well")
	assert.Len(t, kept(t, s, allDays, "person-1", "person-2", "person-3"), 1)
}

// keptVersions: what is kept gives way to what is newer, and to nothing else.
func keptVersions(t *testing.T, s *store.Store) {
	t.Helper()
	put(t, s, 1, link("person-1", "garmin"))
	earlier, later := noon.Add(-300*time.Millisecond), noon.Add(time.Second)
	for i, c := range []struct {
		name        string
		first, next gateway.KeptDay
		replaced    bool
	}{
		{"a correction", keptDay("person-1", "2026-01-01", 1, noon), keptDay("person-1", "2026-01-01", 2, later), true},
		{"a correction that was fetched earlier", keptDay("person-1", "2026-01-01", 1, noon), keptDay("person-1", "2026-01-01", 2, earlier), true},
		{"what was corrected since", keptDay("person-1", "2026-01-01", 2, noon), keptDay("person-1", "2026-01-01", 1, later), false},
		{"the same, read again", keptDay("person-1", "2026-01-01", 2, noon), keptDay("person-1", "2026-01-01", 2, later), true},
		{"the same, read before", keptDay("person-1", "2026-01-01", 2, noon), keptDay("person-1", "2026-01-01", 2, earlier), false},
		{"there is none any more", keptDay("person-1", "2026-01-01", 2, noon), keptDay("person-1", "2026-01-01", 0, later), true},
		{"there was none yet", keptDay("person-1", "2026-01-01", 2, noon), keptDay("person-1", "2026-01-01", 0, earlier), false},
	} {
		day := health.Date{Year: 2026, Month: 1, Day: 1 + i}
		c.first.Day, c.next.Day = day, day
		require.NoError(t, s.KeepDays(t.Context(), newDays(garmin, c.first)))
		require.NoError(t, s.KeepDays(t.Context(), newDays(garmin, c.next)))
		want := c.first
		if c.replaced {
			want = c.next
		}
		assert.Equal(t, want, kept(t, s, allDays, "person-1")["person-1  "+day.String()], c.name)
	}
}

// keptRaced: of many versions written at once, in whichever order and several of them in one statement, the highest stays.
func keptRaced(t *testing.T, s *store.Store) {
	t.Helper()
	put(t, s, 1, link("person-1", "garmin"))
	for round := range 10 {
		race(func(i int) {
			var days []gateway.KeptDay
			for d := range 30 {
				day := keptDay("person-1", "2026-03-01", int64(1+(i+d+round)%racers), noon.Add(-time.Duration(i)*time.Second))
				day.Day = day.Day.AddDays(30*round + d)
				older := day
				older.Version--
				days = append(days, day, older)
			}
			assert.NoError(t, s.KeepDays(t.Context(), newDays(garmin, days...)))
		})
	}
	all := kept(t, s, allDays, "person-1")
	require.Len(t, all, 300)
	for _, day := range all {
		assert.EqualValues(t, racers, day.Version)
	}
}

// keptBesideEnds: whoever ends a link or erases a person finds everything that was kept, however late it is written.
func keptBesideEnds(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	for round := range 20 {
		user := health.UserID(fmt.Sprintf("person-%d", round))
		put(t, s, 2, link(user, "garmin"), link(user, "oura"))
		race(func(i int) {
			switch {
			case i > 0:
				day := keptDay(user, "2026-03-01", int64(i), noon)
				assert.NoError(t, s.KeepDays(ctx, newDays([]health.DataSourceID{"garmin", "oura"}, day)))
			case round%2 == 0:
				_, err := s.DeletePerson(ctx, user, event("link_hash", noon))
				assert.NoError(t, err)
			default:
				ended := link(user, "oura")
				ended.Version, ended.Status = 1, health.StatusRevoked
				written, err := s.PutLinks(ctx, []gateway.LinkRecord{ended})
				assert.NoError(t, err)
				assert.Len(t, written, 1)
				assert.NoError(t, s.ForgetDays(ctx, "rook", []health.UserID{user}))
			}
		})
		assert.Empty(t, kept(t, s, allDays, user))
	}
}

// keptByGrant: what was kept with a grant goes with it, when another takes its place or somebody else proves the account theirs.
func keptByGrant(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	ofGrant := func(user health.UserID) gateway.KeptDay {
		day := keptDay(user, "2026-03-01", 0, noon)
		day.Connector = grant(user).Connector
		return day
	}
	count := func(user health.UserID) int {
		days, err := s.KeptDays(ctx, gateway.KeptDays{Users: []health.UserID{user}, Connector: grant(user).Connector, Metric: "stepCount", Zones: []string{""}, Days: allDays})
		require.NoError(t, err)
		return len(days)
	}
	for _, user := range []health.UserID{"person-1", "person-2"} {
		linked := link(user, "onetwentyone")
		linked.Connector = grant(user).Connector
		put(t, s, 1, linked)
	}
	mine := grant("person-1")
	mine.AccountID = "the account"
	require.NoError(t, s.PutGrant(ctx, mine))
	require.NoError(t, s.KeepDays(ctx, newDays([]health.DataSourceID{"onetwentyone"}, ofGrant("person-1"))))
	require.NoError(t, s.KeepDays(ctx, newDays([]health.DataSourceID{"onetwentyone"}, ofGrant("person-2"))))
	require.NoError(t, s.PutGrant(ctx, mine))
	assert.Zero(t, count("person-1"), "linked again")
	assert.Equal(t, 1, count("person-2"))

	require.NoError(t, s.KeepDays(ctx, newDays([]health.DataSourceID{"onetwentyone"}, ofGrant("person-1"))))
	theirs := grant("person-2")
	theirs.AccountID, theirs.VerifiedAt = "the account", noon
	require.NoError(t, s.PutGrant(ctx, theirs))
	assert.Zero(t, count("person-1"), "it was somebody else's account")
}

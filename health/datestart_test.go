package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

// zonesOfNote put their clocks forward or back at midnight, shortly after it, by half an hour, by two hours, by a day,
// during Ramadan, or not at all.
var zonesOfNote = []string{
	"UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Juba", "America/Asuncion", "America/Bahia",
	"America/Campo_Grande", "America/Caracas", "America/Havana", "America/Lima", "America/New_York", "America/Nuuk",
	"America/Phoenix", "America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns",
	"Antarctica/Troll", "Asia/Amman", "Asia/Beirut", "Asia/Damascus", "Asia/Gaza", "Asia/Kathmandu", "Asia/Kolkata",
	"Asia/Manila", "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo", "Atlantic/Azores", "Australia/Lord_Howe",
	"Australia/Sydney", "Europe/Dublin", "Europe/London", "Europe/Paris", "Europe/Volgograd", "Pacific/Apia",
	"Pacific/Chatham", "Pacific/Easter", "Pacific/Fakaofo", "Pacific/Kanton", "Pacific/Kiritimati", "Pacific/Kwajalein",
	"Pacific/Tongatapu",
}

// skipped are the days that a zone's calendar left out, when it moved to the other side of the date line.
var skipped = map[string]string{
	"Pacific/Apia": "2011-12-30", "Pacific/Fakaofo": "2011-12-30", "Pacific/Kwajalein": "1993-08-21",
	"Pacific/Kiritimati": "1994-12-31", "Pacific/Kanton": "1994-12-31",
}

func TestADayStartsAtItsFirstInstant(t *testing.T) {
	first := dateOf(t, "1970-01-02")
	days := first.DaysUntil(dateOf(t, "2037-12-31"))
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zonesOfNote).Draw(t, "zone")
		from := first.AddDays(rapid.IntRange(0, days-400).Draw(t, "from"))
		zone := zoneOf(t, name)
		for i := range 400 {
			checkStart(t, name, zone, from.AddDays(i))
		}
	})
}

func checkStart(t require.TestingT, name string, zone health.TimeZone, day health.Date) {
	start := day.Start(zone)
	next := day.AddDays(1).Start(zone)
	if skipped[name] == day.String() {
		require.Equal(t, next, start, "%s: %s never was", name, day)
		return
	}
	require.Equal(t, day, health.DateOf(start, zone), "%s: %s starts at %s", name, day, start)
	require.Equal(t, -1, health.DateOf(start.Add(-1), zone).Compare(day), "%s: %s had begun before %s", name, day, start)
	require.True(t, start.Before(next), "%s: %s has a length", name, day)
	require.LessOrEqual(t, next.Sub(start), 26*time.Hour, "%s: %s", name, day)
	require.GreaterOrEqual(t, next.Sub(start), 21*time.Hour, "%s: %s", name, day)
}

func TestStartsOfDaysThatClocksMakeSpecial(t *testing.T) {
	for name, c := range map[string]struct {
		zone, day, start string
		hours            float64
	}{
		"an ordinary day":                       {"Europe/Paris", "2026-03-28", "2026-03-28T00:00:00+01:00", 24},
		"a short day":                           {"Europe/Paris", "2026-03-29", "2026-03-29T00:00:00+01:00", 23},
		"a long day":                            {"Europe/Paris", "2026-10-25", "2026-10-25T00:00:00+02:00", 25},
		"midnight does not exist, São Paulo":    {"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", 23},
		"midnight does not exist, Havana":       {"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", 23},
		"midnight comes twice, Havana":          {"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", 25},
		"midnight does not exist, Beirut":       {"Asia/Beirut", "2024-03-31", "2024-03-31T01:00:00+03:00", 23},
		"the day before ends twice, Beirut":     {"Asia/Beirut", "2024-10-26", "2024-10-26T00:00:00+03:00", 25},
		"midnight does not exist, Asunción":     {"America/Asuncion", "2023-10-01", "2023-10-01T01:00:00-03:00", 23},
		"the day before a skipped one":          {"Pacific/Apia", "2011-12-29", "2011-12-29T00:00:00-10:00", 24},
		"a skipped day starts where the next":   {"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", 0},
		"the day after a skipped one":           {"Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", 24},
		"back for Ramadan, Casablanca":          {"Africa/Casablanca", "2024-03-10", "2024-03-10T00:00:00+01:00", 25},
		"forward after Ramadan, Casablanca":     {"Africa/Casablanca", "2024-04-14", "2024-04-14T00:00:00+00:00", 23},
		"half an hour forward, Lord Howe":       {"Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00:00+10:30", 23.5},
		"half an hour back, Lord Howe":          {"Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00:00+11:00", 24.5},
		"two hours forward, Troll":              {"Antarctica/Troll", "2026-03-29", "2026-03-29T00:00:00+00:00", 22},
		"two hours back, Troll":                 {"Antarctica/Troll", "2026-10-25", "2026-10-25T00:00:00+02:00", 26},
		"half an hour beside the hour, Kolkata": {"Asia/Kolkata", "2026-03-29", "2026-03-29T00:00:00+05:30", 24},
		"put back one minute after midnight":    {"America/St_Johns", "2010-11-07", "2010-11-07T00:00:00-02:30", 25},
		"put forward one minute after midnight": {"America/St_Johns", "2010-03-14", "2010-03-14T00:00:00-03:30", 23},
	} {
		t.Run(name, func(t *testing.T) {
			zone, day := zoneOf(t, c.zone), dateOf(t, c.day)
			start := day.Start(zone)
			want, err := time.Parse(time.RFC3339, c.start)
			require.NoError(t, err)
			assert.True(t, want.Equal(start), "%s, not %s", c.start, start)
			assert.InDelta(t, c.hours, day.AddDays(1).Start(zone).Sub(start).Hours(), 0)
		})
	}
}

func TestStartsNeverGoBackwards(t *testing.T) {
	first := dateOf(t, "2005-01-01")
	for _, name := range zonesOfNote {
		zone := zoneOf(t, name)
		last := first.Start(zone)
		for day := first.AddDays(1); day.Year < 2030; day = day.AddDays(1) {
			start := day.Start(zone)
			require.False(t, start.Before(last), "%s: %s starts before the day before it", name, day)
			last = start
		}
	}
}

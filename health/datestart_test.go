package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

// zonesOfNote put their clocks forward or back at midnight, shortly after it, by half an hour, by two hours, by a day,
// during Ramadan, or not at all.
var zonesOfNote = []string{
	"UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "Africa/Juba", "America/Asuncion", "America/Bahia",
	"America/Campo_Grande", "America/Caracas", "America/Havana", "America/Lima", "America/New_York", "America/Nuuk",
	"America/Phoenix", "America/Santiago", "America/Sao_Paulo", "America/Scoresbysund", "America/St_Johns", "America/Toronto",
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
	for _, name := range zonesOfNote {
		zone := zoneOf(t, name)
		day := dateOf(t, "1915-01-01")
		for start := day.Start(zone); day.Year < 2038; {
			next := day.AddDays(1).Start(zone)
			if broken := brokenRule(name, zone, day, start, next); broken != "" {
				t.Errorf("%s: %s, from %s to %s: %s", name, day, start, next, broken)
				break
			}
			day, start = day.AddDays(1), next
		}
	}
}

// brokenRule is what is wrong with a day's start, "" for nothing.
func brokenRule(name string, zone health.TimeZone, day health.Date, start, next time.Time) string {
	switch length := next.Sub(start); {
	case skipped[name] == day.String():
		if length != 0 {
			return "a day that never was has no length"
		}
	case health.DateOf(start, zone) != day:
		return "it starts on another day"
	case health.DateOf(start.Add(-1), zone).Compare(day) >= 0:
		return "it had begun before"
	case length < 21*time.Hour || length > 47*time.Hour: // 47: Kwajalein in 1969, which moved to the other side of the date line
		return "its length is no day's"
	}
	return ""
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
		"put forward half an hour before it":    {"America/Toronto", "1919-03-31", "1919-03-31T00:30:00-04:00", 23.5},
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

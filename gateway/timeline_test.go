package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

// walk is a sample of steps from one instant to another, both RFC 3339.
func walk(t *testing.T, device, from, to string, steps float64) health.Sample {
	t.Helper()
	return health.Sample{Device: device, Start: instant(t, from), End: instant(t, to), Value: steps}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return at
}

func days(t require.TestingT, from, to string) health.DateRange {
	first, err := health.ParseDate(from)
	require.NoError(t, err)
	last, err := health.ParseDate(to)
	require.NoError(t, err)
	return health.DateRange{From: first, To: last}
}

func inZone(t require.TestingT, name string) health.TimeZone {
	zone, err := health.ParseTimeZone(name)
	require.NoError(t, err)
	return zone
}

// assertDays compares the days of a tally, by date; -1 stands for a day that no sample touches.
func assertDays(t *testing.T, want map[string]float64, tallies map[health.Date]dayTally) {
	t.Helper()
	assert.Len(t, tallies, len(want), "each day of the range has an entry")
	for day, steps := range want {
		date, err := health.ParseDate(day)
		require.NoError(t, err)
		got := tallies[date]
		assert.Equal(t, steps >= 0, got.touched, "%s: is there anything?", day)
		assert.InDelta(t, max(steps, 0), got.steps, 1e-6, day)
	}
}

func TestWithoutSamplesEveryDayIsUntouched(t *testing.T) {
	assertDays(t, map[string]float64{"2026-03-01": -1, "2026-03-02": -1}, tally(nil, days(t, "2026-03-01", "2026-03-02"), health.UTC))
}

func TestOneDeviceCountsInFull(t *testing.T) {
	samples := []health.Sample{
		walk(t, "phone", "2026-03-01T08:00:00Z", "2026-03-01T08:10:00Z", 900),
		walk(t, "phone", "2026-03-01T08:10:00Z", "2026-03-01T08:20:00Z", 100),
		walk(t, "phone", "2026-03-01T08:05:00Z", "2026-03-01T08:15:00Z", 50), // its own samples may overlap
		walk(t, "phone", "2026-03-01T20:00:00Z", "2026-03-01T20:00:00Z", 7),
	}
	assertDays(t, map[string]float64{"2026-03-01": 1057}, tally(samples, days(t, "2026-03-01", "2026-03-01"), health.UTC))
}

func TestWherePhoneAndWatchOverlapTheHigherRateCounts(t *testing.T) {
	samples := []health.Sample{
		walk(t, "phone", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 3600), // 1 a second
		walk(t, "watch", "2026-03-01T08:30:00Z", "2026-03-01T09:30:00Z", 7200), // 2 a second
	}
	assertDays(t, map[string]float64{"2026-03-01": 1800 + 7200}, tally(samples, days(t, "2026-03-01", "2026-03-01"), health.UTC))
}

func TestADeviceIsJudgedByAllItsSamplesTogether(t *testing.T) {
	samples := []health.Sample{
		walk(t, "phone", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 100),
		walk(t, "phone", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 100),
		walk(t, "watch", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 150),
	}
	assertDays(t, map[string]float64{"2026-03-01": 200}, tally(samples, days(t, "2026-03-01", "2026-03-01"), health.UTC))
}

func TestSamplesWithoutADeviceNeverCountTwice(t *testing.T) {
	samples := []health.Sample{
		walk(t, "", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 100),
		walk(t, "", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 150),
		walk(t, "", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", 10), // apart from the others: counts beside them
		walk(t, "", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", 3),
		walk(t, "", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", 4),
	}
	assertDays(t, map[string]float64{"2026-03-01": 164}, tally(samples, days(t, "2026-03-01", "2026-03-01"), health.UTC))
}

func TestAWalkAcrossMidnightIsSplitInProportion(t *testing.T) {
	samples := []health.Sample{walk(t, "phone", "2026-03-01T23:45:00Z", "2026-03-02T00:15:00Z", 300)}
	assertDays(t, map[string]float64{"2026-03-01": 150, "2026-03-02": 150}, tally(samples, days(t, "2026-03-01", "2026-03-02"), health.UTC))

	samples = []health.Sample{walk(t, "phone", "2026-03-01T12:00:00Z", "2026-03-04T12:00:00Z", 7200)} // 100 an hour
	assertDays(t, map[string]float64{"2026-03-01": 1200, "2026-03-02": 2400, "2026-03-03": 2400, "2026-03-04": 1200},
		tally(samples, days(t, "2026-03-01", "2026-03-04"), health.UTC))
}

func TestMidnightIsThatOfTheZone(t *testing.T) {
	samples := []health.Sample{walk(t, "phone", "2026-03-01T22:00:00Z", "2026-03-02T00:00:00Z", 200)} // 23:00 to 01:00 in Paris
	assertDays(t, map[string]float64{"2026-03-01": 100, "2026-03-02": 100}, tally(samples, days(t, "2026-03-01", "2026-03-02"), inZone(t, "Europe/Paris")))
	assertDays(t, map[string]float64{"2026-03-01": 200, "2026-03-02": -1}, tally(samples, days(t, "2026-03-01", "2026-03-02"), health.UTC))
}

func TestAWalkOnATripCountsOnTheDayOfTheZoneAskedFor(t *testing.T) {
	samples := []health.Sample{
		walk(t, "phone", "2026-04-10T07:00:00+09:00", "2026-04-10T08:00:00+09:00", 900), // a morning in Tokyo, the evening before in New York
		walk(t, "phone", "2026-04-10T13:30:00+05:45", "2026-04-10T14:30:00+05:45", 600), // Kathmandu, before noon in UTC
		walk(t, "phone", "2026-04-10T20:15:00-03:30", "2026-04-10T20:45:00-03:30", 300), // Newfoundland, across midnight in UTC
	}
	at := func(zone string) map[health.Date]dayTally {
		return tally(samples, days(t, "2026-04-09", "2026-04-11"), inZone(t, zone))
	}
	assertDays(t, map[string]float64{"2026-04-09": 900, "2026-04-10": 900, "2026-04-11": -1}, at("America/New_York"))
	assertDays(t, map[string]float64{"2026-04-09": -1, "2026-04-10": 1500, "2026-04-11": 300}, at("Asia/Tokyo"))
	assertDays(t, map[string]float64{"2026-04-09": 900, "2026-04-10": 750, "2026-04-11": 150}, at("UTC"))
}

func TestDaysOf23And25HoursKeepAllTheirSteps(t *testing.T) {
	hourly := func(from string, hours int) []health.Sample {
		samples := make([]health.Sample, 0, hours)
		for i := range hours {
			start := instant(t, from).Add(time.Duration(i) * time.Hour)
			samples = append(samples, health.Sample{Device: "phone", Start: start, End: start.Add(time.Hour), Value: 100})
		}
		return samples
	}
	paris := inZone(t, "Europe/Paris")
	assertDays(t, map[string]float64{"2026-03-28": 2400, "2026-03-29": 2300, "2026-03-30": 2400},
		tally(hourly("2026-03-28T00:00:00+01:00", 71), days(t, "2026-03-28", "2026-03-30"), paris))
	assertDays(t, map[string]float64{"2026-10-24": 2400, "2026-10-25": 2500, "2026-10-26": 2400},
		tally(hourly("2026-10-24T00:00:00+02:00", 73), days(t, "2026-10-24", "2026-10-26"), paris))
	assertDays(t, map[string]float64{"2011-12-29": 2400, "2011-12-30": -1, "2011-12-31": 2400},
		tally(hourly("2011-12-29T00:00:00-10:00", 48), days(t, "2011-12-29", "2011-12-31"), inZone(t, "Pacific/Apia")))
}

func TestACountAtAnInstantBelongsToItsDay(t *testing.T) {
	count := func(at string) map[health.Date]dayTally {
		return tally([]health.Sample{walk(t, "phone", at, at, 9)}, days(t, "2026-03-01", "2026-03-02"), health.UTC)
	}
	for at, want := range map[string]map[string]float64{
		"2026-02-28T23:59:59.999999999Z": {"2026-03-01": -1, "2026-03-02": -1},
		"2026-03-01T00:00:00Z":           {"2026-03-01": 9, "2026-03-02": -1},
		"2026-03-01T23:59:59.999999999Z": {"2026-03-01": 9, "2026-03-02": -1},
		"2026-03-02T00:00:00Z":           {"2026-03-01": -1, "2026-03-02": 9},
		"2026-03-02T23:59:59.999999999Z": {"2026-03-01": -1, "2026-03-02": 9},
		"2026-03-03T00:00:00Z":           {"2026-03-01": -1, "2026-03-02": -1},
		"1441-08-10T12:00:00Z":           {"2026-03-01": -1, "2026-03-02": -1}, // 2^64 nanoseconds before 2026-03-01
		"0001-01-01T00:00:00Z":           {"2026-03-01": -1, "2026-03-02": -1},
		"9999-12-31T00:00:00Z":           {"2026-03-01": -1, "2026-03-02": -1},
	} {
		t.Run(at, func(t *testing.T) { assertDays(t, want, count(at)) })
	}
	apia := inZone(t, "Pacific/Apia")
	assertDays(t, map[string]float64{"2011-12-29": -1, "2011-12-30": -1, "2011-12-31": 9}, tally(
		[]health.Sample{walk(t, "phone", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00", 9)}, days(t, "2011-12-29", "2011-12-31"), apia))

	// No count of nanoseconds that overflows may land in the range.
	at := instant(t, "2026-03-01T12:00:00Z")
	wrapped := at.Add(-1 << 63).Add(-1 << 63)
	assertDays(t, map[string]float64{"2026-03-01": -1, "2026-03-02": -1},
		tally([]health.Sample{{Start: wrapped, End: wrapped, Value: 9}}, days(t, "2026-03-01", "2026-03-02"), health.UTC))
}

func TestWhatLiesOutsideTheRangeDoesNotCount(t *testing.T) {
	samples := []health.Sample{
		walk(t, "phone", "2026-02-28T08:00:00Z", "2026-02-28T09:00:00Z", 1000),
		walk(t, "phone", "2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z", 1000), // ends where the range begins
		walk(t, "phone", "2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z", 1000), // begins where it ends
		walk(t, "phone", "2026-02-28T23:00:00Z", "2026-03-01T01:00:00Z", 200),  // half inside
		walk(t, "phone", "2026-03-01T23:00:00Z", "2026-03-02T03:00:00Z", 400),  // a quarter inside
	}
	assertDays(t, map[string]float64{"2026-03-01": 200}, tally(samples, days(t, "2026-03-01", "2026-03-01"), health.UTC))
}

func TestZeroStepsAreRecordedStepsToo(t *testing.T) {
	samples := []health.Sample{
		walk(t, "phone", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z", 0),
		walk(t, "phone", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z", 0),
	}
	assertDays(t, map[string]float64{"2026-03-01": 0, "2026-03-02": 0, "2026-03-03": -1}, tally(samples, days(t, "2026-03-01", "2026-03-03"), health.UTC))
}

func TestAWalkThatEndsBeforeItBeginsIsNone(t *testing.T) {
	samples := []health.Sample{walk(t, "phone", "2026-03-01T09:00:00Z", "2026-03-01T08:00:00Z", 100)}
	assertDays(t, map[string]float64{"2026-03-01": -1}, tally(samples, days(t, "2026-03-01", "2026-03-01"), health.UTC))
}

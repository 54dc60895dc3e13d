package health_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

// aDate draws a day of the years 1 to 9999, which are those that have four digits.
func aDate() *rapid.Generator[health.Date] {
	return rapid.Custom(func(t *rapid.T) health.Date {
		return health.Date{Year: 1, Month: time.January, Day: 1}.AddDays(rapid.IntRange(0, 3_652_058).Draw(t, "day"))
	})
}

func TestADateIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		date := aDate().Draw(t, "date")
		again, err := health.ParseDate(date.String())
		require.NoError(t, err)
		require.Equal(t, date, again)
		require.Len(t, date.String(), len("2026-03-29"))

		var b strings.Builder
		date.MarshalGQL(&b)
		var text string
		require.NoError(t, json.Unmarshal([]byte(b.String()), &text))
		var back health.Date
		require.NoError(t, back.UnmarshalGQL(text))
		require.Equal(t, date, back)
	})
}

func TestDaysThatTheCalendarDoesNotHaveAreRefused(t *testing.T) {
	for text, good := range map[string]bool{
		"2024-02-29": true, "2000-02-29": true, "2026-12-31": true, "0001-01-01": true, "9999-12-31": true,
		"2026-02-29": false, "1900-02-29": false, "2026-04-31": false, "2026-13-01": false, "2026-00-10": false,
		"2026-01-00": false, "2026-01-32": false,
	} {
		_, err := health.ParseDate(text)
		assert.Equal(t, good, err == nil, text)
	}
}

func TestWhatIsNoISODateIsRefusedWithoutBeingRepeated(t *testing.T) {
	for _, text := range []string{
		"", " ", "today", "2026-3-29", "26-03-29", "2026/03/29", "29.03.2026", "20260329", "2026-03-29T00:00:00Z",
		" 2026-03-29", "2026-03-29 ", "+2026-03-29", "-2026-03-29", "12026-03-29", "2026-03-29\x00", "２０２６-03-29", "2026-W13-7", "2026-088",
	} {
		date, err := health.ParseDate(text)
		require.Error(t, err, "%q", text)
		assert.Zero(t, date)
		failure := health.AsError(err)
		assert.Equal(t, health.BadUserInput, failure.Code)
		assert.Equal(t, "a date is an ISO 8601 calendar day such as 2026-03-29", failure.Message)
	}
	for _, value := range []any{nil, 20260329, json.Number("20260329"), true, []any{"2026-03-29"}} {
		var date health.Date
		assert.Error(t, date.UnmarshalGQL(value), "%v", value)
	}
}

func TestDayArithmeticAgreesWithItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := aDate().Draw(t, "a"), aDate().Draw(t, "b")
		n := a.DaysUntil(b)
		require.Equal(t, b, a.AddDays(n), "across centuries too")
		require.Equal(t, -n, b.DaysUntil(a))
		switch {
		case n > 0:
			require.Equal(t, -1, a.Compare(b))
		case n < 0:
			require.Equal(t, 1, a.Compare(b))
		default:
			require.Equal(t, a, b)
			require.Equal(t, 0, a.Compare(b))
		}
		require.Equal(t, n+1, health.DateRange{From: a, To: b}.Days())
	})
}

func TestARangeListsEachOfItsDaysOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := health.DateRange{From: aDate().Draw(t, "from")}
		r.To = r.From.AddDays(rapid.IntRange(-3, 400).Draw(t, "length"))
		days := r.Each()
		require.Len(t, days, max(r.Days(), 0))
		for i, day := range days {
			require.Equal(t, r.From.AddDays(i), day)
			require.True(t, r.Contains(health.DateRange{From: day, To: day}))
		}
		require.False(t, r.Contains(health.DateRange{From: r.From.AddDays(-1), To: r.To}))
		require.False(t, r.Contains(health.DateRange{From: r.From, To: r.To.AddDays(1)}))
	})
}

func TestTheDayAtAnInstantDependsOnTheZone(t *testing.T) {
	instant := time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"UTC": "2026-03-29", "Europe/Paris": "2026-03-30", "Asia/Kolkata": "2026-03-30", "America/Los_Angeles": "2026-03-29",
		"Pacific/Kiritimati": "2026-03-30", "Pacific/Pago_Pago": "2026-03-29",
	} {
		assert.Equal(t, want, health.DateOf(instant, zoneOf(t, zone)).String(), zone)
	}
}

func zoneOf(t require.TestingT, name string) health.TimeZone {
	zone, err := health.ParseTimeZone(name)
	require.NoError(t, err, name)
	return zone
}

func dateOf(t require.TestingT, text string) health.Date {
	date, err := health.ParseDate(text)
	require.NoError(t, err, text)
	return date
}

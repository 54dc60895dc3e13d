package health_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2026-03-29", "2024-02-29", "2026-02-29", "0000-01-01", "9999-12-31", "", "2026-3-1", "2026-03-29T00:00:00Z", "-001-01-01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		date, err := health.ParseDate(text)
		if err != nil {
			require.Zero(t, date)
			return
		}
		require.Equal(t, text, date.String())
		require.Equal(t, date, date.AddDays(1).AddDays(-1))
		require.Equal(t, date, health.DateOf(date.Start(health.UTC), health.UTC))
	})
}

func FuzzParseTimeZone(f *testing.F) {
	for _, seed := range []string{"UTC", "Europe/Paris", "Etc/GMT-14", "Local", "", "../x", "Europe//Paris", "right/UTC", "Mars/Phobos", strings.Repeat("a/", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		zone, err := health.ParseTimeZone(name)
		if err != nil {
			require.Equal(t, health.UTC, zone)
			return
		}
		require.Equal(t, name, zone.String())
		again, err := health.ParseTimeZone(name)
		require.NoError(t, err)
		require.Len(t, map[health.TimeZone]bool{zone: true, again: true}, 1)
	})
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{"https://app.example/back?code=1&state=2", "com.example.app:/back", "/relative", "//host", "https:", "", "https://[::1]:80/", "https://a/%zz", strings.Repeat("h", 9000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := health.ParseURL(text)
		if err != nil {
			require.Empty(t, u)
			return
		}
		require.Equal(t, text, string(u))
		require.Contains(t, text, ":", "absolute")
		require.LessOrEqual(t, len(text), health.MaxURLBytes)
	})
}

func FuzzParseUserID(f *testing.F) {
	for _, seed := range []string{"person-1", "link_x", "", " person-1", "a\x00b", "\xff", "é", strings.Repeat("x", 255), strings.Repeat("x", 256)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		user, err := health.ParseUserID(text)
		if err != nil {
			require.Empty(t, user)
			return
		}
		require.Equal(t, text, string(user))
		require.True(t, utf8.ValidString(text))
		require.NotEmpty(t, text)
		require.LessOrEqual(t, len(text), health.MaxUserIDBytes)
		require.NotContains(t, text, "\n")
		require.Equal(t, text, strings.TrimSpace(text))
	})
}

// A cursor stands for one place, and a place is written in one way.
func FuzzParseCursor(f *testing.F) {
	place := health.PlaceOf("onetwentyone", health.Sample{ID: "s-1", Start: time.Unix(1774742400, 5), End: time.Unix(1774742401, 0)})
	for _, seed := range []string{place.Cursor(), place.Cursor()[1:], place.Cursor() + "=", "", "AQ", strings.Repeat("_", health.CursorLength), strings.Repeat("A", 1000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		place, err := health.ParseCursor(cursor)
		if err != nil {
			require.True(t, place.IsZero())
			require.Equal(t, "after", health.AsError(err).Argument)
			return
		}
		require.Len(t, cursor, health.CursorLength)
		require.Equal(t, cursor, place.Cursor())
	})
}

func FuzzUnitOfAMetric(f *testing.F) {
	for _, seed := range [][2]string{{"heartRate", "count/min"}, {"bodyMass", "LB"}, {"oxygenSaturation", "%"}, {"activeEnergyBurned", "CAL"}, {"appleFutureMetric", "x"}, {"../x", ""}, {"vo2Max", "mL/min·kg"}} {
		f.Add(seed[0], seed[1], 36.6)
	}
	f.Fuzz(func(t *testing.T, name, text string, value float64) {
		metric, err := health.ParseMetric(name)
		if err != nil {
			require.Zero(t, metric)
			return
		}
		require.Equal(t, name, metric.Name)
		unit, err := metric.In(text)
		if err == nil && text != "" {
			require.Equal(t, text, string(unit))
		}
		if metric.Unit == nil {
			return
		}
		meant, ok := metric.Unit.Read(text)
		if !ok {
			return
		}
		require.Contains(t, metric.Units, meant, "what is understood can be converted")
		if metric.Takes(value) {
			require.False(t, math.IsNaN(health.Convert(value, *metric.Unit, meant)))
		}
	})
}

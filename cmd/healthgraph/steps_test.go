package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// sample writes one for PUT /_control/people; times in RFC 3339.
func sample(start, end string, value float64, device string) string {
	return fmt.Sprintf(`{"start": %q, "end": %q, "value": %g, "device": %q}`, start, end, value, device)
}

// walker links the person "w" to OneTwentyOne alone, where they have these samples and live in the zone.
func (w *world) walker(zone string, samples string, scopes ...string) {
	w.t.Helper()
	w.oneTwentyOnePerson("walker", fmt.Sprintf(`{"homeTimezone": %q, "samples": {"stepCount": [%s]}}`, zone, samples))
	w.link("w", "walker", scopes...)
}

func TestDaysAreCutByTheClocksOfTheZone(t *testing.T) {
	for _, test := range []struct {
		name, zone, begin, end, from string
		steps                        float64
		want                         []string
	}{
		{"Paris in March: 23 hours", "Europe/Paris", "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00", "2026-03-28", 7100, []string{"2400", "2300", "2400"}},
		{"Paris in October: 25 hours", "Europe/Paris", "2025-10-25T00:00:00+02:00", "2025-10-28T00:00:00+01:00", "2025-10-25", 7300, []string{"2400", "2500", "2400"}},
		{"New York in March: 23 hours", "America/New_York", "2026-03-07T00:00:00-05:00", "2026-03-10T00:00:00-04:00", "2026-03-07", 7100, []string{"2400", "2300", "2400"}},
		{"New York in November: 25 hours", "America/New_York", "2025-11-01T00:00:00-04:00", "2025-11-04T00:00:00-05:00", "2025-11-01", 7300, []string{"2400", "2500", "2400"}},
		{"a day split at midnight", "Europe/Paris", "2026-04-08T23:50:00+02:00", "2026-04-09T00:10:00+02:00", "2026-04-08", 201, []string{"101", "101", "-"}},
		{"the last minute of a day is that day's", "Europe/Paris", "2026-04-08T23:59:00+02:00", "2026-04-09T00:00:00+02:00", "2026-04-08", 60, []string{"60", "-", "-"}},
		{"the first instant of a day is that day's", "Europe/Paris", "2026-04-09T00:00:00+02:00", "2026-04-09T00:00:00+02:00", "2026-04-08", 60, []string{"-", "60", "-"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.walker(test.zone, sample(test.begin, test.end, test.steps, "phone"))
			from, err := time.Parse(time.DateOnly, test.from)
			require.NoError(t, err)
			got := w.steps("w", fmt.Sprintf(`from: %q, to: %q`, test.from, from.AddDate(0, 0, 2).Format(time.DateOnly)))
			var figures []string
			for _, d := range got.Days {
				figures = append(figures, number(d.Steps))
			}
			assert.Equal(t, test.want, figures)
			assert.Equal(t, []string{test.zone, "PROFILE"}, []string{got.TimeZone, got.TimeZoneOrigin})
			assert.True(t, got.Complete)
		})
	}
}

func TestTheZoneIsTheArgumentElseTheProfilesElseUTC(t *testing.T) {
	late := sample("2026-04-10T23:30:00Z", "2026-04-10T23:40:00Z", 100, "phone")
	const days = `from: "2026-04-10", to: "2026-04-11"`
	w := newWorld(t, worldOptions{})
	w.walker("Europe/Paris", late)
	for _, test := range []struct {
		name, arguments, zone, origin string
		want                          []string
	}{
		{"the profile's", days, "Europe/Paris", "PROFILE", []string{"2026-04-10 - NO_DATA", "2026-04-11 100 VALUE"}},
		{"the argument comes first", days + `, timeZone: "America/New_York"`, "America/New_York", "ARGUMENT", []string{"2026-04-10 100 VALUE", "2026-04-11 - NOT_SYNCED"}},
		{"UTC is an argument like another", days + `, timeZone: "UTC"`, "UTC", "ARGUMENT", []string{"2026-04-10 100 VALUE", "2026-04-11 - NOT_SYNCED"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := w.steps("w", test.arguments)
			assert.Equal(t, []string{test.zone, test.origin}, []string{got.TimeZone, got.TimeZoneOrigin})
			assert.Equal(t, test.want, got.short())
		})
	}
	t.Run("the profile was not granted: UTC, and it is not asked for each time", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.walker("Europe/Paris", late, "quantity")
		for range 2 {
			got := w.steps("w", days)
			assert.Equal(t, []string{"UTC", "DEFAULT"}, []string{got.TimeZone, got.TimeZoneOrigin})
			assert.Equal(t, []string{"2026-04-10 100 VALUE", "2026-04-11 - NOT_SYNCED"}, got.short())
		}
		assert.Equal(t, 1, w.calls()["onetwentyone.profile"])
		w.clock.Advance(61 * time.Minute)
		for range 2 {
			w.steps("w", days)
		}
		assert.Equal(t, 2, w.calls()["onetwentyone.profile"], "once an hour")
		assert.Empty(t, w.links("w")["onetwentyone"].ScopesGranted, "not known")
	})
	t.Run("nothing is linked: UTC", func(t *testing.T) {
		got := w.steps("nobody", days)
		assert.Equal(t, []string{"UTC", "DEFAULT"}, []string{got.TimeZone, got.TimeZoneOrigin})
	})
	t.Run("they moved: their new zone is known within the hour", func(t *testing.T) {
		w.oneTwentyOnePerson("walker", `{"homeTimezone": "America/New_York"}`)
		assert.Equal(t, "Europe/Paris", w.steps("w", days).TimeZone)
		w.clock.Advance(61 * time.Minute)
		assert.Equal(t, "America/New_York", w.steps("w", days).TimeZone)
	})
}

func TestPhoneAndWatchDoNotCountTheSameWalkTwice(t *testing.T) {
	const from, to = "2026-04-10T08:00:00Z", "2026-04-10T08:10:00Z"
	for _, test := range []struct {
		name, samples, want string
	}{
		{"the same ten minutes: the higher", sample(from, to, 1000, "phone") + "," + sample(from, to, 1200, "watch"), "1200"},
		{"half of it overlaps: 500 of the phone, then the watch's 1200", sample(from, to, 1000, "phone") + "," + sample("2026-04-10T08:05:00Z", "2026-04-10T08:15:00Z", 1200, "watch"), "1700"},
		{"one after the other: both", sample(from, to, 1000, "phone") + "," + sample(to, "2026-04-10T08:20:00Z", 1200, "watch"), "2200"},
		{"a short burst within a long stroll", sample(from, to, 600, "phone") + "," + sample("2026-04-10T08:04:00Z", "2026-04-10T08:05:00Z", 160, "watch"), "700"},
		{"devices without a name are never added up", sample(from, to, 1000, "") + "," + sample(from, to, 1200, ""), "1200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.walker("UTC", test.samples)
			got := w.steps("w", `from: "2026-04-10", to: "2026-04-10"`)
			assert.Equal(t, test.want, number(got.Total))
		})
	}
}

func TestEachDayTakesOneUpstreamsFigureAndShowsTheOther(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.walker("Europe/Paris", sample("2026-04-07T08:00:00Z", "2026-04-07T09:00:00Z", 5000, "phone")+","+
		sample("2026-04-08T08:00:00Z", "2026-04-08T09:00:00Z", 6000, "phone")+","+sample("2026-04-09T08:00:00Z", "2026-04-09T09:00:00Z", 4000, "phone"))
	w.rookPerson("w", `{"timeZone": "Europe/Paris", "sources": {"Garmin": true}, "days": {
		"2026-04-07": {"steps": 5000}, "2026-04-08": {"steps": 5000}, "2026-04-09": {"steps": 5000}, "2026-04-10": {"steps": 5000}, "2026-04-11": null}}`)
	got := w.steps("w", `from: "2026-04-07", to: "2026-04-11"`)
	var lines []string
	for _, d := range got.Days {
		lines = append(lines, fmt.Sprintf("%s = rook %s %s, onetwentyone %s %s", d.short(), number(d.of("rook").Steps), d.of("rook").Reason, number(d.of("onetwentyone").Steps), d.of("onetwentyone").Reason))
	}
	assert.Equal(t, []string{
		"5000 VALUE = rook 5000 HIGHEST, onetwentyone 5000 TIE",
		"6000 VALUE = rook 5000 NOT_HIGHEST, onetwentyone 6000 HIGHEST",
		"5000 VALUE = rook 5000 HIGHEST, onetwentyone 4000 NOT_HIGHEST",
		"5000 VALUE = rook 5000 ONLY_FIGURE, onetwentyone - NO_FIGURE",
		"- NOT_SYNCED = rook - NO_FIGURE, onetwentyone - NO_FIGURE",
	}, lines)
	assert.Equal(t, "21000", number(got.Total))
	assert.Equal(t, []source{{ID: "garmin"}}, got.Days[0].DataSources, "the catalogue's first")
	assert.Equal(t, []source{{ID: "onetwentyone"}}, got.Days[1].DataSources)
}

func TestAMergedDayIsNotGivenToAFilterThatItCantHonour(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rookPerson("m", `{"timeZone": "Europe/Paris", "sources": {"Garmin": true, "Oura": true, "Apple Health": true}, "days": {
		"2026-04-09": {"steps": 5000, "sources": ["Garmin", "Apple Health"]}, "2026-04-10": {"steps": 6000, "sources": ["Garmin"]}}}`)
	const days = `from: "2026-04-09", to: "2026-04-10"`
	for _, test := range []struct {
		name, filter string
		want         []string
		total, code  string
	}{
		{"no filter", "", []string{"2026-04-09 5000 VALUE", "2026-04-10 6000 VALUE"}, "11000", ""},
		{"all of its sources", `, dataSources: ["apple_health", "garmin"]`, []string{"2026-04-09 5000 VALUE", "2026-04-10 6000 VALUE"}, "11000", ""},
		{"one of two", `, dataSources: ["garmin"]`, []string{"2026-04-09 - UNAVAILABLE", "2026-04-10 6000 VALUE"}, "6000", "UNSUPPORTED"},
		{"the other one", `, dataSources: ["apple_health"]`, []string{"2026-04-09 - UNAVAILABLE", "2026-04-10 - NOT_SYNCED"}, "-", "UNSUPPORTED"},
		{"none of them", `, dataSources: ["oura"]`, []string{"2026-04-09 - NOT_SYNCED", "2026-04-10 - NOT_SYNCED"}, "-", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := w.steps("m", days+test.filter)
			assert.Equal(t, test.want, got.short())
			assert.Equal(t, test.total, number(got.Total))
			if test.code == "" {
				assert.Empty(t, got.Problems)
				return
			}
			require.Len(t, got.Problems, 1)
			assert.Equal(t, test.code, got.Problems[0].Code)
			merged := got.Days[0].of("rook")
			assert.Equal(t, []string{"5000", "MERGED_SOURCE"}, []string{number(merged.Steps), merged.Reason}, "still visible")
		})
	}
}

func TestEveryWayInWhichADayHasNoOrSomeFigure(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rook.Configure(func(s *rook.Switches) { s.ServeToday = true })
	day := func(steps string) string { return `{"2026-04-12": {"steps": 7}, "2026-04-13": ` + steps + `}` }
	w.rookPerson("value", `{"sources": {"Oura": true}, "days": `+day(`{"steps": 8}`)+`}`)
	w.rookPerson("zero", `{"sources": {"Oura": true}, "days": `+day(`{"steps": 0}`)+`}`)
	w.rookPerson("null", `{"sources": {"Oura": true}, "days": {"2026-04-13": {"steps": null}, "2026-04-14": {"steps": 7}}}`)
	w.rookPerson("nothing", `{"sources": {"Oura": true}, "days": {"2026-04-13": null, "2026-04-14": {"steps": 7}}}`)
	w.rookPerson("later", `{"sources": {"Oura": true}, "days": {"2026-04-13": null, "2026-04-14": null, "2026-04-15": null}}`)
	w.rookPerson("today", `{"timeZone": "UTC", "sources": {"Oura": true}, "days": {"2026-04-15": {"steps": 9}}}`)
	w.rookPerson("down", `{"sources": {"Oura": true}}`)
	w.oneTwentyOnePerson("walker", `{"homeTimezone": "UTC", "samples": {"stepCount": []}}`)
	w.link("unscoped", "walker", "profile")
	for _, test := range []struct {
		user, date, want string
		until            string // the last day asked for
	}{
		{"value", "2026-04-13", "8 VALUE", "2026-04-13"},
		{"zero", "2026-04-13", "0 ZERO", "2026-04-13"},
		{"null", "2026-04-13", "- NO_DATA", "2026-04-14"},
		{"nothing", "2026-04-13", "- NO_DATA", "2026-04-14"},
		{"later", "2026-04-14", "- NOT_SYNCED", "2026-04-15"},
		{"today", "2026-04-15", "9 PARTIAL_DAY", "2026-04-15"},
		{"today", "2026-04-17", "- NOT_SYNCED", "2026-04-17"},
		{"unscoped", "2026-04-13", "- NO_PERMISSION", "2026-04-13"},
		{"stranger", "2026-04-13", "- NOT_CONNECTED", "2026-04-13"},
		{"down", "2026-04-13", "- UNAVAILABLE", "2026-04-13"},
	} {
		t.Run(test.user+" "+test.date, func(t *testing.T) {
			if test.user == "down" {
				w.fault(w.rook.Control(), status(503, ""))
			}
			got := w.steps(test.user, fmt.Sprintf(`from: %q, to: %q`, test.date, test.until))
			assert.Equal(t, test.want, got.Days[0].short())
			if got.Days[0].Steps == nil && len(got.Days) == 1 {
				assert.Nil(t, got.Total, "never 0 for no data")
			}
			if test.user == "stranger" {
				assert.Empty(t, got.Days[0].Candidates)
				assert.True(t, got.Complete)
			}
		})
	}
}

func TestTwentyFiveThousandSamplesAreThreePages(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.many(25_000)
	got := w.steps("w", `from: "2026-04-06", to: "2026-04-08"`)
	assert.Equal(t, []string{"2026-04-06 8640 VALUE", "2026-04-07 8640 VALUE", "2026-04-08 7720 VALUE"}, got.short())
	assert.Equal(t, "25000", number(got.Total))
	assert.Equal(t, map[string]int{"rook.authorized_v2": 1, "onetwentyone.quantity": 3}, w.calls())
}

func TestABudgetSpentInTheMiddleLeavesTheDaysReadSoFar(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.many(25_000)
	w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/budget", `{"remaining": 2}`)
	got := w.steps("w", `from: "2026-04-06", to: "2026-04-08"`)
	assert.Equal(t, []string{"2026-04-06 8640 VALUE", "2026-04-07 8640 VALUE", "2026-04-08 - UNAVAILABLE"}, got.short())
	assert.Equal(t, "17280", number(got.Total))
	assert.False(t, got.Complete)
	require.Len(t, got.Problems, 1)
	assert.Equal(t, []string{limited, "PT14H"}, []string{got.Problems[0].Code, got.Problems[0].RetryAfter}, "until midnight in UTC")
	assert.Equal(t, 2, w.calls()["onetwentyone.quantity"], "the third page was not asked for in vain")
	w.clock.Freeze(today.Add(15 * time.Hour)) // another day's budget
	assert.Equal(t, "25000", number(w.steps("w", `from: "2026-04-06", to: "2026-04-08"`).Total))
}

func TestDataThatArrivesAfterARevocationIsNotShown(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.rook.Configure(func(s *rook.Switches) { s.LateDataFor = simulators.Duration(6 * time.Hour) })
		w.rookPerson("late", `{"sources": {"Garmin": true, "Oura": true}, "days": {
			"2026-04-09": {"steps": 5000, "sources": ["Garmin"]}, "2026-04-10": {"steps": 6000, "sources": ["Oura"]}}}`)
		const days = `from: "2026-04-09", to: "2026-04-10"`
		assert.Equal(t, []string{"2026-04-09 5000 VALUE", "2026-04-10 6000 VALUE"}, w.steps("late", days).short())
		assert.Equal(t, "REVOKED_UPSTREAM", w.revoke("late", "garmin").Outcome)
		w.clock.Advance(time.Hour)
		assert.Equal(t, []string{"2026-04-09 - NO_DATA", "2026-04-10 6000 VALUE"}, w.steps("late", days).short(), "the source that is still linked is")
		assert.Equal(t, "REVOKED_UPSTREAM", w.revoke("late", "oura").Outcome)
		assert.Equal(t, []string{"2026-04-09 - NOT_CONNECTED", "2026-04-10 - NOT_CONNECTED"}, w.steps("late", days).short())
	})
}

package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
)

const sleepFields = `{ timeZone timeZoneOrigin complete problems ` + problemFields + `
	days { date asleep presence dataSources { id } figure { bedtime wakeTime asleep inBed light deep rem unspecified awake latency efficiency
		sessions { start end main asleep inBed devices } }
		candidates { connector asleep presence chosen reason } } }`

type sleepAnswer struct {
	TimeZone, TimeZoneOrigin string
	Complete                 bool
	Problems                 []problem
	Days                     []struct {
		Date, Presence string
		Asleep         *string
		Figure         *struct {
			Bedtime, WakeTime, Asleep, InBed, Light, Deep, Rem, Unspecified, Awake, Latency *string
			Efficiency                                                                      *int
			Sessions                                                                        []struct {
				Start, End    string
				Main          bool
				Asleep, InBed *string
				Devices       []string
			}
		}
		Candidates []struct {
			Connector, Presence, Reason string
			Asleep                      *string
			Chosen                      bool
		}
	}
}

func (w *world) sleep(user, arguments string) sleepAnswer {
	w.t.Helper()
	var data struct{ Sleep sleepAnswer }
	w.ask(w.token(user), `{ sleep(`+arguments+`) `+sleepFields+` }`, nil).into(&data)
	return data.Sleep
}

// short is each day in one line.
func (s sleepAnswer) short() (days []string) {
	for _, d := range s.Days {
		asleep := "-"
		if d.Asleep != nil {
			asleep = *d.Asleep
		}
		days = append(days, d.Date+" "+asleep+" "+d.Presence)
	}
	return days
}

func stretch(start, end, stage, device string) string {
	return fmt.Sprintf(`{"start": %q, "end": %q, "stage": %q, "device": %q}`, start, end, stage, device)
}

// sleeper links the person "w" to OneTwentyOne alone, where they slept so and live in the zone.
func (w *world) sleeper(zone, stretches string, scopes ...string) {
	w.t.Helper()
	w.oneTwentyOnePerson("sleeper", fmt.Sprintf(`{"homeTimezone": %q, "sleep": [%s]}`, zone, stretches))
	w.link("w", "sleeper", scopes...)
}

func TestSleepBelongsToTheDayOnWhichThePersonWokeUp(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sleeper("Europe/Paris", stretch("2026-03-28T22:30:00+01:00", "2026-03-29T07:30:00+02:00", "inBed", "phone")+","+
		stretch("2026-03-28T23:00:00+01:00", "2026-03-29T01:00:00+01:00", "core", "watch")+","+
		stretch("2026-03-29T01:00:00+01:00", "2026-03-29T07:00:00+02:00", "deep", "watch")+","+
		stretch("2026-03-29T14:00:00+02:00", "2026-03-29T14:20:00+02:00", "asleep", "watch")+","+
		stretch("2026-03-30T00:30:00+02:00", "2026-03-30T06:30:00+02:00", "rem", "watch"), "profile", "sleep")
	got := w.sleep("w", `from: "2026-03-28", to: "2026-03-31"`)
	assert.Equal(t, []string{"2026-03-28 - NO_DATA", "2026-03-29 PT7H20M VALUE", "2026-03-30 PT6H VALUE", "2026-03-31 - NOT_SYNCED"}, got.short())
	assert.Equal(t, []string{"Europe/Paris", "PROFILE"}, []string{got.TimeZone, got.TimeZoneOrigin})
	assert.True(t, got.Complete)
	night := got.Days[1].Figure
	text := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	assert.Equal(t, "2026-03-28T21:30:00Z 2026-03-29T05:00:00Z", text(night.Bedtime)+" "+text(night.WakeTime))
	assert.Equal(t, "PT8H PT2H PT5H PT0S PT20M PT0S PT30M", fmt.Sprint(text(night.InBed), " ", text(night.Light), " ", text(night.Deep), " ", text(night.Rem), " ",
		text(night.Unspecified), " ", text(night.Awake), " ", text(night.Latency)), "the clocks went forward: that night had an hour less")
	assert.Nil(t, night.Efficiency, "OneTwentyOne does not tell it")
	require.Len(t, night.Sessions, 2)
	assert.Equal(t, []bool{true, false}, []bool{night.Sessions[0].Main, night.Sessions[1].Main})
	assert.Equal(t, []string{"phone", "watch"}, night.Sessions[0].Devices)
	assert.Equal(t, "PT20M", text(night.Sessions[1].Asleep))

	assert.Equal(t, []string{"2026-03-28 PT7H VALUE", "2026-03-29 PT6H20M VALUE"}, w.sleep("w", `from: "2026-03-28", to: "2026-03-29", timeZone: "America/Los_Angeles"`).short(),
		"there it was the evening before")
}

// Whichever way OneTwentyOne answers, a night takes as long.
func TestSleepIsTheSameWhicheverFormItComesIn(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo", "profile", "sleep")
	const arguments = `from: "2026-04-06", to: "2026-04-12", dataSources: ["onetwentyone"]`
	want := w.sleep("demo", arguments)
	require.Empty(t, want.Problems)
	require.Len(t, want.Days[0].Figure.Sessions[0].Devices, 2)
	for name, change := range map[string]func(*onetwentyone.Switches){
		"samples": func(s *onetwentyone.Switches) { s.SleepItems, s.SleepStageNames = "samples", "number" },
		"names of old": func(s *onetwentyone.Switches) {
			s.SleepStageNames, s.ItemNames, s.Times = "identifier", "camel", "local"
		},
		"lengths":          func(s *onetwentyone.Switches) { s.SleepEnds, s.RangeBy = "duration", "overlap" },
		"totals":           func(s *onetwentyone.Switches) { s.SleepItems, s.SleepUnits = "totals", "minutes" },
		"plain dates home": func(s *onetwentyone.Switches) { s.PlainDates, s.EndDate = "home", "exclusive" },
	} {
		w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches(); change(s) })
		assert.Equal(t, want.short(), w.sleep("demo", arguments).short(), name)
	}
}

func TestUpstreamCallsOfSleepAreCountedExactly(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo", "profile", "quantity", "sleep")
	for _, test := range []struct {
		name, query string
		calls       map[string]int
	}{
		{"a day a call of ROOK, pages of OneTwentyOne", `{ sleep(from: "2026-04-01", to: "2026-04-10") { complete } }`,
			map[string]int{"rook.authorized_v2": 1, "rook.sleep_summary": 10, "onetwentyone.sleep": 1}},
		{"aliases and overlapping ranges are one read", `{ a: sleep(from: "2026-04-01", to: "2026-04-10") { complete } b: sleep(from: "2026-04-05", to: "2026-04-12", timeZone: "UTC") { complete }
			viewer { sleep(from: "2026-04-02", to: "2026-04-03", choice: {policy: ONLY, dataSources: ["garmin"]}) { complete } } }`,
			map[string]int{"rook.authorized_v2": 1, "rook.sleep_summary": 12, "onetwentyone.sleep": 1}},
		{"steps beside it are reads of their own", `{ sleep(from: "2026-04-01", to: "2026-04-02") { complete } stepCount(from: "2026-04-01", to: "2026-04-02") { total } connections { status } }`,
			map[string]int{"rook.authorized_v2": 1, "rook.sleep_summary": 2, "rook.physical_summary": 2, "onetwentyone.sleep": 1, "onetwentyone.quantity": 1}},
		{"a filter spares the other upstream", `{ sleep(from: "2026-04-01", to: "2026-04-02", dataSources: ["onetwentyone"]) { complete } }`, map[string]int{"onetwentyone.sleep": 1}},
		{"days that have not begun are not asked for", `{ sleep(from: "2026-04-15", to: "2026-04-30") { complete } }`,
			map[string]int{"rook.authorized_v2": 1, "rook.sleep_summary": 2, "onetwentyone.sleep": 1}},
		{"nothing is read of what is not linked", `{ sleep(from: "2026-04-01", to: "2026-04-10", dataSources: ["oura"]) { complete } }`, map[string]int{"rook.authorized_v2": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.forgetCalls()
			w.ask(w.token("demo"), test.query, nil).into(&struct{}{})
			assert.Equal(t, test.calls, w.calls())
		})
	}
	t.Run("what is refused spends nothing", func(t *testing.T) {
		for _, query := range []string{
			`{ sleep(from: "2026-04-10", to: "2026-04-01") { complete } }`, `{ sleep(from: "2025-01-01", to: "2026-04-01") { complete } }`,
			`{ sleep(from: "2026-04-01", to: "2026-04-01", dataSources: ["nope"]) { complete } }`,
			`{ sleep(from: "2026-04-01", to: "2026-04-01", choice: {policy: ONLY}) { complete } }`,
		} {
			w.spendsNothing(t, func() { assert.Equal(t, "BAD_USER_INPUT", w.ask(w.token("demo"), query, nil).code(), query) })
		}
	})
}

func TestACorrectedNightReplacesTheOlderOne(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rookPerson("demo", `{"days": {"2026-04-10": {"sleep": 25200}, "2026-04-11": {"sleep": null}, "2026-04-12": {"sleep": 0}}}`)
	got := w.sleep("demo", `from: "2026-04-10", to: "2026-04-12"`)
	assert.Equal(t, []string{"2026-04-10 PT7H VALUE", "2026-04-11 - NO_DATA", "2026-04-12 PT0S ZERO"}, got.short(), "null is not zero")
	assert.Equal(t, "ONLY_FIGURE", got.Days[0].Candidates[0].Reason)
	w.rookPerson("demo", `{"days": {"2026-04-10": {"sleep": 21600, "documentVersion": 2}}}`)
	assert.Equal(t, "PT6H", *w.sleep("demo", `from: "2026-04-10", to: "2026-04-10"`).Days[0].Asleep)
}

// Which date ROOK means by a night's is not documented: its figure stands on the date that it was asked for, and tells its own times.
func TestANightOfRookIsTheDatesThatItWasAskedFor(t *testing.T) {
	w := newWorld(t, worldOptions{})
	const arguments = `from: "2026-04-09", to: "2026-04-09"`
	assert.Contains(t, *w.sleep("demo", arguments).Days[0].Figure.WakeTime, "2026-04-09")
	w.control(w.rook.Handler(), http.MethodPatch, "/_control/switches", `{"nightDate": "evening"}`)
	got := w.sleep("demo", arguments)
	assert.Contains(t, *got.Days[0].Figure.WakeTime, "2026-04-10")
	assert.Empty(t, got.Problems)
}

func TestSleepThatThePersonDidNotGrant(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sleeper("Europe/Paris", stretch("2026-04-10T22:30:00Z", "2026-04-11T05:30:00Z", "deep", "watch"), "profile", "quantity")
	got := w.sleep("w", `from: "2026-04-11", to: "2026-04-11"`)
	assert.Equal(t, []string{"2026-04-11 - NO_PERMISSION"}, got.short())
	require.Len(t, got.Problems, 1)
	assert.Equal(t, "REAUTHORIZATION_REQUIRED", got.Problems[0].Code)
	link := w.links("w")["onetwentyone"]
	assert.Equal(t, []string{"sleep"}, link.ScopesMissing)
	assert.Empty(t, link.Problem, "many people keep their sleep to themselves: nothing has to be mended")
	w.complete("w", w.consent(got.Problems[0].AuthorizationURL, "sleeper", "allow", "profile", "sleep"), nil).into(&struct{}{})
	assert.Equal(t, []string{"2026-04-11 PT7H VALUE"}, w.sleep("w", `from: "2026-04-11", to: "2026-04-11"`).short())
}

func TestSleepWithoutOneUpstreamIsTheOthers(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo", "profile", "sleep")
	const arguments = `from: "2026-04-06", to: "2026-04-12"`
	whole := w.sleep("demo", arguments)
	require.True(t, whole.Complete)
	for name, c := range map[string]struct {
		control *simulators.Control
		route   string
		other   string
	}{
		"ROOK is down":         {w.rook.Control(), "sleep_summary", "onetwentyone"},
		"OneTwentyOne is down": {w.oneTwentyOne.Control(), "sleep", "rook"},
	} {
		t.Run(name, func(t *testing.T) {
			w.fault(c.control, simulators.Fault{Route: c.route, Kind: simulators.KindStatus, Status: http.StatusServiceUnavailable})
			defer w.fault(c.control)
			got := w.sleep("demo", arguments)
			assert.False(t, got.Complete)
			require.Len(t, got.Problems, 1)
			assert.Equal(t, "UPSTREAM_UNAVAILABLE", got.Problems[0].Code)
			for i, day := range got.Days {
				for j, candidate := range day.Candidates {
					if candidate.Connector == c.other {
						assert.Equal(t, whole.Days[i].Candidates[j].Asleep, candidate.Asleep, day.Date)
						assert.Equal(t, candidate.Asleep, day.Asleep, day.Date)
					} else {
						assert.Equal(t, "UNAVAILABLE", candidate.Presence)
					}
				}
			}
		})
	}
	w.revoke("demo", "onetwentyone")
	got := w.sleep("demo", arguments)
	assert.True(t, got.Complete, "what is revoked is missing to nobody")
	assert.Len(t, got.Days[0].Candidates, 1)
}

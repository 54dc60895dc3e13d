package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tooMany is a figure that the gateway does not take for a day's steps: a day with it fails, and no other.
const tooMany = 2_000_000

// rookDays writes days of April 2026 for a person of simulated ROOK; those not named have no document.
func rookDays(days map[int]string) string {
	var all []string
	for d := 1; d <= 15; d++ {
		content := days[d]
		if content == "" {
			content = "null"
		}
		all = append(all, fmt.Sprintf(`"2026-04-%02d": %s`, d, content))
	}
	return strings.Join(all, ",")
}

// ab asks for two aliases of stepCount in one operation.
func (w *world) ab(user, a, b string) (first, second steps) {
	w.t.Helper()
	var data struct{ A, B steps }
	w.ask(w.token(user), `{ a: stepCount(`+a+`) `+stepFields+` b: stepCount(`+b+`) `+stepFields+` }`, nil).into(&data)
	return data.A, data.B
}

func TestAFailedDayIsTheProblemOfItsOwnAliasAlone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	days := map[int]string{}
	for d := 1; d <= 14; d++ {
		days[d] = fmt.Sprintf(`{"steps": %d}`, 1000+d)
	}
	days[8] = fmt.Sprintf(`{"steps": %d}`, tooMany)
	w.rookPerson("w", `{"timeZone": "UTC", "sources": {"Garmin": true}, "days": {`+rookDays(days)+`}}`)
	w.forgetCalls()
	early, late := w.ab("w", `from: "2026-04-01", to: "2026-04-05"`, `from: "2026-04-06", to: "2026-04-10"`)
	assert.Equal(t, map[string]int{"rook.authorized_v2": 1, "rook.user_info": 1, "rook.physical_summary": 10}, w.calls(), "one walk")
	assert.True(t, early.Complete)
	assert.Empty(t, early.Problems)
	assert.Equal(t, "5015", number(early.Total))
	assert.False(t, late.Complete)
	require.Len(t, late.Problems, 1)
	assert.Equal(t, invalid, late.Problems[0].Code)
	assert.Contains(t, late.Problems[0].Message, "(1 of 5 days could not be read)")
	assert.Equal(t, []string{"2026-04-06 1006 VALUE", "2026-04-07 1007 VALUE", "2026-04-08 - UNAVAILABLE", "2026-04-09 1009 VALUE", "2026-04-10 1010 VALUE"}, late.short())

	both, one := w.ab("w", `from: "2026-04-01", to: "2026-04-10"`, `from: "2026-04-08", to: "2026-04-08"`)
	assert.Contains(t, both.Problems[0].Message, "(1 of 10 days could not be read)", "each counts its own days")
	assert.Contains(t, one.Problems[0].Message, "(1 of 1 days could not be read)")
}

func TestAPageThatFailsIsTheProblemOfTheDaysThatItHad(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.many(25_000) // three pages; the first one ends early on 7 April
	w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/budget", `{"remaining": 1}`)
	first, rest := w.ab("w", `from: "2026-04-06", to: "2026-04-06"`, `from: "2026-04-07", to: "2026-04-08"`)
	assert.Equal(t, 1, w.calls()["onetwentyone.quantity"], "one walk")
	assert.True(t, first.Complete)
	assert.Empty(t, first.Problems)
	assert.Equal(t, []string{"2026-04-06 8640 VALUE"}, first.short())
	assert.False(t, rest.Complete)
	require.Len(t, rest.Problems, 1)
	assert.Equal(t, []string{limited, "onetwentyone"}, []string{rest.Problems[0].Code, rest.Problems[0].DataSource.ID})
	assert.Equal(t, []string{"2026-04-07 - UNAVAILABLE", "2026-04-08 - UNAVAILABLE"}, rest.short())
}

func TestTheNewestDataIsToldForEachSourceByItself(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rookPerson("w", `{"timeZone": "UTC", "sources": {"Garmin": true, "Apple Health": true}, "days": {`+rookDays(map[int]string{
		2:  `{"steps": 2000, "sources": ["Garmin"]}`,
		5:  `{"steps": 5000, "sources": ["Apple Health"]}`,
		10: `{"steps": 10000, "sources": ["Apple Health"]}`,
	})+`}}`)
	newest := func() []string {
		links := w.links("w")
		return []string{links["garmin"].LatestDataAt, links["apple_health"].LatestDataAt, links["oura"].LatestDataAt}
	}
	want := []string{"2026-04-03T00:00:00Z", "2026-04-11T00:00:00Z", ""}
	w.steps("w", `from: "2026-04-01", to: "2026-04-14"`)
	assert.Equal(t, want, newest())
	for _, again := range []string{`from: "2026-04-02", to: "2026-04-02"`, `from: "2026-04-05", to: "2026-04-05"`, `from: "2026-04-01", to: "2026-04-14", dataSources: ["garmin"]`} {
		w.steps("w", again)
		assert.Equal(t, want, newest(), again)
	}
	const days = `from: "2026-04-01", to: "2026-04-04"`
	assert.Equal(t, []string{"2026-04-01 - NO_DATA", "2026-04-02 2000 VALUE", "2026-04-03 - NO_DATA", "2026-04-04 - NO_DATA"}, w.steps("w", days).short(), "the phone has later data")
	assert.Equal(t, []string{"2026-04-01 - NO_DATA", "2026-04-02 2000 VALUE", "2026-04-03 - NOT_SYNCED", "2026-04-04 - NOT_SYNCED"},
		w.steps("w", days+`, dataSources: ["garmin"]`).short(), "Garmin has none")
}

func TestARefusedAliasCostsNoCall(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const good = `good: stepCount(from: "2026-04-01", to: "2026-04-02") { total }`
	alone := map[string]int{"rook.authorized_v2": 1, "rook.physical_summary": 2, "onetwentyone.quantity": 1}
	for _, test := range []struct{ name, alias, argument string }{
		{"a zone that there is not", `stepCount(from: "2026-04-03", to: "2026-04-12", timeZone: "Nowhere/Atlantis") { total }`, "timeZone"},
		{"a zone that is none", `stepCount(from: "2026-04-03", to: "2026-04-12", timeZone: 7) { total }`, "timeZone"},
		{"a data source that there is not", `stepCount(from: "2026-04-03", to: "2026-04-12", dataSources: ["nope"]) { total }`, "dataSources"},
		{"days before our times", `stepCount(from: "1969-12-31", to: "1970-01-01") { total }`, "from"},
		{"days after our times", `stepCount(from: "2200-12-31", to: "2201-01-01") { total }`, "to"},
		{"days of no times at all", `stepCount(from: "9999-12-31", to: "9999-12-31") { total }`, ""},
		{"days that go backwards", `stepCount(from: "2026-04-12", to: "2026-04-03") { total }`, "to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.forgetCalls()
			a := w.ask(w.token("demo"), `{ `+good+` bad: `+test.alias+` }`, nil)
			assert.Equal(t, "BAD_USER_INPUT", a.code())
			assert.Equal(t, []any{"bad"}, a.Errors[0].Path)
			if test.argument != "" {
				assert.Equal(t, test.argument, a.Errors[0].Extensions["argument"])
			}
			assert.Contains(t, string(a.Data), `"bad":null`)
			assert.NotContains(t, string(a.Data), `"good":null`)
			assert.Equal(t, alone, w.calls(), "those of the good alias")
			w.spendsNothing(t, func() {
				assert.Equal(t, "BAD_USER_INPUT", w.ask(w.token("demo"), `{ bad: `+test.alias+` }`, nil).code())
			})
		})
	}
}

func TestDaysThatHaveNotBegunAnywhereAreAskedOfNobody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	for _, far := range []string{`from: "2026-04-17", to: "2026-04-30"`, `from: "2199-01-01", to: "2199-12-31"`, `from: "2200-12-31", to: "2200-12-31"`} {
		w.forgetCalls()
		got := w.steps("demo", far)
		assert.Equal(t, map[string]int{"rook.authorized_v2": 1}, w.calls(), "%s: what is linked, and no steps", far)
		for _, d := range got.Days {
			assert.Equal(t, "- NOT_SYNCED", d.short(), d.Date)
		}
		assert.True(t, got.Complete)
		assert.Empty(t, got.Problems)
		assert.Nil(t, got.Total)
	}
	w.forgetCalls()
	w.steps("demo", `from: "2026-04-15", to: "2026-12-31"`)
	assert.Equal(t, map[string]int{"rook.authorized_v2": 1, "rook.physical_summary": 2, "onetwentyone.quantity": 1}, w.calls())
	for _, call := range w.oneTwentyOne.Control().Calls().Log {
		assert.Contains(t, call.Query, "endDate=2026-04-18&", "today's last day on Earth and the margin, not the end of the year")
	}
}

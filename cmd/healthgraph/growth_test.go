package main

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/growth"
	"healthgraph/health"
	"healthgraph/store/storetest"
)

func keepingNothing(s *settings) { s.KeepDays = "off" }

// hotPaths are whole operations over HTTP and SQLite, with nothing remembered from one to the next but in the database. What the
// simulators allocate counts as well.
func hotPaths() []growth.Path {
	return []growth.Path{
		{Name: "connections of people", From: 5, To: 80, Prepare: aboutPeople(`connections { id status }`, false)},
		{Name: "connections of people never seen", From: 5, To: 80, Prepare: aboutStrangers},
		{Name: "steps of people", From: 5, To: 80, Prepare: aboutPeople(stepsOfPeople, false)},
		{Name: "steps of people, kept for the first time", From: 5, To: 80, Prepare: aboutPeople(stepsOfPeople, true)},
		{Name: "connections of data sources", From: 25, To: 800, Prepare: aboutSources},
		{Name: "steps from ROOK by days", From: 25, To: 1600, Prepare: aboutDays("garmin", stepDays, keepingNothing)},
		{Name: "steps from ROOK by days, kept", From: 25, To: 1600, Prepare: aboutDays("garmin", stepDays)},
		{Name: "steps from OneTwentyOne by days", From: 25, To: 1600, Prepare: aboutDays("onetwentyone", stepDays, keepingNothing)},
		{Name: "steps from OneTwentyOne by days, kept", From: 25, To: 1600, Prepare: aboutDays("onetwentyone", stepDays)},
		{Name: "sleep from ROOK by nights", From: 20, To: 320, Prepare: aboutDays("garmin", sleepDays)},
		{Name: "sleep from OneTwentyOne by nights", From: 20, To: 320, Prepare: aboutDays("onetwentyone", sleepDays)},
		{Name: "samples", From: 625, To: 10_000, Prepare: aboutSamples(`samples(first: %d) { nodes { start end value unit device } }`)},
		{Name: "series", From: 625, To: 10_000, Prepare: aboutSamples(`series(first: %d) { starts ends values devices }`)},
	}
}

const (
	stepsOfPeople = `stepCount(from: "2026-04-01", to: "2026-04-03") { total }`
	stepDays      = `{ stepCount(from: %q, to: %q, dataSources: [%q]) { total days { date steps presence candidates { connector steps } } complete } }`
	sleepDays     = `{ sleep(from: %q, to: %q, dataSources: [%q]) { days { date asleep figure { bedtime wakeTime deep rem } } complete } }`
)

// work asks, and tells the meter what that took.
func (w *benched) work(m *growth.Meter, user health.UserID, query string, scopes ...string) func() {
	return func() {
		calls, statements := w.calls(), w.statements.count()
		w.askAs(user, query, scopes...)
		m.Calls(w.calls() - calls)
		m.Statements(w.statements.count() - statements)
	}
}

// aboutPeople asks for a field of people of whom everything is known but their days, which are kept each time if so.
func aboutPeople(field string, keep bool) func(testing.TB, *growth.Meter, int) func() {
	return func(tb testing.TB, m *growth.Meter, people int) func() {
		tb.Helper()
		w := newBenched(tb, func(s *settings) {
			if !keep {
				keepingNothing(s)
			}
		})
		ids := crowd(people)
		w.linkAll(ids)
		database := storetest.DB(tb, w.database).DB
		ask := w.work(m, "a-service", fmt.Sprintf(`{ users(ids: ["%s"]) { %s } }`, strings.Join(ids, `","`), field), callers.ScopeAnyUser)
		return func() {
			_, err := database.ExecContext(tb.Context(), `DELETE FROM kept_days`)
			require.NoError(tb, err)
			ask()
		}
	}
}

// aboutStrangers has the links of others stored each time.
func aboutStrangers(tb testing.TB, m *growth.Meter, people int) func() {
	tb.Helper()
	w := newBenched(tb)
	times := 0
	return func() {
		ids := crowd(people)
		for i := range ids {
			ids[i] = fmt.Sprintf("%s-%d", ids[i], times)
		}
		times++
		w.linkAll(ids)
		w.work(m, "a-service", fmt.Sprintf(`{ users(ids: ["%s"]) { connections { id status } } }`, strings.Join(ids, `","`)), callers.ScopeAnyUser)()
	}
}

func (w *benched) linkAll(ids []string) {
	w.b.Helper()
	for _, id := range ids {
		w.control(w.rook.Handler(), http.MethodPut, "/_control/people/"+id, `{"sources": {"Garmin": true, "Oura": true}}`)
	}
}

// aboutSources has ROOK show so many data sources that the catalogue lacks, all linked.
func aboutSources(tb testing.TB, m *growth.Meter, sources int) func() {
	tb.Helper()
	var list strings.Builder
	list.WriteString(`{"data_sources": [`)
	for i := range sources {
		fmt.Fprintf(&list, `{"data_source": "Source %d", "authorized": true},`, i)
	}
	list.WriteString(`{"data_source": "Garmin", "authorized": true}]}`)
	var w *benched
	rook := http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/data_sources/authorized") {
			w.rook.Handler().ServeHTTP(answer, r)
			return
		}
		m.Calls(1)
		answer.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(answer, list.String())
	})
	w = newBenched(tb, func(s *settings) { s.RookBaseURL = serving(tb, rook) })
	return w.work(m, "w", `{ connections { id status dataSource { id name } } }`)
}

// aboutDays has 24 samples a day at OneTwentyOne, and a summary of most days at ROOK.
func aboutDays(source, query string, changes ...func(*settings)) func(testing.TB, *growth.Meter, int) func() {
	return func(tb testing.TB, m *growth.Meter, days int) func() {
		tb.Helper()
		w := newBenched(tb, changes...)
		w.linkRook()
		if source == "onetwentyone" {
			w.linkOneTwentyOne(days+3, 24)
		}
		to := health.DateOf(today, health.UTC).AddDays(-3)
		return w.work(m, "w", fmt.Sprintf(query, to.AddDays(1-days), to, source))
	}
}

func aboutSamples(field string) func(testing.TB, *growth.Meter, int) func() {
	return func(tb testing.TB, m *growth.Meter, samples int) func() {
		tb.Helper()
		w := newBenched(tb)
		last := samples/24 + 1
		w.linkOneTwentyOne(last+3, 24)
		from := health.DateOf(today, health.UTC).AddDays(-3 - last)
		return w.work(m, "w", fmt.Sprintf(`{ stepCount(from: %q, to: %q, dataSources: ["onetwentyone"]) { `+field+` } }`, from, from.AddDays(last), samples))
	}
}

// What an operation costs grows with what it asks for, and its SQL statements do not.
func TestGrowth(t *testing.T) { growth.Test(t, hotPaths()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, hotPaths()...) }

// A page that was written is held by nobody: nor the samples, nor the answer.
func TestALongAnswerIsNotHeldOnceItWasWritten(t *testing.T) {
	w := newBenched(t)
	w.linkOneTwentyOne(430, 24)
	ask := func() int {
		return len(w.askAs("w", `{ stepCount(from: "2025-02-20", to: "2026-04-14", dataSources: ["onetwentyone"]) { samples(first: 10000) { nodes { start end value unit device } } } }`))
	}
	alive := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	require.Greater(t, ask(), 1_000_000)
	once := alive()
	for range 10 {
		ask()
	}
	grown := int(alive()) - int(once)
	t.Logf("%d bytes more after ten answers", grown)
	assert.Less(t, grown, 500_000, "less than the half of one")
}

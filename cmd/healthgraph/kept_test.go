package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// fiveYears is the longest range that there may be, up to today.
const fiveYears = `from: "2021-04-12", to: "2026-04-15"`

// rationed stands before ROOK and lets through so many calls for days.
type rationed struct {
	mu     sync.Mutex
	left   int
	passed int
	days   map[string]int // how often each was let through
}

func (r *rationed) take(day string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == 0 {
		return false
	}
	r.left--
	r.passed++
	r.days[day]++
	return true
}

// allow lets through so many more, and tells how many were since the last time.
func (r *rationed) allow(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	passed := r.passed
	r.left, r.passed, r.days = n, 0, map[string]int{}
	return passed
}

// keepingWorld keeps days, and has ROOK behind a ration that lets everything through until it is told otherwise.
func keepingWorld(t *testing.T, o worldOptions) (*world, *rationed) {
	t.Helper()
	ration := &rationed{}
	ration.allow(1 << 30)
	change := o.change
	o.change = func(s *settings) {
		s.KeepDays = "1440h"
		upstream, err := url.Parse(s.RookBaseURL)
		require.NoError(t, err)
		proxy := httputil.NewSingleHostReverseProxy(upstream)
		proxy.ErrorLog = log.New(io.Discard, "", 0) // of callers who left
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/physical_health/summary") && !ration.take(r.URL.Query().Get("date")) {
				http.Error(rw, "later", http.StatusServiceUnavailable)
				return
			}
			proxy.ServeHTTP(rw, r)
		})}
		listener, err := listen(t.Context(), "127.0.0.1:0")
		require.NoError(t, err)
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
		s.RookBaseURL = "http://" + listener.Addr().String()
		if change != nil {
			change(s)
		}
	}
	w := newWorld(t, o)
	return w, ration
}

// keptRows counts what is kept of a person.
func (w *world) keptRows(user string) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.database.QueryRowContext(w.t.Context(), `SELECT count(*) FROM kept_days WHERE person = '`+user+`'`).Scan(&n))
	return n
}

// dueAt counts the days that the schedule in docs/steps.md asks for again, of days that were all read so long ago.
func dueAt(days []day, age time.Duration) int {
	due := 0
	for i := range days {
		old := len(days) - 1 - i // the last one is today
		figure, none := 30*24*time.Hour, 7*24*time.Hour
		switch {
		case old <= 3:
			figure, none = 0, 0
		case old <= 14:
			figure, none = 6*time.Hour, time.Hour
		case old <= 35:
			figure, none = 24*time.Hour, 6*time.Hour
		case old <= 90:
			figure, none = 7*24*time.Hour, 24*time.Hour
		}
		if (days[i].of("rook").Steps != nil && age >= figure) || (days[i].of("rook").Steps == nil && age >= none) {
			due++
		}
	}
	return due
}

func TestFiveYearsOfDaysGoOnWhereTheyFailed(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w, rook := keepingWorld(t, worldOptions{databaseURL: url})
		rook.allow(700)
		half := w.steps("demo", fiveYears)
		assert.Equal(t, 700, rook.allow(1<<30))
		require.Len(t, half.Days, 1830)
		assert.False(t, half.Complete)
		require.Len(t, half.Problems, 1)
		assert.Contains(t, half.Problems[0].Message, "(1130 of 1830 days could not be read)")
		assert.Equal(t, "UNAVAILABLE", half.Days[0].Presence)
		assert.NotNil(t, half.Days[1828].Steps, "the newest days come first")
		assert.Equal(t, 700-4, w.keptRows("demo"), "what was read is kept, but for the newest days")

		w.statements.reset()
		whole := w.steps("demo", fiveYears)
		assert.Equal(t, 1830-700+4, rook.allow(1<<30), "the rest, and the newest days")
		assert.LessOrEqual(t, w.statements.count(), 20)
		assert.True(t, whole.Complete)
		assert.Empty(t, whole.Problems)
		w.statements.reset()
		assert.Equal(t, whole.Days, w.steps("demo", fiveYears).Days)
		assert.Equal(t, 4, rook.allow(1<<30))
		assert.LessOrEqual(t, w.statements.count(), 6)

		for _, age := range []time.Duration{2 * time.Hour, 7 * time.Hour} { // within one UTC day
			w.clock.Freeze(today.Add(age))
			w.steps("demo", fiveYears)
			assert.Equal(t, dueAt(whole.Days, age), rook.allow(1<<30), age)
		}

		w.restart(func(s *settings) { s.KeepDays = "off" })
		assert.Equal(t, whole.Days, w.steps("demo", fiveYears).Days, "the same as without anything kept")
		assert.Equal(t, 1830, rook.allow(1<<30))
	})
}

func TestDaysAreReadAgainByTheirAge(t *testing.T) {
	w, rook := keepingWorld(t, worldOptions{})
	whole := w.steps("demo", `from: "2026-01-01", to: "2026-04-15"`)
	for _, age := range []time.Duration{30 * time.Minute, 61 * time.Minute, 6*time.Hour + time.Minute, 13 * time.Hour} {
		w.restart(func(s *settings) { s.DatabaseURL = storetest.SQLite(t) })
		w.clock.Freeze(today)
		w.steps("demo", `from: "2026-01-01", to: "2026-04-15"`)
		rook.allow(1 << 30)
		w.clock.Freeze(today.Add(age))
		w.steps("demo", `from: "2026-01-01", to: "2026-04-15"`)
		assert.Equal(t, dueAt(whole.Days, age), rook.allow(1<<30), age)
	}
}

func TestFiveYearsOfSamplesGoOnAtThePageThatFailed(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w, _ := keepingWorld(t, worldOptions{databaseURL: url})
		w.walks(time.Date(2021, time.April, 12, 0, 0, 0, 0, time.UTC), 1829, 50) // 91,450 samples: ten pages
		pages := func() int { n := w.calls()["onetwentyone.quantity"]; w.forgetCalls(); return n }
		w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/budget", `{"remaining": 4}`)
		half := w.steps("w", fiveYears)
		assert.Equal(t, 4, pages())
		assert.False(t, half.Complete)
		assert.Equal(t, "50", number(half.Days[798].Steps))
		assert.Nil(t, half.Days[802].Steps, "a part would look like a whole")
		require.NotZero(t, w.keptRows("w"))

		w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/budget", `{"remaining": 10000}`)
		w.statements.reset()
		whole := w.steps("w", fiveYears)
		assert.Equal(t, 6, pages(), "from the day on that the fourth page left unfinished")
		assert.LessOrEqual(t, w.statements.count(), 16)
		assert.True(t, whole.Complete)
		assert.Equal(t, "91450", number(whole.Total))
		again := w.steps("w", fiveYears)
		assert.Equal(t, whole.Days, again.Days)
		assert.Equal(t, 1, pages(), "the newest days")

		west := w.steps("w", fiveYears+`, timeZone: "America/New_York"`)
		assert.Equal(t, 10, pages(), "days of another zone are other days")
		assert.Equal(t, "91441", number(west.Total), "four hours of nine samples were the day before the first")
		var both struct{ Home, West steps }
		w.ask(w.token("w"), `{ home: stepCount(`+fiveYears+`) `+stepFields+` west: stepCount(`+fiveYears+`, timeZone: "America/New_York") `+stepFields+` }`, nil).into(&both)
		assert.Equal(t, 1, pages(), "one walk for both")
		assert.Equal(t, [][]day{whole.Days, west.Days}, [][]day{both.Home.Days, both.West.Days})
	})
}

func TestAPhoneThatSynchronisesLateIsFound(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	w.walker("UTC", sample("2026-04-14T08:00:00Z", "2026-04-14T09:00:00Z", 100, "phone"))
	const days = `from: "2026-03-01", to: "2026-04-15"`
	assert.Equal(t, "100", number(w.steps("w", days).Total))
	w.oneTwentyOnePerson("walker", `{"samples": {"stepCount": [`+
		sample("2026-04-07T08:00:00Z", "2026-04-07T09:00:00Z", 20, "phone")+","+sample("2026-03-20T08:00:00Z", "2026-03-20T09:00:00Z", 3, "phone")+","+
		sample("2026-04-14T08:00:00Z", "2026-04-14T09:00:00Z", 100, "phone")+`]}}`)
	for _, step := range []struct {
		after time.Duration
		total string
	}{{30 * time.Minute, "100"}, {90 * time.Minute, "120"}, {8 * time.Hour, "123"}} {
		w.clock.Freeze(today.Add(step.after))
		assert.Equal(t, step.total, number(w.steps("w", days).Total), step.after)
	}
}

func TestADeadlineLosesNothingThatWasRead(t *testing.T) {
	w, ration := keepingWorld(t, worldOptions{change: func(s *settings) { s.OperationTimeout = time.Second }})
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindSlow, DelayMs: 10})
	half := w.steps("demo", fiveYears)
	assert.False(t, half.Complete)
	w.fault(w.rook.Control())
	kept := w.keptRows("demo")
	require.Positive(t, kept)
	require.Less(t, kept, 1826, "the deadline came in between")
	ration.allow(1 << 30)
	w.restart(func(s *settings) { s.OperationTimeout = 20 * time.Second })
	assert.True(t, w.steps("demo", fiveYears).Complete)
	assert.Equal(t, 1830-kept, ration.allow(1<<30))
}

func TestDaysAreWrittenWhileOthersAreRead(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	w.ask(w.token("demo"), `{ connections { status } }`, nil).into(&struct{}{})
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindSlow, DelayMs: 10})
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, err := w.try(w.token("demo"), `{ stepCount(`+fiveYears+`) { total } }`, nil)
		assert.NoError(t, err)
	}()
	require.Eventually(t, func() bool { return w.keptRows("demo") > 0 }, 10*time.Second, time.Millisecond)
	select {
	case <-answered:
		t.Error("nothing was kept before the end")
	default:
	}
	<-answered
}

func TestACorrectedSummaryStands(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	set := func(steps, version int) {
		w.rookPerson("c", fmt.Sprintf(`{"timeZone": "UTC", "sources": {"Garmin": true}, "days": {"2026-04-08": {"steps": %d, "documentVersion": %d}}}`, steps, version))
	}
	total := func() string { return number(w.steps("c", `from: "2026-04-08", to: "2026-04-08"`).Total) }
	set(1000, 1)
	assert.Equal(t, "1000", total())
	set(1200, 2)
	assert.Equal(t, "1000", total(), "not yet asked again")
	w.clock.Freeze(today.Add(7 * time.Hour))
	assert.Equal(t, "1200", total())
	set(1000, 1)
	w.clock.Freeze(today.Add(14*time.Hour - time.Minute))
	assert.Equal(t, "1200", total(), "what it corrected comes back no more")
	set(1300, 3)
	assert.Equal(t, "1300", total())
}

func TestAnUpstreamThatIsDownLeavesWhatIsKept(t *testing.T) {
	w, ration := keepingWorld(t, worldOptions{})
	const days = `from: "2026-04-06", to: "2026-04-12"`
	before := w.steps("demo", days)
	w.clock.Freeze(today.Add(7 * time.Hour))
	ration.allow(0)
	var data struct {
		StepCount struct {
			steps
			FetchedAt time.Time
			Days      []struct {
				Steps      *int
				Presence   string
				Candidates []struct{ FetchedAt *time.Time }
			}
		}
	}
	w.ask(w.token("demo"), `{ stepCount(`+days+`) { fetchedAt complete problems { code message } days { steps presence candidates { fetchedAt } } } }`, nil).into(&data)
	got := data.StepCount
	assert.False(t, got.Complete)
	require.Len(t, got.Problems, 1)
	assert.Contains(t, got.Problems[0].Message, "(7 of 7 days could not be read)")
	assert.Equal(t, today, got.FetchedAt, "as old as its oldest figure")
	for i, d := range got.Days[:6] {
		assert.Equal(t, before.Days[i].Steps, d.Steps)
		require.Len(t, d.Candidates, 1)
		assert.Equal(t, today, *d.Candidates[0].FetchedAt)
	}
	assert.Equal(t, "UNAVAILABLE", got.Days[6].Presence, "the newest days are not kept")
	assert.Nil(t, got.Days[6].Candidates[0].FetchedAt)
}

func TestTooManyYearsAreRefusedBeforeAnyCall(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	w.forgetCalls()
	years := func(people int) answer {
		ids := make([]string, people)
		for i := range ids {
			ids[i] = fmt.Sprintf("%q", fmt.Sprint("p-", i))
		}
		return w.ask(w.service(), `{ users(ids: [`+strings.Join(ids, ",")+`]) { stepCount(`+fiveYears+`) { total } } }`, nil)
	}
	refused := years(6)
	require.Len(t, refused.Errors, 1)
	assert.Contains(t, refused.Errors[0].Message, "its cost is 1100419, of at most 1000000")
	aliases := w.ask(w.token("demo"), `{ b: stepCount(from: "2016-04-06", to: "2021-04-11") { total } }`, nil)
	require.Len(t, aliases.Errors, 1)
	assert.Contains(t, aliases.Errors[0].Message, "at most 1830 days, not 1832")
	assert.Zero(t, w.calls()["onetwentyone.quantity"])
	years(5).into(&struct{}{})
}

package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// longRead is five years of days that are all kept, however long the test takes: the last of them was ten days ago.
const longRead = 1830

// keepingFleet keeps days.
type keepingFleet struct {
	*fleet

	from time.Time // the first of the days
	read string    // the operation
}

func newKeepingFleet(t *testing.T, databaseURL, dataSource string) *keepingFleet {
	t.Helper()
	to := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -10)
	f := &keepingFleet{fleet: newFleet(t, databaseURL, "KEEP_DAYS=1440h"), from: to.AddDate(0, 0, 1-longRead)}
	f.read = fmt.Sprintf(`{ stepCount(from: %q, to: %q, timeZone: "UTC", dataSources: [%q]) %s }`, f.date(0), f.date(longRead-1), dataSource, stepFields)
	return f
}

// date is the n-th of the days.
func (f *keepingFleet) date(n int) string { return f.from.AddDate(0, 0, n).Format(time.DateOnly) }

// kept are the days of which there is a row.
func (f *keepingFleet) kept() (days []string) {
	f.t.Helper()
	require.NoError(f.t, f.db.NewRaw("SELECT day FROM kept_days WHERE person = 'w' ORDER BY day").Scan(f.t.Context(), &days))
	return days
}

// held waits until the upstream has answered so many calls of the route, and has so many more that it does not answer.
func (f *keepingFleet) held(of *simulators.Control, route string, answered, held int) {
	f.t.Helper()
	eventually(f.t, "the calls are answered or held", func() bool {
		byStatus := map[int]int{}
		for _, call := range of.Calls().Log {
			if call.Route == route {
				byStatus[call.Status]++
			}
		}
		return byStatus[200] == answered && byStatus[0] == held && len(byStatus) <= 2
	})
}

// dies kills the first process in the middle of the read, when it has reached the point, and starts another in its place.
func (f *keepingFleet) dies(reached, after func()) {
	f.t.Helper()
	unanswered := asked(f.at(f.first), "w", f.read)
	reached()
	f.first.kill()
	after()
	require.Error(f.t, (<-unanswered).err)
	f.first = begin(f.t, f.settings)
	f.first.ready()
}

// reads asks a process for all of it, which has to be right to the last day.
func (f *keepingFleet) reads(p *process, on func(n int) int) {
	f.t.Helper()
	f.forgetCalls()
	var data struct{ StepCount steps }
	f.at(p).ask(f.token("w"), f.read, nil).into(&data)
	got := data.StepCount
	assert.True(f.t, got.Complete)
	assert.Empty(f.t, got.Problems)
	require.Len(f.t, got.Days, longRead)
	total := 0
	for n, d := range got.Days {
		total += on(n)
		require.Equal(f.t, f.date(n)+" "+fmt.Sprint(on(n)), d.Date+" "+number(d.Steps))
	}
	assert.Equal(f.t, fmt.Sprint(total), number(got.Total))
}

// A process that is killed in the middle of reading five years loses what was not yet written, and nothing else: what is there is
// whole, and is not asked for again.
func TestAProcessKilledDuringALongReadLosesWhatItHadNotKept(t *testing.T) {
	walked := func(n int) int { return 1000 + n }
	for database, fresh := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		for _, death := range []struct {
			name     string
			answered int  // calls for days before it
			held     int  // and under way
			writing  bool // it dies in the statement that writes the last two hundred of them
			finish   bool // which PostgreSQL finishes
			kept     int
		}{
			{name: "between two writes", answered: 700, held: 16, kept: 600},
			{name: "in the middle of a write", answered: 600, writing: true, kept: 400},
			{name: "in the middle of a write that is finished after its death", answered: 600, writing: true, finish: true, kept: 600},
		} {
			if death.finish && database != "postgres" {
				continue
			}
			t.Run(database+"/"+death.name, func(t *testing.T) {
				f := newKeepingFleet(t, fresh(t), "garmin")
				days := map[string]any{}
				for n := range longRead {
					days[f.date(n)] = map[string]any{"steps": walked(n), "sources": []string{"Garmin"}, "documentVersion": 1}
				}
				person, err := json.Marshal(map[string]any{"timeZone": "UTC", "sources": map[string]bool{"Garmin": true}, "days": days})
				require.NoError(t, err)
				f.rookPerson("w", string(person))
				f.links("w") // what is kept is of a link that is known
				f.forgetCalls()
				if death.writing {
					s := f.stall("INSERT ON kept_days", "NEW.day = '"+f.date(longRead-500)+"'") // of those, the one in the middle
					f.dies(func() { f.held(f.rook.Control(), rook.RoutePhysicalSummary, death.answered, 0); s.reached() }, func() { s.lift(death.finish) })
				} else {
					f.fault(f.rook.Control(), simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindSlow, DelayMs: 1, Times: death.answered},
						simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindSlow, DelayMs: 600_000})
					f.dies(func() { f.held(f.rook.Control(), rook.RoutePhysicalSummary, death.answered, death.held) }, func() { f.fault(f.rook.Control()) })
				}
				assert.Equal(t, death.answered+death.held, f.calls()["rook.physical_summary"])
				kept := f.kept()
				require.Equal(t, death.kept, len(kept), "the newest come first, two hundred at a time") //nolint:testifylint // Len prints them all

				f.reads(f.first, walked)
				asked := map[string]int{}
				for _, call := range f.rook.Control().Calls().Log {
					if query, err := url.ParseQuery(call.Query); assert.NoError(t, err) && call.Route == rook.RoutePhysicalSummary {
						asked[query.Get("date")]++
					}
				}
				for _, day := range kept {
					asked[day]++
				}
				for n := range longRead {
					assert.Equal(t, 1, asked[f.date(n)], "each day once: as it is kept, or from ROOK")
				}
				assert.Len(t, asked, longRead)
				assert.Len(t, f.kept(), longRead)
				for _, p := range []*process{f.first, f.second} {
					f.reads(p, walked)
					assert.Equal(t, map[string]int{"rook.authorized_v2": 1}, f.calls(), "all is kept, for every process")
				}
			})
		}
	}
}

func TestAProcessKilledBetweenPagesOfALongReadGoesOnThere(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		const perDay = 50 // 91,500 samples: ten pages
		walked := func(int) int { return perDay }
		f := newKeepingFleet(t, databaseURL, "onetwentyone")
		f.walks(f.from, longRead, perDay)
		f.fault(f.oneTwentyOne.Control(), simulators.Fault{Route: "quantity", Kind: simulators.KindSlow, DelayMs: 1, Times: 4},
			simulators.Fault{Route: "quantity", Kind: simulators.KindSlow, DelayMs: 600_000})
		f.dies(func() { f.held(f.oneTwentyOne.Control(), "quantity", 4, 1) }, func() { f.fault(f.oneTwentyOne.Control()) })
		kept := f.kept()
		require.Equal(t, 797, len(kept), "a page is two hundred days, and a day is whole when a sample began two days after its end") //nolint:testifylint // Len prints them all
		assert.Equal(t, []string{f.date(0), f.date(796)}, []string{kept[0], kept[796]})

		f.reads(f.first, walked)
		assert.Equal(t, map[string]int{"onetwentyone.quantity": 6}, f.calls(), "of 51,650 samples, and none of them before")
		assert.Len(t, f.kept(), longRead)
		for _, p := range []*process{f.first, f.second} {
			f.reads(p, walked)
			assert.Empty(t, f.calls())
		}
		f.inspect()
	})
}

// Package growth says how what a piece of work costs grows with its size. Test fails where that is faster than the work grows, by
// what does not depend on the machine: allocations, bytes, SQL statements, upstream calls and pages read. Bench tells the same, and the
// time, at larger sizes. It is for tests alone.
package growth

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Path is work that is done in several sizes.
type Path struct {
	Name string
	// From is the smallest size, and To the largest one of Bench. Test takes From, twice and four times as much.
	From, To int
	// Flat says that the work is the same at each size, which is that of something it must not feel, such as the rows of others.
	Flat bool
	// Prepare makes what the work needs, and gives the work. All paths are prepared for a size before the next one, so that they may
	// fill one database.
	Prepare func(tb testing.TB, m *Meter, size int) (work func())
}

// Meter counts what the work does outside this process. Safe for concurrent use.
type Meter struct{ statements, calls, pages atomic.Int64 }

// Statement counts a SQL statement. It fits store.Config.OnQuery.
func (m *Meter) Statement(string) { m.Statements(1) }

// Statements counts SQL statements.
func (m *Meter) Statements(n int) { m.statements.Add(int64(n)) }

// Calls counts upstream calls.
func (m *Meter) Calls(n int) { m.calls.Add(int64(n)) }

// Pages counts pages that a database read.
func (m *Meter) Pages(n int) { m.pages.Add(int64(n)) }

// cost is what the work costs once.
type cost struct{ allocations, bytes, statements, calls, pages float64 }

// meter does the work times times, and gives the mean.
func (m *Meter) meter(do func() (times int)) cost {
	var before, after runtime.MemStats
	outside := [...]*atomic.Int64{&m.statements, &m.calls, &m.pages}
	for _, count := range outside {
		count.Store(0)
	}
	runtime.ReadMemStats(&before)
	times := float64(do())
	runtime.ReadMemStats(&after)
	return cost{
		allocations: float64(after.Mallocs-before.Mallocs) / times, bytes: float64(after.TotalAlloc-before.TotalAlloc) / times,
		statements: float64(m.statements.Load()) / times, calls: float64(m.calls.Load()) / times, pages: float64(m.pages.Load()) / times,
	}
}

// Test does each path's work in three sizes, and fails where the cost grows faster than the size.
func Test(t *testing.T, paths ...Path) {
	t.Helper()
	grown := make([]history, len(paths))
	for doublings := range 3 {
		for i, p := range paths {
			size := p.From << doublings
			t.Run(fmt.Sprintf("%s/%d", p.Name, size), func(t *testing.T) { grown[i].add(size, p.least(t, size)) })
		}
	}
	for i, p := range paths {
		t.Run(p.Name, func(t *testing.T) {
			for _, complaint := range p.judge(grown[i]) {
				t.Error(complaint)
			}
			t.Logf("%+v", grown[i])
		})
	}
}

// history is what each size costs, the smallest first.
type history struct {
	sizes []int
	costs []cost
}

func (h *history) add(size int, c cost) { h.sizes, h.costs = append(h.sizes, size), append(h.costs, c) }

// What is quick is done more often: under the race detector a sync.Pool loses a quarter of what it is given, so that three times in a row
// something has to be made anew in one of 64 tests.
const (
	fewestTimes, mostTimes = 3, 12
	enough                 = 300 * time.Millisecond
)

// least is the cost of the cheapest of a few times: whatever else the process does can only add to it.
func (p Path) least(tb testing.TB, size int) cost {
	tb.Helper()
	m := &Meter{}
	work := p.Prepare(tb, m, size)
	work() // what is made once
	begun := time.Now()
	least := m.meter(func() int { work(); return 1 })
	for times := 1; times < fewestTimes || times < mostTimes && time.Since(begun) < enough; times++ {
		again := m.meter(func() int { work(); return 1 })
		least.allocations, least.bytes = min(least.allocations, again.allocations), min(least.bytes, again.bytes)
		least.statements, least.calls = max(least.statements, again.statements), max(least.calls, again.calls)
		least.pages = min(least.pages, again.pages)
	}
	return least
}

// Bench tells what each path's work costs, in doubling sizes, and fails as Test does.
func Bench(b *testing.B, paths ...Path) {
	b.Helper()
	grown := make([]history, len(paths))
	for doublings, more := 0, true; more; doublings++ {
		more = false
		for i, p := range paths {
			size := p.From << doublings
			if size > p.To {
				continue
			}
			more = true
			b.Run(fmt.Sprintf("%s/%d", p.Name, size), func(b *testing.B) {
				m := &Meter{}
				work := p.Prepare(b, m, size)
				work()
				b.ReportAllocs()
				c := m.meter(func() int {
					for b.Loop() {
						work()
					}
					return b.N
				})
				c.report(b)
				grown[i].add(size, c)
			})
		}
	}
	for i, p := range paths {
		for _, complaint := range p.judge(grown[i]) {
			b.Errorf("%s: %s", p.Name, complaint)
		}
	}
}

func (c cost) report(b *testing.B) {
	b.Helper()
	for unit, n := range map[string]float64{"statements/op": c.statements, "calls/op": c.calls, "pages/op": c.pages} {
		if n > 0 {
			b.ReportMetric(n, unit)
		}
	}
}

package gateway

import (
	"container/heap"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"healthgraph/health"
)

// dayTally is what samples say of one day.
type dayTally struct {
	steps   float64
	touched bool // a sample, be it of zero steps, falls on the day
	devices []deviceShare
}

// tally spreads samples over the days of the range, as the zone's clocks cut them, without counting overlaps twice.
//
// Time is cut at every sample boundary and every start of a day. Each sample is spread evenly over its span. In each
// slice the device with the highest rate counts, the others do not: phone and watch record the same walk. A sample at an
// instant counts there, the highest device's alone where several have one. Samples that name no device are each taken
// for a device of their own, so that an overlap is never counted twice. Takes O(n log n) for n samples.
func tally(samples []health.Sample, days health.DateRange, zone health.TimeZone) map[health.Date]dayTally {
	dates, starts := days.Each(), dayStarts(days, zone)
	sums := make([]dayTally, len(dates))
	ledger := newLedger(samples, starts)
	spread(samples, starts, sums, ledger)
	countInstants(samples, starts, sums, ledger)

	tallies := make(map[health.Date]dayTally, len(dates))
	for i, date := range dates {
		sums[i].devices = ledger.shares(i)
		tallies[date] = sums[i]
	}
	return tallies
}

// dayStarts is when each of the days begins, and then when the last one ends.
func dayStarts(days health.DateRange, zone health.TimeZone) []time.Time {
	dates := days.Each()
	starts := make([]time.Time, 0, len(dates)+1)
	for _, date := range dates {
		starts = append(starts, date.Start(zone))
	}
	return append(starts, days.To.AddDays(1).Start(zone))
}

// dayAt is the day of an instant; before the first it is -1, after the last the number of days. Of a skipped day and the next, which
// start together, it is the next.
func dayAt(starts []time.Time, at time.Time) int {
	return sort.Search(len(starts), func(i int) bool { return starts[i].After(at) }) - 1
}

// edge is a moment at which the sum of rates of a device changes.
type edge struct {
	at     time.Time
	device int
	rate   float64 // steps per second
	begins bool
}

func spread(samples []health.Sample, starts []time.Time, sums []dayTally, ledger *ledger) {
	first, end := starts[0], starts[len(starts)-1]
	numbers := map[string]int{}
	var lines []int // of the ledger, by device
	edges := make([]edge, 0, 2*len(samples))
	for i, s := range samples {
		if !s.Start.Before(s.End) || !s.Start.Before(end) || !s.End.After(first) {
			continue
		}
		name := deviceKey(s, i)
		device, seen := numbers[name]
		if !seen {
			device = len(numbers)
			numbers[name] = device
			lines = append(lines, ledger.line(s.Device))
		}
		ledger.record(lines[device], s)
		rate := s.Value / s.End.Sub(s.Start).Seconds()
		edges = append(edges, edge{s.Start, device, rate, true}, edge{s.End, device, rate, false})
	}
	slices.SortFunc(edges, func(a, b edge) int { return a.at.Compare(b.at) })

	active := newRates(len(numbers))
	day := 0
	for i, e := range edges {
		if i > 0 {
			day = addSlice(edges[i-1].at, e.at, active, starts, day, func(d int, steps float64) {
				sums[d].steps += steps
				sums[d].touched = true
				ledger.count(lines[active.order[0]], d, steps)
			})
		}
		active.change(e)
	}
}

// addSlice adds the slice from one edge to the next, cut at the starts of days, and gives the day that it ended in.
func addSlice(from, to time.Time, active *rates, starts []time.Time, day int, add func(day int, steps float64)) int {
	rate, counting := active.highest()
	if !counting || !from.Before(to) {
		return day
	}
	days := len(starts) - 1
	for day < days-1 && !from.Before(starts[day+1]) {
		day++
	}
	for d := day; d < days && starts[d].Before(to); d++ {
		begin, finish := latest(from, starts[d]), earliest(to, starts[d+1])
		if begin.Before(finish) {
			add(d, rate*finish.Sub(begin).Seconds())
		}
	}
	return day
}

// deviceKey tells devices apart: the sample numbered i is a device of its own where it names none.
func deviceKey(s health.Sample, i int) string {
	if s.Device == "" {
		return unnamed + strconv.Itoa(i)
	}
	return s.Device
}

// nameOf is the name in a key.
func nameOf(key string) string {
	if strings.HasPrefix(key, unnamed) {
		return ""
	}
	return key
}

const unnamed = "\x00" // begins no name of a device

// countInstants adds samples without a span.
func countInstants(samples []health.Sample, starts []time.Time, sums []dayTally, ledger *ledger) {
	first, end := starts[0], starts[len(starts)-1]
	type moment struct {
		at     time.Time // in UTC, without a monotonic clock: comparable
		device string
	}
	perDevice := map[moment]float64{}
	for i, s := range samples {
		if s.Start.Equal(s.End) && !s.Start.Before(first) && s.Start.Before(end) {
			perDevice[moment{s.Start.UTC().Round(0), deviceKey(s, i)}] += s.Value
		}
	}
	highest := map[time.Time]moment{}
	for m, steps := range perDevice {
		line, day := ledger.line(nameOf(m.device)), dayAt(starts, m.at)
		ledger.recordAt(line, day, steps)
		best, seen := highest[m.at]
		if rival := perDevice[best]; !seen || steps > rival || (steps == rival && m.device < best.device) {
			highest[m.at] = m
		}
	}
	for at, best := range highest {
		day, steps := dayAt(starts, at), perDevice[best]
		sums[day].steps += steps
		sums[day].touched = true
		ledger.count(ledger.line(nameOf(best.device)), day, steps)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// rates is the devices that are counting now, as a heap with the highest rate on top.
type rates struct {
	rate   []float64 // by device
	active []int     // samples under way, by device
	place  []int     // in the heap, by device; -1 = not counting
	order  []int     // the heap of devices
}

func newRates(devices int) *rates {
	r := &rates{rate: make([]float64, devices), active: make([]int, devices), place: make([]int, devices)}
	for i := range r.place {
		r.place[i] = -1
	}
	return r
}

func (r *rates) change(e edge) {
	d := e.device
	if e.begins {
		r.active[d]++
		r.rate[d] += e.rate
	} else {
		r.active[d]--
		r.rate[d] -= e.rate
	}
	switch {
	case r.active[d] == 0:
		r.rate[d] = 0 // exactly: no rounding error outlives a sample
		heap.Remove(r, r.place[d])
	case r.place[d] < 0:
		heap.Push(r, d)
	default:
		heap.Fix(r, r.place[d])
	}
}

func (r *rates) highest() (float64, bool) {
	if len(r.order) == 0 {
		return 0, false
	}
	return math.Max(r.rate[r.order[0]], 0), true
}

// The methods of heap.Interface.

func (r *rates) Len() int           { return len(r.order) }
func (r *rates) Less(i, j int) bool { return r.rate[r.order[i]] > r.rate[r.order[j]] }
func (r *rates) Swap(i, j int) {
	r.order[i], r.order[j] = r.order[j], r.order[i]
	r.place[r.order[i]], r.place[r.order[j]] = i, j
}
func (r *rates) Push(x any) {
	d := x.(int) //nolint:errcheck,forcetypeassert // this file alone pushes
	r.place[d] = len(r.order)
	r.order = append(r.order, d)
}
func (r *rates) Pop() any {
	d := r.order[len(r.order)-1]
	r.order = r.order[:len(r.order)-1]
	r.place[d] = -1
	return d
}

package gateway

import (
	"math"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// sampleWalk tallies samples that come page by page, in order of their starts, in the days of some zones. It keeps those alone that
// may still count: so many, a page, and some days.
type sampleWalk struct {
	zones      []*zoneWalk
	emit       func(health.TimeZone, health.Date, dayTally) // is handed each day once
	hold       int                                          // how many samples are held before any is tallied
	slack      time.Duration                                // by which their order may be wrong
	disordered bool                                         // a sample came after its day was tallied: the walk is to be repeated with holdAll
	samples    []health.Sample
	newest     time.Time // start of the newest sample
}

const (
	orderSlack = 48 * time.Hour // an upstream may sort by something beside the start
	holdAll    = math.MaxInt    // the order is not to be trusted: nothing is tallied before the end
)

// zoneWalk is how far the days of one zone are tallied.
type zoneWalk struct {
	zone   health.TimeZone
	dates  []health.Date
	starts []time.Time // of the days; the last ends the range
	done   int
}

func newSampleWalk(days health.DateRange, zones []health.TimeZone, hold int, emit func(health.TimeZone, health.Date, dayTally)) *sampleWalk {
	w := &sampleWalk{emit: emit, hold: hold, slack: orderSlack}
	for _, zone := range zones {
		w.zones = append(w.zones, &zoneWalk{zone: zone, dates: days.Each(), starts: dayStarts(days, zone)})
	}
	return w
}

// settled is before when all that counts is tallied.
func (z *zoneWalk) settled() time.Time { return z.starts[z.done] }

// add takes a page, and refuses it where it belongs to days that are tallied already.
func (w *sampleWalk) add(page []health.Sample) (more bool) {
	for _, s := range page {
		for _, z := range w.zones {
			if z.done > 0 && s.Start.Before(z.settled()) {
				w.disordered = true
				return false
			}
		}
		w.newest = latest(w.newest, s.Start)
	}
	w.samples = append(w.samples, page...)
	if len(w.samples) > w.hold {
		w.settle(w.newest.Add(-w.slack))
	}
	return true
}

// settle tallies the days that end by then, and lets go of their samples.
func (w *sampleWalk) settle(then time.Time) {
	var needed time.Time
	sorted := false
	for i, z := range w.zones {
		end := z.done
		for end < len(z.dates) && !z.starts[end+1].After(then) {
			end++
		}
		if end > z.done {
			if !sorted {
				slices.SortStableFunc(w.samples, func(a, b health.Sample) int { return a.Start.Compare(b.Start) })
				sorted = true
			}
			for date, day := range tally(w.samples, health.DateRange{From: z.dates[z.done], To: z.dates[end-1]}, z.zone) {
				w.emit(z.zone, date, day)
			}
			z.done = end
		}
		if i == 0 || z.settled().Before(needed) {
			needed = z.settled()
		}
	}
	if sorted {
		w.samples = slices.DeleteFunc(w.samples, func(s health.Sample) bool { return s.End.Before(needed) })
	}
}

// finish tallies what is left of the days that were read to their end.
func (w *sampleWalk) finish(result connectors.SampleResult) {
	then := result.ReadUntil
	if result.Err == nil {
		for _, z := range w.zones {
			then = latest(then, z.starts[len(z.starts)-1])
		}
	}
	w.settle(then)
}

package gateway

import (
	"math"
	"sort"
	"time"

	"healthgraph/health"
)

// dayFigures is what the samples of a metric say of one day, or of several days added.
type dayFigures struct {
	touched          bool
	sum              float64 // of a cumulative metric
	weighted, weight float64 // of a discrete one, with what follows
	minimum, maximum float64
	count            int
}

func (f *dayFigures) add(o dayFigures) {
	if !o.touched {
		return
	}
	if !f.touched {
		f.minimum, f.maximum = o.minimum, o.maximum
	}
	f.touched = true
	f.sum += o.sum
	f.weighted += o.weighted
	f.weight += o.weight
	f.minimum, f.maximum = math.Min(f.minimum, o.minimum), math.Max(f.maximum, o.maximum)
	f.count += o.count
}

// daily makes the figures of days of samples that come page by page, in order of their starts, and keeps no more of them than
// may still count: so many, and those that reach so far.
type daily struct {
	metric  health.Metric
	days    health.DateRange
	zone    health.TimeZone
	starts  []time.Time // of the days; the last ends the range
	figures []dayFigures

	hold       int             // how many samples are held before any is counted
	slack      time.Duration   // by which their order may be wrong
	held       []health.Sample // of a cumulative metric, not counted yet
	settled    time.Time       // what begins before can't be counted any more
	disordered bool            // something did
	newest     time.Time       // end of the newest sample
}

const (
	holdAtMost = 20_000         // two pages of an upstream: most reads are then counted in one piece
	orderSlack = 48 * time.Hour // an upstream may sort by something beside the start
)

func newDaily(metric health.Metric, days health.DateRange, zone health.TimeZone) *daily {
	dates := days.Each()
	d := &daily{metric: metric, days: days, zone: zone, hold: holdAtMost, slack: orderSlack, figures: make([]dayFigures, len(dates)), starts: make([]time.Time, 0, len(dates)+1)}
	for _, date := range dates {
		d.starts = append(d.starts, date.Start(zone))
	}
	d.starts = append(d.starts, days.To.AddDays(1).Start(zone))
	return d
}

// add takes a page. It refuses one that comes too late to be counted as it should.
func (d *daily) add(page []health.Sample) (more bool) {
	for _, s := range page {
		d.newest = latest(d.newest, s.End)
		if d.metric.Kind != health.Cumulative {
			d.level(s)
			continue
		}
		if s.Start.Before(d.settled) {
			d.disordered = true
			return false
		}
		d.held = append(d.held, s)
	}
	if len(d.held) > d.hold {
		newest := d.held[0].Start
		for _, s := range d.held {
			newest = latest(newest, s.Start)
		}
		d.settle(newest.Add(-d.slack))
	}
	return true
}

// level counts a sample of a discrete metric, whole, on the day on which it begins.
func (d *daily) level(s health.Sample) {
	if s.Start.Before(d.starts[0]) || !s.Start.Before(d.starts[len(d.starts)-1]) {
		return
	}
	// The day before the first that begins later: of a skipped day and the next, which start together, the next.
	day := sort.Search(len(d.starts), func(i int) bool { return d.starts[i].After(s.Start) }) - 1
	f := dayFigures{touched: true, weight: 1, minimum: s.Value, maximum: s.Value, count: 1}
	value := s.Value
	switch *d.metric.Averaging {
	case health.Arithmetic:
	case health.EquivalentLevel:
		value = math.Pow(10, value/10)
		fallthrough
	case health.TimeWeighted:
		f.weight = math.Max(s.End.Sub(s.Start).Seconds(), 1)
	}
	f.weighted = value * f.weight
	d.figures[day].add(f)
}

// settle counts what was held up to an instant. What reaches beyond is cut there: it is spread evenly, so that its parts count as
// the whole would.
func (d *daily) settle(until time.Time) {
	if !until.After(d.settled) {
		return
	}
	var whole, later []health.Sample
	var first time.Time
	for _, s := range d.held {
		switch {
		case !s.Start.Before(until):
			later = append(later, s)
			continue
		case s.End.After(until):
			rest := s
			share := until.Sub(s.Start).Seconds() / s.End.Sub(s.Start).Seconds()
			rest.Start, rest.Value = until, s.Value*(1-share)
			later = append(later, rest)
			s.End, s.Value = until, s.Value*share
		}
		if first.IsZero() || s.Start.Before(first) {
			first = s.Start
		}
		whole = append(whole, s)
	}
	d.held, d.settled = later, until
	d.count(whole, first, until)
}

// count tallies samples that lie between two instants.
func (d *daily) count(samples []health.Sample, from, to time.Time) {
	if len(samples) == 0 {
		return
	}
	days := d.days
	if first := health.DateOf(from, d.zone); first.Compare(days.From) > 0 {
		days.From = first
	}
	if last := health.DateOf(to, d.zone); last.Compare(days.To) < 0 {
		days.To = last
	}
	if days.Days() < 1 {
		return
	}
	offset := d.days.From.DaysUntil(days.From)
	tallies := tally(samples, days, d.zone)
	for i, date := range days.Each() {
		day := tallies[date]
		d.figures[offset+i].add(dayFigures{touched: day.touched, sum: day.steps})
	}
}

// finish counts what is still held.
func (d *daily) finish() { d.settle(d.newest.Add(time.Second)) }

// of adds up some of the days. A count is of whole things: it is rounded once a day, as stepCount does.
func (d *daily) of(days health.DateRange) (total dayFigures) {
	for i := max(d.days.From.DaysUntil(days.From), 0); i < min(d.days.From.DaysUntil(days.To)+1, len(d.figures)); i++ {
		day := d.figures[i]
		if d.metric.Unit != nil && *d.metric.Unit == health.UnitCount {
			day.sum = math.Round(day.sum)
		}
		total.add(day)
	}
	return total
}

// average is that of a discrete metric's days.
func (f dayFigures) average(averaging health.Averaging) float64 {
	mean := f.weighted / f.weight
	if averaging == health.EquivalentLevel {
		return 10 * math.Log10(mean)
	}
	return mean
}

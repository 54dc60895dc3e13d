package gateway

import (
	"math"
	"time"

	"healthgraph/connectors"
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

// daily makes the figures of days of samples that come page by page, in order of their starts.
type daily struct {
	metric  health.Metric
	days    health.DateRange
	starts  []time.Time // of the days; the last ends the range
	figures []dayFigures
	walk    *sampleWalk // of a cumulative metric's samples
}

// holdAtMost is two pages of an upstream: most reads are then counted in one piece.
const holdAtMost = 20_000

func newDaily(metric health.Metric, days health.DateRange, zone health.TimeZone, hold int) *daily {
	d := &daily{metric: metric, days: days}
	d.walk = newSampleWalk(days, []health.TimeZone{zone}, hold, func(_ health.TimeZone, date health.Date, day dayTally) {
		d.figures[days.From.DaysUntil(date)] = dayFigures{touched: day.touched, sum: day.steps}
	})
	d.starts = d.walk.zones[0].starts
	d.figures = make([]dayFigures, len(d.starts)-1)
	return d
}

// add takes a page, as the walk does.
func (d *daily) add(page []health.Sample) (more bool) {
	if d.metric.Kind == health.Cumulative {
		return d.walk.add(page)
	}
	for _, s := range page {
		d.level(s)
	}
	return true
}

// finish counts what the walk still holds of the days that were read to their end.
func (d *daily) finish(result connectors.SampleResult) {
	if d.metric.Kind == health.Cumulative {
		d.walk.finish(result)
	}
}

// level counts a sample of a discrete metric, whole, on the day on which it begins.
func (d *daily) level(s health.Sample) {
	day := dayAt(d.starts, s.Start)
	if day < 0 || day >= len(d.figures) {
		return
	}
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

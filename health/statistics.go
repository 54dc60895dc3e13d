package health

import "time"

// StatisticsPeriod is how long the periods of statistics are.
type StatisticsPeriod string

// The periods.
const (
	PeriodDay   StatisticsPeriod = "DAY"
	PeriodWeek  StatisticsPeriod = "WEEK"  // of ISO 8601: from Monday
	PeriodMonth StatisticsPeriod = "MONTH" // of the calendar
)

// PeriodRange is the days of one period that lie in a range.
type PeriodRange struct {
	DateRange
	Cut bool // the range has not all of the period's days
	End Date // the period's last day, be it in the range or not
}

// Periods cuts the range into periods, in order.
func (r DateRange) Periods(period StatisticsPeriod) []PeriodRange {
	var periods []PeriodRange
	for from := r.From; from.Compare(r.To) <= 0; {
		first, last := from, from
		switch period {
		case PeriodWeek:
			monday := (int(from.midnightUTC().Weekday()) + 6) % 7 // days since then
			first = from.AddDays(-monday)
			last = first.AddDays(6)
		case PeriodMonth:
			first = Date{from.Year, from.Month, 1}
			last = dateOf(first.midnightUTC().AddDate(0, 1, -1))
		case PeriodDay:
		}
		p := PeriodRange{DateRange: DateRange{From: from, To: last}, Cut: first != from, End: last}
		if last.Compare(r.To) > 0 {
			p.To, p.Cut = r.To, true
		}
		periods = append(periods, p)
		from = last.AddDays(1)
	}
	return periods
}

// QuantityStatistics is what a metric's samples come to in each period of a range of days.
type QuantityStatistics struct {
	Metric         Metric
	Unit           Unit // of every value
	Period         StatisticsPeriod
	From, To       Date
	TimeZone       TimeZone
	TimeZoneOrigin TimeZoneOrigin
	Periods        []QuantityPeriod
	Problems       []Problem
	Complete       bool
	FetchedAt      time.Time
}

// QuantityPeriod is what the samples of one period come to. Sum is of a cumulative metric alone, the four others of a discrete
// one; all are nil where there is no figure.
type QuantityPeriod struct {
	From, To                  Date
	Partial                   bool // the range cuts it, or it isn't over
	Presence                  Presence
	Sum                       *float64
	Average, Minimum, Maximum *float64
	Count                     *int
	DataSources               []DataSource
}

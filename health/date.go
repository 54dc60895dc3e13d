package health

import (
	"fmt"
	"io"
	"time"
)

// Date is a calendar day of the Gregorian calendar, without a time zone. The zero value is not a date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads an ISO 8601 calendar date, "2026-03-29". A day that the calendar does not have is refused.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, Refuse("", "a date is an ISO 8601 calendar day such as 2026-03-29")
	}
	return dateOf(t), nil
}

// DateOf tells which day it is in the zone at instant t.
func DateOf(t time.Time, zone TimeZone) Date { return dateOf(t.In(zone.Location())) }

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// String is the ISO 8601 form.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// midnightUTC stands for the day in calendar arithmetic.
func (d Date) midnightUTC() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDays is the day n days later, or earlier when n is negative.
func (d Date) AddDays(n int) Date { return dateOf(d.midnightUTC().AddDate(0, 0, n)) }

// DaysUntil counts the days from d to other, negative when other is earlier.
func (d Date) DaysUntil(other Date) int {
	const secondsPerDay = 24 * 60 * 60 // a time.Duration ends at 292 years
	return int((other.midnightUTC().Unix() - d.midnightUTC().Unix()) / secondsPerDay)
}

// Compare orders days: -1 when d is earlier, 0 when the same, 1 when later.
func (d Date) Compare(other Date) int { return d.midnightUTC().Compare(other.midnightUTC()) }

// Start is the first instant that the zone's clocks count to the day. It is not always midnight (a clock may be put
// forward at midnight, or pass through it twice). A day that the zone skipped starts where the next one does.
func (d Date) Start(zone TimeZone) time.Time {
	loc := zone.Location()
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
	if dateOf(t).Compare(d) < 0 { // midnight does not exist and Go chose the clock before the change
		if _, change := t.ZoneBounds(); !change.IsZero() {
			return change
		}
	}
	// The clock may have been put back shortly before t, so that the day had already begun once.
	change, _ := t.ZoneBounds()
	if change.IsZero() || t.Sub(change) > 3*time.Hour {
		return t
	}
	_, offsetBefore := change.Add(-time.Second).Zone()
	first := d.midnightUTC().Add(-time.Duration(offsetBefore) * time.Second).In(loc)
	if first.Before(change) && dateOf(first) == d {
		return first
	}
	if change.Before(t) && dateOf(change) == d {
		return change
	}
	return t
}

// MarshalGQL writes the scalar Date.
func (d Date) MarshalGQL(w io.Writer) { writeQuoted(w, d.String()) }

// UnmarshalGQL reads the scalar Date.
func (d *Date) UnmarshalGQL(v any) (err error) {
	s, ok := v.(string)
	if !ok {
		return Refuse("", "a date is a string such as \"2026-03-29\"")
	}
	*d, err = ParseDate(s)
	return err
}

// DateRange is a run of calendar days, both ends included.
type DateRange struct{ From, To Date }

// Days counts the days; 0 or less when To is before From.
func (r DateRange) Days() int { return r.From.DaysUntil(r.To) + 1 }

// Contains says whether other lies within r.
func (r DateRange) Contains(other DateRange) bool {
	return r.From.Compare(other.From) <= 0 && other.To.Compare(r.To) <= 0
}

// Each lists the days in order.
func (r DateRange) Each() []Date {
	days := make([]Date, 0, max(r.Days(), 0))
	for d := r.From; d.Compare(r.To) <= 0; d = d.AddDays(1) {
		days = append(days, d)
	}
	return days
}

package people

import (
	"fmt"
	"time"
)

const layout = "2006-01-02"

// Date is a calendar date without a zone: the number of days since 1970-01-01, negative before it.
type Date int

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(layout, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a date such as 2026-03-29", s)
	}
	return DateOf(t), nil
}

// DateOf is the date of t in t's own location.
func DateOf(t time.Time) Date {
	y, m, day := t.Date()
	const secondsPerDay = 24 * 60 * 60
	seconds := time.Date(y, m, day, 0, 0, 0, 0, time.UTC).Unix()
	return Date(seconds / secondsPerDay)
}

// Number is the number of days since 1970-01-01.
func (d Date) Number() int { return int(d) }

// String is YYYY-MM-DD.
func (d Date) String() string { return d.Start(time.UTC).Format(layout) }

// Start is the first moment of the day in a zone; the day ends where d+1 starts.
func (d Date) Start(zone *time.Location) time.Time {
	return time.Date(1970, time.January, 1+int(d), 0, 0, 0, 0, zone)
}

// Length is how long the day is in a zone: 24 hours, or 23 or 25 when its clocks change.
func (d Date) Length(zone *time.Location) time.Duration {
	return (d + 1).Start(zone).Sub(d.Start(zone))
}

func (d Date) mod(n int) int { return ((int(d) % n) + n) % n }

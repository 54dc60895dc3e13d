package gateway

import (
	"time"

	"healthgraph/health"
)

// rereadings says after how long an upstream is asked again about a day that is kept. A day is as old as the number of days since,
// by the calendar of UTC.
//
// ROOK looks for a missing summary every hour for a day and once a day for 30 days, and corrects summaries without a bound that it
// tells of. A phone that was off synchronises days or weeks later. So a day without a figure is asked for sooner.
var rereadings = []struct {
	upTo         int // days old
	figure, none time.Duration
}{
	{3, 0, 0}, // always: such days are not kept
	{14, 6 * time.Hour, time.Hour},
	{35, 24 * time.Hour, 6 * time.Hour},
	{90, 7 * 24 * time.Hour, 24 * time.Hour},
	{1 << 30, 30 * 24 * time.Hour, 7 * 24 * time.Hour},
}

// soonestRereading is the shortest time after which a day that is kept is read again.
const soonestRereading = time.Hour

// keptFor is how long what an upstream says of the day now need not be asked for again; 0 = it is not worth keeping.
func keptFor(day health.Date, now time.Time, hasFigure bool) time.Duration {
	age := day.DaysUntil(health.DateOf(now, health.UTC))
	for _, r := range rereadings {
		if age <= r.upTo {
			if hasFigure {
				return r.figure
			}
			return r.none
		}
	}
	return 0
}

// clockSkew is by how much another process's clock may be ahead of ours.
const clockSkew = time.Hour

// isFresh says whether what was fetched of the day then need not be asked for again by now.
func isFresh(day health.Date, fetchedAt, now time.Time, hasFigure bool) bool {
	age, period := now.Sub(fetchedAt), keptFor(day, now, hasFigure)
	return age < period && period > 0 && age > -clockSkew
}

package cache

import (
	"context"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/together"
)

const kindSteps = "steps of a day"

// dayReader reads days' figures.
type dayReader struct {
	connectors.DailyStepReader
	front

	flights together.Reads[read, []connectors.DayResult]
}

// ReadDailySteps implements connectors.DailyStepReader.
func (r *dayReader) ReadDailySteps(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	if account.Reuse.User == "" {
		return r.DailyStepReader.ReadDailySteps(ctx, account, dates)
	}
	results := make([]connectors.DayResult, len(dates))
	var places []int
	for i, date := range dates {
		if e, ok := look[health.DayTotal](r.Cache, r.keyOf(account, date), account.Reuse); ok {
			results[i] = connectors.DayResult{Total: e.Value, Age: e.Age}
		} else {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return results
	}
	missing := pick(dates, places)
	one := r.readOf(ctx, r.keyOf(account, missing[0]), account.Reuse)
	if len(missing) > 1 { // one day is in the key
		one.days = textOf(missing)
	}
	read, err := r.flights.Read(ctx, []read{one}, func(ctx context.Context, _ []int) [][]connectors.DayResult {
		return [][]connectors.DayResult{r.ask(ctx, account, missing)}
	})
	for j, i := range places {
		if err != nil {
			results[i] = connectors.DayResult{Total: health.DayTotal{Date: dates[i]}, Err: r.late(err)}
		} else {
			results[i] = read[0][j]
		}
	}
	return results
}

// ask looks once more, as a read that was under way a moment ago may have ended, and asks the upstream for the rest.
func (r *dayReader) ask(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	all := make([]wanted, len(dates))
	for i, date := range dates {
		all[i] = wanted{r.keyOf(account, date), account.Reuse}
	}
	missing := make([]int, 0, len(all))
	for i, e := range find(ctx, r.Cache, all, holdDay) {
		if e == nil {
			missing = append(missing, i)
		} else {
			results[i] = connectors.DayResult{Total: e.Value, Age: e.Age}
		}
	}
	if len(missing) == 0 {
		return results
	}
	now := r.config.Now()
	for j, result := range r.DailyStepReader.ReadDailySteps(ctx, account, pick(dates, missing)) {
		i := missing[j]
		if result.Age = (connectors.Age{ReadAt: now}); result.Err == nil {
			freshFor := r.config.Freshness.Recent
			if result.Total.Steps != nil {
				freshFor = r.freshFor(dates[i].AddDays(1).Start(health.UTC), now)
			}
			result.Age = keep(r.Cache, all[i].key, account.Reuse, now, freshFor, result.Total, holdDay)
		}
		results[i] = result
	}
	return results
}

// freshFor is how long figures that end then are fresh.
func (f front) freshFor(end, now time.Time) time.Duration {
	if now.Sub(end) >= settled {
		return f.config.Freshness.Past
	}
	return f.config.Freshness.Recent
}

func (r *dayReader) keyOf(account connectors.Account, date health.Date) key {
	return key{kind: kindSteps, connector: r.connector, user: account.Reuse.User, account: account.ID, day: date}
}

func textOf(dates []health.Date) string {
	var b strings.Builder
	for _, date := range dates {
		b.WriteString(date.String())
	}
	return b.String()
}

// heldDay is held as it is.
type heldDay health.DayTotal

func holdDay(total health.DayTotal) held[health.DayTotal] { return (*heldDay)(&total) }

func (h *heldDay) whole() health.DayTotal { return health.DayTotal(*h) }

func (h *heldDay) bytes() int {
	bytes := dayBytes
	for _, source := range h.DataSources {
		bytes += weighSource(source)
	}
	return bytes
}

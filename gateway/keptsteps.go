package gateway

import (
	"context"
	"math"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// dayRead is an upstream's own total of a day. With an Err it is what was said before, if fetchedAt says when that was.
type dayRead struct {
	connectors.DayResult

	fetchedAt time.Time
}

func (d dayRead) known() bool { return !d.fetchedAt.IsZero() }

// keptTotal is a total as it is kept. The JSON names are short: there is one for each day of years.
type keptTotal struct {
	Steps   *int         `json:"n,omitempty"`
	Sources []keptSource `json:"s,omitempty"`
}

type keptSource struct {
	ID   health.DataSourceID   `json:"i"`
	Name string                `json:"n"`
	Kind health.DataSourceKind `json:"k,omitempty"`
}

func saidTotal(total health.DayTotal, fetchedAt time.Time) said[keptTotal] {
	s := said[keptTotal]{version: total.Version, fetchedAt: fetchedAt}
	if total.Steps == nil {
		return s
	}
	s.figure = &keptTotal{Steps: total.Steps}
	for _, source := range total.DataSources {
		s.figure.Sources = append(s.figure.Sources, keptSource{source.ID, source.Name, source.Kind})
	}
	return s
}

func totalSaid(date health.Date, s said[keptTotal]) health.DayTotal {
	total := health.DayTotal{Date: date, Version: s.version}
	if s.figure == nil {
		return total
	}
	total.Steps = s.figure.Steps
	for _, source := range s.figure.Sources {
		total.DataSources = append(total.DataSources, health.DataSource{ID: source.ID, Name: source.Name, Kind: source.Kind})
	}
	return total
}

// readDays reads an upstream's own totals: those that are kept and not yet to be read again from there, the others from the
// upstream. These are asked for the newest first, keepAtOnce at a time, and no further where all of them failed, or the upstream
// takes no more.
func (g *Gateway) readDays(ctx context.Context, read *StepRead, account connectors.Account, days health.DateRange, k *dayKeeper) {
	dates, now := days.Each(), g.Now()
	read.days = make(map[health.Date]dayRead, len(dates))
	var due []health.Date
	for _, date := range dates {
		s, kept := keptOf[keptTotal](k, "", date)
		var freshUntil time.Time
		if kept {
			freshUntil = k.freshUntil(date, s.fetchedAt, now, s.figure != nil)
			age := connectors.Age{ReadAt: s.fetchedAt, FreshUntil: freshUntil}
			read.days[date] = dayRead{connectors.DayResult{Total: totalSaid(date, s), Age: age}, s.fetchedAt}
		}
		if freshUntil.IsZero() {
			due = append(due, date)
		}
	}
	slices.Reverse(due)
	var failure, last error
	for part := range slices.Chunk(due, keepAtOnce) {
		if last != nil {
			read.failDays(part, last)
			continue
		}
		if err := g.readDueDays(ctx, read, account, part, k, &last); err != nil {
			failure = err
		}
	}
	if failure != nil {
		g.logFailure(read.plug.Description.ID, failure)
	}
	answered := false
	for _, date := range dates {
		result := read.days[date]
		result.Total.DataSources = g.named(ctx, read.plug, result.Total.DataSources)
		read.days[date] = result
		if result.Err == nil && result.Total.Steps != nil {
			answered = true
			read.sawData(result.Total.DataSources, earliest(date.AddDays(1).Start(health.UTC), result.fetchedAt))
		}
	}
	if read.down != nil && !answered {
		read.asked = false // the list made no sense either: that there is nothing is not to be believed
	}
}

// readDueDays gives the last failure, and sets stop to it where it makes no sense to ask on.
func (g *Gateway) readDueDays(ctx context.Context, read *StepRead, account connectors.Account, dates []health.Date, k *dayKeeper, stop *error) (failure error) {
	failed, spent := 0, false
	began := g.Now()
	for i, result := range read.plug.DailySteps.ReadDailySteps(ctx, account, dates) {
		date := dates[i]
		before := read.days[date]
		read.isAsOldAs(result.Age)
		switch {
		case result.Err != nil:
			failure, failed = result.Err, failed+1
			spent = spent || health.AsError(failure).Has(health.RateLimited)
			read.failDays(dates[i:i+1], failure)
		case before.known() && result.Total.Version > 0 && result.Total.Version < before.Total.Version:
			// An older form of a summary that was corrected: the correction stands.
		default:
			readAt := earliest(began, g.readAt(result.Age)) // or before, by somebody else
			read.days[date] = dayRead{result, readAt}
			keep(ctx, k, "", date, saidTotal(result.Total, readAt))
		}
	}
	if len(dates) == keepAtOnce { // and there may be more to read
		k.write(ctx, 1)
	}
	if failed == len(dates) || spent {
		*stop = failure
	}
	return failure
}

// failDays leaves what is kept of the days in place where the failure says nothing about the person.
func (r *StepRead) failDays(dates []health.Date, err error) {
	for _, date := range dates {
		failed := dayRead{DayResult: connectors.DayResult{Total: health.DayTotal{Date: date}, Err: err}}
		if before := r.days[date]; before.known() && isTransient(err) {
			failed = before
			failed.Err = err
		}
		r.days[date] = failed
	}
}

// talliedDay is what the samples of a day came to. A stale one is to be read again, and could not be.
type talliedDay struct {
	dayTally

	fetchedAt  time.Time
	freshUntil time.Time
	stale      bool
}

// keptTally is a tally as it is kept: rounded, as it is shown.
type keptTally struct {
	Steps   int         `json:"n"`
	Devices []keptShare `json:"d,omitempty"`
}

type keptShare struct {
	Name     string `json:"n,omitempty"`
	Recorded int    `json:"r"`
	Counted  int    `json:"c"`
}

func saidTally(day dayTally, fetchedAt time.Time) said[keptTally] {
	s := said[keptTally]{fetchedAt: fetchedAt}
	if !day.touched {
		return s
	}
	s.figure = &keptTally{Steps: int(math.Round(day.steps))}
	for _, share := range day.devices {
		s.figure.Devices = append(s.figure.Devices, keptShare{share.name, int(math.Round(share.recorded)), int(math.Round(share.counted))})
	}
	return s
}

func tallyOf(s said[keptTally]) dayTally {
	if s.figure == nil {
		return dayTally{}
	}
	day := dayTally{steps: float64(s.figure.Steps), touched: true}
	for _, share := range s.figure.Devices {
		day.devices = append(day.devices, deviceShare{share.Name, float64(share.Recorded), float64(share.Counted)})
	}
	return day
}

// readSamples tallies an upstream's samples for each of the zones: of those days that are kept and not yet to be read again nothing
// is asked. The others are read in as few ranges as make sense, the newest range first.
func (g *Gateway) readSamples(ctx context.Context, p *Person, read *StepRead, account connectors.Account, days health.DateRange, zones []health.TimeZone, k *dayKeeper) {
	now := g.Now()
	read.tallies = make(map[string]map[health.Date]talliedDay, len(zones))
	dates := days.Each()
	due := make(map[health.Date]bool, len(dates))
	for _, zone := range zones {
		tallies := make(map[health.Date]talliedDay, len(dates))
		read.tallies[zone.String()] = tallies
		for _, date := range dates {
			s, kept := keptOf[keptTally](k, zone.String(), date)
			var freshUntil time.Time
			if kept {
				freshUntil = k.freshUntil(date, s.fetchedAt, now, s.figure != nil)
				tallies[date] = talliedDay{tallyOf(s), s.fetchedAt, freshUntil, freshUntil.IsZero()}
			}
			due[date] = due[date] || freshUntil.IsZero()
		}
	}
	ranges := dueRanges(dates, due)
	slices.Reverse(ranges)
	disordered := false
	for _, part := range ranges {
		result := g.readSampleRange(ctx, read, account, part, zones, k, &disordered)
		read.refused += result.Refused
		if read.failure = result.Err; read.failure != nil {
			break
		}
	}
	g.samplesFailed(ctx, p, read, k)
}

// samplesFailed sees to it that what is kept is not shown when it was the person who ended the reading.
func (g *Gateway) samplesFailed(ctx context.Context, p *Person, read *StepRead, k *dayKeeper) {
	if read.failure == nil {
		return
	}
	g.failed(ctx, p, &read.reading, read.failure)
	if !isTransient(read.failure) {
		for _, tallies := range read.tallies {
			for date, day := range tallies {
				if day.stale {
					delete(tallies, date)
				}
			}
		}
	}
	if connectors.IsScopeMissing(read.failure) {
		k.forget(ctx)
		clear(read.tallies)
	}
}

// readSampleRange reads one range. Days are tallied and kept as soon as all of their samples are there. An upstream whose samples
// turn out to come in no order is read once more, to the end before anything is tallied.
func (g *Gateway) readSampleRange(ctx context.Context, read *StepRead, account connectors.Account, days health.DateRange, zones []health.TimeZone, k *dayKeeper, disordered *bool) connectors.SampleResult {
	began := g.Now()
	account.Reuse.Reused = func(of connectors.Age) { began = earliest(began, g.readAt(of)) }
	hold := 0
	if *disordered {
		hold = holdAll
	}
	walk := newSampleWalk(days, zones, hold, func(zone health.TimeZone, date health.Date, day dayTally) {
		read.tallies[zone.String()][date] = talliedDay{dayTally: day, fetchedAt: began}
		keep(ctx, k, zone.String(), date, saidTally(day, began))
	})
	request := connectors.SamplesOn(health.StepCountMetric, days)
	result := read.plug.Samples.ReadSamples(ctx, account, request, func(page []health.Sample) bool {
		more := walk.add(page)
		k.write(ctx, keepAtOnce)
		return more
	})
	if walk.disordered {
		*disordered = true
		k.forget(ctx)
		for _, tallies := range read.tallies {
			for _, date := range days.Each() {
				delete(tallies, date)
			}
		}
		return g.readSampleRange(ctx, read, account, days, zones, k, disordered)
	}
	walk.finish(result)
	k.write(ctx, keepAtOnce)
	read.isAsOldAs(result.Age)
	for _, tallies := range read.tallies {
		for _, date := range days.Each() {
			if day, known := tallies[date]; known && !day.stale {
				day.freshUntil = result.FreshUntil
				tallies[date] = day
			}
		}
	}
	read.sawData(read.plug.Description.DataSources, result.Newest)
	return result
}

// bridge is how many days that are not due are read again with those around them: some pages' worth, which costs less than
// beginning anew.
const bridge = 31

// dueRanges joins the days that are due to ranges.
func dueRanges(dates []health.Date, due map[health.Date]bool) []health.DateRange {
	var ranges []health.DateRange
	for _, date := range dates {
		switch last := len(ranges) - 1; {
		case !due[date]:
		case last >= 0 && ranges[last].To.DaysUntil(date) <= bridge:
			ranges[last].To = date
		default:
			ranges = append(ranges, health.DateRange{From: date, To: date})
		}
	}
	return ranges
}

package gateway

import (
	"context"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// SleepRead is what one connector had to say about a person's sleep: what was read once, for every field that needs it.
type SleepRead struct {
	reading
	days    map[health.Date]connectors.DaySleepResult // by day asked for
	records connectors.SleepRecordsResult
}

// SleepConnectors lists the connectors that have sleep to pass the filter, in order.
func (g *Gateway) SleepConnectors(f Filter) []string {
	return slices.DeleteFunc(g.LinkConnectors(f), func(id string) bool { return !g.Registry.Plug(id).ReadsSleep() })
}

// SleepLinks is what the links that pass a filter say before any sleep is read: see readingOf.
func (g *Gateway) SleepLinks(connector string, links []health.DataSourceLink, filter Filter) (read SleepRead, worthReading bool) {
	read.reading, worthReading = g.readingOf(connector, links, filter)
	return read, worthReading
}

// ReadSleep reads one connector's sleep of the days. links are all of the person's links to it.
func (g *Gateway) ReadSleep(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, days health.DateRange) SleepRead {
	read, _ := g.SleepLinks(connector, links, Filter{})
	read.asked = true
	if days = g.begun(days); days.Days() < 1 {
		return read
	}
	if read.plug.DailySleep != nil {
		g.readNights(ctx, &read, g.account(p, read.plug), days)
	} else {
		g.readRecords(ctx, p, &read, days)
	}
	// Silence says nothing, as not everybody wears their device at night. And a source that is known by its sleep alone is not noted:
	// those who ask for steps would take it for one that has fallen silent.
	known := slices.DeleteFunc(slices.Clone(links), func(link health.DataSourceLink) bool { return !mayBringData(link, read.plug) })
	g.noteData(ctx, p, read.reading, known, func(health.DataSourceLink, time.Time) bool { return false })
	return read
}

func (g *Gateway) readNights(ctx context.Context, read *SleepRead, account connectors.Account, days health.DateRange) {
	dates := days.Each()
	read.days = make(map[health.Date]connectors.DaySleepResult, len(dates))
	results := read.plug.DailySleep.ReadDailySleep(ctx, account, dates)
	g.eachDay(&read.reading, dates, func(i int) ([]health.DataSource, bool, error) {
		result := results[i]
		result.Sleep.DataSources = g.named(ctx, read.plug, result.Sleep.DataSources)
		read.days[dates[i]] = result
		return result.Sleep.DataSources, result.Sleep.Figure != nil, result.Err
	})
}

func (g *Gateway) readRecords(ctx context.Context, p *Person, read *SleepRead, days health.DateRange) {
	read.records = read.plug.Sleep.ReadSleepSessions(ctx, g.account(p, read.plug), recordsOf(days))
	g.failed(ctx, p, &read.reading, read.records.Err)
	var newest time.Time
	for _, record := range read.records.Records {
		newest = latest(newest, record.End)
	}
	read.sawData(read.plug.Description.DataSources, newest)
}

// isWhole says whether all that belongs to the day was read: also what begins soon after it, and may go on with a session of it.
func (r SleepRead) isWhole(date health.Date, zone health.TimeZone) bool {
	return r.records.Err == nil || r.records.ReadUntil.After(date.AddDays(1).Start(zone).Add(sessionGap))
}

func (r SleepRead) problemOf(request StepRequest, zone health.TimeZone) (problem *health.Problem, complete bool) {
	failure := failedDays(request.Days, func(date health.Date) error { return r.days[date].Err })
	if !r.isWhole(request.Days.To, zone) {
		failure = r.records.Err
	}
	return r.reading.problemOf(request, failure, r.records.Refused)
}

// Sleep puts together what was read. It calls nobody: the reads may serve several requests.
func (g *Gateway) Sleep(request StepRequest, zone Zone, reads []SleepRead) health.Sleep {
	sleep := health.Sleep{
		From: request.Days.From, To: request.Days.To, TimeZone: zone.TimeZone, TimeZoneOrigin: zone.Origin,
		Days: []health.DailySleep{}, Problems: []health.Problem{}, Complete: true, FetchedAt: g.Now(),
	}
	columns := make([][]figure[health.SleepFigure], len(reads))
	for i, read := range reads {
		column := func(request StepRequest) []figure[health.SleepFigure] {
			return g.sleepFigures(request, zone.TimeZone, read)
		}
		columns[i] = chosenAmong(request, column)
		problem, complete := read.problemOf(request, zone.TimeZone)
		if problem != nil {
			sleep.Problems = append(sleep.Problems, *problem)
		}
		sleep.Complete = sleep.Complete && complete
		if merged := mergedProblem(read.reading, columns[i]); merged != nil {
			sleep.Problems = append(sleep.Problems, *merged)
		}
	}
	for i, date := range request.Days.Each() {
		sleep.Days = append(sleep.Days, chosenSleep(request.choice, date, rowOf(columns, i)))
	}
	return sleep
}

// sleepFigures gives the upstream's say about each day of the request, in order.
func (g *Gateway) sleepFigures(request StepRequest, zone health.TimeZone, read SleepRead) []figure[health.SleepFigure] {
	var slept map[health.Date]health.SleepFigure
	if read.asked && read.plug.Sleep != nil {
		slept = nights(read.records.Records, zone)
	}
	return figuresOf(g, request, zone, read.reading, func(f *figure[health.SleepFigure], date health.Date) {
		if slept == nil {
			day := read.days[date]
			takeDay(f, read.reading, day.Sleep.Figure, day.Sleep.DataSources, day.Err, request.filter)
			return
		}
		figure, has := slept[date]
		switch {
		case !read.isWhole(date, zone):
			f.presence = presenceOf(read.records.Err)
		case has:
			f.value, f.sources = &figure, g.sourcesOf(read.reading)
		}
	}, func(value health.SleepFigure, unfinished bool) health.Presence {
		if value.Asleep == nil {
			return presenceOfValue(1, unfinished) // time in bed, which may have been slept through
		}
		return presenceOfValue(int(*value.Asleep), unfinished)
	})
}

// chosenSleep is the day with what was chosen of its figures.
func chosenSleep(c choice, date health.Date, row []figure[health.SleepFigure]) health.DailySleep {
	verdict := choose(c, row, func(a, b health.SleepFigure) int { return longer(a.SleepTimes, b.SleepTimes) })
	day := health.DailySleep{Date: date, Presence: verdict.presence, DataSources: []health.DataSource{}, Candidates: []health.SleepCandidate{}}
	for i, f := range row {
		if f.presence == health.PresenceNotConnected {
			continue
		}
		candidate := health.SleepCandidate{
			Connector: f.connector, DataSources: f.sources, Figure: f.value, Presence: f.presence,
			Chosen: i == verdict.chosen, Reason: verdict.reasons[i],
		}
		if f.value != nil {
			candidate.Asleep = f.value.Asleep
		}
		if candidate.DataSources == nil {
			candidate.DataSources = []health.DataSource{}
		}
		if candidate.Chosen {
			day.Asleep, day.Figure, day.DataSources = candidate.Asleep, f.value, candidate.DataSources
		}
		day.Candidates = append(day.Candidates, candidate)
	}
	return day
}

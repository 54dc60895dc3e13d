package gateway

import (
	"cmp"
	"context"
	"math"

	"healthgraph/health"
)

// StepRequest is the arguments of stepCount, checked.
type StepRequest struct {
	Days   health.DateRange
	Zone   *health.TimeZone // nil = the person's own
	filter Filter
	choice choice
}

// Filter is the data sources that the request lets through.
func (r StepRequest) Filter() Filter { return r.filter }

// StepRequest checks the arguments of stepCount without any call.
func (g *Gateway) StepRequest(ctx context.Context, from, to health.Date, zone *health.TimeZone, dataSources []string, choose *health.ChoiceInput) (StepRequest, error) {
	days := health.DateRange{From: from, To: to}
	if err := checkDays(days, MaxDays); err != nil {
		return StepRequest{}, err
	}
	filter, err := g.Filter(ctx, dataSources)
	if err != nil {
		return StepRequest{}, err
	}
	choice, err := g.choice(ctx, choose, filter)
	if err != nil {
		return StepRequest{}, err
	}
	return StepRequest{Days: days, Zone: zone, filter: filter, choice: choice}, nil
}

// CountSteps puts together what was read. It calls nobody: the reads may serve several requests.
func (g *Gateway) CountSteps(request StepRequest, zone Zone, reads []StepRead) health.StepCount {
	now := g.Now()
	count := health.StepCount{
		From: request.Days.From, To: request.Days.To,
		TimeZone: zone.TimeZone, TimeZoneOrigin: zone.Origin,
		Problems: []health.Problem{}, Complete: true, FetchedAt: now,
	}
	columns := make([][]figure[daySteps], len(reads))
	for i, read := range reads {
		columns[i] = chosenAmong(request, func(request StepRequest) []figure[daySteps] { return g.figures(request, zone.TimeZone, read) })
		problem, complete := read.problemOf(request, zone.TimeZone)
		if problem != nil {
			count.Problems = append(count.Problems, *problem)
		}
		count.Complete = count.Complete && complete
		if merged := mergedProblem(read.reading, columns[i]); merged != nil {
			count.Problems = append(count.Problems, *merged)
		}
	}
	total, known := 0, false
	for i, date := range request.Days.Each() {
		day := chosenSteps(request.choice, date, rowOf(columns, i))
		if day.Steps != nil {
			total, known = total+*day.Steps, true
		}
		count.Days = append(count.Days, day)
	}
	if known {
		count.Total = &total
	}
	return count
}

// daySteps is an upstream's figure for a day.
type daySteps struct {
	steps   int
	devices []health.DeviceSteps // where the figure is made of samples
}

func devicesOf(day dayTally) []health.DeviceSteps {
	devices := make([]health.DeviceSteps, len(day.devices))
	for i, share := range day.devices {
		devices[i] = health.DeviceSteps{Recorded: int(math.Round(share.recorded)), Counted: int(math.Round(share.counted))}
		if share.name != "" {
			devices[i].Name = &share.name
		}
	}
	return devices
}

// figures gives the upstream's say about each day of the request, in order.
func (g *Gateway) figures(request StepRequest, zone health.TimeZone, read StepRead) []figure[daySteps] {
	var tallies map[health.Date]dayTally
	if read.asked && read.plug.Samples != nil {
		tallies = tally(read.samples.Samples, request.Days, zone)
	}
	return figuresOf(g, request, zone, read.reading, func(f *figure[daySteps], date health.Date) {
		if tallies != nil {
			g.fromSamples(f, read, date, tallies[date], zone)
			return
		}
		day := read.days[date]
		var value *daySteps
		if day.Total.Steps != nil {
			value = &daySteps{steps: *day.Total.Steps}
		}
		takeDay(f, read.reading, value, day.Total.DataSources, day.Err, request.filter)
	}, func(day daySteps, unfinished bool) health.Presence { return presenceOfValue(day.steps, unfinished) })
}

func presenceOfValue(steps int, unfinished bool) health.Presence {
	switch {
	case unfinished:
		return health.PresencePartialDay
	case steps == 0:
		return health.PresenceZero
	default:
		return health.PresenceValue
	}
}

// fromSamples takes the day's tally, unless the samples were not read to the day's end: a part would look like a whole.
func (g *Gateway) fromSamples(f *figure[daySteps], read StepRead, date health.Date, day dayTally, zone health.TimeZone) {
	unread := read.samples.Err != nil && read.samples.ReadUntil.Before(date.AddDays(1).Start(zone))
	switch {
	case unread:
		f.presence = presenceOf(read.samples.Err)
	case day.touched:
		f.value = &daySteps{steps: int(math.Round(day.steps)), devices: devicesOf(day)}
		f.sources = g.sourcesOf(read.reading)
	}
}

// chosenSteps is the day with what was chosen of its figures.
func chosenSteps(c choice, date health.Date, row []figure[daySteps]) health.DailySteps {
	verdict := choose(c, row, func(a, b daySteps) int { return cmp.Compare(a.steps, b.steps) })
	day := health.DailySteps{Date: date, Presence: verdict.presence, DataSources: []health.DataSource{}, Candidates: []health.StepCandidate{}}
	for i, f := range row {
		if f.presence == health.PresenceNotConnected {
			continue
		}
		candidate := health.StepCandidate{
			Connector: f.connector, ConnectorName: f.name, DataSources: f.sources, Presence: f.presence,
			Chosen: i == verdict.chosen, Reason: verdict.reasons[i], Devices: []health.DeviceSteps{},
		}
		if f.value != nil {
			candidate.Steps = &f.value.steps
			candidate.Devices = append(candidate.Devices, f.value.devices...)
		}
		if candidate.DataSources == nil {
			candidate.DataSources = []health.DataSource{}
		}
		if candidate.Chosen {
			day.Steps, day.DataSources = candidate.Steps, candidate.DataSources
		}
		day.Candidates = append(day.Candidates, candidate)
	}
	return day
}

package gateway

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

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
	if n := days.Days(); n < 1 {
		return StepRequest{}, health.Refuse("to", fmt.Sprintf("the last day, %s, is before the first, %s", to, from))
	} else if n > MaxDays {
		return StepRequest{}, health.Refuse("to", fmt.Sprintf("at most %d days, not %d", MaxDays, n))
	}
	for argument, date := range map[string]health.Date{"from": from, "to": to} {
		if date.Year < minYear || date.Year > maxYear {
			return StepRequest{}, health.Refuse(argument, fmt.Sprintf("a day of the years %d to %d", minYear, maxYear))
		}
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
		columns[i] = g.figures(request, zone.TimeZone, read)
		if request.choice.policy == health.ChooseOnly {
			only := request
			only.filter = request.choice.only
			columns[i] = setAside(g.figures(only, zone.TimeZone, read), columns[i])
		}
		problem, complete := read.problemOf(request, zone.TimeZone)
		if problem != nil {
			count.Problems = append(count.Problems, *problem)
		}
		count.Complete = count.Complete && complete
		if merged := mergedSources(columns[i]); len(merged) > 0 {
			count.Problems = append(count.Problems, health.Problem{Code: health.Unsupported, Message: read.plug.Description.Name +
				" merged days with data sources outside the filter, so they can't be told apart: ask for " + strings.Join(merged, ", ") + " as well"})
		}
	}
	total, known := 0, false
	for i, date := range request.Days.Each() {
		row := make([]figure[daySteps], len(columns))
		for j, column := range columns {
			row[j] = column[i]
		}
		day := chosenSteps(request.choice, date, row)
		for _, candidate := range day.Candidates {
			if candidate.FetchedAt != nil {
				count.FetchedAt = earliest(count.FetchedAt, *candidate.FetchedAt)
			}
		}
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
	today, newest := health.DateOf(g.Now(), zone), read.newest(request.filter)
	column := make([]figure[daySteps], 0, request.Days.Days())
	for _, date := range request.Days.Each() {
		f := figure[daySteps]{connector: read.plug.Description.ID, name: read.plug.Description.Name}
		switch {
		case !read.linked(request.filter):
			f.presence = health.PresenceNotConnected
		case !read.asked:
			f.presence = health.PresenceUnavailable
		case read.plug.DailySteps == nil:
			g.fromSamples(&f, read, date, zone)
		default:
			fromDay(&f, read, date, request.filter)
		}
		if f.value != nil {
			f.presence = presenceOfValue(f.value.steps, date.Compare(today) >= 0)
		} else if f.presence == "" {
			f.presence = health.PresenceNotSynced
			if newest.After(date.AddDays(1).Start(zone)) {
				f.presence = health.PresenceNoData
			}
		}
		column = append(column, f)
	}
	return column
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
func (g *Gateway) fromSamples(f *figure[daySteps], read StepRead, date health.Date, zone health.TimeZone) {
	tallies := read.tallies[zone.String()]
	day, known := tallies[date]
	f.fetchedAt = day.fetchedAt
	switch {
	case !known && read.failure != nil:
		f.presence = presenceOf(read.failure)
	case tallies == nil && read.tallies != nil: // nobody asked for that zone when the samples were read
		f.presence = health.PresenceUnavailable
	case day.touched:
		f.value = &daySteps{steps: int(math.Round(day.steps)), devices: devicesOf(day.dayTally)}
		f.sources = g.sourcesOf(read)
	}
}

func (g *Gateway) sourcesOf(read StepRead) []health.DataSource {
	var sources []health.DataSource
	for _, source := range read.plug.Description.DataSources {
		sources = append(sources, read.plug.Complete(source))
	}
	return sources
}

// fromDay takes the upstream's own total. One that names revoked sources alone is not shown. One that names none of the
// filtered sources is not theirs; one that names others beside them, or none at all, can't be taken apart.
func fromDay(f *figure[daySteps], read StepRead, date health.Date, filter Filter) {
	result := read.days[date]
	f.fetchedAt = result.fetchedAt
	switch {
	case result.Err != nil && !result.known():
		f.presence = presenceOf(result.Err)
		return
	case result.Total.Steps == nil:
		return
	}
	named := result.Total.DataSources
	if len(named) == 0 {
		named = read.plug.Description.DataSources // it may be any of them
	}
	if !slices.ContainsFunc(named, func(s health.DataSource) bool { return !read.ended[s.ID] }) {
		return
	}
	outside := slices.DeleteFunc(slices.Clone(named), func(s health.DataSource) bool { return filter.Allows(s.ID) })
	if len(outside) == len(named) {
		return // another source's day
	}
	f.value = &daySteps{steps: *result.Total.Steps}
	f.sources, f.outside = result.Total.DataSources, outside
}

// mergedSources lists the sources that keep merged days from being used, by slug.
func mergedSources(column []figure[daySteps]) []string {
	var slugs []string
	for _, f := range column {
		for _, source := range f.outside {
			slugs = append(slugs, string(source.ID))
		}
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
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
			Chosen: i == verdict.chosen, Reason: verdict.reasons[i], Devices: []health.DeviceSteps{}, FetchedAt: known(f.fetchedAt),
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

package gateway

import (
	"slices"
	"strings"

	"healthgraph/health"
)

// figuresOf gives an upstream's say about each day of the request, in order. fill sets the figure of a day that was read, or why it
// has none; presenceOf says what a figure is, on a day that is unfinished or over.
func figuresOf[T any](g *Gateway, request DayRequest, zone health.TimeZone, read reading, fill func(f *figure[T], date health.Date), presenceOf func(value T, unfinished bool) health.Presence) []figure[T] {
	today, newest := health.DateOf(g.Now(), zone), read.newest(request.filter)
	column := make([]figure[T], 0, request.Days.Days())
	for _, date := range request.Days.Each() {
		f := figure[T]{connector: read.plug.Description.ID, name: read.plug.Description.Name}
		switch {
		case !read.linked(request.filter):
			f.presence = health.PresenceNotConnected
		case !read.asked:
			f.presence = health.PresenceUnavailable
		default:
			fill(&f, date)
		}
		switch {
		case f.value != nil:
			f.presence = presenceOf(*f.value, date.Compare(today) >= 0)
		case f.presence == "" && newest.After(date.AddDays(1).Start(zone)):
			f.presence = health.PresenceNoData
		case f.presence == "":
			f.presence = health.PresenceNotSynced
		}
		column = append(column, f)
	}
	return column
}

// takeDay takes the upstream's own figure of a day. One that names revoked sources alone is not shown. One that names none of the
// filtered sources is not theirs; one that names others beside them, or none at all, can't be taken apart.
func takeDay[T any](f *figure[T], read reading, value *T, sources []health.DataSource, err error, filter Filter) {
	switch {
	case err != nil:
		f.presence = presenceOf(err)
		return
	case value == nil:
		return
	}
	named := sources
	if len(named) == 0 {
		named = read.plug.Description.DataSources // it may be any of them
	}
	if !slices.ContainsFunc(named, func(s health.DataSource) bool { return !slices.Contains(read.ended, s.ID) }) {
		return
	}
	outside := slices.DeleteFunc(slices.Clone(named), func(s health.DataSource) bool { return filter.Allows(s.ID) })
	if len(outside) == len(named) {
		return // another source's day
	}
	f.value, f.sources, f.outside = value, sources, outside
}

// sourcesOf are the sources of an upstream that names none for its figures: all that it has.
func (g *Gateway) sourcesOf(read reading) []health.DataSource {
	var sources []health.DataSource
	for _, source := range read.plug.Description.DataSources {
		sources = append(sources, read.plug.Complete(source))
	}
	return sources
}

// chosenAmong is an upstream's column, with what the choice leaves out set aside.
func chosenAmong[T any](request DayRequest, column func(DayRequest) []figure[T]) []figure[T] {
	if request.choice.policy != health.ChooseOnly {
		return column(request)
	}
	only := request
	only.filter = request.choice.only
	return setAside(column(only), column(request))
}

// rowOf is every upstream's say about one day.
func rowOf[T any](columns [][]figure[T], i int) []figure[T] {
	row := make([]figure[T], len(columns))
	for j, column := range columns {
		row[j] = column[i]
	}
	return row
}

// mergedProblem says which sources keep merged days from being used; nil where none does.
func mergedProblem[T any](read reading, column []figure[T]) *health.Problem {
	var slugs []string
	for _, f := range column {
		for _, source := range f.outside {
			slugs = append(slugs, string(source.ID))
		}
	}
	if len(slugs) == 0 {
		return nil
	}
	slices.Sort(slugs)
	return &health.Problem{Code: health.Unsupported, Message: read.plug.Description.Name +
		" merged days with data sources outside the filter, so they can't be told apart: ask for " + strings.Join(slices.Compact(slugs), ", ") + " as well"}
}

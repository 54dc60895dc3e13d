package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Lengths of a page of samples.
const (
	MaxSamples     = 10_000
	DefaultSamples = 100
)

// SampleRequest is what a page of samples is asked for with, checked. Comparable: two that are equal are one read.
type SampleRequest struct {
	Metric string          // as connectors.SampleRequest has it
	Span   health.Interval // in UTC; the samples that touch it
	First  int
	After  health.SamplePlace // the page begins behind it; zero = with the first sample of the span
}

// NewSampleRequest checks the arguments of a connection of samples without any call. A first that is nil is the default.
func NewSampleRequest(metric string, span health.Interval, first *int, after *string) (SampleRequest, error) {
	request := SampleRequest{Metric: metric, Span: health.Interval{Start: span.Start.UTC().Round(0), End: span.End.UTC().Round(0)}, First: DefaultSamples}
	if first != nil {
		request.First = *first
	}
	if request.First < 1 || request.First > MaxSamples {
		return SampleRequest{}, health.Refuse("first", fmt.Sprintf("from 1 to %d, not %d", MaxSamples, request.First))
	}
	if after != nil {
		var err error
		if request.After, err = health.ParseCursor(*after); err != nil {
			return SampleRequest{}, err
		}
	}
	return request, nil
}

// SamplesOfDays is the request for samples that touch the days, as the zone's clocks cut them.
func SamplesOfDays(metric string, days health.DateRange, zone health.TimeZone, first *int, after *string) (SampleRequest, error) {
	return NewSampleRequest(metric, health.Interval{Start: days.From.Start(zone), End: days.To.AddDays(1).Start(zone)}, first, after)
}

// touches says whether a part of the sample lies in the span. One that ends where the span begins does not, unless it is that
// instant.
func (r SampleRequest) touches(s health.Sample) bool {
	return s.Start.Before(r.Span.End) && (s.End.After(r.Span.Start) || s.Start.Equal(r.Span.Start))
}

// SampleRead is what one connector had to say to a SampleRequest.
type SampleRead struct {
	reading
	result connectors.SampleResult
	found  []health.PlacedSample
	more   bool // there are samples behind those found
}

// gathering collects a page from samples that come in order of their starts.
type gathering struct {
	request SampleRequest
	source  *health.DataSource
	found   []health.PlacedSample
}

// add takes what belongs behind the place that the page begins at. Places of samples are known as their starts pass: the page is
// full when it has one sample more than asked for, and samples have come that start after that one.
func (p *gathering) add(samples []health.Sample) (full bool) {
	p.found = slices.Grow(p.found, max(min(len(samples), p.request.First+1-len(p.found)), 0))
	for _, s := range samples {
		if len(p.found) > p.request.First && s.Start.After(p.found[len(p.found)-1].Start) {
			return true
		}
		if !p.request.touches(s) {
			continue
		}
		if place := health.PlaceOf(p.source.ID, s); place.Compare(p.request.After) > 0 {
			p.found = append(p.found, health.PlacedSample{Sample: s, Place: place, DataSource: p.source})
		}
	}
	return false
}

// page puts what was found in order, and cuts it to the length asked for. Of a read that failed it takes what is surely all there is.
func (p *gathering) page(result connectors.SampleResult) (found []health.PlacedSample, more bool) {
	if result.Err != nil {
		p.found = slices.DeleteFunc(p.found, func(s health.PlacedSample) bool { return !s.Start.Before(result.ReadUntil) })
	}
	slices.SortFunc(p.found, func(a, b health.PlacedSample) int { return a.Place.Compare(b.Place) })
	n := min(len(p.found), p.request.First)
	return p.found[:n], len(p.found) > n
}

// ReadSamples reads one connector's page: from the place that it begins at, and no further than it has to. links are all of the
// person's links to it.
func (g *Gateway) ReadSamples(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, request SampleRequest) SampleRead {
	step, _ := g.StepLinks(connector, links, Filter{})
	read := SampleRead{reading: step.reading}
	read.asked = true
	span := request.Span
	if !request.After.IsZero() {
		span.Start = latest(span.Start, request.After.Start())
	}
	if !span.Start.Before(span.End) || span.Start.After(g.Now().Add(14*time.Hour)) {
		return read // nothing can stand behind the place, or has been measured yet
	}
	page := gathering{request: request, source: read.source()}
	read.result = read.plug.Samples.ReadSamples(ctx, g.account(p, read.plug),
		connectors.SampleRequest{Metric: request.Metric, Span: span, Expect: request.First},
		func(samples []health.Sample) (more bool) { return !page.add(samples) })
	read.isAsOldAs(read.result.Age)
	read.found, read.more = page.page(read.result)
	g.failed(ctx, p, &read.reading, read.result.Err)
	read.sawData([]health.DataSource{*page.source}, read.result.Newest)
	g.noteSamples(ctx, p, read, links, request.Metric, span)
	return read
}

// noteSamples remembers how new the newest sample of steps is. A page that is full did not look for all that came since.
func (g *Gateway) noteSamples(ctx context.Context, p *Person, read SampleRead, links []health.DataSourceLink, metric string, span health.Interval) {
	if read.asked = !read.more; read.result.Err == nil && metric == health.StepCountMetric {
		days := health.DateRange{From: health.DateOf(span.Start, health.UTC), To: health.DateOf(span.End.Add(-1), health.UTC)}
		g.noteData(ctx, p, read.reading, links, func(link health.DataSourceLink, now time.Time) bool {
			return g.wasSought(StepRead{reading: read.reading, failure: read.result.Err}, link, days, now)
		})
	}
}

// source is the data source of a connector with samples: its first, where an upstream does not tell several apart.
func (r reading) source() *health.DataSource {
	source := r.plug.Description.DataSources[0]
	return &source
}

// SampleConnectors lists the connectors that have samples of what passes the filter, in order.
func (g *Gateway) SampleConnectors(f Filter) []string {
	return slices.DeleteFunc(g.LinkConnectors(f), func(id string) bool { return g.Registry.Plug(id).Samples == nil })
}

// SamplePage puts together what was read. It calls nobody. A page that a failure ended has a next one, which begins there and tries
// again.
func (g *Gateway) SamplePage(request SampleRequest, filter Filter, reads []SampleRead) health.SamplePage {
	page := health.SamplePage{Samples: []health.PlacedSample{}, Problems: g.withoutSamples(filter), Complete: true}
	more := false
	for _, read := range reads {
		problem, complete := read.sampleProblem(filter, request.Span.End)
		if problem != nil {
			page.Problems = append(page.Problems, *problem)
		}
		page.Complete = page.Complete && complete
		more = more || read.more || !complete
		if len(reads) == 1 && len(read.found) > 0 {
			page.Samples = read.found // shared with aliases, and only read
			break
		}
		page.Samples = append(page.Samples, read.found...)
	}
	if len(reads) > 1 {
		slices.SortFunc(page.Samples, func(a, b health.PlacedSample) int { return a.Place.Compare(b.Place) })
	}
	if len(page.Samples) > request.First {
		page.Samples, more = page.Samples[:request.First], true
	}
	page.PageInfo.HasPreviousPage = !request.After.IsZero()
	if n := len(page.Samples); n > 0 { // without a sample there is no place to go on from
		first, last := page.Samples[0].Cursor(), page.Samples[n-1].Cursor()
		page.PageInfo.HasNextPage, page.PageInfo.StartCursor, page.PageInfo.EndCursor = more, &first, &last
	}
	return page
}

// sampleProblem says what could not be had before the end of the span.
func (r SampleRead) sampleProblem(filter Filter, end time.Time) (problem *health.Problem, complete bool) {
	switch {
	case !r.linked(filter):
		source := r.source()
		return &health.Problem{Code: health.NotConnected, Message: r.plug.Description.Name + ", which samples come from, is not linked", DataSource: source}, true
	case !r.asked:
		return r.down, false
	case r.result.Err != nil && !r.more && r.result.ReadUntil.Before(end):
		return r.problem(r.result.Err), false
	case r.result.Refused > 0:
		return r.problem(r.refusedSamples(r.result.Refused)), true
	}
	return nil, true
}

// withoutSamples tells of upstreams that were asked for by name and have daily totals alone.
func (g *Gateway) withoutSamples(filter Filter) []health.Problem {
	problems := []health.Problem{}
	if filter.sources == nil {
		return problems
	}
	for _, connector := range g.LinkConnectors(filter) {
		plug := g.Registry.Plug(connector)
		if plug.Samples != nil {
			continue
		}
		var with []string
		for _, id := range g.SampleConnectors(Filter{}) {
			with = append(with, g.Registry.Plug(id).Description.Name)
		}
		problems = append(problems, health.Problem{Code: health.Unsupported,
			Message: plug.Description.Name + " has totals of days and no samples; " + strings.Join(with, " and ") + " has samples"})
	}
	return problems
}

// DataSources lists the slugs that the filter lets through, in order; nil where it lets through everything.
func (f Filter) DataSources() []string {
	if f.sources == nil {
		return nil
	}
	var slugs []string
	for id := range f.sources {
		slugs = append(slugs, string(id))
	}
	slices.Sort(slugs)
	return slugs
}

// NotRead is the answer of a connector whose links say that there is nothing to read, or that reading makes no sense.
func NotRead(links StepRead) SampleRead { return SampleRead{reading: links.reading} }

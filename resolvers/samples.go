package resolvers

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/gateway"
	"healthgraph/health"
)

// samplesKey names a page of one person's samples at one connector.
type samplesKey struct {
	linksOf
	request gateway.SampleRequest
}

// withoutDays are the fields of StepCount that need no day to be counted. Pages of samples are read by themselves: a page of a
// hundred is no reason to read a year.
var withoutDays = []string{"__typename", "from", "to", "timeZone", "timeZoneOrigin", "fetchedAt", "samples", "series"}

func selectsDaysOf(operation *graphql.OperationContext, selections ast.SelectionSet) bool {
	return slices.ContainsFunc(graphql.CollectFields(operation, selections, []string{"StepCount"}), func(f graphql.CollectedField) bool {
		return !slices.Contains(withoutDays, f.Name)
	})
}

// selectsDays is selectsDaysOf of the field that is resolved.
func selectsDays(ctx context.Context) bool {
	return selectsDaysOf(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field.Selections)
}

// stepSamples gives a page of the samples behind a count. standard is the length of a page where the caller wrote null.
func (r *Resolver) stepSamples(ctx context.Context, count *health.StepCount, first *int, standard int, after *string) (health.SamplePage, error) {
	if first == nil {
		first = &standard
	}
	request, err := gateway.SamplesOfDays(health.StepCountMetric, health.DateRange{From: count.From, To: count.To}, count.TimeZone, first, after)
	if err != nil {
		return health.SamplePage{}, err
	}
	filter, err := r.Gateway.Filter(ctx, count.DataSources)
	if err != nil {
		return health.SamplePage{}, err
	}
	reads := readsOf(ctx)
	found, err := sideBySide(ctx, r.Gateway.SampleConnectors(filter), func(ctx context.Context, connector string) (gateway.SampleRead, error) {
		return reads.stepSamples(ctx, linksOf{count.User, connector}, filter, health.DateRange{From: count.From, To: count.To}, request)
	})
	if err != nil {
		return health.SamplePage{}, err
	}
	return r.Gateway.SamplePage(request, filter, found), nil
}

// stepSamples cuts the page from the days, where the operation reads them anyway.
func (r *reads) stepSamples(ctx context.Context, of linksOf, filter gateway.Filter, days health.DateRange, request gateway.SampleRequest) (gateway.SampleRead, error) {
	links, err := r.connectorLinks(ctx, of.user, of.connector)()
	if err != nil {
		return gateway.SampleRead{}, err
	}
	read, worthReading := r.gateway.StepLinks(of.connector, links[of.user], filter)
	if !worthReading {
		return gateway.NotRead(read), nil
	}
	daily := dailyOf{of, "stepCount"}
	if planned, foreseen := r.plan().foresees(daily, days); foreseen {
		if read, err = r.steps.Load(ctx, daysKey{daily, planned})(); err != nil {
			return gateway.SampleRead{}, err
		}
		return read.Samples(request), nil
	}
	return r.samples.Load(ctx, samplesKey{of, request})()
}

func (r *reads) readSamples(ctx context.Context, key samplesKey) (gateway.SampleRead, error) {
	links, err := r.connectorLinks(ctx, key.user, key.connector)()
	if err != nil {
		return gateway.SampleRead{}, err
	}
	person, err := r.person(ctx, key.user)
	if err != nil {
		return gateway.SampleRead{}, err
	}
	return r.gateway.ReadSamples(ctx, person, key.connector, links[key.user], key.request), nil
}

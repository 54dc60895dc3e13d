package limits

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/health"
)

// The units of cost. An upstream call is what takes time and what the upstreams ration; the rest is work of this process and
// the length of the answer.
const (
	valueCost         = 1   // a scalar of the answer
	objectCost        = 1   // an object of the answer, beside its fields
	introspectionCost = 100 // __schema or __type, whatever is selected: it is read from memory, and validation keeps it shallow
	databaseCost      = 10
	valuesAtOnce      = 10  // values of a column that cost as much as one by itself
	callCost          = 100 // of an upstream
)

// How long lists are taken to be where no argument says so. They need not be exact: they are to tell a page from a flood.
const (
	sources   = 12 // data sources of the catalogue, and so links of a person
	upstreams = 2
	few       = 3 // data sources of one figure, capabilities, scopes, problems
	mostDays  = 1830
	metrics   = 120
)

// Of samples, whose number no argument tells.
const (
	mostStatisticsDays = 3660
	daysOfPage         = 30 // as many as fill a page of an upstream where a device measures every few minutes
)

// price is what a field costs: own once, and each of its count elements (1 where it is no list) what is selected of it. size is
// handed to the fields of its elements, for lists whose length was decided above them.
type price struct {
	own, count, size int
}

// prices has every field that reads something or is a list, as "Type.field", with its arguments and the size of the object that
// it is a field of. A test compares it with the schema and the resolvers: a field that is missing here fails it.
var prices = map[string]func(a arguments, size int) price{
	"Query.viewer":                   free,
	"Query.user":                     free,
	"Query.users":                    ids,
	"Query.node":                     ids,
	"Query.nodes":                    ids,
	"Query.dataSources":              listOf(sources),
	"Query.connections":              connections,
	"Subscription.connectionChanged": connections,
	"Query.authorizationUrl":         calls(1),
	"Query.stepCount":                stepCount,
	"Query.sleep":                    stepCount,
	"Query.accessLog":                accessLog,
	"Query.metrics":                  listOf(metrics),
	"Query.quantity":                 samples(100),
	"Query.quantityStatistics":       quantityStatistics,

	"User.connections":                connections,
	"User.authorizationUrl":           calls(1),
	"User.stepCount":                  stepCount,
	"User.sleep":                      stepCount,
	"User.accessLog":                  accessLog,
	"User.quantity":                   samples(100),
	"User.quantityStatistics":         quantityStatistics,
	"DataSourceLink.authorizationUrl": calls(1),
	"DataSourceLink.scopesGranted":    listOf(few),
	"DataSourceLink.scopesMissing":    listOf(few),
	"DataSource.capabilities":         listOf(few),

	"StepCount.days":            listAsLongAsDecidedAbove,
	"StepCount.problems":        listOf(few),
	"StepCount.samples":         samples(100),
	"StepCount.series":          samples(10_000),
	"DailySteps.dataSources":    listOf(few),
	"DailySteps.candidates":     listOf(upstreams),
	"StepCandidate.dataSources": listOf(few),
	"StepCandidate.devices":     listOf(few),

	"Metric.units":                listOf(few),
	"QuantityStatistics.periods":  listAsLongAsDecidedAbove,
	"QuantityStatistics.problems": listOf(few),
	"QuantityPeriod.dataSources":  listOf(few),

	"QuantitySampleConnection.edges":    listAsLongAsDecidedAbove,
	"QuantitySampleConnection.nodes":    listAsLongAsDecidedAbove,
	"QuantitySampleConnection.series":   asLongAsDecidedAbove,
	"QuantitySeries.starts":             column,
	"QuantitySeries.ends":               column,
	"QuantitySeries.values":             column,
	"QuantitySeries.devices":            column,
	"QuantitySampleConnection.problems": listOf(few),

	"StepSampleConnection.edges":    listAsLongAsDecidedAbove,
	"StepSampleConnection.nodes":    listAsLongAsDecidedAbove,
	"StepSampleConnection.problems": listOf(few),
	"StepSeries.starts":             column,
	"StepSeries.ends":               column,
	"StepSeries.values":             column,
	"StepSeries.devices":            column,
	"StepSeries.problems":           listOf(few),
	"Sleep.days":                    listAsLongAsDecidedAbove,
	"Sleep.problems":                listOf(few),
	"DailySleep.dataSources":        listOf(few),
	"DailySleep.candidates":         listOf(upstreams),
	"SleepCandidate.dataSources":    listOf(few),
	"SleepFigure.sessions":          listOf(few),
	"SleepSession.devices":          listOf(few),

	"AccessLogConnection.edges": listAsLongAsDecidedAbove,
	"AccessLogConnection.nodes": listAsLongAsDecidedAbove,

	"Mutation.completeAuthorization": calls(3), // the exchange, the profile, the links

	"Mutation.linkPersonalAccessToken":    calls(3),               // the exchange, the profile, the links
	"Mutation.revoke":                     calls(3),               // the links where none are kept, the revocation, the links
	"Mutation.revokeAll":                  calls(sources + 2*few), // a revocation for each, the links
	"Mutation.eraseUser":                  calls(sources + 2*few),
	"CompleteAuthorizationPayload.link":   free,
	"LinkPersonalAccessTokenPayload.link": free,
	"RevokePayload.link":                  free,
	"RevokeAllPayload.results":            listOf(sources),
	"EraseUserPayload.results":            listOf(sources),
}

func free(arguments, int) price { return price{count: 1, size: 1} }

func calls(n int) func(arguments, int) price {
	return func(arguments, int) price { return price{own: n * callCost, count: 1, size: 1} }
}

func listOf(n int) func(arguments, int) price {
	return func(arguments, int) price { return price{count: n, size: 1} }
}

// asLongAsDecidedAbove is an object that hands the size on to its own lists.
func asLongAsDecidedAbove(_ arguments, size int) price { return price{count: 1, size: size} }

func listAsLongAsDecidedAbove(_ arguments, size int) price { return price{count: size, size: 1} }

// arguments are a field's, with variables in place.
type arguments map[string]any

// number is an Int. Those of variables have been coerced by now, and have the type of those in a document.
func (a arguments) number(name string) (int, bool) {
	n, ok := a[name].(int64)
	return int(n), ok
}

// ids are people and links. A link is found among those of its person at its upstream.
func ids(a arguments, _ int) price {
	given := graphql.CoerceList(a["ids"])
	if id, one := a["id"]; one {
		given = []any{id}
	}
	links := 0
	for _, id := range given {
		if text, ok := id.(string); ok && strings.HasPrefix(text, health.LinkIDPrefix) {
			links++
		}
	}
	return price{own: times(links, callCost), count: len(given), size: 1}
}

// connections is a call to the upstream that keeps lists of links, and a link for each data source.
func connections(a arguments, _ int) price {
	links := sources
	if a["dataSources"] != nil {
		links = len(graphql.CoerceList(a["dataSources"]))
	}
	return price{own: callCost, count: links, size: 1}
}

// stepCount is a call for each day where the upstream answers days, and some for the links, the profile or zone, the pages of
// samples and a renewal. What is refused before any call, such as more days than a field takes, costs no more than the longest range.
func stepCount(a arguments, _ int) price {
	days := 1
	var from, to health.Date
	if from.UnmarshalGQL(a["from"]) == nil && to.UnmarshalGQL(a["to"]) == nil {
		days = min(max(from.DaysUntil(to)+1, 1), mostDays)
	}
	return price{own: (days + 4) * callCost, count: 1, size: days}
}

// accessLog is a page of at most 100 entries.
func accessLog(a arguments, _ int) price {
	const standard, longest = 50, 100
	first := standard
	if n, ok := a.number("first"); ok {
		first = min(max(n, 1), longest)
	}
	return price{own: databaseCost, count: 1, size: first}
}

// quantityStatistics is a call for each page of samples, and some for the links, the profile and a renewal.
func quantityStatistics(a arguments, _ int) price {
	days := 1
	var from, to health.Date
	if from.UnmarshalGQL(a["from"]) == nil && to.UnmarshalGQL(a["to"]) == nil {
		days = min(max(from.DaysUntil(to)+1, 1), mostStatisticsDays)
	}
	periods := days
	switch a["period"] {
	case "WEEK":
		periods = days/7 + 2
	case "MONTH":
		periods = days/28 + 2
	}
	return price{own: (4 + days/daysOfPage) * callCost, count: 1, size: periods}
}

// samples is a page of at most 10,000 samples, for which an upstream is asked once or a few times.
func samples(standard int) func(arguments, int) price {
	const longest = 10_000
	return func(a arguments, _ int) price {
		first := standard
		if n, ok := a.number("first"); ok {
			first = min(max(n, 1), longest)
		}
		return price{own: callCost, count: 1, size: first}
	}
}

// column is a list of values that are written at once.
func column(_ arguments, size int) price { return price{own: size / valuesAtOnce, count: 1, size: 1} }

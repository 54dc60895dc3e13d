package projection_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"healthgraph/health"
	"healthgraph/projection"
)

// everyField selects all that a quantity's connection has.
const everyField = `{ __typename metric { name title kind averaging unit units } unit edges { cursor node { value } }
	nodes { __typename start end value unit device dataSource { id } } series { __typename starts ends values devices }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } problems { code message } complete }`

func projectQuantity(t *testing.T, c projection.QuantityConnection) string {
	t.Helper()
	query, err := parser.ParseQuery(&ast.Source{Input: `{ quantity(metric: "x", from: "2026-03-28T00:00:00Z", to: "2026-03-29T00:00:00Z") ` + everyField + ` }`})
	require.NoError(t, err)
	require.Empty(t, validator.ValidateWithRules(schema, query, rules.NewDefaultRules()))
	field, _ := query.Operations[0].SelectionSet[0].(*ast.Field)
	ctx := graphql.WithOperationContext(context.Background(), &graphql.OperationContext{Doc: query, Operation: query.Operations[0]})
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Field: graphql.CollectedField{Field: field, Selections: field.SelectionSet}})
	var b bytes.Buffer
	require.NoError(t, c.MarshalGQLContext(ctx, &b))
	return b.String()
}

func TestAPageOfAQuantityIsWrittenWhole(t *testing.T) {
	start := time.Date(2026, 3, 28, 8, 0, 0, 0, time.UTC)
	source := &health.DataSource{ID: "onetwentyone"}
	placed := func(unit health.Unit, device string) health.PlacedSample {
		s := health.Sample{ID: "1", Start: start, End: start.Add(time.Second), Value: 61.5, Unit: unit, Device: device}
		return health.PlacedSample{Sample: s, Place: health.PlaceOf(source.ID, s), DataSource: source}
	}
	write := func(unit, device string) string {
		return fmt.Sprintf(`{"__typename":"QuantitySample","start":"2026-03-28T08:00:00Z","end":"2026-03-28T08:00:01Z","value":61.5,"unit":%s,"device":%s,"dataSource":{"id":"onetwentyone"}}`, unit, device)
	}
	edge := fmt.Sprintf(`"edges":[{"cursor":%q,"node":{"value":61.5}}]`, placed("", "").Cursor())
	const rest = `"pageInfo":{"hasNextPage":false,"hasPreviousPage":false,"startCursor":null,"endCursor":null},"problems":[],"complete":true}`

	heartRate, err := health.ParseMetric("heartRate")
	require.NoError(t, err)
	unit := health.UnitPerMinute
	assert.Equal(t, `{"__typename":"QuantitySampleConnection","metric":{"name":"heartRate","title":"Heart rate","kind":"DISCRETE","averaging":"TIME_WEIGHTED","unit":"/min","units":["/min","/s"]},"unit":"/min",`+
		edge+`,"nodes":[`+write(`"/min"`, `"Anna's \"watch\""`)+`],"series":{"__typename":"QuantitySeries","starts":[1774684800000],"ends":[1774684801000],"values":[61.5],"devices":["Anna's \"watch\""]},`+rest,
		projectQuantity(t, projection.QuantityConnection{Metric: heartRate, Unit: &unit, SamplePage: health.SamplePage{Samples: []health.PlacedSample{placed(unit, `Anna's "watch"`)}, Complete: true}}))

	future, err := health.ParseMetric("appleFutureMetric")
	require.NoError(t, err)
	assert.Equal(t, `{"__typename":"QuantitySampleConnection","metric":{"name":"appleFutureMetric","title":"appleFutureMetric","kind":"UNKNOWN","averaging":null,"unit":null,"units":[]},"unit":null,`+
		edge+`,"nodes":[`+write(`null`, `null`)+`],"series":null,`+rest,
		projectQuantity(t, projection.QuantityConnection{Metric: future, SamplePage: health.SamplePage{Samples: []health.PlacedSample{placed("", "")}, Complete: true}}))
}

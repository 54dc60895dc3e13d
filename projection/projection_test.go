package projection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
	"pgregory.net/rapid"

	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

var schema = graph.NewExecutableSchema(graph.Config{}).Schema()

// operationOf is `{ stepCount(…) { samples SELECTION } }` with the fragments behind it, valid, and the field samples of it.
func operationOf(t require.TestingT, selection string, variables map[string]any) (*graphql.OperationContext, *ast.Field) {
	return operationOn(t, "samples", selection, variables)
}

// operationOn is the same of another field.
func operationOn(t require.TestingT, name, selection string, variables map[string]any) (*graphql.OperationContext, *ast.Field) {
	query, err := parser.ParseQuery(&ast.Source{Input: `query($yes: Boolean = true, $no: Boolean = false) { uses: viewer @include(if: $yes) @skip(if: $no) { id } ` +
		`stepCount(from: "2026-03-28", to: "2026-03-28") { ` + name + ` ` + selection})
	require.NoError(t, err, selection)
	failures := validator.ValidateWithRules(schema, query, rules.NewDefaultRules())
	require.Empty(t, failures, selection)
	values, err := validator.VariableValues(schema, query.Operations[0], variables)
	require.NoError(t, err)
	operation := &graphql.OperationContext{Doc: query, Operation: query.Operations[0], Variables: values}
	count, _ := query.Operations[0].SelectionSet[1].(*ast.Field)
	samples, _ := count.SelectionSet[0].(*ast.Field)
	return operation, samples
}

// project is what the connection writes for the field, as gqlgen has it write.
func project(operation *graphql.OperationContext, field *ast.Field, connection projection.SampleConnection, w io.Writer) error {
	ctx := graphql.WithOperationContext(context.Background(), operation)
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Field: graphql.CollectedField{Field: field, Selections: field.SelectionSet}})
	return connection.MarshalGQLContext(ctx, w)
}

// object is a value as the reference sees it: scalars, objects and lists of objects by the schema's names.
type object map[string]any

// reference executes a selection as the GraphQL specification words it (CollectFields, MergeSelectionSets), field by field, and
// writes the answer with encoding/json. It has nothing in common with what it is compared to.
type reference struct {
	document  *ast.QueryDocument
	variables map[string]any
}

func (r reference) execute(typeName string, sets []ast.SelectionSet, value object) string {
	var keys []string
	fields := map[string][]*ast.Field{}
	visited := map[string]bool{}
	var collect func(set ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				if r.included(s.Directives) {
					if fields[s.Alias] == nil {
						keys = append(keys, s.Alias)
					}
					fields[s.Alias] = append(fields[s.Alias], s)
				}
			case *ast.InlineFragment:
				if r.included(s.Directives) && (s.TypeCondition == "" || s.TypeCondition == typeName) {
					collect(s.SelectionSet)
				}
			case *ast.FragmentSpread:
				if r.included(s.Directives) && !visited[s.Name] {
					visited[s.Name] = true
					collect(r.document.Fragments.ForName(s.Name).SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		collect(set)
	}
	var b strings.Builder
	for i, key := range keys {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&b, "%q:%s", key, r.field(typeName, fields[key], value))
	}
	if len(keys) == 0 {
		return "{}"
	}
	return b.String() + "}"
}

func (r reference) field(typeName string, merged []*ast.Field, of object) string {
	field := merged[0]
	if field.Name == "__typename" {
		return `"` + typeName + `"`
	}
	sets := make([]ast.SelectionSet, len(merged))
	for i, f := range merged {
		sets[i] = f.SelectionSet
	}
	inner := field.Definition.Type.Name()
	switch value := of[field.Name].(type) {
	case object:
		return r.execute(inner, sets, value)
	case []object:
		parts := make([]string, len(value))
		for i, element := range value {
			parts[i] = r.execute(inner, sets, element)
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(value)
		return strings.TrimSpace(b.String())
	}
}

func (r reference) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		value, _ := d.Arguments.ForName("if").Value.Value(r.variables)
		if value == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// connectionAndItsObject are the same page twice.
func connectionAndItsObject(t *rapid.T) (projection.SampleConnection, object) {
	logo, wait, cursor := health.URL("https://logo.example/?a=1&b=<2>"), health.Duration(90*time.Second), "c-1"
	sources := []health.DataSource{
		{ID: "onetwentyone", Name: `One "Twenty" \ One`, Connector: "onetwentyone", Kind: health.KindBrowser, Capabilities: []health.Capability{health.CapabilityRevoke, health.CapabilityStepCount}, LogoURL: &logo},
		{ID: "other", Name: "Ünïcode \u2028 \x01\n😀", Connector: "other", Kind: health.KindSDK},
	}
	asObject := func(d health.DataSource) object {
		o := object{"id": d.ID, "name": d.Name, "connector": d.Connector, "kind": d.Kind, "capabilities": []any{}, "logoUrl": nil}
		if d.LogoURL != nil {
			o["logoUrl"], o["capabilities"] = *d.LogoURL, d.Capabilities
		}
		return o
	}
	c := projection.SampleConnection{SamplePage: health.SamplePage{Complete: rapid.Bool().Draw(t, "complete")}}
	c.PageInfo = health.PageInfo{HasNextPage: rapid.Bool().Draw(t, "more")}
	info := object{"hasNextPage": c.PageInfo.HasNextPage, "hasPreviousPage": false, "startCursor": nil, "endCursor": nil}
	if rapid.Bool().Draw(t, "cursors") {
		c.PageInfo.EndCursor, info["endCursor"] = &cursor, cursor
	}
	o := object{"complete": c.Complete, "pageInfo": info, "problems": []object{}, "nodes": []object{}, "edges": []object{}}
	nodes, edges, problems := []object{}, []object{}, []object{}
	for i := range rapid.IntRange(0, 3).Draw(t, "samples") {
		start := time.Date(2026, 3, 28, 1, i, 0, 250*i*1e6, time.UTC)
		s := health.Sample{ID: fmt.Sprint(i), Start: start, End: start.Add(time.Minute), Value: rapid.Float64().Draw(t, "value"), Unit: "count"}
		node := object{"start": s.Start, "end": s.End, "value": s.Value, "unit": "count", "device": nil, "dataSource": asObject(sources[i%2])}
		if i > 0 {
			s.Device = "Anna's \"watch\""
			node["device"] = s.Device
		}
		placed := health.PlacedSample{Sample: s, Place: health.PlaceOf("onetwentyone", s), DataSource: &sources[i%2]}
		c.Samples = append(c.Samples, placed)
		nodes, edges = append(nodes, node), append(edges, object{"cursor": placed.Cursor(), "node": node})
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "problems") {
		p := health.Problem{Code: health.RateLimited, Message: "wait"}
		po := object{"code": p.Code, "message": p.Message, "dataSource": nil, "retryAfter": nil, "authorizationUrl": nil}
		if i > 0 {
			p.DataSource, p.RetryAfter, p.AuthorizationURL = &sources[0], &wait, &logo
			po["dataSource"], po["retryAfter"], po["authorizationUrl"] = asObject(sources[0]), "PT1M30S", logo
		}
		c.Problems, problems = append(c.Problems, p), append(problems, po)
	}
	o["nodes"], o["edges"], o["problems"] = nodes, edges, problems
	return c, o
}

// selections writes random valid selections.
type selections struct {
	t         *rapid.T
	fragments strings.Builder
	named     map[string][]string // fragments by type
}

func (s *selections) directives() string {
	return rapid.SampledFrom([]string{"", "", "", "", "", " @include(if: $yes)", " @include(if: $no)", " @skip(if: $no)", " @skip(if: true)", " @skip(if: false) @include(if: $yes)"}).Draw(s.t, "directive")
}

func (s *selections) of(typeName string, depth int) string {
	definition := schema.Types[typeName]
	var b strings.Builder
	b.WriteString("{ __typename" + s.directives() + " ")
	for range rapid.IntRange(1, 6).Draw(s.t, "fields") {
		switch kind := rapid.IntRange(0, 9).Draw(s.t, "kind"); {
		case kind == 0 && depth > 0:
			fmt.Fprintf(&b, "... on %s%s %s ", typeName, s.directives(), s.of(typeName, depth-1))
		case kind == 1 && depth > 0:
			fmt.Fprintf(&b, "...%s %s ", s.directives(), s.of(typeName, depth-1))
		case kind == 2 && depth > 0:
			name := fmt.Sprintf("F%d", s.fragments.Len())
			body := s.of(typeName, depth-1)
			name += fmt.Sprintf("x%d", s.fragments.Len())
			fmt.Fprintf(&s.fragments, " fragment %s on %s %s", name, typeName, body)
			s.named[typeName] = append(s.named[typeName], name)
			fmt.Fprintf(&b, "...%s%s ", name, s.directives())
		case kind == 3 && len(s.named[typeName]) > 0:
			fmt.Fprintf(&b, "...%s%s ", rapid.SampledFrom(s.named[typeName]).Draw(s.t, "spread"), s.directives())
		default:
			field := rapid.SampledFrom(definition.Fields).Draw(s.t, "field")
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			alias := rapid.SampledFrom([]string{"", field.Name + "_1: ", "a" + field.Name + ": "}).Draw(s.t, "alias")
			fmt.Fprintf(&b, "%s%s%s ", alias, field.Name, s.directives())
			if schema.Types[field.Type.Name()].IsCompositeType() {
				b.WriteString(s.of(field.Type.Name(), max(depth-1, 0)) + " ")
			}
		}
	}
	return b.String() + "}"
}

// Whatever is selected, the answer is the one that the specification asks for, byte by byte apart from how numbers are spelled.
func TestAProjectionIsTheAnswerOfTheSpecification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := selections{t: t, named: map[string][]string{}}
		selection := s.of("StepSampleConnection", 3) + " } }" + s.fragments.String()
		operation, field := operationOf(t, selection, nil)
		connection, same := connectionAndItsObject(t)
		want := reference{operation.Doc, operation.Variables}.execute("StepSampleConnection", []ast.SelectionSet{field.SelectionSet}, same)
		var got bytes.Buffer
		require.NoError(t, project(operation, field, connection, &got))
		require.True(t, json.Valid(got.Bytes()), got.String())
		require.Equal(t, normal(t, want), normal(t, got.String()), selection)
	})
}

// normal is the JSON with its numbers and texts spelled in one way, its keys in their order.
func normal(t require.TestingT, text string) (tokens []any) {
	decoder := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return tokens
		}
		require.NoError(t, err, text)
		tokens = append(tokens, token)
	}
}

// Each described type has the fields of its type in the schema, without arguments, and none of the types implements an interface, but
// for links, which are looked at in links_test.go.
func TestEveryFieldOfTheSchemaIsDescribed(t *testing.T) {
	for typeName, described := range projection.Described() {
		definition := schema.Types[typeName]
		require.NotNil(t, definition, typeName)
		isLink := typeName == "DataSourceLink"
		assert.Equal(t, isLink, len(definition.Interfaces) > 0, typeName)
		var names []string
		for _, field := range definition.Fields {
			if !strings.HasPrefix(field.Name, "__") {
				names = append(names, field.Name)
			}
			assert.Equal(t, isLink && field.Name == "authorizationUrl", len(field.Arguments) > 0, typeName+"."+field.Name)
		}
		assert.ElementsMatch(t, names, described, typeName)
	}
}

func pageOf(n int) projection.SampleConnection {
	source := &health.DataSource{ID: "onetwentyone"}
	c := projection.SampleConnection{SamplePage: health.SamplePage{Complete: true}}
	for i := range n {
		start := time.Date(2026, 3, 28, 0, 0, i, 0, time.UTC)
		s := health.Sample{ID: fmt.Sprint(i), Start: start, End: start.Add(time.Second), Value: float64(i) / 4, Unit: "count", Device: []string{"phone", "watch"}[i%2]}
		c.Samples = append(c.Samples, health.PlacedSample{Sample: s, Place: health.PlaceOf(source.ID, s), DataSource: source})
	}
	return c
}

const nodes = `{ nodes { start end value } } } }`

// stub answers stepCount, samples and series with a page, whatever they are asked with.
type stub struct {
	graph.ResolverRoot
	page projection.SampleConnection
}

type (
	stubQuery struct {
		graph.QueryResolver
		stub
	}
	stubCount struct {
		graph.StepCountResolver
		stub
	}
)

func (s stub) Query() graph.QueryResolver         { return stubQuery{stub: s} }
func (s stub) StepCount() graph.StepCountResolver { return stubCount{stub: s} }

func (stubQuery) StepCount(context.Context, *string, health.Date, health.Date, *health.TimeZone, []string, *health.ChoiceInput, *health.Duration) (*health.StepCount, error) {
	return &health.StepCount{}, nil
}

func (s stubCount) Samples(context.Context, *health.StepCount, *int, *string) (*projection.SampleConnection, error) {
	return &s.page, nil
}

func (s stubCount) Series(context.Context, *health.StepCount, *int, *string) (*health.SampleSeries, error) {
	series := s.page.Series(health.UnitCount)
	return &series, nil
}

// execute is all that the GraphQL layer does of an operation, but for parsing and for what is around the answer.
func execute(t testing.TB, page projection.SampleConnection, selection string) func() *graphql.Response {
	t.Helper()
	runner := executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: stub{page: page}}))
	runner.SetQueryCache(lru.New[*ast.QueryDocument](1))
	return func() *graphql.Response {
		ctx := graphql.StartOperationTrace(context.Background())
		operation, failures := runner.CreateOperationContext(ctx, &graphql.RawParams{Query: `{ stepCount(from: "2026-03-28", to: "2026-03-28") ` + selection + ` }`})
		if failures != nil {
			return &graphql.Response{Errors: failures}
		}
		respond, ctx := runner.DispatchOperation(ctx, operation)
		return respond(ctx)
	}
}

const (
	asObjects = `{ samples(first: 10000) { edges { cursor node { device } } nodes { start end value unit dataSource { id name } } pageInfo { hasNextPage endCursor } complete problems { code } } }`
	asColumns = `{ series(first: 10000) { starts ends values devices unit pageInfo { hasNextPage endCursor } complete problems { code } } }`
)

func TestTenThousandSamplesCostFewAllocations(t *testing.T) {
	for name, selection := range map[string]string{"as objects": asObjects, "in columns": asColumns} {
		t.Run(name, func(t *testing.T) {
			run := execute(t, pageOf(10_000), selection)
			response := run()
			require.Empty(t, response.Errors)
			require.Greater(t, len(response.Data), 100_000)
			allocations := testing.AllocsPerRun(5, func() { run() })
			t.Logf("%.0f allocations", allocations)
			assert.Less(t, allocations, 1000.0)
		})
	}
}

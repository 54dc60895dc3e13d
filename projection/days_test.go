package projection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"healthgraph/health"
	"healthgraph/projection"
)

// fewDays are days of which each field is null or empty in one and is not in another, and the same as objects.
func fewDays() (days []health.DailySteps, same []object) {
	steps, read, watch := 12_345, time.Date(2026, 3, 29, 1, 2, 3, 456_000, time.UTC), "Anna's \"watch\""
	source := health.DataSource{ID: "oura", Name: "Oura", Connector: "rook", Kind: health.KindBrowser}
	asObject := object{"id": source.ID, "name": source.Name, "connector": "rook", "kind": source.Kind, "capabilities": []any{}, "logoUrl": nil}
	candidates := []health.StepCandidate{
		{Connector: "rook", ConnectorName: "ROOK", DataSources: []health.DataSource{source}, Steps: &steps, Presence: health.PresenceValue, Chosen: true, Reason: "CHOSEN", FetchedAt: &read},
		{Connector: "onetwentyone", ConnectorName: "OneTwentyOne", Presence: health.PresenceUnavailable, Reason: "NO_FIGURE", Devices: []health.DeviceSteps{{Name: &watch, Recorded: 5, Counted: 0}, {Recorded: 1 << 40, Counted: -1}}},
	}
	days = []health.DailySteps{
		{Date: health.Date{Year: 2026, Month: 3, Day: 28}, Steps: &steps, Presence: health.PresenceValue, DataSources: []health.DataSource{source, source}, Candidates: candidates},
		{Date: health.Date{Year: 2026, Month: 3, Day: 29}, Presence: health.PresenceUnavailable},
	}
	both := []object{
		{
			"connector": "rook", "dataSources": []object{asObject}, "steps": steps, "presence": health.PresenceValue, "chosen": true, "reason": "CHOSEN",
			"fetchedAt": read, "devices": []object{},
		},
		{
			"connector": "onetwentyone", "dataSources": []object{}, "steps": nil, "presence": health.PresenceUnavailable, "chosen": false, "reason": "NO_FIGURE",
			"fetchedAt": nil, "devices": []object{{"name": watch, "recorded": 5, "counted": 0}, {"name": nil, "recorded": 1 << 40, "counted": -1}},
		},
	}
	same = []object{
		{"date": "2026-03-28", "steps": steps, "presence": health.PresenceValue, "dataSources": []object{asObject, asObject}, "candidates": both, "explanation": days[0].Explanation()},
		{"date": "2026-03-29", "steps": nil, "presence": health.PresenceUnavailable, "dataSources": []object{}, "candidates": []object{}, "explanation": days[1].Explanation()},
	}
	return days, same
}

func projectDays(t require.TestingT, operation *graphql.OperationContext, field *ast.Field, days []health.DailySteps) (written []string) {
	ctx := graphql.WithOperationContext(context.Background(), operation)
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Field: graphql.CollectedField{Field: field, Selections: field.SelectionSet}})
	var list graphql.Array
	for _, day := range projection.Days(ctx, days) {
		list = append(list, graphql.WrapContextMarshaler(ctx, day))
	}
	var b bytes.Buffer
	list.MarshalGQL(&b)
	var each []json.RawMessage
	require.NoError(t, json.Unmarshal(b.Bytes(), &each))
	for _, day := range each {
		written = append(written, string(day))
	}
	return written
}

// Whatever is selected of days, the answer is the one that the specification asks for.
func TestDaysAreTheAnswerOfTheSpecification(t *testing.T) {
	days, same := fewDays()
	rapid.Check(t, func(t *rapid.T) {
		s := selections{t: t, named: map[string][]string{}}
		operation, field := operationOn(t, "days", s.of("DailySteps", 3)+" } }"+s.fragments.String(), nil)
		written := projectDays(t, operation, field, days)
		require.Len(t, written, len(days))
		for i, got := range written {
			want := reference{operation.Doc, operation.Variables}.execute("DailySteps", []ast.SelectionSet{field.SelectionSet}, same[i])
			require.Equal(t, normal(t, want), normal(t, got))
		}
	})
}

func TestNoDaysAreAnEmptyList(t *testing.T) {
	operation, field := operationOn(t, "days", `{ date } } }`, nil)
	require.Empty(t, projectDays(t, operation, field, nil))
	require.NotNil(t, projection.Days(t.Context(), nil), "which is not null")
}

func BenchmarkDays(b *testing.B) {
	for _, n := range []int{200, 400, 800, 1600} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			two, _ := fewDays()
			days := make([]health.DailySteps, n)
			for i := range days {
				days[i] = two[i%2]
			}
			operation, field := operationOn(b, "days", `{ date steps presence candidates { connector steps reason } } } }`, nil)
			b.ReportAllocs()
			for b.Loop() {
				projectDays(b, operation, field, days)
			}
		})
	}
}

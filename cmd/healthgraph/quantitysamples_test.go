package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
)

// quantityPage is an answer of quantity.
type quantityPage struct {
	Metric struct {
		Name, Kind string
		Unit       *string
		Units      []string
	}
	Unit  *string
	Edges []struct{ Cursor string }
	Nodes []struct {
		Start, End   time.Time
		Value        float64
		Unit, Device *string
		DataSource   source
	}
	Series *struct {
		Starts, Ends []int64
		Values       []float64
		Devices      []*string
	}
	PageInfo struct {
		HasNextPage bool
		EndCursor   *string
	}
	Problems []problem
	Complete bool
}

const quantityFields = `{ metric { name kind unit units } unit edges { cursor } nodes { start end value unit device dataSource { id } }
	series { starts ends values devices } pageInfo { hasNextPage endCursor } problems { code message authorizationUrl } complete }`

func (w *world) quantity(user, arguments string) quantityPage {
	w.t.Helper()
	var data struct{ Quantity quantityPage }
	w.ask(w.token(user), `{ quantity(`+arguments+`) `+quantityFields+` }`, nil).into(&data)
	return data.Quantity
}

func TestSamplesOfAMetricAreAConnectionWithTheirUnit(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.measured("Europe/Paris", "bodyMass", sample("2026-04-09T06:00:00Z", "2026-04-09T06:00:00Z", 70.5, "scale"),
		sample("2026-04-10T06:00:00Z", "2026-04-10T06:00:00Z", 70, "scale"), sample("2026-04-11T06:00:00Z", "2026-04-11T06:00:00Z", 69.5, ""))
	got := w.quantity("w", `metric: "bodyMass", from: "2026-04-10T08:00:00+02:00", to: "2026-04-12T00:00:00Z"`)
	assert.Equal(t, "DISCRETE", got.Metric.Kind)
	require.Len(t, got.Nodes, 2, "from included")
	first := got.Nodes[0]
	assert.Equal(t, []any{70.0, "kg", "scale", "onetwentyone", time.Date(2026, 4, 10, 6, 0, 0, 0, time.UTC)}, []any{first.Value, *first.Unit, *first.Device, first.DataSource.ID, first.Start})
	assert.Nil(t, got.Nodes[1].Device)
	assert.Equal(t, []float64{70, 69.5}, got.Series.Values)
	assert.Equal(t, first.Start.UnixMilli(), got.Series.Starts[0])
	assert.Equal(t, "kg", *got.Unit)
	assert.True(t, got.Complete && !got.PageInfo.HasNextPage)

	pounds := w.quantity("w", `metric: "bodyMass", from: "2026-04-10T00:00:00Z", to: "2026-04-11T06:00:00Z", unit: "[lb_av]"`)
	require.Len(t, pounds.Nodes, 1, "to excluded")
	assert.Equal(t, []any{154.323583529, "[lb_av]", "[lb_av]", []float64{154.323583529}}, []any{pounds.Nodes[0].Value, *pounds.Nodes[0].Unit, *pounds.Unit, pounds.Series.Values})
}

// Fields that share a read do not share their units.
func TestAliasesInSeveralUnitsEachHaveTheirOwn(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.measured("UTC", "bodyMass", sample("2026-04-10T06:00:00Z", "2026-04-10T06:00:00Z", 70, "scale"))
	const span = `quantity(metric: "bodyMass", from: "2026-04-10T00:00:00Z", to: "2026-04-11T00:00:00Z"`
	var data map[string]quantityPage
	w.ask(w.token("w"), `{ own: `+span+`) { nodes { value unit } } g: `+span+`, unit: "g") { nodes { value unit } }
		again: `+span+`, unit: "g") { nodes { value unit } } lb: `+span+`, unit: "[lb_av]") { nodes { value unit } } }`, nil).into(&data)
	for alias, want := range map[string]string{"own": "70 kg", "g": "70000 g", "again": "70000 g", "lb": "154.323583529 [lb_av]"} {
		node := data[alias].Nodes[0]
		assert.Equal(t, want, fmt.Sprint(node.Value, " ", *node.Unit), alias)
	}
	assert.Equal(t, map[string]int{"onetwentyone.quantity": 1}, w.calls())
}

func TestPagesOfAMetricCoverItOnceWhileSamplesArrive(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const span = `metric: "heartRate", from: "2026-03-01T00:00:00Z", to: "2026-04-14T22:00:00Z"`
	all := w.quantity("demo", span+`, first: 10000`)
	require.Greater(t, len(all.Nodes), 900)
	w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { s.ExtraSamples = 1 })
	var cursors []string
	for after := ""; ; {
		page := w.quantity("demo", span+`, first: 200`+after)
		for _, edge := range page.Edges {
			cursors = append(cursors, edge.Cursor)
		}
		if !page.PageInfo.HasNextPage {
			break
		}
		after = fmt.Sprintf(`, after: %q`, *page.PageInfo.EndCursor)
	}
	var want []string
	for _, edge := range all.Edges {
		want = append(want, edge.Cursor)
	}
	assert.Equal(t, want, cursors)
}

func TestAMetricThatIsNotInTheCatalogueIsAskedForAllTheSame(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const span = `from: "2026-04-10T00:00:00Z", to: "2026-04-12T00:00:00Z"`
	got := w.quantity("demo", `metric: "appleFutureMetric", `+span)
	assert.Equal(t, []any{"appleFutureMetric", "UNKNOWN", 0}, []any{got.Metric.Name, got.Metric.Kind, len(got.Metric.Units)})
	assert.Nil(t, got.Metric.Unit)
	require.Len(t, got.Problems, 1)
	assert.Equal(t, "UNSUPPORTED", got.Problems[0].Code)
	assert.Contains(t, got.Problems[0].Message, "appleFutureMetric")
	assert.False(t, got.Complete)
	assert.Equal(t, "CONNECTED", w.links("demo")["onetwentyone"].Status)

	// An upstream may have it after all, in a unit of its own.
	w.measured("UTC", "strideOfGiants", sample("2026-04-10T08:00:00Z", "2026-04-10T08:00:00Z", -3, "boots"))
	got = w.quantity("w", `metric: "strideOfGiants", `+span)
	require.Len(t, got.Nodes, 1)
	assert.Empty(t, got.Problems)
	assert.Equal(t, []any{-3.0, "furlong"}, []any{got.Nodes[0].Value, *got.Nodes[0].Unit})
	w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { s.Units = "none" })
	got = w.quantity("w", `metric: "strideOfGiants", `+span)
	assert.Nil(t, got.Nodes[0].Unit)
	assert.Nil(t, got.Unit)
	assert.Nil(t, got.Series, "its values can be of different units")
}

func TestUpstreamCallsOfPagesAreCountedExactly(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const span = `from: "2026-04-01T00:00:00Z", to: "2026-04-10T00:00:00Z"`
	for name, c := range map[string]struct {
		query string
		reads int
	}{
		"the same page, in four ways": {`{ a: quantity(metric: "heartRate", ` + span + `) { complete } b: quantity(metric: "heartRate", ` + span + `, unit: "/s", first: 100) { series { values } }
			viewer { quantity(metric: "heartRate", ` + span + `) { nodes { value } } } user(id: "demo") { quantity(metric: "heartRate", ` + span + `) { nodes { value } } } }`, 1},
		"three metrics":          {`{ a: quantity(metric: "heartRate", ` + span + `) { complete } b: quantity(metric: "bodyMass", ` + span + `) { complete } c: quantity(metric: "vo2Max", ` + span + `) { complete } }`, 3},
		"one that is refused":    {`{ a: quantity(metric: "heartRate", ` + span + `, unit: "kg") { complete } }`, 0},
		"one that has not begun": {`{ a: quantity(metric: "heartRate", from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z") { complete } }`, 0},
	} {
		w.forgetCalls()
		w.ask(w.token("demo"), c.query, nil)
		want := map[string]int{}
		if c.reads > 0 {
			want["onetwentyone.quantity"] = c.reads
		}
		assert.Equal(t, want, w.calls(), name)
	}
}

func TestPagesSayWhatTheyLack(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("unscoped", "person-2", "profile")
	w.link("linked", "demo")
	const span = `metric: "heartRate", from: "2026-04-10T00:00:00Z", to: "2026-04-12T00:00:00Z"`
	assert.Equal(t, "NOT_CONNECTED", w.quantity("stranger", span).Problems[0].Code)
	assert.Equal(t, "REAUTHORIZATION_REQUIRED", w.quantity("unscoped", span).Problems[0].Code)
	w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "quantity", Kind: simulators.KindStatus, Status: 503})
	got := w.quantity("linked", span)
	assert.Equal(t, unavailable, got.Problems[0].Code)
	assert.False(t, got.Complete)
	assert.Empty(t, got.Nodes)
}

func TestInstantsAreReadAsVariablesToo(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const query = `query($from: DateTime!, $to: DateTime!, $unit: String) { quantity(metric: "heartRate", from: $from, to: $to, unit: $unit) { unit nodes { value } } }`
	a := w.ask(w.token("demo"), query, map[string]any{"from": "2026-04-10T00:00:00.5+02:00", "to": "2026-04-12T00:00:00Z", "unit": "/s"})
	var data struct{ Quantity quantityPage }
	a.into(&data)
	assert.NotEmpty(t, data.Quantity.Nodes)
	for _, bad := range []any{"2026-04-10", "2026-04-10T00:00:00", "yesterday", 5, json.Number("5")} {
		a := w.ask(w.token("demo"), query, map[string]any{"from": bad, "to": "2026-04-12T00:00:00Z"})
		assert.Equal(t, "BAD_USER_INPUT", a.code(), "%v: %s", bad, a.Raw)
	}
}

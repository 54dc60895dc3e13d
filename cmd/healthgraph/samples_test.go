package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators/onetwentyone"
)

// sampled is a person of OneTwentyOne with n samples of a minute each, an even time apart from the start of a UTC day on.
func (w *world) sampled(user string, from time.Time, n int, apart time.Duration) {
	w.t.Helper()
	w.oneTwentyOnePerson("sampled-"+user, `{"homeTimezone": "UTC"}`)
	loadSteps(w.t, w.oneTwentyOne, "sampled-"+user, func(yield func(onetwentyone.Step) bool) {
		for i := range n {
			start := from.Add(time.Duration(i) * apart)
			if !yield(onetwentyone.Step{ID: fmt.Sprintf("s-%d", i), Start: start, End: start.Add(time.Minute), Value: float64(i % 1000), Source: "phone"}) {
				return
			}
		}
	})
	w.link(user, "sampled-"+user)
}

type samplePage struct {
	Edges []struct {
		Cursor string
		Node   struct{ Value float64 }
	}
	Nodes []struct {
		Start, End time.Time
		Value      float64
		Unit       string
		Device     *string
		DataSource struct{ ID string }
	}
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	Problems []struct{ Code, Message string }
	Complete bool
}

// samplesOf reads a page of samples. arguments are those of samples.
func (w *world) samplesOf(user, days, arguments string) samplePage {
	w.t.Helper()
	var data struct{ StepCount struct{ Samples samplePage } }
	w.ask(w.token(user), `{ stepCount(`+days+`) { samples`+arguments+` {
		nodes { start end value unit device dataSource { id } } edges { cursor node { value } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor } problems { code message } complete } } }`, nil).into(&data)
	return data.StepCount.Samples
}

const wholeYear = `from: "2025-04-14", to: "2026-04-14"`

// A page costs as much in a long history as in a short one.
func TestAPageOfAHundredDoesNotReadTheHistory(t *testing.T) {
	w := newWorld(t, worldOptions{})
	const year = 366 * 24 * time.Hour
	w.sampled("s", today.UTC().Truncate(24*time.Hour).Add(-year+24*time.Hour), 200_000, year/200_000)
	w.forgetCalls()
	page := w.samplesOf("s", wholeYear, "")
	assert.Equal(t, map[string]int{"onetwentyone.quantity": 1}, w.calls(), "no list of links either: that is the grant")
	require.Len(t, page.Nodes, 100)
	assert.InDelta(t, 0, page.Nodes[0].Value, 0)
	assert.Equal(t, []any{"{count}", "onetwentyone"}, []any{page.Nodes[0].Unit, page.Nodes[0].DataSource.ID})
	assert.True(t, page.Complete && page.PageInfo.HasNextPage && !page.PageInfo.HasPreviousPage)

	far := w.samplesOf("s", `from: "2025-10-01", to: "2026-04-14"`, `(first: 1)`)
	w.forgetCalls()
	next := w.samplesOf("s", wholeYear, fmt.Sprintf(`(after: %q)`, *far.PageInfo.EndCursor))
	assert.Equal(t, map[string]int{"onetwentyone.quantity": 1}, w.calls(), "from the cursor's place on")
	require.Len(t, next.Nodes, 100)
	assert.InDelta(t, float64(int(far.Nodes[0].Value+1)%1000), next.Nodes[0].Value, 0)
	assert.True(t, next.PageInfo.HasPreviousPage)
	assert.Equal(t, next.Edges[0].Cursor, *next.PageInfo.StartCursor)
	assert.Equal(t, next.Edges[99].Cursor, *next.PageInfo.EndCursor)
	assert.InDelta(t, next.Nodes[99].Value, next.Edges[99].Node.Value, 0)

	w.forgetCalls()
	longest := w.samplesOf("s", wholeYear, `(first: 10000)`)
	assert.Equal(t, map[string]int{"onetwentyone.quantity": 2}, w.calls(), "one more sample tells of a next page")
	assert.Len(t, longest.Nodes, 10_000)
}

func TestAPageOfSamplesIsReadOnceBesideTheDays(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sampled("s", today.AddDate(0, 0, -5).Truncate(24*time.Hour), 500, 10*time.Minute)
	const days = `from: "2026-04-10", to: "2026-04-14", dataSources: ["onetwentyone"]`
	const page = `{ nodes { value } pageInfo { hasNextPage } }`
	for name, c := range map[string]struct {
		query string
		calls map[string]int
	}{
		"with the days":          {`{ stepCount(` + days + `) { total samples ` + page + ` series(first: 100) { values } } }`, map[string]int{"onetwentyone.quantity": 2}},
		"beside another's days":  {`{ a: stepCount(` + days + `) { samples ` + page + ` } b: stepCount(` + days + `) { total } }`, map[string]int{"onetwentyone.quantity": 2}},
		"by aliases":             {`{ stepCount(` + days + `) { a: samples(first: 7) ` + page + ` b: samples(first: 7) ` + page + ` series(first: 7) { values } } }`, map[string]int{"onetwentyone.quantity": 1}},
		"by user, users, viewer": {`{ user(id: "s") { ...F } users(ids: ["s"]) { ...F } viewer { ...F } node(id: "s") { ...F } } fragment F on User { stepCount(` + days + `) { samples ` + page + ` } }`, map[string]int{"onetwentyone.quantity": 1}},
		"not asked for":          {`{ stepCount(` + days + `) { timeZone } }`, map[string]int{}},
		"skipped":                {`{ stepCount(` + days + `) { timeZone samples @skip(if: true) { complete } } }`, map[string]int{}},
		"refused":                {`{ stepCount(` + days + `) { timeZone samples(first: 10001) { complete } } }`, map[string]int{}},
		"of ROOK":                {`{ stepCount(from: "2026-04-10", to: "2026-04-14", dataSources: ["garmin"]) { samples { problems { code } } } }`, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			w.forgetCalls()
			w.ask(w.token("s"), c.query, nil)
			assert.Equal(t, c.calls, w.calls())
		})
	}
	walked := w.samplesOf("s", days, `(first: 300)`)
	var beside struct{ StepCount struct{ Samples samplePage } }
	w.ask(w.token("s"), `{ stepCount(`+days+`) { total samples(first: 300) { nodes { start end value unit device dataSource { id } } edges { cursor node { value } }
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor } problems { code message } complete } } }`, nil).into(&beside)
	assert.Equal(t, walked, beside.StepCount.Samples, "whichever way it is read")
	assert.Len(t, walked.Nodes, 300)
}

func TestASeriesIsTheSameInColumns(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sampled("s", today.AddDate(0, 0, -5).Truncate(24*time.Hour), 500, 10*time.Minute)
	const days = `from: "2026-04-10", to: "2026-04-12"`
	page := w.samplesOf("s", days, `(first: 200)`)
	var data struct {
		StepCount struct {
			Series struct {
				Starts, Ends []int64
				Values       []float64
				Devices      []*string
				Unit         string
				PageInfo     struct{ EndCursor *string }
				Complete     bool
			}
		}
	}
	w.ask(w.token("s"), `{ stepCount(`+days+`) { series(first: 200) { starts ends values devices unit pageInfo { endCursor } complete } } }`, nil).into(&data)
	series := data.StepCount.Series
	require.Len(t, series.Starts, 200)
	for i, node := range page.Nodes {
		require.Equal(t, []any{node.Start.UnixMilli(), node.End.UnixMilli(), node.Value, node.Device}, []any{series.Starts[i], series.Ends[i], series.Values[i], series.Devices[i]})
	}
	assert.Equal(t, page.PageInfo.EndCursor, series.PageInfo.EndCursor)
	assert.Equal(t, "{count}", series.Unit)
	assert.True(t, series.Complete)
}

func TestSamplesAreRefusedByTheirArgumentAlone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sampled("s", today.AddDate(0, 0, -1), 10, time.Minute)
	for arguments, want := range map[string]string{
		"first: 0":               "first: from 1 to 10000, not 0",
		"first: 10001":           "first: from 1 to 10000, not 10001",
		`after: "the third one"`: "after: not a cursor of this list: take one from pageInfo or edges",
	} {
		for _, field := range []string{"samples", "series"} {
			got := w.ask(w.token("s"), fmt.Sprintf(`{ stepCount(%s) { total %s(%s) { complete } good: %s(first: 10000) { complete } } }`, wholeYear, field, arguments, field), nil)
			assert.Equal(t, http.StatusOK, got.Status)
			assert.Equal(t, "BAD_USER_INPUT", got.code())
			assert.Equal(t, want, got.Errors[0].Message)
			assert.Equal(t, []any{"stepCount", field}, got.Errors[0].Path)
			assert.Contains(t, got.Raw, `"`+field+`":null,"good":{"complete":true}`, "its neighbours stand")
		}
	}
}

func TestSamplesOfWhomNothingIsLinkedAndOfUpstreamsWithoutAny(t *testing.T) {
	w := newWorld(t, worldOptions{})
	page := w.samplesOf("demo", wholeYear, "")
	require.Len(t, page.Problems, 1)
	assert.Equal(t, "NOT_CONNECTED", page.Problems[0].Code)
	page = w.samplesOf("demo", wholeYear+`, dataSources: ["garmin"]`, "")
	require.Len(t, page.Problems, 1)
	assert.Equal(t, "UNSUPPORTED", page.Problems[0].Code)
	assert.Equal(t, "ROOK has totals of days and no samples; OneTwentyOne has samples", page.Problems[0].Message)
	assert.Empty(t, page.Nodes)
}

func TestSamplesOfAnotherAreNobodysBusiness(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.sampled("s", today.AddDate(0, 0, -1), 10, time.Minute)
	query := `{ user(id: "s") { stepCount(` + wholeYear + `) { samples { nodes { value } } } } }`
	assert.Equal(t, "FORBIDDEN", w.ask(w.token("other"), query, nil).code())
	allowed := w.ask(w.service(), query, nil)
	assert.Empty(t, allowed.Errors)
	assert.Equal(t, 10, strings.Count(allowed.Raw, `"value"`))
}

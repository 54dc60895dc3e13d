package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/gateway"
	"healthgraph/health"
)

var (
	march28    = time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
	march28day = health.Interval{Start: march28, End: march28.Add(24 * time.Hour)}
)

// every is n samples of a second, one every step from the start of 28 March.
func every(step time.Duration, n int) []health.Sample {
	samples := make([]health.Sample, n)
	for i := range samples {
		start := march28.Add(time.Duration(i) * step)
		samples[i] = health.Sample{ID: fmt.Sprintf("s-%d", i), Start: start, End: start.Add(time.Second), Value: float64(i)}
	}
	return samples
}

func sampleRequest(t require.TestingT, span health.Interval, first int, after *string) gateway.SampleRequest {
	request, err := gateway.NewSampleRequest(health.StepCountMetric, span, &first, after)
	require.NoError(t, err)
	return request
}

// samplePage reads a page of person-1's samples of the granter, as a resolver does.
func (h *house) samplePage(request gateway.SampleRequest) health.SamplePage {
	person := h.person("person-1")
	links := h.Links(h.t.Context(), "granter", []*gateway.Person{person})[0]
	return h.SamplePage(request, gateway.Filter{}, []gateway.SampleRead{h.ReadSamples(h.t.Context(), person, "granter", links, request)})
}

func sampleIDs(page health.SamplePage) string {
	var all []string
	for _, s := range page.Samples {
		all = append(all, s.ID)
	}
	return strings.Join(all, " ")
}

func TestAPageOfSamplesReadsNoFurtherThanItHasTo(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.samples.Samples, h.granter.pageLength = every(time.Second, 20_000), 1000

	page := h.samplePage(sampleRequest(t, march28day, 100, nil))
	assert.Len(t, page.Samples, 100)
	assert.Len(t, h.granter.made(), 2, "one read, of one upstream page")
	assert.True(t, page.PageInfo.HasNextPage)
	assert.False(t, page.PageInfo.HasPreviousPage)
	assert.Equal(t, "s-99", page.Samples[99].ID)

	for i := range 5 {
		h.granter.forget()
		page = h.samplePage(sampleRequest(t, march28day, 3000, page.PageInfo.EndCursor))
		assert.Equal(t, fmt.Sprintf("s-%d", 100+3000*i), page.Samples[0].ID)
		assert.Len(t, h.granter.made(), 1+4, "what fits, and the sample that tells of a next page")
		assert.True(t, page.PageInfo.HasPreviousPage)
	}
	page = h.samplePage(sampleRequest(t, march28day, 10_000, page.PageInfo.EndCursor))
	assert.False(t, page.PageInfo.HasNextPage)
	assert.Equal(t, "s-19999", page.Samples[len(page.Samples)-1].ID)
	h.granter.forget()
	behind := h.samplePage(sampleRequest(t, march28day, 1, page.PageInfo.EndCursor))
	assert.Empty(t, behind.Samples)
	assert.Equal(t, health.PageInfo{HasPreviousPage: true}, behind.PageInfo)
	assert.True(t, behind.Complete)
}

// Whatever the samples are, and whatever arrives or goes between two pages, each sample that was there throughout comes once and
// in order, by both ways of reading.
func TestPagesOfSamplesAreStable(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	rapid.Check(t, func(t *rapid.T) {
		serial := 0
		sample := rapid.Custom(func(t *rapid.T) health.Sample {
			serial++
			start := march28.Add(time.Duration(rapid.IntRange(-2, 4).Draw(t, "start")*6) * time.Hour)
			s := health.Sample{Start: start, End: start.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "length")) * time.Hour), Value: float64(serial)}
			if rapid.Bool().Draw(t, "named") {
				s.ID = fmt.Sprintf("s-%d", serial)
			}
			return s
		})
		samples := rapid.SliceOfN(sample, 0, 40).Draw(t, "samples")
		first := rapid.IntRange(1, 10).Draw(t, "first")
		h.granter.pageLength = rapid.IntRange(1, 7).Draw(t, "pageLength")
		want := map[float64]int{}
		for _, s := range samples {
			if s.Start.Before(march28day.End) && (s.End.After(march28) || s.Start.Equal(march28)) {
				want[s.Value] = 1
			}
		}
		got := map[float64]int{}
		var after *string
		var last health.SamplePlace
		for more := true; more; {
			slices.SortStableFunc(samples, func(a, b health.Sample) int { return a.Start.Compare(b.Start) })
			h.granter.samples.Samples = samples
			request := sampleRequest(t, march28day, first, after)
			page := h.samplePage(request)
			for _, s := range page.Samples {
				require.Positive(t, s.Place.Compare(last), "in order")
				last = s.Place
				got[s.Value]++
			}
			require.LessOrEqual(t, len(page.Samples), first)
			if more = page.PageInfo.HasNextPage; more {
				after = page.PageInfo.EndCursor
				samples = append(slices.Clone(samples), rapid.SliceOfN(sample, 0, 3).Draw(t, "arrived")...)
				if gone := rapid.IntRange(0, len(samples)-1).Draw(t, "gone"); rapid.Bool().Draw(t, "goes") {
					if got[samples[gone].Value] == 0 {
						delete(want, samples[gone].Value)
					}
					samples = slices.Delete(slices.Clone(samples), gone, gone+1)
				}
			}
		}
		for value := range want {
			require.Equal(t, 1, got[value])
		}
		for _, times := range got {
			require.Equal(t, 1, times)
		}
	})
}

func TestAPageThatFailsHalfWayIsGoneOnWith(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.pageLength = 3
	h.granter.samples.Samples = every(time.Minute, 10)[:6]
	h.granter.samples.SampleResult = connectors.SampleResult{Err: down, ReadUntil: march28.Add(5 * time.Minute), Refused: 2}

	page := h.samplePage(sampleRequest(t, march28day, 100, nil))
	assert.Equal(t, "s-0 s-1 s-2 s-3 s-4", sampleIDs(page), "of what starts at the last instant more may stand on the page that failed")
	assert.False(t, page.Complete)
	assert.True(t, page.PageInfo.HasNextPage)
	require.Len(t, page.Problems, 1)
	assert.Equal(t, health.UpstreamUnavailable, page.Problems[0].Code)
	assert.Equal(t, health.DataSourceID("granter"), page.Problems[0].DataSource.ID)
	full := h.samplePage(sampleRequest(t, march28day, 2, nil))
	assert.True(t, full.Complete, "the failure is behind it")
	assert.Empty(t, full.Problems)

	after := h.samplePage(sampleRequest(t, march28day, 100, nil)).PageInfo.EndCursor
	h.granter.samples = connectortest.AllSamples{Samples: every(time.Minute, 10), SampleResult: connectors.SampleResult{Refused: 2}}
	rest := h.samplePage(sampleRequest(t, march28day, 100, after))
	assert.Equal(t, "s-5 s-6 s-7 s-8 s-9", sampleIDs(rest))
	assert.True(t, rest.Complete)
	require.Len(t, rest.Problems, 1, "what made no sense is told")
	assert.Contains(t, rest.Problems[0].Message, "2 measurements")

	h.granter.samples = connectortest.AllSamples{SampleResult: connectors.SampleResult{Err: down}}
	nothing := h.samplePage(sampleRequest(t, march28day, 100, after))
	assert.Equal(t, health.PageInfo{HasPreviousPage: true}, nothing.PageInfo, "no place to go on from: nobody asks in a circle")
	assert.False(t, nothing.Complete)
}

func TestSamplesTellHowNewTheDataIs(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.samples.Samples, h.granter.pageLength = every(time.Hour, 24), 5
	today := health.Interval{Start: march28, End: h.clock.Now().Add(24 * time.Hour)}
	h.samplePage(sampleRequest(t, today, 2, nil))
	link := h.links("person-1", "granter")["granter"]
	require.NotNil(t, link.LatestDataAt)
	assert.Equal(t, march28.Add(4*time.Hour+time.Second), *link.LatestDataAt, "as far as was read")

	h.samplePage(sampleRequest(t, today, 100, nil))
	link = h.links("person-1", "granter")["granter"]
	assert.Equal(t, march28.Add(23*time.Hour+time.Second), *link.LatestDataAt)

	checked := link.DataCheckedAt
	h.clock.advance(2 * time.Hour)
	h.samplePage(sampleRequest(t, today, 2, nil))
	assert.Equal(t, checked, h.links("person-1", "granter")["granter"].DataCheckedAt, "a full page did not look for what has come since")
	h.samplePage(sampleRequest(t, today, 100, nil))
	assert.WithinDuration(t, h.clock.Now(), *h.links("person-1", "granter")["granter"].DataCheckedAt, time.Second)
}

func TestSamplesOfASourceThatIsNotLinked(t *testing.T) {
	h := newHouse(t)
	page := h.samplePage(sampleRequest(t, march28day, 100, nil))
	assert.Empty(t, page.Samples)
	assert.True(t, page.Complete)
	require.Len(t, page.Problems, 1)
	assert.Equal(t, health.NotConnected, page.Problems[0].Code)
}

func TestAnUpstreamWithoutSamplesSaysSoWhereItWasAskedFor(t *testing.T) {
	h := newHouse(t)
	assert.Equal(t, []string{"granter"}, h.SampleConnectors(gateway.Filter{}))
	filter, err := h.Filter(t.Context(), []string{"fitbit"})
	require.NoError(t, err)
	assert.Empty(t, h.SampleConnectors(filter))
	page := h.SamplePage(sampleRequest(t, march28day, 100, nil), filter, nil)
	require.Len(t, page.Problems, 1)
	assert.Equal(t, health.Unsupported, page.Problems[0].Code)
	assert.Equal(t, "Lister has totals of days and no samples; Granter has samples", page.Problems[0].Message)
}

func TestArgumentsOfSamples(t *testing.T) {
	good := health.PlaceOf("granter", every(time.Hour, 1)[0]).Cursor()
	for name, c := range map[string]struct {
		first    *int
		after    *string
		argument string
	}{
		"nothing":             {},
		"the longest":         {first: pointer(10_000), after: &good},
		"none":                {first: pointer(0), argument: "first"},
		"too many":            {first: pointer(10_001), argument: "first"},
		"less than none":      {first: pointer(-1), argument: "first"},
		"no cursor":           {after: pointer("the third"), argument: "after"},
		"an empty cursor":     {after: pointer(""), argument: "after"},
		"half a cursor":       {after: pointer(good[:20]), argument: "after"},
		"a longer cursor":     {after: pointer(good + "AAAA"), argument: "after"},
		"another version":     {after: pointer("_" + good[1:]), argument: "after"},
		"another spelling":    {after: pointer(good[:len(good)-1] + "_"), argument: "after"},
		"an end before start": {after: pointer("AX__________AAAAAAAAAAAAAAAAAAAAAAA"), argument: "after"},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := gateway.NewSampleRequest(health.StepCountMetric, march28day, c.first, c.after)
			if c.argument == "" {
				require.NoError(t, err)
				assert.Equal(t, c.after != nil, !request.After.IsZero())
				return
			}
			require.Error(t, err)
			assert.Equal(t, c.argument, health.AsError(err).Argument)
			assert.Equal(t, health.BadUserInput, health.AsError(err).Code)
		})
	}
}

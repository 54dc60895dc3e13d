package onetwentyone_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

var march29 = health.DateRange{From: day("2026-03-29"), To: day("2026-03-29")}

// paged serves the pages given, and counts how often it was asked.
func paged(t *testing.T, pages ...string) (read func() connectortest.AllSamples, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	connector, account := against(t, func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		assert.Equal(t, fmt.Sprintf("endDate=2026-03-31&page=%d&pageSize=10000&sort=asc&startDate=2026-03-27", n), r.URL.RawQuery)
		assert.Equal(t, "/api/v1/quantity/"+accountID+"/stepCount", r.URL.Path)
		page := pages[min(n, len(pages))-1]
		if page == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, page)
	})
	return func() connectortest.AllSamples {
		return connectortest.ReadAllSamples(t.Context(), connector, account, stepsOn(march29))
	}, calls
}

func page(more bool, items ...string) string {
	return fmt.Sprintf(`{"pagination":{"has_more":%t,"next_page":"https://elsewhere.example/"},"data":[%s]}`, more, strings.Join(items, ","))
}

func item(id, clock string, steps int) string {
	return fmt.Sprintf(`{"id":%q,"value":%d,"unit":"count","start_date":"2026-03-29T%sZ","end_date":"2026-03-29T%sZ","source_name":"phone"}`, id, steps, clock, clock)
}

func ids(samples []health.Sample) string {
	var all []string
	for _, s := range samples {
		all = append(all, s.ID)
	}
	return strings.Join(all, " ")
}

func clock(text string) time.Time {
	at, err := time.Parse(time.RFC3339, "2026-03-29T"+text+"Z")
	if err != nil {
		panic(err)
	}
	return at
}

func stepsOn(days health.DateRange) connectors.SampleRequest {
	return connectors.SamplesOn(health.StepCountMetric, days)
}

func TestReadSamples(t *testing.T) {
	read, calls := paged(t, file(t, "page1.json"), file(t, "page2.json"))
	result := read()
	require.NoError(t, result.Err)
	assert.Equal(t, []health.Sample{
		{ID: "s-1", Start: clock("08:00:00"), End: clock("08:10:00"), Value: 310, Unit: health.UnitCount, Device: "phone / iPhone15,4"},
		{ID: "s-2", Start: clock("08:02:00"), End: clock("08:12:00"), Value: 295.5, Unit: health.UnitCount, Device: "watch / Watch7,1"},
		{ID: "s-3", Start: clock("08:00:00").Add(24 * time.Hour), End: clock("08:00:00").Add(24 * time.Hour), Unit: health.UnitCount, Device: "phone / iPhone15,4"},
	}, result.Samples)
	assert.Equal(t, int64(2), calls.Load())
	assert.Zero(t, result.Refused)
	assert.True(t, result.ReadUntil.IsZero())
}

func TestReadSamplesStops(t *testing.T) {
	first := page(true, item("a", "01:00:00", 1), item("b", "02:00:00", 2))
	spent := `{"pagination":{"has_more":true},"limit":{"X-RateLimit-Remaining":0,"X-RateLimit-Reset":%d},"data":[` + item("a", "01:00:00", 1) + `]}`
	reset := noon.Add(time.Hour).Unix()
	for name, c := range map[string]struct {
		pages []string
		ids   string
		until time.Time
		calls int64
		code  health.Code
		retry time.Duration
	}{
		"at the last page":               {pages: []string{first, page(false, item("c", "03:00:00", 1))}, ids: "a b c", calls: 2},
		"at an empty last page":          {pages: []string{first, page(false)}, ids: "a b", calls: 2},
		"at nothing":                     {pages: []string{page(false)}, calls: 1},
		"at an empty page with more":     {pages: []string{first, page(true)}, ids: "a b", until: clock("02:00:00"), calls: 2, code: health.UpstreamInvalid},
		"at the same page again":         {pages: []string{first}, ids: "a b", until: clock("02:00:00"), calls: 2, code: health.UpstreamInvalid},
		"at a page that fails":           {pages: []string{first, ""}, ids: "a b", until: clock("02:00:00"), calls: 2, code: health.UpstreamUnavailable},
		"at a first page that fails":     {pages: []string{""}, calls: 1, code: health.UpstreamUnavailable},
		"at a page without has_more":     {pages: []string{first, `{"pagination":{},"data":[]}`}, ids: "a b", until: clock("02:00:00"), calls: 2, code: health.UpstreamInvalid},
		"at a page without pagination":   {pages: []string{`{"data":[]}`}, calls: 1, code: health.UpstreamInvalid},
		"at a page without data":         {pages: []string{`{"pagination":{"has_more":false}}`}, calls: 1, code: health.UpstreamInvalid},
		"at data that is an object":      {pages: []string{`{"pagination":{"has_more":false},"data":{}}`}, calls: 1, code: health.UpstreamInvalid},
		"when the limit is spent":        {pages: []string{fmt.Sprintf(spent, reset)}, ids: "a", until: clock("01:00:00"), calls: 1, code: health.RateLimited, retry: time.Hour},
		"when it is spent, reset long":   {pages: []string{fmt.Sprintf(spent, 1)}, ids: "a", until: clock("01:00:00"), calls: 1, code: health.RateLimited, retry: 12 * time.Hour},
		"not when it is spent at an end": {pages: []string{strings.Replace(fmt.Sprintf(spent, reset), "true", "false", 1)}, ids: "a", calls: 1},
		"honestly, where newest first":   {pages: []string{page(true, item("b", "02:00:00", 2), item("a", "01:00:00", 1)), ""}, ids: "a b", calls: 2, code: health.UpstreamUnavailable},
		"honestly, over page borders":    {pages: []string{first, page(true, item("c", "01:30:00", 2)), ""}, ids: "a c b", calls: 3, code: health.UpstreamUnavailable},
		"at nothing that is recognised":  {pages: []string{page(false, `{"steps_taken":1,"when":"2026-03-29"}`)}, calls: 1, code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			read, calls := paged(t, c.pages...)
			result := read()
			assert.Equal(t, c.code, code(result.Err))
			assert.Equal(t, c.ids, ids(result.Samples))
			assert.Equal(t, c.until, result.ReadUntil)
			assert.Equal(t, c.calls, calls.Load())
			if c.retry > 0 {
				assert.Equal(t, c.retry, health.AsError(result.Err).RetryAfter)
			}
		})
	}
}

func TestReadSamplesNeverEnds(t *testing.T) {
	var calls atomic.Int64
	connector, account := against(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, page(true, item(strconv.FormatInt(calls.Add(1), 10), "01:00:00", 1)))
	})
	result := connectortest.ReadAllSamples(t.Context(), connector, account, stepsOn(march29))
	assert.Equal(t, health.UpstreamInvalid, code(result.Err))
	assert.Len(t, result.Samples, 500)
	assert.Equal(t, int64(500), calls.Load())
}

func TestSamplesAreReadInEveryPlausibleForm(t *testing.T) {
	want := health.Sample{Start: clock("08:00:00"), End: clock("08:10:00"), Value: 12, Unit: health.UnitCount}
	for name, c := range map[string]struct{ item, id, device string }{
		"snake case":     {`{"id":"x","value":12,"unit":"count","start_date":"2026-03-29T08:00:00Z","end_date":"2026-03-29T08:10:00Z","source_name":"phone","source_device":null}`, "x", "phone"},
		"camel case":     {`{"uuid":"x","quantity":"12","startDate":"2026-03-29T10:00:00+02:00","endDate":"2026-03-29T10:10:00.000+02:00","deviceName":"watch"}`, "x", "watch"},
		"HealthKit":      {`{"sampleUUID":"x","sumQuantity":12.0,"start":"2026-03-29 08:00:00 +0000","end":"2026-03-29 08:10:00 +0000","unitString":"Count","device":{"name":"watch","model":"7"}}`, "x", "watch"},
		"space and zone": {`{"id":7,"count":12,"started_at":"2026-03-29 08:00:00.000000+00:00","ended_at":"2026-03-29 08:10:00Z","source":{"name":"phone","bundleIdentifier":"b"},"device":"phone"}`, "7", "phone"},
		"both counters":  {`{"qty":12,"unit":"steps","start_time":"2026-03-29T08:00:00.000Z","end_time":"2026-03-29T08:10:00+0000","source":"Health","device":"watch"}`, "", "Health / watch"},
	} {
		t.Run(name, func(t *testing.T) {
			read, _ := paged(t, page(false, c.item))
			result := read()
			require.NoError(t, result.Err)
			want.ID, want.Device = c.id, c.device
			assert.Equal(t, []health.Sample{want}, result.Samples)
		})
	}
}

func TestSamplesThatMakeNoSenseAreRefused(t *testing.T) {
	good := item("good", "01:00:00", 1)
	with := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	for name, bad := range map[string]string{
		"negative":               with(`"value":1`, `"value":-1`),
		"too many":               with(`"value":1`, `"value":100001`),
		"no number":              with(`"value":1`, `"value":"NaN"`),
		"infinite":               with(`"value":1`, `"value":"1e999"`),
		"no value":               with(`"value":1`, `"value":null`),
		"no start":               with(`"start_date"`, `"begin"`),
		"a start without offset": with(`01:00:00Z","end`, `01:00:00","end`),
		"an end that is none":    with(`"end_date":"2026-03-29T01:00:00Z"`, `"end_date":"later"`),
		"ends before it starts":  with(`"end_date":"2026-03-29T01:00:00Z"`, `"end_date":"2026-03-29T00:59:59Z"`),
		"long ago":               strings.ReplaceAll(good, "2026-03-29", "1989-12-31"),
		"in the future":          strings.ReplaceAll(good, "2026-03-29", "2026-04-05"),
		"in years to come":       strings.ReplaceAll(good, "2026-03-29", "2299-03-29"),
		"ends in years to come":  with(`"end_date":"2026`, `"end_date":"9999`),
		"not a number, bare":     `{"value":[1],"start_date":"2026-03-29T01:00:00Z"}`,
		"kilometres":             with(`"unit":"count"`, `"unit":"km"`),
		"a unit that is none":    with(`"unit":"count"`, `"unit":5`),
		"no object":              `"sample"`,
		"null":                   `null`,
	} {
		t.Run(name, func(t *testing.T) {
			read, _ := paged(t, page(false, item("before", "00:30:00", 5), bad, item("after", "02:00:00", 5)))
			result := read()
			require.NoError(t, result.Err)
			assert.Equal(t, 1, result.Refused)
			assert.Equal(t, "before after", ids(result.Samples))
		})
	}
}

func TestSamplesComeOnce(t *testing.T) {
	anonymous := strings.Replace(item("", "01:00:00", 1), `"id":"",`, "", 1)
	read, _ := paged(t, page(true, anonymous, anonymous, item("a", "02:00:00", 1)), page(false, item("a", "02:00:00", 1),
		strings.Replace(anonymous, "phone", "watch", 1)))
	result := read()
	require.NoError(t, result.Err)
	assert.Len(t, result.Samples, 3, "one without an id by the phone, one by the watch, and a")
}

// An id may turn out to be a type's name or a device's: it must not cost a walk.
func TestSamplesThatShareAnIDButNotAStartAllCount(t *testing.T) {
	read, calls := paged(t, page(true, item("stepCount", "01:00:00", 10), item("stepCount", "02:00:00", 20)),
		page(true, item("stepCount", "02:00:00", 20), item("stepCount", "03:00:00", 30)), // the pages shifted meanwhile
		page(false, item("stepCount", "03:00:00", 30), item("other", "03:00:00", 40)))
	result := read()
	require.NoError(t, result.Err)
	steps := map[string]float64{}
	for _, s := range result.Samples {
		steps[s.ID+" "+s.Start.Format(time.TimeOnly)] += s.Value
	}
	assert.Equal(t, map[string]float64{"stepCount 01:00:00": 10, "stepCount 02:00:00": 20, "stepCount 03:00:00": 30, "other 03:00:00": 40}, steps,
		"each once, also what stands on two pages")
	assert.Equal(t, int64(3), calls.Load())
	assert.Zero(t, result.Refused)
}

func TestAnIdentifierIsATypesNameAndNoID(t *testing.T) {
	named := func(clock string) string {
		return strings.Replace(item("HKQuantityTypeIdentifierStepCount", clock, 1), `"id"`, `"identifier"`, 1)
	}
	read, _ := paged(t, page(false, named("01:00:00"), named("02:00:00"), named("02:00:00"), strings.Replace(named("02:00:00"), "phone", "watch", 1)))
	result := read()
	require.NoError(t, result.Err)
	assert.Len(t, result.Samples, 3, "by what they hold: two of the phone, one of the watch")
	assert.Empty(t, strings.TrimSpace(ids(result.Samples)))
}

// Samples that touch the day in no time zone came with the margin and go with it.
func TestSamplesOfOtherDaysAreLeftOut(t *testing.T) {
	at := func(id, from, to string) string {
		return fmt.Sprintf(`{"id":%q,"value":1,"start_date":%q,"end_date":%q}`, id, from, to)
	}
	read, _ := paged(t, page(false,
		at("early", "2026-03-28T09:00:00Z", "2026-03-28T09:59:59Z"), at("first", "2026-03-28T09:00:00Z", "2026-03-28T10:00:00Z"),
		at("last", "2026-03-30T11:59:59Z", "2026-03-30T15:00:00Z"), at("late", "2026-03-30T12:00:00Z", "2026-03-30T12:00:00Z")))
	result := read()
	assert.Equal(t, "first last", ids(result.Samples))
	assert.Zero(t, result.Refused)
}

func TestRateLimits(t *testing.T) {
	reset := strconv.FormatInt(noon.Add(time.Hour).Unix(), 10)
	for name, c := range map[string]struct {
		header map[string]string
		body   string
		want   time.Duration
	}{
		"Retry-After first":        {header: map[string]string{"Retry-After": "30", "X-RateLimit-Reset": reset}, want: 30 * time.Second},
		"else the body's reset":    {header: map[string]string{"X-RateLimit-Reset": "1"}, body: `{"limit":{"X-RateLimit-Reset":` + reset + `}}`, want: time.Hour},
		"else the header's":        {header: map[string]string{"X-RateLimit-Reset": reset}, body: `<html>`, want: time.Hour},
		"else midnight in UTC":     {want: 12 * time.Hour},
		"not a reset that is past": {body: `{"limit":{"X-RateLimit-Reset":5}}`, want: 12 * time.Hour},
		"not a reset years ahead":  {body: `{"limit":{"X-RateLimit-Reset":9999999999}}`, want: 12 * time.Hour},
		"not a reset of nonsense":  {body: `{"limit":{"X-RateLimit-Reset":"soon"}}`, want: 12 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			connector, account := against(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range c.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, c.body)
			})
			e := health.AsError(connectortest.ReadAllSamples(t.Context(), connector, account, stepsOn(march29)).Err)
			require.Equal(t, health.RateLimited, e.Code)
			assert.Equal(t, c.want, e.RetryAfter)
		})
	}
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wireSample is one as OneTwentyOne may write it; value and what follows it are JSON.
func wireSample(id, start, end, value, more string) string {
	return fmt.Sprintf(`{"id":%q,"value":%s,"start_date":%q,"end_date":%q,"source_name":"phone"%s}`, id, value, start, end, more)
}

// behindPages is a world in which the upstream answers for steps with these pages, the last for ever, and for all else as it does.
func behindPages(t *testing.T, page func(number int) (items []string, more bool)) *world {
	t.Helper()
	return newWorld(t, worldOptions{change: func(s *settings) {
		upstream, err := url.Parse(s.OneTwentyOneBaseURL)
		require.NoError(t, err)
		rest := httputil.NewSingleHostReverseProxy(upstream)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/stepCount") {
				rest.ServeHTTP(w, r)
				return
			}
			number, _ := strconv.Atoi(r.URL.Query().Get("page"))
			items, more := page(number)
			saying(http.StatusOK, fmt.Sprintf(`{"pagination":{"has_more":%t},"data":[%s]}`, more, strings.Join(items, ",")))(w, r)
		}))
		t.Cleanup(server.Close)
		s.OneTwentyOneBaseURL = server.URL
	}})
}

func TestSamplesThatMakeNoSenseAreCountedAndDoubleNoDay(t *testing.T) {
	const eight, ten = "2026-04-10T08:00:00Z", "2026-04-10T08:10:00Z"
	good := wireSample("good", eight, ten, "100", "")
	for name, c := range map[string]struct {
		items   []string
		want    string
		refused int
	}{
		"an end before the start":      {[]string{good, wireSample("x", ten, eight, "50", "")}, "100", 1},
		"negative":                     {[]string{good, wireSample("x", "2026-04-10T09:00:00Z", "2026-04-10T09:10:00Z", "-50", "")}, "100", 1},
		"fractional":                   {[]string{good, wireSample("x", "2026-04-10T09:00:00Z", "2026-04-10T09:10:00Z", "0.75", "")}, "101", 0},
		"a fraction in a text":         {[]string{good, wireSample("x", "2026-04-10T09:00:00Z", "2026-04-10T09:10:00Z", `"10.25"`, "")}, "110", 0},
		"NaN":                          {[]string{good, wireSample("x", eight, ten, `"NaN"`, "")}, "100", 1},
		"infinite":                     {[]string{good, wireSample("x", eight, ten, `"Infinity"`, ""), wireSample("y", eight, ten, `1e999`, "")}, "100", 2},
		"null and an object":           {[]string{good, wireSample("x", eight, ten, `null`, ""), wireSample("y", eight, ten, `{}`, "")}, "100", 2},
		"without a unit":               {[]string{good, wireSample("x", ten, "2026-04-10T08:20:00Z", "5", "")}, "105", 0},
		"a unit of something else":     {[]string{good, wireSample("x", ten, "2026-04-10T08:20:00Z", "5", `,"unit":"kcal"`)}, "100", 1},
		"the same id again":            {[]string{good, good, good}, "100", 0},
		"the same id, another value":   {[]string{good, wireSample("good", eight, ten, "70", "")}, "100", 0},
		"out of order":                 {[]string{wireSample("x", "2026-04-10T20:00:00Z", "2026-04-10T20:10:00Z", "5", ""), good, wireSample("y", "2026-04-10T02:00:00Z", "2026-04-10T02:10:00Z", "7", "")}, "112", 0},
		"years in the future":          {[]string{good, wireSample("x", "2031-04-10T08:00:00Z", "2031-04-10T08:10:00Z", "5", ""), wireSample("y", eight, "9999-12-31T00:00:00Z", "5", "")}, "100", 2},
		"of a clock that was not set":  {[]string{good, wireSample("x", "1970-01-01T00:00:00Z", ten, "5", "")}, "100", 1},
		"times that are none":          {[]string{good, wireSample("x", "yesterday", ten, "5", ""), wireSample("y", "2026-04-10T08:00:00", ten, "5", "")}, "100", 2},
		"no objects":                   {[]string{good, `7`, `"text"`, `[]`, `null`}, "100", 4},
		"more than anybody can walk":   {[]string{good, wireSample("x", eight, ten, "1000000", "")}, "100", 1},
		"nothing else":                 {[]string{wireSample("x", eight, ten, "-1", "")}, "-", 1},
		"in the zone of somewhere far": {[]string{wireSample("x", "2026-04-10T22:00:00+14:00", "2026-04-10T22:10:00+14:00", "5", "")}, "5", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := behindPages(t, func(int) ([]string, bool) { return c.items, false })
			w.walked(nil)
			const days = `from: "2026-04-10", to: "2026-04-10", timeZone: "UTC"`
			got, sums := w.steps("w", days), w.statistics("w", `metric: "stepCount", `+days)
			assert.Equal(t, c.want, number(got.Total))
			if c.want != "-" {
				assert.Equal(t, c.want, fmt.Sprint(*sums.Periods[0].Sum))
			}
			assert.True(t, got.Complete && sums.Complete)
			if c.refused == 0 {
				assert.Empty(t, got.Problems)
				assert.Empty(t, sums.Problems)
				return
			}
			require.Len(t, got.Problems, 1)
			require.Len(t, sums.Problems, 1)
			assert.Contains(t, got.Problems[0].Message, fmt.Sprintf(" %d measurement", c.refused))
			assert.Equal(t, got.Problems[0].Message, sums.Problems[0].Message)
		})
	}
}

// An upstream's list that repeats or has no end is cut off, and what was read counts once: a day is whole, or it has no figure.
func TestPagesWithoutAnEndDoubleNoDay(t *testing.T) {
	at := func(minute int) string {
		start := time.Date(2026, time.April, 9, 8, minute, 0, 0, time.UTC)
		return wireSample(fmt.Sprint("s-", minute), start.Format(time.RFC3339), start.Add(time.Minute).Format(time.RFC3339), "10", "")
	}
	for name, page := range map[string]func(number int) ([]string, bool){
		"the same page for ever":  func(int) ([]string, bool) { return []string{at(0), at(1)}, true },
		"the same page once more": func(n int) ([]string, bool) { return []string{at(0), at(1)}, n == 1 },
		"two pages in turns":      func(n int) ([]string, bool) { return []string{at(n % 2 * 10), at(n%2*10 + 1)}, true },
		"empty pages for ever":    func(n int) ([]string, bool) { return []string{at(0), at(1)}[:max(2-2*(n-1), 0)], true },
		"nonsense for ever": func(int) ([]string, bool) {
			return []string{wireSample("x", "2026-04-09T08:00:00Z", "2026-04-09T08:01:00Z", "-1", "")}, true
		},
		"another sample on each page": func(n int) ([]string, bool) { return []string{at(n)}, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := behindPages(t, page)
			w.walked(nil)
			const days = `from: "2026-04-09", to: "2026-04-09", timeZone: "UTC"`
			got, sums := w.steps("w", days), w.statistics("w", `metric: "stepCount", `+days)
			assert.Equal(t, []string{"2026-04-09 - UNAVAILABLE"}, got.short())
			assert.Equal(t, []string{"2026-04-09 - UNAVAILABLE"}, sums.short())
			assert.False(t, got.Complete || sums.Complete)
			require.Len(t, got.Problems, 1)
			assert.Equal(t, "UPSTREAM_INVALID", got.Problems[0].Code)
		})
	}
}

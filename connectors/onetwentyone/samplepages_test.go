package onetwentyone_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
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

// items is one item for each clock, with the clock as its id.
func items(clocks ...string) []string {
	all := make([]string, len(clocks))
	for i, clock := range clocks {
		all[i] = item(clock, clock+":00:00", 10)
	}
	return all
}

// No page counts twice, however the upstream turns its pages.
func TestPagesThatGoBack(t *testing.T) {
	nonsense := page(true, `{"value":-1,"start_date":"2026-03-29T01:00:00Z"}`)
	for name, c := range map[string]struct {
		pages []string
		ids   string
		until time.Time
		calls int64
		code  health.Code
	}{
		"in a circle of two": {
			pages: []string{page(true, items("01", "02")...), page(true, items("03", "04")...), page(true, items("01", "02")...), page(true, items("03", "04")...)},
			ids:   "01 02 03 04", until: clock("04:00:00"), calls: 3, code: health.UpstreamInvalid,
		},
		"by less than a page": {
			pages: []string{page(true, items("01", "02", "03")...), page(true, items("02", "03", "04")...), page(false, items("04", "05")...)},
			ids:   "01 02 03 04 05", calls: 3,
		},
		"by more than a page": {
			pages: []string{page(true, items("01", "02", "03")...), page(true, items("04", "05", "06")...), page(true, items("03", "04", "05")...)},
			ids:   "01 02 03 04 05 06", until: clock("06:00:00"), calls: 3, code: health.UpstreamInvalid,
		},
		"to where all began": {
			pages: []string{page(true, items("01", "02", "03")...), page(true, items("04", "05")...), page(true, items("00", "01")...)},
			ids:   "01 02 03 04 05", until: clock("05:00:00"), calls: 3, code: health.UpstreamInvalid,
		},
		"in nonsense": {pages: []string{nonsense}, calls: 2, code: health.UpstreamInvalid},
		"past nonsense": {
			pages: []string{page(true, items("01")...), nonsense, page(false, items("02")...)}, ids: "01 02", calls: 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			read, calls := paged(t, c.pages...)
			result := read()
			assert.Equal(t, c.code, code(result.Err))
			assert.Equal(t, c.ids, ids(result.Samples))
			assert.Equal(t, c.until, result.ReadUntil)
			assert.Equal(t, c.calls, calls.Load())
		})
	}
}

// Whoever stops early has the oldest samples, also where OneTwentyOne ignores the order that it was asked for.
func TestSamplesOutOfOrderAreHandedOverInOrder(t *testing.T) {
	pages := []string{page(true, items("06", "05")...), page(true, items("04", "03")...), page(false, items("02", "01")...)}
	var calls atomic.Int64
	connector, account := against(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, pages[calls.Add(1)-1])
	})
	var handed []string
	result := connector.ReadSamples(t.Context(), account, stepsOn(march29), func(page []health.Sample) bool {
		handed = append(handed, ids(page))
		return false
	})
	require.NoError(t, result.Err)
	assert.Equal(t, []string{"01 02 03 04 05 06"}, handed)

	calls.Store(0)
	pages = []string{page(true, items("01", "02")...), page(true, items("06", "05")...), page(false, items("04", "03")...)}
	handed = nil
	connector.ReadSamples(t.Context(), account, stepsOn(march29), func(page []health.Sample) bool {
		handed = append(handed, ids(page))
		return true
	})
	assert.Equal(t, []string{"01 02", "03 04 05 06"}, handed)
}

func TestOnePageIsAsLongAsExpected(t *testing.T) {
	for expect, size := range map[int]string{0: "10000", 1: "2001", 100: "2100", 9000: "10000", 10_000: "10000"} {
		connector, account := against(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, size, r.URL.Query().Get("pageSize"))
			_, _ = io.WriteString(w, page(false, items("01")...))
		})
		request := stepsOn(march29)
		request.Expect = expect
		require.NoError(t, connectortest.ReadAllSamples(t.Context(), connector, account, request).Err)
	}
}

// history serves n samples, one a second, in pages as asked for.
func history(t testing.TB, n int) (*http.Client, *atomic.Int64) {
	t.Helper()
	calls := &atomic.Int64{}
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		query := r.URL.Query()
		number, _ := strconv.Atoi(query.Get("page"))
		size, _ := strconv.Atoi(query.Get("pageSize"))
		first, last := (number-1)*size, min(number*size, n)
		var b strings.Builder
		fmt.Fprintf(&b, `{"pagination":{"has_more":%t},"data":[`, last < n)
		for i := first; i < last; i++ {
			if i > first {
				b.WriteByte(',')
			}
			at := march29.From.Start(health.UTC).Add(time.Duration(i) * time.Second).Format(time.RFC3339)
			fmt.Fprintf(&b, `{"id":"sample-%d","value":1,"start_date":%q,"end_date":%q}`, i, at, at)
		}
		b.WriteString(`]}`)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(b.String())), Request: r}, nil
	})}, calls
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What is alive after each page of a walk, at its highest, does not grow with the history.
func highWater(t testing.TB, pages int) uint64 {
	t.Helper()
	client, calls := history(t, pages*10_000)
	connector, err := newConnector("https://121.example", connectors.ClientConfig{HTTP: client, Now: func() time.Time { return noon.AddDate(1, 0, 0) }})
	require.NoError(t, err)
	reader, _ := connector.(connectors.SampleReader)
	alive := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, highest, total := alive(), uint64(0), 0
	result := reader.ReadSamples(t.Context(), connectors.Account{ID: accountID, Client: client},
		connectors.SampleRequest{Metric: health.StepCountMetric, Span: health.Interval{Start: noon.AddDate(0, 0, -30), End: noon.AddDate(1, 0, 0)}},
		func(page []health.Sample) bool {
			total += len(page)
			highest = max(highest, alive())
			return true
		})
	require.NoError(t, result.Err)
	require.Equal(t, pages*10_000, total)
	require.Equal(t, int64(pages), calls.Load())
	return highest - min(before, highest)
}

func TestMemoryIsThatOfThePageNotOfTheHistory(t *testing.T) {
	few, many := highWater(t, 4), highWater(t, 32)
	t.Logf("alive at most: %d KiB of 4 pages, %d KiB of 32", few>>10, many>>10)
	assert.Less(t, many, few+few/4)
}

// BenchmarkHistory reads histories of doubling length to their end.
func BenchmarkHistory(b *testing.B) {
	for _, pages := range []int{1, 2, 4, 8} {
		b.Run(strconv.Itoa(pages*10_000), func(b *testing.B) {
			b.ReportAllocs()
			var highest uint64
			for b.Loop() {
				highest = highWater(b, pages)
			}
			b.ReportMetric(float64(highest), "B-alive")
		})
	}
}

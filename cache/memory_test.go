package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/cache"
	"healthgraph/connectors"
	"healthgraph/health"
)

// bulk is an upstream whose lists, days and pages are as long as those of real ones.
type bulk struct{ totals }

func (b bulk) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	for i := range accounts {
		results[i].Links = make([]connectors.LinkState, 9)
		for j := range results[i].Links {
			results[i].Links[j] = connectors.LinkState{DataSource: health.DataSource{ID: "fitbit", Name: "Fitbit", Kind: health.KindBrowser}, Connected: j < 2}
		}
	}
	return results
}

type bulkSampler struct {
	sampler

	samples int
}

func (b bulkSampler) ReadSamples(_ context.Context, _ connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	page := make([]health.Sample, b.samples)
	for i := range page {
		at := request.Span.Start.Add(time.Duration(i) * time.Minute)
		page[i] = health.Sample{ID: fmt.Sprintf("0a1b2c3d-0000-4000-8000-%012d", i), Start: at, End: at.Add(time.Minute), Value: 10, Unit: "count", Device: "phone"}
	}
	yield(page)
	return connectors.SampleResult{}
}

func newBulk(tb testing.TB, bytes, samples int) (*connectors.Registry, *cache.Cache) {
	tb.Helper()
	u := &upstream{calls: map[string]int{}}
	registry, err := connectors.NewRegistry(bulk{totals: totals{u}}, bulkSampler{sampler{u}, samples})
	require.NoError(tb, err)
	c := cache.New(cache.Config{Bytes: bytes, Freshness: cache.Freshness{Links: time.Hour, Recent: time.Hour, Past: time.Hour}, Now: func() time.Time { return now }})
	c.Before(registry)
	return registry, c
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// What is remembered takes about as many bytes of the heap as it is said to take at most, whatever it is.
func TestTheBoundInBytesIsOneOfTheHeap(t *testing.T) {
	const bytes = 8 << 20
	day := []health.Date{{Year: 2026, Month: 4, Day: 10}}
	for name, fill := range map[string]func(r *connectors.Registry, who connectors.Account){
		"links": func(r *connectors.Registry, who connectors.Account) {
			r.Plug("totals").Links.ReadLinks(t.Context(), []connectors.Account{who})
		},
		"days": func(r *connectors.Registry, who connectors.Account) {
			r.Plug("totals").DailySteps.ReadDailySteps(t.Context(), who, day)
		},
		"samples": func(r *connectors.Registry, who connectors.Account) {
			r.Plug("sampler").Samples.ReadSamples(t.Context(), who, connectors.SamplesOn(health.StepCountMetric, health.DateRange{From: day[0], To: day[0]}), func([]health.Sample) bool { return true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := newBulk(t, bytes, 300)
			before := heap()
			for i := range 30_000 { // several times as much as fits
				if fill(r, account(fmt.Sprint(i), 7)); name == "samples" && i > 600 {
					break
				}
			}
			grown := int64(heap()) - int64(before)
			t.Logf("%.1f of %d MiB", float64(grown)/(1<<20), bytes>>20)
			assert.Less(t, grown, int64(bytes)*3/2)
			assert.Greater(t, grown, int64(bytes)/3, "nor is much less remembered than may be")
			runtime.KeepAlive(c)
		})
	}
}

func BenchmarkReads(b *testing.B) {
	r, _ := newBulk(b, 64<<20, 300)
	links, steps, samples := r.Plug("totals").Links, r.Plug("totals").DailySteps, r.Plug("sampler").Samples
	days := health.DateRange{From: health.Date{Year: 2026, Month: 3, Day: 17}, To: health.Date{Year: 2026, Month: 4, Day: 15}}
	for name, maxAge := range map[string]time.Duration{"hit": time.Hour, "miss": 0} {
		who := account("a", 7)
		who.Reuse.MaxAge = maxAge
		accounts := []connectors.Account{who}
		b.Run("links/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				links.ReadLinks(b.Context(), accounts)
			}
		})
		for _, n := range []int{15, 30} {
			dates := days.Each()[:n]
			b.Run(fmt.Sprintf("%d days/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					steps.ReadDailySteps(b.Context(), who, dates)
				}
			})
		}
		b.Run("300 samples/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				samples.ReadSamples(b.Context(), who, connectors.SamplesOn(health.StepCountMetric, days), func([]health.Sample) bool { return true })
			}
		})
	}
}

func BenchmarkManyReadTheSame(b *testing.B) {
	r, _ := newBulk(b, 64<<20, 300)
	links := r.Plug("totals").Links
	accounts := []connectors.Account{account("a", 7)}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			links.ReadLinks(b.Context(), accounts)
		}
	})
}

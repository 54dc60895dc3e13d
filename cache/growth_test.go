package cache_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/growth"
	"healthgraph/health"
)

// remembered are reads that the cache answers, by what is read and by how much is remembered of others.
func remembered() []growth.Path {
	last := health.Date{Year: 2026, Month: 4, Day: 10}
	links := func(tb testing.TB, r *connectors.Registry, who string) {
		tb.Helper()
		result := r.Plug("totals").Links.ReadLinks(tb.Context(), []connectors.Account{account(who, 7)})
		require.Len(tb, result[0].Links, 9)
	}
	return []growth.Path{
		{Name: "links, beside those of others", From: 1000, To: 16_000, Flat: true, Prepare: func(tb testing.TB, _ *growth.Meter, others int) func() {
			tb.Helper()
			r, _ := newBulk(tb, 256<<20, 0)
			for i := range others {
				links(tb, r, fmt.Sprint(i))
			}
			return func() { links(tb, r, "0") }
		}},
		{Name: "days", From: 50, To: 1600, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			r, _ := newBulk(tb, 256<<20, 0)
			days := health.DateRange{From: last.AddDays(1 - n), To: last}.Each()
			return func() {
				require.Len(tb, r.Plug("totals").DailySteps.ReadDailySteps(tb.Context(), account("a", 7), days), n)
			}
		}},
		{Name: "samples", From: 625, To: 10_000, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			r, _ := newBulk(tb, 256<<20, n)
			request := connectors.SamplesOn(health.StepCountMetric, health.DateRange{From: last, To: last})
			return func() {
				total := 0
				r.Plug("sampler").Samples.ReadSamples(tb.Context(), account("a", 7), request, func(page []health.Sample) bool { total += len(page); return true })
				require.Equal(tb, n, total)
			}
		}},
	}
}

func TestGrowth(t *testing.T) { growth.Test(t, remembered()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, remembered()...) }

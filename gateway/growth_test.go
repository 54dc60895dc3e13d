package gateway

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"healthgraph/connectors"
	"healthgraph/growth"
	"healthgraph/health"
)

// figures are what the figures of days are made of, years of them.
func figures() []growth.Path {
	tallying := func(alone bool) func(testing.TB, *growth.Meter, int) func() {
		return func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			year, zone := days(tb, "2025-01-01", "2025-12-31"), inZone(tb, "Europe/Paris")
			samples := manySamples(n, year.From.Start(zone), alone)
			return func() { tally(samples, year, zone) }
		}
	}
	return []growth.Path{
		{Name: "tally, three devices", From: 1000, To: 64_000, Prepare: tallying(false)},
		{Name: "tally, each its own device", From: 1000, To: 64_000, Prepare: tallying(true)},
		{Name: "daily", From: 10_000, To: 320_000, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			years := days(tb, "2021-01-01", "2025-12-31")
			return func() { dailyOf(tb, years, n) }
		}},
		{Name: "nights", From: 45, To: 360, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			records := manyNights(n)
			return func() { nights(records, health.UTC) }
		}},
	}
}

func TestGrowth(t *testing.T) { growth.Test(t, figures()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, figures()...) }

func manySamples(n int, first time.Time, alone bool) []health.Sample {
	random := rand.New(rand.NewPCG(1, 2))
	samples := make([]health.Sample, n)
	for i := range samples {
		start := first.Add(time.Duration(random.Int64N(int64(365 * 24 * time.Hour))))
		device := strconv.Itoa(i % 3)
		if alone {
			device = strconv.Itoa(i)
		}
		samples[i] = health.Sample{Device: device, Start: start, End: start.Add(time.Duration(random.Int64N(int64(24 * time.Hour)))), Value: float64(random.IntN(1000))}
	}
	return samples
}

// dailyOf counts samples that come in pages, as they do of an upstream.
func dailyOf(tb testing.TB, years health.DateRange, samples int) {
	tb.Helper()
	d := newDaily(metricNamed(tb, "activeEnergyBurned"), years, health.UTC, holdAtMost)
	apart := d.starts[len(d.starts)-1].Sub(d.starts[0]) / time.Duration(samples)
	at := d.starts[0]
	page := make([]health.Sample, 10_000)
	for range samples / len(page) {
		for i := range page {
			page[i] = health.Sample{Start: at, End: at.Add(apart * 3 / 2), Value: 1, Device: []string{"phone", "watch"}[i%2]}
			at = at.Add(apart)
		}
		d.add(page)
	}
	d.finish(connectors.SampleResult{})
}

// manyNights are the same night again and again, of three devices.
func manyNights(count int) (records []health.SleepRecord) {
	for i := range count {
		for _, device := range []string{"phone", "watch", "ring"} {
			record := night(device, "lldrlldrwlldr")
			for j := range record.Spans {
				record.Spans[j].Start, record.Spans[j].End = record.Spans[j].Start.AddDate(0, 0, i), record.Spans[j].End.AddDate(0, 0, i)
			}
			records = append(records, record)
		}
	}
	return records
}

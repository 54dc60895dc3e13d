package gateway

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"healthgraph/health"
)

// BenchmarkTally doubles the samples from run to run. The time of each sample may grow with the logarithm alone, be they
// of three devices or each of its own.
func BenchmarkTally(b *testing.B) {
	year := days(b, "2025-01-01", "2025-12-31")
	zone := inZone(b, "Europe/Paris")
	for _, devices := range []string{"three devices", "each its own"} {
		for n := 1000; n <= 64_000; n *= 2 {
			samples := manySamples(n, year.From.Start(zone), devices == "each its own")
			b.Run(fmt.Sprintf("%s/%d", devices, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					tally(samples, year, zone)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/sample")
			})
		}
	}
}

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

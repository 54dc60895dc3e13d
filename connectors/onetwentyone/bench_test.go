package onetwentyone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
)

// BenchmarkReadStepSamples reads a quarter's samples from the simulator.
func BenchmarkReadStepSamples(b *testing.B) {
	w := simulated(b, func(*switches) {}, onetwentyone.JSON)
	grant, err := w.link("allow", "quantity")
	require.NoError(b, err)
	person, quarter := account(grant, ""), health.DateRange{From: day("2026-01-01"), To: day("2026-03-31")}
	samples := 0
	for b.Loop() {
		result := w.ReadStepSamples(b.Context(), person, quarter)
		require.NoError(b, result.Err)
		samples = len(result.Samples)
	}
	b.ReportMetric(float64(samples), "samples")
}

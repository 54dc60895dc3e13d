package onetwentyone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
)

// BenchmarkReadSamples reads a quarter's samples from the simulator.
func BenchmarkReadSamples(b *testing.B) {
	w := simulated(b, func(*switches) {}, onetwentyone.JSON)
	grant, err := w.link("allow", "quantity")
	require.NoError(b, err)
	person, quarter := account(grant, ""), health.DateRange{From: day("2026-01-01"), To: day("2026-03-31")}
	samples := 0
	for b.Loop() {
		result := connectors.ReadAllSamples(b.Context(), w, person, stepsOn(quarter))
		require.NoError(b, result.Err)
		samples = len(result.Samples)
	}
	b.ReportMetric(float64(samples), "samples")
}

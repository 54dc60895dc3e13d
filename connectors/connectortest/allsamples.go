package connectortest

import (
	"context"
	"slices"

	"healthgraph/connectors"
	"healthgraph/health"
)

// AllSamples is every sample of a read, in order of their start, and how it ended.
type AllSamples struct {
	connectors.SampleResult
	Samples []health.Sample
}

// ReadAllSamples keeps every page.
func ReadAllSamples(ctx context.Context, reader connectors.SampleReader, account connectors.Account, request connectors.SampleRequest) (all AllSamples) {
	all.SampleResult = reader.ReadSamples(ctx, account, request, func(page []health.Sample) bool {
		all.Samples = append(all.Samples, page...)
		return true
	})
	slices.SortStableFunc(all.Samples, func(a, b health.Sample) int { return a.Start.Compare(b.Start) })
	return all
}

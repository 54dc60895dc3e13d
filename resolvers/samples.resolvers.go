package resolvers

import (
	"context"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/projection"
)

// Samples is the resolver for the samples field.
func (r *stepCountResolver) Samples(ctx context.Context, obj *health.StepCount, first *int, after *string) (*projection.SampleConnection, error) {
	page, err := r.stepSamples(ctx, obj, first, gateway.DefaultSamples, after)
	if err != nil {
		return nil, err
	}
	return &projection.SampleConnection{SamplePage: page}, nil
}

// Series is the resolver for the series field.
func (r *stepCountResolver) Series(ctx context.Context, obj *health.StepCount, first *int, after *string) (*health.SampleSeries, error) {
	page, err := r.stepSamples(ctx, obj, first, gateway.MaxSamples, after)
	if err != nil {
		return nil, err
	}
	series := page.Series(health.UnitCount)
	return &series, nil
}

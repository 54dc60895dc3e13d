package resolvers

import (
	"context"
	"healthgraph/health"
	"healthgraph/projection"
	"time"
)

// Metrics is the resolver for the metrics field.
func (r *queryResolver) Metrics(ctx context.Context) ([]health.Metric, error) {
	return health.Metrics(), nil
}

// Quantity is the resolver for the quantity field.
func (r *queryResolver) Quantity(ctx context.Context, userID *string, metric string, from time.Time, to time.Time, first *int, after *string, unit *string) (*projection.QuantityConnection, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	return r.quantity(ctx, user, metric, from, to, first, after, unit)
}

// QuantityStatistics is the resolver for the quantityStatistics field.
func (r *queryResolver) QuantityStatistics(ctx context.Context, userID *string, metric string, from health.Date, to health.Date, period *health.StatisticsPeriod, timeZone *health.TimeZone, unit *string) (*health.QuantityStatistics, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	return r.quantityStatistics(ctx, user, metric, from, to, period, timeZone, unit)
}

// Quantity is the resolver for the quantity field.
func (r *userResolver) Quantity(ctx context.Context, obj *health.User, metric string, from time.Time, to time.Time, first *int, after *string, unit *string) (*projection.QuantityConnection, error) {
	return r.quantity(ctx, obj.ID, metric, from, to, first, after, unit)
}

// QuantityStatistics is the resolver for the quantityStatistics field.
func (r *userResolver) QuantityStatistics(ctx context.Context, obj *health.User, metric string, from health.Date, to health.Date, period *health.StatisticsPeriod, timeZone *health.TimeZone, unit *string) (*health.QuantityStatistics, error) {
	return r.quantityStatistics(ctx, obj.ID, metric, from, to, period, timeZone, unit)
}

package resolvers

import (
	"context"
	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

// StepCount is the resolver for the stepCount field.
func (r *queryResolver) StepCount(ctx context.Context, userID *string, from health.Date, to health.Date, timeZone *health.TimeZone, dataSources []string, choice *health.ChoiceInput, maxAge *health.Duration) (*health.StepCount, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	request, err := r.Gateway.DayRequest(ctx, from, to, timeZone, dataSources, choice)
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).stepCount(ctx, user, request)
}

// Days is the resolver for the days field.
func (r *stepCountResolver) Days(ctx context.Context, obj *health.StepCount) ([]projection.DailySteps, error) {
	return projection.Days(ctx, obj.Days), nil
}

// StepCount returns graph.StepCountResolver implementation.
func (r *Resolver) StepCount() graph.StepCountResolver { return &stepCountResolver{r} }

type stepCountResolver struct{ *Resolver }

package resolvers

import (
	"context"
	"healthgraph/graph"
	"healthgraph/health"
)

// StepCount is the resolver for the stepCount field.
func (r *queryResolver) StepCount(ctx context.Context, userID *string, from health.Date, to health.Date, timeZone *health.TimeZone, dataSources []string, choice *health.ChoiceInput) (*health.StepCount, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	request, err := r.Gateway.StepRequest(ctx, from, to, timeZone, dataSources, choice)
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).stepCount(ctx, user, request)
}

// StepCount returns graph.StepCountResolver implementation.
func (r *Resolver) StepCount() graph.StepCountResolver { return &stepCountResolver{r} }

type stepCountResolver struct{ *Resolver }

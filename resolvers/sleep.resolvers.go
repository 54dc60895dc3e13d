package resolvers

import (
	"context"
	"healthgraph/health"
)

// Sleep is the resolver for the sleep field.
func (r *queryResolver) Sleep(ctx context.Context, userID *string, from health.Date, to health.Date, timeZone *health.TimeZone, dataSources []string, choice *health.ChoiceInput) (*health.Sleep, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	request, err := r.Gateway.StepRequest(ctx, from, to, timeZone, dataSources, choice)
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).sleep(ctx, user, request)
}

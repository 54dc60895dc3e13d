package resolvers

import (
	"context"
	"healthgraph/callers"
	"healthgraph/gateway"
	"healthgraph/health"
)

// CompleteAuthorization is the resolver for the completeAuthorization field.
func (r *mutationResolver) CompleteAuthorization(ctx context.Context, input health.CompleteAuthorizationInput) (*health.CompleteAuthorizationPayload, error) {
	request := gateway.CompleteRequest{URL: string(input.URL), DataSource: input.DataSource}
	caller := callers.FromContext(ctx)
	request.Actor = caller.Actor()
	if input.UserID != nil || !caller.IsService() {
		user, err := caller.Target(input.UserID, "input.userId")
		if err != nil {
			return nil, err
		}
		request.User = user
	}
	defer readsOf(ctx).forget()
	payload, err := r.Gateway.Complete(ctx, request)
	if err != nil {
		return nil, err
	}
	return &payload, nil
}

// AuthorizationURL is the resolver for the authorizationUrl field.
func (r *queryResolver) AuthorizationURL(ctx context.Context, dataSource string, userID *string, redirectURL *health.URL) (*health.AuthorizationURL, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).authorizationURL(ctx, user, health.DataSourceID(dataSource), redirectURL)
}

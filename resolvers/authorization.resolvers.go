package resolvers

import (
	"context"
	"healthgraph/callers"
	"healthgraph/gateway"
	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

// Link is the resolver for the link field.
func (r *completeAuthorizationPayloadResolver) Link(ctx context.Context, obj *health.CompleteAuthorizationPayload) (*projection.Link, error) {
	return projection.OneLink(&obj.Link, authorize), nil
}

// CompleteAuthorization is the resolver for the completeAuthorization field.
func (r *mutationResolver) CompleteAuthorization(ctx context.Context, input health.CompleteAuthorizationInput) (*health.CompleteAuthorizationPayload, error) {
	request := gateway.CompleteRequest{URL: string(input.URL), DataSource: input.DataSource}
	caller := callers.FromContext(ctx)
	request.Actor = caller.Actor()
	if input.UserID != nil || !caller.IsService() {
		user, err := concerned(ctx, input.UserID, "input.userId")
		if err != nil {
			return nil, err
		}
		request.User = user
	} else if user, err := r.Gateway.Beginner(request.URL); err == nil { // what is wrong otherwise, Complete says
		if err := readsOf(ctx).admits(user); err != nil {
			return nil, err
		}
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

// CompleteAuthorizationPayload returns graph.CompleteAuthorizationPayloadResolver implementation.
func (r *Resolver) CompleteAuthorizationPayload() graph.CompleteAuthorizationPayloadResolver {
	return &completeAuthorizationPayloadResolver{r}
}

type completeAuthorizationPayloadResolver struct{ *Resolver }

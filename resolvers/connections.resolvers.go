package resolvers

import (
	"context"
	"healthgraph/callers"
	"healthgraph/graph"
	"healthgraph/health"
)

// AuthorizationURL is the resolver for the authorizationUrl field.
func (r *dataSourceLinkResolver) AuthorizationURL(ctx context.Context, obj *health.DataSourceLink, redirectURL *health.URL) (*health.URL, error) {
	return readsOf(ctx).linkAuthorizationURL(ctx, obj, redirectURL)
}

// Revoke is the resolver for the revoke field.
func (r *mutationResolver) Revoke(ctx context.Context, input health.RevokeInput) (*health.RevokePayload, error) {
	caller := callers.FromContext(ctx)
	user, err := concerned(ctx, input.UserID, "input.userId")
	if err != nil {
		return nil, err
	}
	defer readsOf(ctx).forget()
	payload, err := r.Gateway.Revoke(ctx, user, input.DataSource, caller.Actor())
	if err != nil {
		return nil, err
	}
	return &payload, nil
}

// RevokeAll is the resolver for the revokeAll field.
func (r *mutationResolver) RevokeAll(ctx context.Context, input *health.RevokeAllInput) (*health.RevokeAllPayload, error) {
	if input == nil {
		input = &health.RevokeAllInput{}
	}
	caller := callers.FromContext(ctx)
	user, err := concerned(ctx, input.UserID, "input.userId")
	if err != nil {
		return nil, err
	}
	defer readsOf(ctx).forget()
	payload, err := r.Gateway.RevokeAll(ctx, user, caller.Actor())
	if err != nil {
		return nil, err
	}
	return &payload, nil
}

// EraseUser is the resolver for the eraseUser field.
func (r *mutationResolver) EraseUser(ctx context.Context, input *health.EraseUserInput) (*health.EraseUserPayload, error) {
	if input == nil {
		input = &health.EraseUserInput{}
	}
	caller := callers.FromContext(ctx)
	user, err := concerned(ctx, input.UserID, "input.userId")
	if err != nil {
		return nil, err
	}
	defer readsOf(ctx).forget()
	payload, err := r.Gateway.Erase(ctx, user, caller.Actor())
	if err != nil {
		return nil, err
	}
	return &payload, nil
}

// Connections is the resolver for the connections field.
func (r *queryResolver) Connections(ctx context.Context, userID *string, dataSources []string) ([]health.DataSourceLink, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	filter, err := r.Gateway.Filter(ctx, dataSources)
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).connections(ctx, user, filter)
}

// DataSourceLink returns graph.DataSourceLinkResolver implementation.
func (r *Resolver) DataSourceLink() graph.DataSourceLinkResolver { return &dataSourceLinkResolver{r} }

type dataSourceLinkResolver struct{ *Resolver }

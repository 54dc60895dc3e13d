package resolvers

import (
	"context"
	"healthgraph/graph"
	"healthgraph/health"
)

// AuthorizationURL is the resolver for the authorizationUrl field.
func (r *dataSourceLinkResolver) AuthorizationURL(ctx context.Context, obj *health.DataSourceLink, redirectURL *health.URL) (*health.URL, error) {
	return readsOf(ctx).linkAuthorizationURL(ctx, obj, redirectURL)
}

// Revoke is the resolver for the revoke field.
func (r *mutationResolver) Revoke(ctx context.Context, input health.RevokeInput) (*health.RevokePayload, error) {
	return change(ctx, input.UserID, func(user health.UserID, actor health.Actor) (health.RevokePayload, error) {
		return r.Gateway.Revoke(ctx, user, input.DataSource, actor)
	})
}

// RevokeAll is the resolver for the revokeAll field.
func (r *mutationResolver) RevokeAll(ctx context.Context, input *health.RevokeAllInput) (*health.RevokeAllPayload, error) {
	if input == nil {
		input = &health.RevokeAllInput{}
	}
	return change(ctx, input.UserID, func(user health.UserID, actor health.Actor) (health.RevokeAllPayload, error) {
		return r.Gateway.RevokeAll(ctx, user, actor)
	})
}

// EraseUser is the resolver for the eraseUser field.
func (r *mutationResolver) EraseUser(ctx context.Context, input *health.EraseUserInput) (*health.EraseUserPayload, error) {
	if input == nil {
		input = &health.EraseUserInput{}
	}
	return change(ctx, input.UserID, func(user health.UserID, actor health.Actor) (health.EraseUserPayload, error) {
		return r.Gateway.Erase(ctx, user, actor)
	})
}

// Connections is the resolver for the connections field.
func (r *queryResolver) Connections(ctx context.Context, userID *string, dataSources []string, maxAge *health.Duration) ([]health.DataSourceLink, error) {
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

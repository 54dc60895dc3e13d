package resolvers

import (
	"context"
	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

// AuthorizationURL is the resolver for the authorizationUrl field.
func (r *dataSourceLinkResolver) AuthorizationURL(ctx context.Context, obj *projection.Link, redirectURL *health.URL) (*health.URL, error) {
	return authorize(ctx, obj.DataSourceLink, redirectURL)()
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
func (r *queryResolver) Connections(ctx context.Context, userID *string, dataSources []string, maxAge *health.Duration) ([]projection.Link, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	filter, err := r.Gateway.Filter(ctx, dataSources)
	if err != nil {
		return nil, err
	}
	return links(ctx, user, filter)
}

// Link is the resolver for the link field.
func (r *revokePayloadResolver) Link(ctx context.Context, obj *health.RevokePayload) (*projection.Link, error) {
	return projection.OneLink(&obj.Link, authorize), nil
}

// DataSourceLink returns graph.DataSourceLinkResolver implementation.
func (r *Resolver) DataSourceLink() graph.DataSourceLinkResolver { return &dataSourceLinkResolver{r} }

// RevokePayload returns graph.RevokePayloadResolver implementation.
func (r *Resolver) RevokePayload() graph.RevokePayloadResolver { return &revokePayloadResolver{r} }

type (
	dataSourceLinkResolver struct{ *Resolver }
	revokePayloadResolver  struct{ *Resolver }
)

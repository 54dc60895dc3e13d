package resolvers

import (
	"context"
	"healthgraph/health"
)

// AccessLog is the resolver for the accessLog field.
func (r *queryResolver) AccessLog(ctx context.Context, userID *string, first *int, after *string) (*health.AccessLogConnection, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	return r.accessLog(ctx, user, first, after)
}

// AccessLog is the resolver for the accessLog field.
func (r *userResolver) AccessLog(ctx context.Context, obj *health.User, first *int, after *string) (*health.AccessLogConnection, error) {
	return r.accessLog(ctx, obj.ID, first, after)
}

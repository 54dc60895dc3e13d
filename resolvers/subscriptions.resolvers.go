package resolvers

import (
	"context"
	"healthgraph/graph"
	"healthgraph/projection"
)

// ConnectionChanged is the resolver for the connectionChanged field.
func (r *subscriptionResolver) ConnectionChanged(ctx context.Context, userID *string) (<-chan *projection.Link, error) {
	user, err := target(ctx, userID, "userId")
	if err != nil {
		return nil, err
	}
	return streamOf(ctx).begin(ctx, r.Gateway.Watch(user)), nil
}

// Subscription returns graph.SubscriptionResolver implementation.
func (r *Resolver) Subscription() graph.SubscriptionResolver { return &subscriptionResolver{r} }

type subscriptionResolver struct{ *Resolver }

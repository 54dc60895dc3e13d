package resolvers

import (
	"context"
	"healthgraph/gateway"
	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

// Link is the resolver for the link field.
func (r *linkPersonalAccessTokenPayloadResolver) Link(ctx context.Context, obj *health.LinkPersonalAccessTokenPayload) (*projection.Link, error) {
	return projection.OneLink(&obj.Link, authorize), nil
}

// LinkPersonalAccessToken is the resolver for the linkPersonalAccessToken field.
func (r *mutationResolver) LinkPersonalAccessToken(ctx context.Context, input health.LinkPersonalAccessTokenInput) (*health.LinkPersonalAccessTokenPayload, error) {
	return change(ctx, input.UserID, func(user health.UserID, actor health.Actor) (health.LinkPersonalAccessTokenPayload, error) {
		return r.Gateway.LinkByPersonalToken(ctx, gateway.PersonalTokenRequest{
			User: user, DataSource: input.DataSource, AccountID: input.AccountID, Token: input.Token, Actor: actor,
		})
	})
}

// LinkPersonalAccessTokenPayload returns graph.LinkPersonalAccessTokenPayloadResolver implementation.
func (r *Resolver) LinkPersonalAccessTokenPayload() graph.LinkPersonalAccessTokenPayloadResolver {
	return &linkPersonalAccessTokenPayloadResolver{r}
}

type linkPersonalAccessTokenPayloadResolver struct{ *Resolver }

package resolvers

import (
	"context"
	"healthgraph/gateway"
	"healthgraph/health"
)

// LinkPersonalAccessToken is the resolver for the linkPersonalAccessToken field.
func (r *mutationResolver) LinkPersonalAccessToken(ctx context.Context, input health.LinkPersonalAccessTokenInput) (*health.LinkPersonalAccessTokenPayload, error) {
	return change(ctx, input.UserID, func(user health.UserID, actor health.Actor) (health.LinkPersonalAccessTokenPayload, error) {
		return r.Gateway.LinkByPersonalToken(ctx, gateway.PersonalTokenRequest{
			User: user, DataSource: input.DataSource, AccountID: input.AccountID, Token: input.Token, Actor: actor,
		})
	})
}

package resolvers

import (
	"context"
	"healthgraph/callers"
	"healthgraph/gateway"
	"healthgraph/health"
)

// LinkPersonalAccessToken is the resolver for the linkPersonalAccessToken field.
func (r *mutationResolver) LinkPersonalAccessToken(ctx context.Context, input health.LinkPersonalAccessTokenInput) (*health.LinkPersonalAccessTokenPayload, error) {
	caller := callers.FromContext(ctx)
	user, err := concerned(ctx, input.UserID, "input.userId")
	if err != nil {
		return nil, err
	}
	defer readsOf(ctx).forget()
	payload, err := r.Gateway.LinkByPersonalToken(ctx, gateway.PersonalTokenRequest{
		User: user, DataSource: input.DataSource, AccountID: input.AccountID, Token: input.Token, Actor: caller.Actor(),
	})
	if err != nil {
		return nil, err
	}
	return &payload, nil
}

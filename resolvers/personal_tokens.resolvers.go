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
func (r *linkPersonalAccessTokenPayloadResolver) Link(ctx context.Context, obj *health.LinkPersonalAccessTokenPayload) (*projection.Link, error) {
	return projection.OneLink(&obj.Link, authorize), nil
}

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

// LinkPersonalAccessTokenPayload returns graph.LinkPersonalAccessTokenPayloadResolver implementation.
func (r *Resolver) LinkPersonalAccessTokenPayload() graph.LinkPersonalAccessTokenPayloadResolver {
	return &linkPersonalAccessTokenPayloadResolver{r}
}

type linkPersonalAccessTokenPayloadResolver struct{ *Resolver }

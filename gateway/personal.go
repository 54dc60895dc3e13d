package gateway

import (
	"context"
	"slices"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// PersonalTokenRequest is a token that a person made at an upstream, and who hands it in.
type PersonalTokenRequest struct {
	User       health.UserID
	DataSource health.DataSourceID
	AccountID  string
	Token      health.Secret
	Actor      health.Actor
}

// LinkByPersonalToken links a data source by a token that the person made at the upstream. What can't be one costs no call;
// any other is tried by reading the profile, which also proves whose account it is. Nothing is stored but what proved good.
func (g *Gateway) LinkByPersonalToken(ctx context.Context, r PersonalTokenRequest) (health.LinkPersonalAccessTokenPayload, error) {
	nothing := health.LinkPersonalAccessTokenPayload{}
	source, plug, err := g.dataSource(ctx, "input.dataSource", r.DataSource)
	if err != nil {
		return nothing, err
	}
	if plug.Personal == nil {
		return nothing, health.Refuse("input.dataSource", source.Name+" can't be linked by a personal access token; "+g.takersOfPersonalTokens())
	}
	grant, err := plug.Personal.PersonalGrant(r.AccountID, r.Token)
	if e := health.AsError(err); e.Has(health.BadUserInput) {
		return nothing, health.Refuse("input."+e.Argument, e.Message)
	}
	if err != nil {
		return nothing, err
	}
	profile, err := g.ownProfile(ctx, plug, grant)
	if err != nil {
		return nothing, err
	}
	ctx, cancel := outlive(ctx) // it proved good: who asked need not wait for it to be kept
	defer cancel()
	err = g.Tokens.Save(ctx, tokens.Linked{User: r.User, Connector: plug.Description.ID, Grant: grant, Profile: &profile, Actor: r.Actor})
	if err != nil {
		return nothing, err
	}
	link, err := g.oneLink(ctx, r.User, source, plug)
	return health.LinkPersonalAccessTokenPayload{Link: link}, err
}

// ownProfile reads the profile with a personal token, which has to be for that account.
func (g *Gateway) ownProfile(ctx context.Context, plug *connectors.Plug, grant connectors.Grant) (connectors.Profile, error) {
	name := plug.Description.Name
	profile, err := plug.Personal.ReadProfile(ctx, connectors.Account{ID: grant.AccountID, Client: g.Tokens.Client(grant)})
	if err == nil && profile.AccountID == "" {
		err = health.Fail(health.UpstreamInvalid, name+" did not say whose the token is: the operator has been told", nil)
	}
	switch {
	case connectors.IsTokenRefused(err):
		return profile, health.Refuse("input.token", name+" does not accept it for that account")
	case err != nil:
		g.logFailure(plug.Description.ID, err)
		return profile, err
	case profile.AccountID != grant.AccountID:
		return profile, health.Refuse("input.accountId", "the token is for another account")
	}
	return profile, nil
}

// takersOfPersonalTokens says which sources can be linked so, for a message.
func (g *Gateway) takersOfPersonalTokens() string {
	var ids []string
	for _, source := range g.DataSources() {
		if slices.Contains(source.Capabilities, health.CapabilityPersonalAccessToken) {
			ids = append(ids, string(source.ID))
		}
	}
	if len(ids) == 0 {
		return "none here can"
	}
	return "these can: " + strings.Join(ids, ", ")
}

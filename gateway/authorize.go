package gateway

import (
	"context"
	"slices"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// AuthorizeRequest is the arguments of authorizationUrl, checked.
type AuthorizeRequest struct {
	source    health.DataSource
	plug      *connectors.Plug
	returnURL string
}

// DataSource is what is to be linked.
func (r AuthorizeRequest) DataSource() health.DataSource { return r.source }

// Connector is the upstream that reaches it.
func (r AuthorizeRequest) Connector() string { return r.plug.Description.ID }

// AuthorizeRequest checks the arguments of authorizationUrl without any call.
func (g *Gateway) AuthorizeRequest(ctx context.Context, id health.DataSourceID, redirect *health.URL) (AuthorizeRequest, error) {
	source, plug, err := g.dataSource(ctx, "dataSource", id)
	if err != nil {
		return AuthorizeRequest{}, err
	}
	returnURL := g.DefaultReturnURLs[plug.Description.ID]
	if redirect != nil {
		returnURL = string(*redirect)
		if !slices.Contains(g.ReturnURLs, returnURL) {
			return AuthorizeRequest{}, health.Refuse("redirectUrl", "this return URL is not allowed; "+g.allowedReturnURLs())
		}
	}
	if plug.Authorizer != nil {
		if err := plug.Authorizer.CheckReturnURL(returnURL); err != nil {
			refused := *health.AsError(err)
			refused.Argument = "redirectUrl"
			return AuthorizeRequest{}, &refused
		}
	}
	return AuthorizeRequest{source, plug, returnURL}, nil
}

func (g *Gateway) allowedReturnURLs() string {
	if len(g.ReturnURLs) == 0 {
		return "the operator has allowed none, so leave it out"
	}
	return "allowed are: " + strings.Join(g.ReturnURLs, ", ")
}

// AuthorizationURL finds the page on which the person links the data source. An upstream that fails is a problem in the
// answer.
func (g *Gateway) AuthorizationURL(ctx context.Context, p *Person, r AuthorizeRequest) health.AuthorizationURL {
	answer := health.AuthorizationURL{DataSource: r.source}
	if r.plug.Authorizer == nil || r.source.Kind != health.KindBrowser {
		answer.Problem = &health.Problem{
			Code: health.Unsupported, DataSource: &answer.DataSource,
			Message: r.source.Name + " is linked in a phone app that holds " + r.plug.Description.Name + "'s SDK: there is no page to send a browser to",
		}
		return answer
	}
	if r.plug.NeedsGrant() {
		return g.authorizeGrant(ctx, p, r, answer)
	}
	account := g.account(p, r.plug)
	page, err := r.plug.Authorizer.Authorize(ctx, connectors.AuthorizeRequest{Account: account, DataSource: r.source, ReturnURL: r.returnURL})
	if err != nil {
		g.logFailure(r.plug.Description.ID, err)
		answer.Problem = health.ProblemOf(err)
		answer.Problem.DataSource = &answer.DataSource
		return answer
	}
	answer.Authorized = &page.Authorized
	if !page.Authorized {
		answer.URL = (*health.URL)(&page.URL)
	}
	return answer
}

// authorizeGrant answers for an OAuth upstream: we hold the grant or we do not, and the address needs no call.
func (g *Gateway) authorizeGrant(ctx context.Context, p *Person, r AuthorizeRequest, answer health.AuthorizationURL) health.AuthorizationURL {
	grant, held := p.grants[r.plug.Description.ID]
	authorized := held && !grant.Refused() && g.Tokens.Opens(grant)
	answer.Authorized = &authorized
	if authorized {
		return answer
	}
	page, err := g.mint(ctx, p.ID, r.source, r.plug, r.returnURL)
	if err != nil {
		answer.Problem = health.ProblemOf(err)
		answer.Problem.DataSource = &answer.DataSource
		return answer
	}
	answer.URL, answer.ExpiresAt = page.URL, page.ExpiresAt
	return answer
}

// mint makes the address of an OAuth upstream's consent page, with a sealed state. It writes nothing and calls nobody.
func (g *Gateway) mint(ctx context.Context, user health.UserID, source health.DataSource, plug *connectors.Plug, returnURL string) (health.AuthorizationURL, error) {
	if returnURL == "" {
		returnURL = g.DefaultReturnURLs[plug.Description.ID]
	}
	state, expires, err := g.Tokens.MintState(user, source.ID, returnURL)
	if err != nil {
		return health.AuthorizationURL{}, err
	}
	page, err := plug.Authorizer.Authorize(ctx, connectors.AuthorizeRequest{DataSource: source, ReturnURL: returnURL, State: state})
	if err != nil {
		return health.AuthorizationURL{}, err
	}
	return health.AuthorizationURL{DataSource: source, URL: (*health.URL)(&page.URL), ExpiresAt: &expires}, nil
}

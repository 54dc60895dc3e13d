package gateway

import (
	"context"
	"net/url"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// CompleteRequest is what a browser brought back, and who hands it in.
type CompleteRequest struct {
	User       health.UserID // whose link it must be; "" for a service that did not say
	URL        string
	DataSource *health.DataSourceID
	Actor      health.Actor
}

// Complete finishes a link. Refused input changes nothing and costs no call.
func (g *Gateway) Complete(ctx context.Context, r CompleteRequest) (health.CompleteAuthorizationPayload, error) {
	returned, err := url.Parse(r.URL)
	if err != nil {
		return health.CompleteAuthorizationPayload{}, health.Refuse("input.url", "not a URL")
	}
	query, err := url.ParseQuery(returned.RawQuery)
	if err != nil {
		return health.CompleteAuthorizationPayload{}, health.Refuse("input.url", "the part after the question mark is malformed")
	}
	var source *health.DataSource
	var plug *connectors.Plug
	if r.DataSource != nil {
		found, p, err := g.dataSource(ctx, "input.dataSource", *r.DataSource)
		if err != nil {
			return health.CompleteAuthorizationPayload{}, err
		}
		source, plug = &found, p
	}
	if plug != nil && !plug.NeedsGrant() {
		return g.completeByList(ctx, r, *source, plug)
	}
	state, err := g.stateOf(query)
	if err != nil {
		return health.CompleteAuthorizationPayload{}, err
	}
	if source != nil && state.DataSource != source.ID {
		return health.CompleteAuthorizationPayload{}, health.Refuse("input.dataSource", "the URL comes from linking "+string(state.DataSource)+": name that, or nothing")
	}
	return g.completeByGrant(ctx, r, state, returned)
}

// Beginner is who began the link that a browser came back from with that URL, as the state in it says. It asks nobody.
func (g *Gateway) Beginner(text string) (health.UserID, error) {
	returned, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	state, err := g.stateOf(returned.Query())
	return state.User, err
}

// stateOf opens the state in a returned query.
func (g *Gateway) stateOf(query url.Values) (tokens.State, error) {
	switch states := query["state"]; {
	case len(states) == 0:
		return tokens.State{}, health.Refuse("input.url", "the URL carries no state: hand in the whole URL that the browser came back to, or name the dataSource when its upstream sends none")
	case len(states) > 1:
		return tokens.State{}, health.Refuse("input.url", "the URL carries more than one state")
	default:
		state, err := g.Tokens.OpenState(states[0])
		if err != nil {
			return tokens.State{}, health.Refuse("input.url", "its state was not made by this gateway, or was altered: begin again with authorizationUrl")
		}
		return state, nil
	}
}

// completeByGrant finishes a link at an OAuth upstream: the state says whose it is, and can be used once.
func (g *Gateway) completeByGrant(ctx context.Context, r CompleteRequest, state tokens.State, returned *url.URL) (health.CompleteAuthorizationPayload, error) {
	nothing := health.CompleteAuthorizationPayload{}
	if r.User != "" && r.User != state.User {
		e := health.Fail(health.Forbidden, "another person began this link: only they can finish it", nil)
		e.Argument = "input.url"
		return nothing, e
	}
	source, plug, err := g.dataSource(ctx, "input.url", state.DataSource)
	if err != nil {
		return nothing, err
	}
	if !g.Now().Before(state.ExpiresAt) {
		return nothing, health.Refuse("input.url", "the attempt to link has expired (a person has 30 minutes for it): begin again with authorizationUrl")
	}
	if !sameReturn(state.ReturnURL, returned) {
		return nothing, health.Refuse("input.url", "this is not the return URL that the link was begun with")
	}
	refused := plug.Exchanger.CheckReturn(returned.Query())
	if e := health.AsError(refused); e != nil && e.Code != health.NotConnected {
		if e.Argument == "url" {
			e = health.Refuse("input.url", e.Message)
		}
		return nothing, e
	}
	first, err := g.Tokens.SpendState(ctx, state)
	if err != nil {
		return nothing, err
	}
	if !first {
		return nothing, g.alreadyUsed(ctx, state.User, source, plug)
	}
	if refused == nil {
		refused, err = g.exchange(ctx, state, plug, returned.Query(), r.Actor)
		if err != nil {
			return nothing, err
		}
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	link, err := g.oneLink(ctx, state.User, source, plug)
	if err != nil {
		return nothing, err
	}
	payload := health.CompleteAuthorizationPayload{Link: link, Problem: health.ProblemOf(refused)}
	if payload.Problem != nil {
		payload.Problem.DataSource = &payload.Link.DataSource
	}
	return payload, nil
}

// exchange spends the code and keeps the grant. refused is an answer about the link; err is a failure.
func (g *Gateway) exchange(ctx context.Context, state tokens.State, plug *connectors.Plug, query url.Values, actor health.Actor) (refused, err error) {
	grant, err := plug.Exchanger.Exchange(ctx, query, state.ReturnURL)
	if err != nil {
		g.logFailure(plug.Description.ID, err)
		e := health.AsError(err)
		if e.Code == health.BadUserInput { // one is a person's, many are a mistake in the configuration
			g.Log.WarnContext(ctx, "an upstream refused an authorization code", "connector", plug.Description.ID, "cause", e.Cause)
			return nil, health.Refuse("input.url", e.Message)
		}
		return health.Fail(e.Code, e.Message+"; this return can't be used again, so begin again with authorizationUrl", e.Cause), nil
	}
	profile, err := g.profileOf(ctx, plug, grant)
	if err != nil {
		return nil, err
	}
	ctx, cancel := outlive(ctx) // the code is spent: a grant that is not kept is lost
	defer cancel()
	return nil, g.Tokens.Save(ctx, tokens.Linked{User: state.User, Connector: plug.Description.ID, Grant: grant, Profile: profile, Actor: actor})
}

// profileOf reads the profile with a new grant, which proves whose account it is: the account id came through the
// browser. A profile that can't be read proves nothing, and costs the link its zone and scopes for now.
func (g *Gateway) profileOf(ctx context.Context, plug *connectors.Plug, grant connectors.Grant) (*connectors.Profile, error) {
	if plug.Profile == nil {
		return nil, nil //nolint:nilnil // no profile is no failure
	}
	profile, err := plug.Profile.ReadProfile(ctx, connectors.Account{ID: grant.AccountID, Client: g.Tokens.Client(grant)})
	switch {
	case err != nil && connectors.IsScopeMissing(err):
		return &connectors.Profile{}, nil
	case err != nil:
		g.logFailure(plug.Description.ID, err)
		return nil, nil //nolint:nilnil // as above
	}
	if profile.AccountID != "" && profile.AccountID != grant.AccountID {
		return nil, health.Refuse("input.url", "it names another account than the one that gave its permission: begin again with authorizationUrl")
	}
	return &profile, nil
}

// alreadyUsed tells a phone that retried how the link stands.
func (g *Gateway) alreadyUsed(ctx context.Context, user health.UserID, source health.DataSource, plug *connectors.Plug) error {
	e := health.Refuse("input.url", "it has been used already: the link's present status stands beside this error")
	link, err := g.oneLink(ctx, user, source, plug)
	if err != nil {
		return err
	}
	e.LinkStatus = link.Status
	return e
}

// completeByList finishes a link at an upstream that needs nothing from the browser. Whatever the URL says is not
// believed: the person's own list decides.
func (g *Gateway) completeByList(ctx context.Context, r CompleteRequest, source health.DataSource, plug *connectors.Plug) (health.CompleteAuthorizationPayload, error) {
	if r.User == "" {
		return health.CompleteAuthorizationPayload{}, health.Refuse("input.userId", "a service's credential has to say whose link it is")
	}
	people, err := g.People(ctx, []health.UserID{r.User})
	if err != nil {
		return health.CompleteAuthorizationPayload{}, err
	}
	person := people[0]
	if source.Kind == health.KindBrowser && g.record(person, plug, source.ID).Status != health.StatusConnected {
		g.change(ctx, person, plug, source.ID, func(r LinkRecord) LinkRecord { return returned(r, g.Now()) })
	}
	link := g.readLink(ctx, person, source, plug)
	payload := health.CompleteAuthorizationPayload{Link: link}
	switch link.Status {
	case health.StatusConnected:
	case health.StatusUnknown:
		payload.Problem = link.Problem
	default:
		payload.Problem = &health.Problem{Code: health.NotConnected, DataSource: &payload.Link.DataSource}
		payload.Problem.Message = plug.Description.Name + " does not show the link yet: ask again in a moment, or the person did not give access"
		if source.Kind == health.KindSDK {
			payload.Problem.Message = source.Name + " is not linked: that is done in a phone app that holds " + plug.Description.Name + "'s SDK"
		}
	}
	return payload, nil
}

// oneLink reads one link afresh.
func (g *Gateway) oneLink(ctx context.Context, user health.UserID, source health.DataSource, plug *connectors.Plug) (health.DataSourceLink, error) {
	people, err := g.People(ctx, []health.UserID{user})
	if err != nil {
		return health.DataSourceLink{}, err
	}
	return g.readLink(ctx, people[0], source, plug), nil
}

// readLink asks the upstream how one link of the person stands.
func (g *Gateway) readLink(ctx context.Context, p *Person, source health.DataSource, plug *connectors.Plug) health.DataSourceLink {
	return g.pick(g.Links(ctx, plug.Description.ID, []*Person{p})[0], source, g.record(p, plug, source.ID))
}

// pick finds a source among the links that were just read. One that the upstream does not show is not connected, unless its list could
// not be read: then it is as unknown as the others.
func (g *Gateway) pick(links []health.DataSourceLink, source health.DataSource, otherwise LinkRecord) health.DataSourceLink {
	for _, link := range links {
		if link.DataSource.ID == source.ID {
			return link
		}
	}
	if len(links) > 0 && links[0].Status == health.StatusUnknown { // and so are all
		if links[0].CheckedAt != nil {
			otherwise.CheckedAt = *links[0].CheckedAt
		}
		return g.unknown(otherwise, source, links[0].Problem)
	}
	return g.linkOf(observed(otherwise, false, g.Now()), source)
}

// sameReturn says whether the browser came back to where it was sent: everything but what an upstream may add to the
// query. "" is an upstream's own default, which we can't compare.
func sameReturn(sent string, came *url.URL) bool {
	if sent == "" {
		return true
	}
	u, err := url.Parse(sent)
	return err == nil && u.Scheme == came.Scheme && u.Host == came.Host && u.Path == came.Path && u.Opaque == came.Opaque
}

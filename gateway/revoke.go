package gateway

import (
	"context"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Revoke ends a link and reads its state back. An upstream that fails is the outcome FAILED with a problem. Unless
// there was nothing to end, the person's access log has a line.
func (g *Gateway) Revoke(ctx context.Context, user health.UserID, id health.DataSourceID, actor health.Actor) (health.RevokePayload, error) {
	source, plug, err := g.dataSource(ctx, "input.dataSource", id)
	if err != nil {
		return health.RevokePayload{}, err
	}
	people, err := g.People(ctx, []health.UserID{user})
	if err != nil {
		return health.RevokePayload{}, err
	}
	switch person := people[0]; {
	case plug.NeedsGrant():
		return g.forget(ctx, person, source, plug, actor)
	case plug.Revoker != nil:
		payload, err := g.revokeUpstream(ctx, person, source, plug)
		if err != nil {
			return health.RevokePayload{}, err
		}
		if payload.Outcome != health.AlreadyRevoked {
			g.logAccess(ctx, g.revocation(user, source, actor, payload.Outcome))
		}
		return payload, nil
	default:
		return failed(g.readLink(ctx, person, source, plug), health.Fail(health.Unsupported, plug.Description.Name+" has no way to end a link: the person does it there", nil)), nil
	}
}

// revocation is the line of the access log about one.
func (g *Gateway) revocation(user health.UserID, source health.DataSource, actor health.Actor, outcome health.RevokeOutcome) health.AccessEvent {
	return health.AccessEvent{
		User: user, At: g.Now(), Action: health.AccessRevoked, Actor: actor,
		Connector: source.Connector, DataSource: source.ID, Outcome: outcome,
	}
}

func failed(link health.DataSourceLink, err error) health.RevokePayload {
	payload := health.RevokePayload{Outcome: health.RevokeFailed, Link: link, Problem: health.ProblemOf(err)}
	payload.Problem.DataSource = &payload.Link.DataSource
	return payload
}

// forget ends a link whose upstream documents no revocation: our grant is deleted, and the person is told what is left.
func (g *Gateway) forget(ctx context.Context, p *Person, source health.DataSource, plug *connectors.Plug, actor health.Actor) (health.RevokePayload, error) {
	existed, err := g.Tokens.Forget(ctx, p.ID, plug.Description.ID, g.revocation(p.ID, source, actor, health.RevokedLocallyOnly))
	if err != nil {
		return health.RevokePayload{}, err
	}
	delete(p.grants, plug.Description.ID)
	if existed {
		g.change(ctx, p, plug, source.ID, func(r LinkRecord) LinkRecord { return revoked(r, 0, g.Now()) })
	}
	link := g.readLink(ctx, p, source, plug)
	payload := health.RevokePayload{Outcome: health.AlreadyRevoked, Link: link}
	if existed {
		payload.Outcome = health.RevokedLocallyOnly
		payload.Problem = &health.Problem{Code: health.Unsupported, DataSource: &payload.Link.DataSource, Message: plug.Description.RevokeHint}
	}
	return payload, nil
}

// lookFirst is how a link stands before it is ended. One that is kept as standing is taken for that. Any other the person may have made
// since somebody looked, if anybody did.
func (g *Gateway) lookFirst(ctx context.Context, p *Person, source health.DataSource, plug *connectors.Plug) (health.DataSourceLink, *Person, error) {
	record := g.record(p, plug, source.ID)
	link := g.linkOf(record, source)
	if record.Version > 0 && mayStand(link) {
		return link, p, nil
	}
	link = g.readLink(ctx, p, source, plug)
	people, err := g.People(ctx, []health.UserID{p.ID}) // of what was just seen, something may be kept now
	if err != nil {
		return link, p, err
	}
	return link, people[0], nil
}

// revokeUpstream asks the upstream to end the link and reads its list back: that alone says whether it did.
func (g *Gateway) revokeUpstream(ctx context.Context, p *Person, source health.DataSource, plug *connectors.Plug) (health.RevokePayload, error) {
	old, p, err := g.lookFirst(ctx, p, source, plug)
	if err != nil {
		return health.RevokePayload{}, err
	}
	result, err := plug.Revoker.Revoke(ctx, g.account(p, plug), source)
	if err != nil {
		g.logFailure(plug.Description.ID, err)
		return failed(g.readLink(ctx, p, source, plug), err), nil // an answer that was lost may hide that it was done
	}
	lateUntil := g.Now().Add(result.LateData)
	if result.Unsure { // then what was known of it before decides
		result.WasConnected = mayStand(old)
	}
	remembered := true
	if result.WasConnected {
		remembered = g.change(ctx, p, plug, source.ID, func(r LinkRecord) LinkRecord { return revoked(r, result.LateData, g.Now()) })
	}
	links := g.Links(ctx, plug.Description.ID, []*Person{p})[0]
	if result.WasConnected && !slices.ContainsFunc(links, func(l health.DataSourceLink) bool { return l.DataSource.ID == source.ID }) {
		// A source beyond the catalogue may vanish from the list with its link. (A list that can't be read has it still.)
		g.change(ctx, p, plug, source.ID, func(r LinkRecord) LinkRecord { return observed(r, false, g.Now()) })
	}
	link := g.pick(links, source, g.record(p, plug, source.ID))
	payload := revokePayload(link, result, lateUntil)
	if !remembered && payload.Problem == nil {
		payload.Problem = &health.Problem{
			Code: health.Internal, DataSource: &payload.Link.DataSource,
			Message: plug.Description.Name + " took the revocation, which could not be remembered here: while " + plug.Description.Name + " still shows the link, so does this gateway",
		}
	}
	return payload, nil
}

func revokePayload(link health.DataSourceLink, result connectors.Revocation, lateUntil time.Time) health.RevokePayload {
	payload := health.RevokePayload{Link: link, LateDataUntil: &lateUntil}
	switch {
	case link.Status == health.StatusUnknown && result.WasConnected:
		payload.Outcome, payload.Problem = health.RevokedUpstreamPending, link.Problem
	case link.Status == health.StatusUnknown:
		payload = failed(link, health.Fail(link.Problem.Code, "there was nothing to revoke or it can't be revoked, and the list that tells could not be read", nil))
		payload.Problem.RetryAfter = link.Problem.RetryAfter
		return payload
	case link.Status == health.StatusConnected && !result.WasConnected:
		return failed(link, health.Fail(health.Unsupported, "the upstream does not let this data source be revoked: the person ends it in the source's own app", nil))
	case link.Status == health.StatusConnected || link.Status == health.StatusRevoking:
		payload.Outcome = health.RevokedUpstreamPending
	case !result.WasConnected:
		payload.Outcome, payload.LateDataUntil = health.AlreadyRevoked, nil
	default:
		payload.Outcome = health.RevokedUpstream
	}
	return payload
}

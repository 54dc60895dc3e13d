package gateway

import (
	"context"
	"slices"

	"healthgraph/health"
)

// RevokeAll ends every link of the person, and says for each what was achieved. What has ended already is left alone, so it
// can be called again after anything went wrong in the middle.
func (g *Gateway) RevokeAll(ctx context.Context, user health.UserID, actor health.Actor) (health.RevokeAllPayload, error) {
	people, err := g.People(ctx, []health.UserID{user})
	if err != nil {
		return health.RevokeAllPayload{}, err
	}
	var standing []health.DataSourceLink
	for _, plug := range g.Registry.Plugs() {
		links := g.Links(ctx, plug.Description.ID, people)[0]
		ending := slices.DeleteFunc(slices.Clone(links), func(l health.DataSourceLink) bool { return !mayStand(l) })
		if len(ending) == 0 { // what was last known may be old: of an upstream that can't be asked nobody knows that there is nothing to end
			ending = slices.DeleteFunc(links, func(l health.DataSourceLink) bool { return l.Status != health.StatusUnknown })
		}
		standing = append(standing, ending...)
	}
	payload := health.RevokeAllPayload{Results: []health.RevokePayload{}, Complete: true}
	down := map[string]*health.Problem{} // by connector
	for _, link := range standing {      // one after the other: they share rows, and an upstream's patience
		result, problem := health.RevokePayload{}, down[link.DataSource.Connector]
		if link.Status == health.StatusUnknown {
			problem = link.Problem
		}
		if problem != nil {
			result = failed(link, problem.Err()) // its upstream has just failed: one more call would only take longer
			g.logAccess(ctx, g.revocation(user, link.DataSource, actor, result.Outcome))
		} else if result, err = g.Revoke(ctx, user, link.DataSource.ID, actor); err != nil {
			return health.RevokeAllPayload{}, err
		}
		if result.Outcome == health.RevokeFailed && result.Link.Status == health.StatusUnknown {
			down[link.DataSource.Connector] = result.Link.Problem
		}
		payload.Results = append(payload.Results, result)
		payload.Complete = payload.Complete && result.Outcome != health.RevokeFailed
	}
	return payload, nil
}

// mayStand says whether there may be something to end. While an upstream is down, what was last known of the link decides; a
// link of which nothing is known may stand.
func mayStand(link health.DataSourceLink) bool {
	status := link.Status
	if link.LastKnownStatus != nil {
		status = *link.LastKnownStatus
	}
	return status != health.StatusNotConnected && status != health.StatusRevoked
}

// Erase ends every link of the person and then deletes all that is kept of them. While a link could not be ended nothing is
// deleted: it is what the link can be ended with later. What remains is one line in the access log of nobody, under a keyed
// hash of the person's id.
func (g *Gateway) Erase(ctx context.Context, user health.UserID, actor health.Actor) (health.EraseUserPayload, error) {
	ended, err := g.RevokeAll(ctx, user, actor)
	if err != nil {
		return health.EraseUserPayload{}, err
	}
	payload := health.EraseUserPayload{Results: ended.Results, Erased: ended.Complete}
	if !ended.Complete {
		return payload, nil
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	var kept []LinkRecord
	if g.Changes.Watched(user) {
		if kept, err = g.Store.Links(ctx, []health.UserID{user}); err != nil {
			return payload, err
		}
	}
	payload.DeletedRows, err = g.Store.DeletePerson(ctx, user, health.AccessEvent{
		User: g.receipt(user), At: g.Now(), Action: health.AccessErased, Actor: actor,
	})
	if g.Forget != nil {
		g.Forget(user)
	}
	for _, record := range kept {
		if record.Status != health.StatusNotConnected { // that it was ever REVOKED is forgotten as well
			g.tell(Change{user, record.Connector, record.DataSource})
		}
	}
	return payload, err
}

// receipt stands for a person of whom nothing else is left.
func (g *Gateway) receipt(user health.UserID) health.UserID {
	return health.UserID(g.ids.hash(user, ""))
}

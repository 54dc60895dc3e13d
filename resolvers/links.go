package resolvers

import (
	"context"

	"github.com/graph-gophers/dataloader/v7"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/projection"
)

// links are the person's links that pass the filter, as the field that ctx stands at selects them.
func links(ctx context.Context, user health.UserID, filter gateway.Filter) ([]projection.Link, error) {
	links, err := readsOf(ctx).connections(ctx, user, filter)
	if err != nil {
		return nil, err
	}
	return projection.Links(ctx, links, authorize), nil
}

// connections gives the person's links that pass the filter, every connector asked side by side. They are only read.
func (r *reads) connections(ctx context.Context, user health.UserID, filter gateway.Filter) ([]*health.DataSourceLink, error) {
	var pending []dataloader.Thunk[map[health.UserID][]health.DataSourceLink]
	for _, connector := range r.gateway.LinkConnectors(filter) {
		pending = append(pending, r.connectorLinks(ctx, user, connector))
	}
	all := make([]*health.DataSourceLink, 0, len(r.gateway.Registry.DataSources()))
	for _, thunk := range pending {
		links, err := thunk()
		if err != nil {
			return nil, err
		}
		for i := range links[user] {
			if link := &links[user][i]; filter.Allows(link.DataSource.ID) {
				all = append(all, link)
			}
		}
	}
	return all, nil
}

// authorize begins to answer the field authorizationUrl of a link, whose status is known already: it often needs no call.
func authorize(ctx context.Context, link *health.DataSourceLink, redirect *health.URL) func() (*health.URL, error) {
	r := readsOf(ctx)
	known := func(err error) func() (*health.URL, error) { return func() (*health.URL, error) { return nil, err } }
	request, err := r.gateway.AuthorizeRequest(ctx, link.DataSource.ID, redirect)
	switch {
	case err != nil:
		return known(err)
	case request.DataSource().Kind != health.KindBrowser,
		link.Status == health.StatusConnected, link.Status == health.StatusRevoking:
		return known(nil) // null is the answer: there is nothing to link, or no browser flow
	case link.Status == health.StatusUnknown && link.Problem.Code != health.UpstreamInvalid:
		return known(nil) // its upstream has just failed, as link.problem says: asking once more would only take longer
	}
	wait := r.urls.Begin(ctx, keyOfURL(link.User, link.DataSource.ID, redirect))
	return func() (*health.URL, error) {
		answer, err := wait()
		if err != nil {
			return nil, err
		}
		if answer.Problem != nil && answer.Problem.Code != health.Unsupported { // unsupported: it has no browser flow, which null says
			return nil, answer.Problem.Err()
		}
		return answer.URL, nil
	}
}

// authorizationURL checks the arguments before it reads anything.
func (r *reads) authorizationURL(ctx context.Context, user health.UserID, source health.DataSourceID, redirect *health.URL) (*health.AuthorizationURL, error) {
	if _, err := r.gateway.AuthorizeRequest(ctx, source, redirect); err != nil {
		return nil, err
	}
	answer, err := r.urls.Load(ctx, keyOfURL(user, source, redirect))()
	if err != nil {
		return nil, err
	}
	return &answer, nil
}

func keyOfURL(user health.UserID, source health.DataSourceID, redirect *health.URL) urlKey {
	key := urlKey{user: user, source: source}
	if redirect != nil {
		key.redirect, key.hasRedirect = *redirect, true
	}
	return key
}

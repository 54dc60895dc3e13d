package resolvers

import (
	"context"
	"healthgraph/callers"
	"healthgraph/graph"
	"healthgraph/health"
	"healthgraph/projection"
)

// Viewer is the resolver for the viewer field.
func (r *queryResolver) Viewer(ctx context.Context) (*health.User, error) {
	caller := callers.FromContext(ctx)
	if caller.IsService() {
		return nil, nil //nolint:nilnil // null is the answer: a service is nobody
	}
	return &health.User{ID: caller.Subject}, nil
}

// User is the resolver for the user field.
func (r *queryResolver) User(ctx context.Context, id string) (*health.User, error) {
	user, err := target(ctx, &id, "id")
	if err != nil {
		return nil, err
	}
	return &health.User{ID: user}, nil
}

// Users is the resolver for the users field.
func (r *queryResolver) Users(ctx context.Context, ids []string) ([]*health.User, error) {
	return eachID(ctx, ids, func(ctx context.Context, id string) (*health.User, error) {
		user, err := target(ctx, &id, "ids")
		if err != nil {
			return nil, err
		}
		return &health.User{ID: user}, nil
	}), nil
}

// Node is the resolver for the node field.
func (r *queryResolver) Node(ctx context.Context, id string) (health.Node, error) {
	return r.node(ctx, id, "id")
}

// Nodes is the resolver for the nodes field.
func (r *queryResolver) Nodes(ctx context.Context, ids []string) ([]health.Node, error) {
	return eachID(ctx, ids, func(ctx context.Context, id string) (health.Node, error) { return r.node(ctx, id, "ids") }), nil
}

// Connections is the resolver for the connections field.
func (r *userResolver) Connections(ctx context.Context, obj *health.User, dataSources []string, maxAge *health.Duration) ([]projection.Link, error) {
	filter, err := r.Gateway.Filter(ctx, dataSources)
	if err != nil {
		return nil, err
	}
	return links(ctx, obj.ID, filter)
}

// AuthorizationURL is the resolver for the authorizationUrl field.
func (r *userResolver) AuthorizationURL(ctx context.Context, obj *health.User, dataSource string, redirectURL *health.URL) (*health.AuthorizationURL, error) {
	return readsOf(ctx).authorizationURL(ctx, obj.ID, health.DataSourceID(dataSource), redirectURL)
}

// StepCount is the resolver for the stepCount field.
func (r *userResolver) StepCount(ctx context.Context, obj *health.User, from health.Date, to health.Date, timeZone *health.TimeZone, dataSources []string, choice *health.ChoiceInput, maxAge *health.Duration) (*health.StepCount, error) {
	request, err := r.Gateway.DayRequest(ctx, from, to, timeZone, dataSources, choice)
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).stepCount(ctx, obj.ID, request)
}

// Sleep is the resolver for the sleep field.
func (r *userResolver) Sleep(ctx context.Context, obj *health.User, from health.Date, to health.Date, timeZone *health.TimeZone, dataSources []string, choice *health.ChoiceInput, maxAge *health.Duration) (*health.Sleep, error) {
	request, err := r.Gateway.SleepRequest(ctx, from, to, timeZone, dataSources, choice)
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).sleep(ctx, obj.ID, request)
}

// User returns graph.UserResolver implementation.
func (r *Resolver) User() graph.UserResolver { return &userResolver{r} }

type userResolver struct{ *Resolver }

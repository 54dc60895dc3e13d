package resolvers

import (
	"context"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/projection"
)

// eachID answers the places of a list one by one: a failure is one error that names its place, and null there. A list
// that is too long is refused whole, with nothing asked and no places: gqlgen has a goroutine for each.
func eachID[T any](ctx context.Context, ids []string, answer func(ctx context.Context, id string) (T, error)) []T {
	if len(ids) > MaxIDs {
		graphql.AddError(ctx, health.Refuse("ids", fmt.Sprintf("at most %d ids, not %d", MaxIDs, len(ids))))
		return []T{}
	}
	answers := make([]T, len(ids))
	for i, id := range ids {
		ctx := graphql.WithPathContext(ctx, graphql.NewPathWithIndex(i))
		var err error
		if answers[i], err = answer(ctx, id); err != nil {
			graphql.AddError(ctx, err)
		}
	}
	return answers
}

// node finds a person or a link. A link that nobody has is null.
func (r *Resolver) node(ctx context.Context, id, argument string) (health.Node, error) {
	if !strings.HasPrefix(id, health.LinkIDPrefix) {
		user, err := target(ctx, &id, argument)
		if err != nil {
			return nil, err
		}
		return health.User{ID: user}, nil
	}
	foreseen := readsOf(ctx).plan()
	owner, found := foreseen.owners[health.LinkID(id)]
	if !found {
		return nil, foreseen.ownersErr
	}
	caller := callers.FromContext(ctx)
	if _, err := concerned(ctx, &owner.User, argument); err != nil {
		return nil, err
	}
	if !caller.May(callers.ScopeConnectionsRead) {
		return nil, health.Fail(health.Forbidden, "this credential lacks "+callers.ScopeConnectionsRead+", which a link needs", nil)
	}
	links, err := readsOf(ctx).connectorLinks(ctx, owner.User, owner.Connector)()
	if err != nil {
		return nil, err
	}
	for i, link := range links[owner.User] {
		if link.DataSource.ID == owner.DataSource {
			return projection.OneLink(&links[owner.User][i], authorize), nil
		}
	}
	return nil, nil //nolint:nilnil // the upstream offers the data source no longer
}

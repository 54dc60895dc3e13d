// Package resolvers answers the schema's fields with the gateway: it checks who may ask, makes each read of an operation
// once, and decides what a client may see of an error.
package resolvers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/callers"
	"healthgraph/gateway"
	"healthgraph/graph"
	"healthgraph/health"
)

// MaxIDs is the longest list of people or nodes that one field takes.
const MaxIDs = 100

// Resolver answers every field.
type Resolver struct {
	Gateway *gateway.Gateway
	Log     *slog.Logger
	// Timeout is the deadline of one operation. What was read by then is the answer, the rest are problems.
	Timeout time.Duration
}

// withoutDefer takes back the directive that gqlgen adds to every schema: the transport sends one answer, so what was
// deferred would be lost.
var withoutDefer = sync.OnceFunc(func() {
	delete(graph.NewExecutableSchema(graph.Config{}).Schema().Directives, "defer")
})

// NewSchema gives the executable schema.
func (r *Resolver) NewSchema() graphql.ExecutableSchema {
	withoutDefer()
	return graph.NewExecutableSchema(graph.Config{Resolvers: r})
}

// AroundOperation gives an operation its deadline and its own set of loaders: nothing is shared between two callers.
func (r *Resolver) AroundOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		return r.aroundSubscription(ctx, next)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	respond := next(withReads(ctx, newReads(ctx, r.Gateway)))
	return func(ctx context.Context) *graphql.Response {
		defer cancel()
		return respond(ctx)
	}
}

// accessLog gives a page of a person's log. first is null only where the caller wrote null, which means the default.
func (r *Resolver) accessLog(ctx context.Context, user health.UserID, first *int, after *string) (*health.AccessLogConnection, error) {
	length, cursor := 50, ""
	if first != nil {
		length = *first
	}
	if after != nil {
		cursor = *after
	}
	page, err := r.Gateway.AccessLog(ctx, user, length, cursor)
	if err != nil {
		return nil, err
	}
	return &page, nil
}

// target is whom a field concerns.
func target(ctx context.Context, userID *string, argument string) (health.UserID, error) {
	if userID == nil {
		return callers.FromContext(ctx).Target(nil, argument)
	}
	user, err := health.ParseUserID(*userID)
	if err != nil {
		return "", health.Refuse(argument, health.AsError(err).Message)
	}
	return callers.FromContext(ctx).Target(&user, argument)
}

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
	// Operation marks the context of a query or mutation, before anything is read for it. nil marks none.
	Operation func(context.Context) context.Context
	// Admit counts an operation of a service for each of the people whom it is about. It gives those of them for whom it is one
	// too many, with the time to wait. nil admits all.
	Admit Admit
}

// Admit is asked at most once for an operation. The people are different from each other.
type Admit func(ctx context.Context, people []health.UserID) map[health.UserID]time.Duration

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
	if r.Operation != nil {
		ctx = r.Operation(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	ctx, write := r.Gateway.WriteTogether(ctx)
	reads := newReads(ctx, r.Gateway, r.Admit)
	respond := next(withReads(ctx, reads))
	return func(ctx context.Context) *graphql.Response {
		defer cancel()
		defer write()
		response := respond(ctx)
		if reads.freshness != nil && reads.plan().once {
			reads.lasts(time.Time{})
		}
		return response
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
		return concerned(ctx, nil, argument)
	}
	user, err := health.ParseUserID(*userID)
	if err != nil {
		return "", health.Refuse(argument, health.AsError(err).Message)
	}
	return concerned(ctx, &user, argument)
}

// concerned is whom a field concerns: somebody for whom the caller may act, and about whom no more was asked than may be.
func concerned(ctx context.Context, userID *health.UserID, argument string) (health.UserID, error) {
	user, err := callers.FromContext(ctx).Target(userID, argument)
	if err != nil {
		return "", err
	}
	return user, readsOf(ctx).admits(user)
}

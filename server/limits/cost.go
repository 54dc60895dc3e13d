package limits

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// askForCost is the member of a request's extensions that asks for what the operation cost, and the response's that tells it.
const askForCost = "cost"

// account is what an operation costs, kept with the operation.
type account struct {
	requested     int
	upstreamCalls atomic.Int64
}

// accountKey is where gqlgen keeps it.
const accountKey = "healthgraph.cost"

// MutateOperationContext implements graphql.OperationContextMutator: it refuses an operation that is too expensive, before it
// is executed.
func (l *Limits) MutateOperationContext(ctx context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	a := &account{requested: costOf(l.schema, operation)}
	operation.Stats.SetExtension(accountKey, a)
	if !l.Refuses(ctx, Cost, operation.RawQuery, a.requested) {
		return nil
	}
	return &gqlerror.Error{
		Message:    fmt.Sprintf("the operation is too expensive: its cost is %d, of at most %d; ask for fewer people, days or aliases at once", a.requested, l.config.Cost),
		Extensions: map[string]any{"code": CodeTooExpensive, "cost": a.requested, "budget": l.config.Cost},
	}
}

// InterceptOperation implements graphql.OperationInterceptor: the HTTP requests made for the operation are counted, repeated
// ones included, where its cost was asked for.
func (*Limits) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if a := asked(ctx); a != nil {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { a.upstreamCalls.Add(1) }})
	}
	return next(ctx)
}

// InterceptResponse implements graphql.ResponseInterceptor: it tells the cost where that was asked for.
func (l *Limits) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	a := asked(ctx)
	if a == nil || response == nil {
		return response
	}
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions[askForCost] = map[string]any{
		"requested": a.requested, "budget": l.config.Cost, "remaining": max(l.config.Cost-a.requested, 0), "upstreamCalls": a.upstreamCalls.Load(),
	}
	return response
}

// asked is the account of an operation whose client wants to see it. Nil also where the operation was refused before it had
// one.
func asked(ctx context.Context) *account {
	if !graphql.HasOperationContext(ctx) {
		return nil
	}
	operation := graphql.GetOperationContext(ctx)
	if operation.Extensions[askForCost] != true {
		return nil
	}
	a, _ := operation.Stats.GetExtension(accountKey).(*account)
	return a
}

// costOf is the sum of what the operation's fields cost, in the units of prices.go. Fields that are asked for twice under one
// name cost once, as they are answered once. What is skipped costs nothing.
func costOf(schema *ast.Schema, operation *graphql.OperationContext) int {
	w := walker{schema: schema, operation: operation, left: mostLooks}
	root := map[ast.Operation]*ast.Definition{ast.Query: schema.Query, ast.Mutation: schema.Mutation, ast.Subscription: schema.Subscription}
	return w.object(root[operation.Operation.Operation], operation.Operation.SelectionSet, 1)
}

// mostLooks bounds the fields that are looked at: what has more is of the highest cost. That matters where limits are only
// measured, as fragments could double it again and again.
const mostLooks = 100_000

type walker struct {
	schema    *ast.Schema
	operation *graphql.OperationContext
	left      int
}

// composite is the cost of one object of a type. Of an interface it is that of the dearest object that it may be.
func (w *walker) composite(definition *ast.Definition, selections ast.SelectionSet, size int) int {
	if !definition.IsAbstractType() {
		return w.object(definition, selections, size)
	}
	cost := 0
	for _, possible := range w.schema.GetPossibleTypes(definition) {
		cost = max(cost, w.object(possible, selections, size))
	}
	return cost
}

func (w *walker) object(definition *ast.Definition, selections ast.SelectionSet, size int) int {
	cost := objectCost
	for _, field := range graphql.CollectFields(w.operation, selections, append([]string{definition.Name}, definition.Interfaces...)) {
		w.left--
		if w.left < 0 {
			return most
		}
		cost = plus(cost, w.field(definition, field, size))
	}
	return cost
}

// field is the cost of a field on an object whose own size is told: see price.
func (w *walker) field(parent *ast.Definition, field graphql.CollectedField, size int) int {
	switch {
	case field.Name == "__typename":
		return valueCost
	case strings.HasPrefix(field.Name, "__"):
		return introspectionCost
	}
	p := price{count: 1, size: 1}
	if of, ok := prices[parent.Name+"."+field.Name]; ok {
		p = of(arguments(field.ArgumentMap(w.operation.Variables)), size)
	}
	each := valueCost
	if definition := w.schema.Types[field.Definition.Type.Name()]; definition.IsCompositeType() {
		each = w.composite(definition, field.Selections, p.size)
	}
	return plus(p.own, times(p.count, each))
}

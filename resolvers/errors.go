package resolvers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"healthgraph/health"
)

// Present is the one place where an error becomes what a client sees: a message of ours, a stable code, and nothing of
// what caused it. An INTERNAL error carries a correlation id that the log line has too.
func (r *Resolver) Present(ctx context.Context, err error) *gqlerror.Error {
	var parsed *gqlerror.Error
	var ours *health.Error
	switch {
	case errors.As(err, &ours):
	case errors.As(err, &parsed) && parsed.Unwrap() == nil:
		return withoutLiterals(parsed) // GraphQL's own: syntax, validation, coercion of built-in scalars
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		ours = health.Fail(health.UpstreamUnavailable, "the operation's time was up before this began: ask again, or for less at once", nil)
		r.Log.WarnContext(ctx, "an operation's time was up", "path", graphql.GetPath(ctx).String())
	default:
		cause := err
		if parsed != nil {
			cause = parsed.Unwrap() // without the place in the document, which gqlgen writes before it
		}
		ours = health.AsError(cause)
	}
	shown := &gqlerror.Error{Message: ours.Message, Path: graphql.GetPath(ctx), Extensions: map[string]any{"code": ours.Code}}
	argument := ours.Argument
	if parsed != nil || errors.As(err, &parsed) {
		shown.Locations = parsed.Locations
		argument = argumentOf(shown.Path, parsed.Path, argument)
	}
	if argument != "" {
		shown.Extensions["argument"] = argument
		shown.Message = argument + ": " + shown.Message
	}
	if ours.RetryAfter > 0 {
		shown.Extensions["retryAfter"] = health.Duration(ours.RetryAfter).String()
	}
	if ours.LinkStatus != "" {
		shown.Extensions["linkStatus"] = ours.LinkStatus
	}
	if ours.Code == health.Internal {
		correlation := rand.Text()[:16]
		shown.Extensions["correlationId"] = correlation
		r.Log.ErrorContext(ctx, "an operation failed inside the gateway", "correlationId", correlation, "path", shown.Path.String(), "cause", causeOf(ours))
	}
	return shown
}

// argumentOf names the argument that could not be read: gqlgen appends it to the path of the field, which is the part of
// the path that belongs in a response.
func argumentOf(field, whole ast.Path, argument string) string {
	if argument != "" || len(whole) <= len(field) {
		return argument
	}
	return strings.TrimPrefix(whole[len(field):].String(), ".")
}

func causeOf(e *health.Error) string {
	if e.Cause == nil {
		return e.Message
	}
	return e.Cause.Error()
}

// Recover turns a panic into an INTERNAL error. The stack is logged, the value is not: it can hold anything.
func (r *Resolver) Recover(ctx context.Context, panicked any) error {
	r.Log.ErrorContext(ctx, "a panic was caught", "type", fmt.Sprintf("%T", panicked), "stack", string(debug.Stack()))
	return health.Fail(health.Internal, "something went wrong inside the gateway", errors.New("a panic"))
}

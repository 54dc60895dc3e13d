package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"healthgraph/gateway"
	"healthgraph/projection"
)

// stream is a subscription under way. It has no goroutine of its own: whoever asks for the next response waits for the change,
// and hands it to the executor.
type stream struct {
	watch *gateway.Watch // nil while there is none: the field was refused
	links chan *projection.Link
}

type streamKey struct{}

func streamOf(ctx context.Context) *stream {
	s, _ := ctx.Value(streamKey{}).(*stream) // every subscription has one: see aroundSubscription
	return s
}

// begin takes a watch, which ends with ctx.
func (s *stream) begin(ctx context.Context, watch *gateway.Watch) <-chan *projection.Link {
	s.watch, s.links = watch, make(chan *projection.Link, 1)
	context.AfterFunc(ctx, watch.Close)
	return s.links
}

// aroundSubscription gives each event what AroundOperation gives an operation: a deadline, which begins with the change, and
// loaders of its own, so that nothing in it is older than the change. The watch begins before it returns, and ends with ctx.
func (r *Resolver) aroundSubscription(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	fields := graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Subscription"})
	if len(fields) != 1 { // by an alias or @skip, which validation does not see
		err := gqlerror.Errorf("a subscription has one field, not %d", len(fields))
		errcode.Set(err, errcode.ValidationFailed)
		return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{err}})
	}
	s := &stream{}
	respond := next(withReads(context.WithValue(ctx, streamKey{}, s), newReads(ctx, r.Gateway, r.Admit)))
	if s.watch == nil {
		return respond
	}
	return func(ctx context.Context) *graphql.Response {
		link, err := s.watch.Next(ctx)
		if err != nil {
			return nil // ctx has ended
		}
		s.links <- projection.OneLink(link, authorize) // the executor has taken the one before
		ctx, cancel := context.WithTimeout(ctx, r.Timeout)
		defer cancel()
		// gqlgen leaves the subscription's own field out of the paths of errors below it.
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: fields[0]})
		return respond(withReads(ctx, newReads(ctx, r.Gateway, nil))) // whom it is about was counted as it began
	}
}

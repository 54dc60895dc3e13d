package server

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"healthgraph/callers"
	"healthgraph/health"
)

// operation is one that a client sent over a WebSocket and of which it has not heard the end.
type operation struct {
	id     string
	socket *socket
	cancel context.CancelFunc

	mu    sync.Mutex // held while a message is sent: after over nothing more is, whoever has the id then
	ended bool
}

// subscribe begins an operation of any kind. A subscription's watch has begun when it returns, so that whatever the client
// sends next comes after that.
func (c *socket) subscribe(ctx context.Context, id string, payload json.RawMessage) *ending {
	wait := c.rates.wait(ctx, c.credential.caller) // before anything else is done for it, as with HTTP
	params, refused := c.endpoint.paramsOf(ctx, payload)
	if refused != nil && refused.code == codeBadRequest {
		return &ending{closeBadMessage, "the payload of subscribe must be an object with query (a text)"}
	}
	ctx, cancel := context.WithCancel(callers.NewContext(ctx, c.credential.caller))
	op := &operation{id: id, socket: c, cancel: cancel}
	c.mu.Lock()
	_, taken := c.operations[id]
	full := c.running >= c.streams.limits.Operations
	if !taken && !full {
		c.operations[id] = op
		c.running++
	}
	c.mu.Unlock()
	switch {
	case taken:
		cancel()
		return &ending{closeIDTaken, "Subscriber for that id already exists"}
	case full:
		cancel()
		message := fmt.Sprintf("at most %d operations at a time go over one connection", c.streams.limits.Operations)
		c.write(ctx, toClient{ID: id, Type: typeError, Payload: errorsOf(string(health.RateLimited), message)})
		return nil
	}
	handler, failures := graphql.ResponseHandler(nil), gqlerror.List(nil)
	continuous, begun, leave := false, false, func() {}
	defer func() {
		if !begun { // something panicked on the way
			leave()
		}
	}()
	switch {
	case wait > 0:
		failures = gqlerror.List{{Message: messageTooMany, Extensions: tooManyExtensions(wait)}}
	case refused != nil:
		failures = errorsOf(refused.code, refused.message)
	default:
		if leave, failures = c.endpoint.admission.admit(ctx); failures != nil {
			break
		}
		var request *graphql.OperationContext
		if ctx, request, failures = c.endpoint.prepare(ctx, params); failures == nil {
			handler = dispatch(ctx, c.endpoint.executor, request)
			if continuous = isContinuous(request); continuous {
				leave()
			}
		} else {
			failures = c.endpoint.executor.DispatchError(graphql.WithOperationContext(ctx, request), failures).Errors
		}
	}
	begun = true
	c.all.Go(func() {
		defer leave()
		defer c.left()
		defer op.end()
		if failures != nil {
			op.send(ctx, typeError, failures)
			return
		}
		op.serve(ctx, handler, continuous)
	})
	return nil
}

// dispatch begins an operation. The handler ends with ctx, which does not end with a query's deadline as the executor's own does.
func dispatch(ctx context.Context, e *executor.Executor, request *graphql.OperationContext) graphql.ResponseHandler {
	respond, operating := e.DispatchOperation(ctx, request)
	return func(context.Context) *graphql.Response { return respond(operating) }
}

// left makes room for another operation.
func (c *socket) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// forget ends an operation for a client that wants no more of it. One that has ended already is nobody's fault.
func (c *socket) forget(id string) {
	c.mu.Lock()
	op := c.operations[id]
	c.mu.Unlock()
	if op != nil {
		op.cancel() // what waits for a change stops waiting
		op.end()
	}
}

// serve sends what the operation answers: once, or as often as there is something new.
func (op *operation) serve(ctx context.Context, handler graphql.ResponseHandler, continuous bool) {
	c := op.socket
	defer func() {
		if p := recover(); p != nil {
			op.send(ctx, typeError, c.endpoint.panicked(ctx, p))
		}
	}()
	for {
		response := handler(ctx)
		if ctx.Err() != nil {
			return // nobody wants to hear it
		}
		if response == nil {
			break
		}
		if continuous && c.credential.check(ctx) != nil {
			c.close(closeUnauthor, "Unauthorized")
			return
		}
		op.send(ctx, typeNext, envelope{response.Errors, response.Data, response.Extensions})
		if !continuous {
			break
		}
	}
	op.send(ctx, typeComplete, nil)
}

// send sends a message about the operation, unless the client has ended it. After an error or complete it has ended.
func (op *operation) send(ctx context.Context, kind string, payload any) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.ended {
		return
	}
	if kind != typeNext {
		op.ended = true
		op.release() // the id may be used again as soon as the client has read this
	}
	op.socket.write(ctx, toClient{ID: op.id, Type: kind, Payload: payload})
}

// end ends the operation without a word.
func (op *operation) end() {
	op.cancel()
	op.mu.Lock()
	defer op.mu.Unlock()
	if !op.ended {
		op.ended = true
		op.release()
	}
}

func (op *operation) release() {
	op.socket.mu.Lock()
	defer op.socket.mu.Unlock()
	delete(op.socket.operations, op.id)
}

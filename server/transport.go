package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/resolvers"
	"healthgraph/server/limits"
)

// The codes of requests that never became a GraphQL operation. The rest are in package health, and GraphQL's own two are
// GRAPHQL_PARSE_FAILED and GRAPHQL_VALIDATION_FAILED.
const (
	codeBadRequest       = "BAD_REQUEST"
	codeMethodNotAllowed = "METHOD_NOT_ALLOWED"
	codeNotAcceptable    = "NOT_ACCEPTABLE"
	codeTooLarge         = "PAYLOAD_TOO_LARGE"
	codeUnsupportedMedia = "UNSUPPORTED_MEDIA_TYPE"
	codeIntrospection    = "INTROSPECTION_DISABLED"
	codeCrossSite        = "CROSS_SITE_REFUSED"
	codeOverloaded       = "OVERLOADED"
)

const (
	allowedMethods = "GET, POST"
	sendWith       = "send GraphQL with POST, or a query with GET"
)

// endpoint serves GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): GET for queries and
// subscriptions, POST with JSON for all. gqlgen's own transports echo the request body in an error and know neither 405, 406 nor 415.
type endpoint struct {
	executor      *executor.Executor
	introspection bool
	limits        *limits.Limits
	verifier      *callers.Verifier
	streams       *Streams
	admission     *admission
	now           func() time.Time
	log           *slog.Logger
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mediaType, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		if events, _ := wantsEvents(r.Header.Values("Accept")); !events {
			refuse(w, r, http.StatusNotAcceptable, codeNotAcceptable, "the answer is "+graphqlResponse+", "+plainJSON+" or "+eventStream)
			return
		}
		mediaType = graphqlResponse // of what goes wrong before the stream
	}
	body, refusal := e.readBody(w, r) // before it has a place: however slowly it comes, it keeps nobody out
	if refusal != nil {
		if refusal.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", allowedMethods)
		}
		refuse(w, r, refusal.status, refusal.code, refusal.message)
		return
	}
	leave, err := e.admission.enter(r.Context())
	if err != nil {
		turnedAway(w, r, err)
		return
	}
	defer leave()
	params, refusal := e.readParams(r, body)
	if refusal != nil {
		refuse(w, r, refusal.status, refusal.code, refusal.message)
		return
	}
	e.execute(w, r, params, mediaType, leave)
}

// prepare makes an operation of the parameters, or says what is wrong with them.
func (e *endpoint) prepare(ctx context.Context, params *graphql.RawParams) (context.Context, *graphql.OperationContext, gqlerror.List) {
	ctx = graphql.StartOperationTrace(ctx)
	now := graphql.Now()
	params.ReadTime = graphql.TraceTiming{Start: now, End: now}
	operation, failures := e.executor.CreateOperationContext(ctx, params)
	if failures == nil && !e.introspection && introspects(operation) {
		failures = errorsOf(codeIntrospection, "introspection is off here: healthgraph schema prints the schema")
	}
	return ctx, operation, failures
}

// execute answers a request. leave gives its place back sooner than its end.
func (e *endpoint) execute(w http.ResponseWriter, r *http.Request, params *graphql.RawParams, mediaType string, leave func()) {
	ctx, operation, failures := e.prepare(r.Context(), params)
	if failures != nil {
		status := http.StatusOK // what clients of plain JSON expect, by the draft's legacy rule
		if mediaType == graphqlResponse {
			status = http.StatusBadRequest
		}
		e.write(w, r, status, mediaType, e.executor.DispatchError(graphql.WithOperationContext(ctx, operation), failures))
		return
	}
	if r.Method == http.MethodGet && operation.Operation.Operation == ast.Mutation {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, r, http.StatusMethodNotAllowed, codeMethodNotAllowed, "a mutation is not sent with GET")
		return
	}
	continuous := isContinuous(operation)
	switch events, best := wantsEvents(r.Header.Values("Accept")); {
	case best, events && continuous:
		e.stream(ctx, w, r, operation, leave)
		return
	case continuous:
		refuse(w, r, http.StatusNotAcceptable, codeNotAcceptable, "a subscription is answered with "+eventStream+", or over a WebSocket")
		return
	}
	ctx, freshness := resolvers.WithFreshness(ctx)
	respond, ctx := e.executor.DispatchOperation(ctx, operation)
	response := respond(ctx)
	if response == nil { // the client left before execution began
		return
	}
	if r.Method == http.MethodGet && len(response.Errors) == 0 {
		mayKeep(w, freshness.Until().Sub(e.now()))
	}
	e.write(w, r, http.StatusOK, mediaType, response)
}

// introspects says whether an operation asks for the schema. __typename is no introspection: clients send it all the time.
func introspects(operation *graphql.OperationContext) bool {
	for _, field := range graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Query", "Mutation"}) {
		if field.Name == "__schema" || field.Name == "__type" {
			return true
		}
	}
	return false
}

func (e *endpoint) write(w http.ResponseWriter, r *http.Request, status int, mediaType string, response *graphql.Response) {
	if len(response.Errors) == 0 && len(response.Extensions) == 0 && len(response.Data) > 0 {
		// Data alone, which is most responses, is taken as it is: the executor has just written it, encoding/json would read all of
		// it once more, and a page of samples need not be there twice.
		writeBody(w, status, mediaType, []byte(`{"data":`), response.Data, []byte("}\n"))
		return
	}
	body, err := encode(envelope{response.Errors, response.Data, response.Extensions})
	if err != nil {
		e.broken(w, r, e.fault(r.Context(), fmt.Errorf("a response could not be encoded: %w", err)))
		return
	}
	writeBody(w, status, mediaType, body)
}

// envelope is a response as the GraphQL specification has it: errors first, and no data at all (rather than null) for a
// request that was never executed.
type envelope struct {
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

// encode leaves the & of an address as it is.
func encode(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return body.Bytes(), err
}

// refusal is a request that never becomes an operation.
type refusal struct {
	status        int
	code, message string
}

// refuse answers such a request. Nothing of the request is repeated.
func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	refuseWith(w, r, status, message, map[string]any{"code": code})
}

// refuseUntil answers one that may be sent again after a while.
func refuseUntil(w http.ResponseWriter, r *http.Request, status int, why *health.Error) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds(why.RetryAfter)))
	refuseWith(w, r, status, why.Message, map[string]any{"code": why.Code, "retryAfter": health.Duration(why.RetryAfter).String()})
}

func refuseWith(w http.ResponseWriter, r *http.Request, status int, message string, extensions map[string]any) {
	mediaType, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		mediaType = plainJSON
	}
	body, _ := encode(map[string]any{"errors": []any{map[string]any{ // strings always encode
		"message": message, "extensions": extensions,
	}}})
	writeBody(w, status, mediaType, body)
}

func writeBody(w http.ResponseWriter, status int, mediaType string, parts ...[]byte) {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	w.Header().Set("Content-Type", mediaType+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.Header().Add("Vary", "Accept")
	w.WriteHeader(status)
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return // whoever asked has gone
		}
	}
}

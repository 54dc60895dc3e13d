package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/server/documents"
	"healthgraph/server/limits"
)

// parameters are those of a request, by the names that they have in a URL and in a body.
var parameters = []string{"query", "documentId", "operationName", "variables", "extensions"}

func (e *endpoint) readParams(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	switch r.Method {
	case http.MethodGet:
		return e.paramsOfURL(r.Context(), r.URL.RawQuery)
	case http.MethodPost:
		return e.paramsOfBody(w, r)
	default:
		return nil, &refusal{http.StatusMethodNotAllowed, codeMethodNotAllowed, sendWith}
	}
}

func (e *endpoint) paramsOfURL(ctx context.Context, raw string) (*graphql.RawParams, *refusal) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest("the URL's query is malformed")
	}
	for _, name := range parameters {
		if len(values[name]) > 1 || !utf8.ValidString(values.Get(name)) {
			return nil, badRequest("the parameter " + name + " must stand there once, in UTF-8")
		}
	}
	params := &graphql.RawParams{Query: values.Get("query"), OperationName: values.Get("operationName")}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		text := values.Get(name)
		if text == "" {
			continue
		}
		if *into, err = decodeObject[any](strings.NewReader(text)); err != nil {
			return nil, badRequest("the parameter " + name + " must be a JSON object, no member twice")
		}
	}
	if id := values.Get("documentId"); id != "" {
		documents.SetID(params, id)
	}
	return e.checked(ctx, params)
}

func (e *endpoint) paramsOfBody(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	types := r.Header.Values("Content-Type")
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(parameters["charset"])
	if err != nil || len(types) != 1 || mediaType != plainJSON || (charset != "" && charset != "utf-8") {
		return nil, &refusal{http.StatusUnsupportedMediaType, codeUnsupportedMedia, "send application/json in UTF-8"}
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, &refusal{http.StatusUnsupportedMediaType, codeUnsupportedMedia, "send the body without a Content-Encoding"}
	}
	most := e.limits.Most(limits.BodyBytes)
	if r.ContentLength > int64(most) { // which is not even read, nor waited for
		return nil, e.tooLongABody(r.Context(), int(min(r.ContentLength, math.MaxInt32)))
	}
	counted := &countedReader{Reader: http.MaxBytesReader(w, r.Body, int64(most))}
	params, refused := e.paramsOf(r.Context(), counted)
	if params != nil {
		params.Headers = r.Header
		e.limits.Refuses(r.Context(), limits.BodyBytes, params.Query, counted.n) // never, as it was read: it is counted
	}
	return params, refused
}

// paramsOf reads the JSON object that is a request.
func (e *endpoint) paramsOf(ctx context.Context, from io.Reader) (*graphql.RawParams, *refusal) {
	text, err := io.ReadAll(from)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, e.tooLongABody(ctx, e.limits.Most(limits.BodyBytes)+1)
	}
	var body map[string]json.RawMessage
	switch {
	case err != nil: // the client went away, or was too slow
	case !utf8.Valid(text):
		err = errors.New("not in UTF-8")
	default:
		body, err = decodeObject[json.RawMessage](bytes.NewReader(text))
	}
	params := &graphql.RawParams{}
	var id string
	for name, into := range map[string]*string{"query": &params.Query, "documentId": &id, "operationName": &params.OperationName} {
		if raw, has := body[name]; has && err == nil {
			err = json.Unmarshal(raw, into)
		}
	}
	if err != nil {
		return nil, badRequest("the body must be one JSON object in UTF-8, no member twice, with query (a string) or documentId (a string), and operationName (a string), variables and extensions (objects) where needed")
	}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if raw, has := body[name]; has {
			if *into, err = decodeObject[any](bytes.NewReader(raw)); err != nil {
				return nil, badRequest(name + " must be a JSON object, no member twice")
			}
		}
	}
	if id != "" {
		documents.SetID(params, id)
	}
	return e.checked(ctx, params)
}

func (e *endpoint) checked(ctx context.Context, params *graphql.RawParams) (*graphql.RawParams, *refusal) {
	switch {
	case strings.TrimSpace(params.Query) == "" && !documents.Named(params):
		return nil, badRequest("query is missing: it holds the GraphQL document")
	case e.limits.Refuses(ctx, limits.QueryBytes, params.Query, len(params.Query)):
		return nil, tooManyBytes("query", e.limits.Most(limits.QueryBytes))
	}
	return params, nil
}

// tooLongABody is the refusal of a body that was not read to its end, and has at least so many bytes.
func (e *endpoint) tooLongABody(ctx context.Context, atLeast int) *refusal {
	e.limits.Refuses(ctx, limits.BodyBytes, "", atLeast) // counts it
	return tooManyBytes("the request body", e.limits.Most(limits.BodyBytes))
}

func tooManyBytes(what string, most int) *refusal {
	return &refusal{http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("%s has more than %s", what, binary(most))}
}

// binary writes a number of bytes in the largest unit that it fills evenly.
func binary(n int) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

func badRequest(message string) *refusal {
	return &refusal{http.StatusBadRequest, codeBadRequest, message}
}

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

// readBody reads what a request brings, without looking into it: nothing where that is in its URL.
func (e *endpoint) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	switch r.Method {
	case http.MethodGet:
		return nil, nil
	case http.MethodPost:
	default:
		return nil, &refusal{http.StatusMethodNotAllowed, codeMethodNotAllowed, sendWith}
	}
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
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(most)))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, e.tooLongABody(r.Context(), most+1)
	case err != nil: // the client went away, or was too slow
		return nil, malformed()
	}
	return body, nil
}

// readParams looks into what a request brought.
func (e *endpoint) readParams(r *http.Request, body []byte) (*graphql.RawParams, *refusal) {
	if r.Method == http.MethodGet {
		return e.paramsOfURL(r.Context(), r.URL.RawQuery)
	}
	params, refused := e.paramsOf(r.Context(), body)
	if params != nil {
		params.Headers = r.Header
		e.limits.Refuses(r.Context(), limits.BodyBytes, params.Query, len(body)) // never, as it was read: it is counted
	}
	return params, refused
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

// paramsOf reads the JSON object that is a request.
func (e *endpoint) paramsOf(ctx context.Context, text []byte) (*graphql.RawParams, *refusal) {
	var body map[string]json.RawMessage
	var err error
	if utf8.Valid(text) {
		body, err = decodeObject[json.RawMessage](bytes.NewReader(text))
	} else {
		err = errors.New("not in UTF-8")
	}
	params := &graphql.RawParams{}
	var id string
	for name, into := range map[string]*string{"query": &params.Query, "documentId": &id, "operationName": &params.OperationName} {
		if raw, has := body[name]; has && err == nil {
			err = json.Unmarshal(raw, into)
		}
	}
	if err != nil {
		return nil, malformed()
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

func malformed() *refusal {
	return badRequest("the body must be one JSON object in UTF-8, no member twice, with query (a string) or documentId (a string), and operationName (a string), variables and extensions (objects) where needed")
}

func badRequest(message string) *refusal {
	return &refusal{http.StatusBadRequest, codeBadRequest, message}
}

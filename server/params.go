package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/server/documents"
	"healthgraph/server/limits"
)

func (e *endpoint) readParams(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	switch r.Method {
	case http.MethodGet:
		return e.paramsOfURL(r.URL.RawQuery)
	case http.MethodPost:
		return e.paramsOfBody(w, r)
	default:
		return nil, &refusal{http.StatusMethodNotAllowed, codeMethodNotAllowed, sendWith}
	}
}

func (e *endpoint) paramsOfURL(raw string) (*graphql.RawParams, *refusal) {
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
		if text := values.Get(name); text != "" && decode(strings.NewReader(text), into) != nil {
			return nil, badRequest("the parameter " + name + " must be a JSON object")
		}
	}
	if id := values.Get("documentId"); id != "" {
		documents.SetID(params, id)
	}
	return e.checked(params)
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
	most := e.limits.Config().BodyBytes
	if r.ContentLength > int64(most) { // which is not even read, nor waited for
		return nil, e.tooManyBytes(limits.BodyBytes, "the request body", most)
	}
	params, refused := e.paramsOf(http.MaxBytesReader(w, r.Body, int64(most)))
	if params != nil {
		params.Headers = r.Header
	}
	return params, refused
}

// paramsOf reads the JSON object that is a request.
func (e *endpoint) paramsOf(from io.Reader) (*graphql.RawParams, *refusal) {
	body, err := io.ReadAll(from)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, e.tooManyBytes(limits.BodyBytes, "the request body", e.limits.Config().BodyBytes)
	}
	members := map[string]json.RawMessage{}
	if err == nil {
		members, err = membersOf(body)
	}
	params := &graphql.RawParams{}
	id := ""
	for name, into := range map[string]any{"query": &params.Query, "documentId": &id, "operationName": &params.OperationName} {
		if raw := members[name]; raw != nil && err == nil {
			err = json.Unmarshal(raw, into) // null leaves it as it is
		}
	}
	if err != nil {
		return nil, badRequest("the body must be one JSON object in UTF-8 with query (a string) or documentId (a string), and operationName (a string), variables and extensions (objects) where needed, each once")
	}
	for name, into := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if raw := members[name]; raw != nil && decode(bytes.NewReader(raw), into) != nil {
			return nil, badRequest(name + " must be a JSON object")
		}
	}
	if id != "" {
		documents.SetID(params, id)
	}
	return e.checked(params)
}

// parameters are those of a request, by the names that they have in a URL and in a body.
var parameters = []string{"query", "documentId", "operationName", "variables", "extensions"}

// membersOf reads a JSON object's members of these names, and no others. A struct would take names of another case as well, and
// the last of several: what a proxy in front has looked at may be another one.
func membersOf(body []byte) (map[string]json.RawMessage, error) {
	notOne := errors.New("not one JSON object in UTF-8, with each parameter once")
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(body) {
		return nil, notOne
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		key, err := decoder.Token()
		name, isName := key.(string)
		var value json.RawMessage
		if err != nil || !isName || decoder.Decode(&value) != nil {
			return nil, notOne
		}
		if !slices.Contains(parameters, name) {
			continue
		}
		if _, twice := members[name]; twice {
			return nil, notOne
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil { // the end of the object
		return nil, notOne
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, notOne
	}
	return members, nil
}

func (e *endpoint) checked(params *graphql.RawParams) (*graphql.RawParams, *refusal) {
	most := e.limits.Config().QueryBytes
	switch {
	case strings.TrimSpace(params.Query) == "" && !documents.Named(params):
		return nil, badRequest("query is missing: it holds the GraphQL document")
	case len(params.Query) > most:
		return nil, e.tooManyBytes(limits.QueryBytes, "query", most)
	}
	return params, nil
}

// tooManyBytes is the refusal of what is not read to its end.
func (e *endpoint) tooManyBytes(limit limits.Limit, what string, most int) *refusal {
	e.limits.Counters.Add(limit)
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

// decode reads one JSON value and nothing after it. Numbers keep their digits.
func decode(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

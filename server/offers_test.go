package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
)

// What was deferred would be lost: the transport sends one answer.
func TestDeferIsNotOffered(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.Introspection = true })
	for name, document := range map[string]string{
		"an inline fragment":    `{ viewer { id ... @defer { connections { status } } } }`,
		"with a type":           `{ viewer { id ... on User @defer(label: "later") { connections { status } } } }`,
		"a fragment by name":    `{ viewer { id ...later @defer } } fragment later on User { connections { status } }`,
		"switched off":          `{ viewer { id ... @defer(if: false) { connections { status } } } }`,
		"on the operation":      `query @defer { viewer { id } }`,
		"at the root":           `{ ... @defer { viewer { id } } }`,
		"a directive of no one": `{ viewer { id ... @later { connections { status } } } }`,
	} {
		t.Run(name, func(t *testing.T) {
			w := s.post(document, nil)
			a := read(t, w)
			require.NotEmpty(t, a.Errors)
			assert.Equal(t, "GRAPHQL_VALIDATION_FAILED", a.Errors[0].Extensions["code"])
			assert.Nil(t, a.Data, "nothing is answered in part")
			assert.Equal(t, http.StatusBadRequest, s.post(document, map[string]string{"Accept": newer}).Code)
		})
	}
	assert.Empty(t, s.upstream.made())

	listed := s.post(`{ __schema { directives { name } } }`, nil).Body.String()
	assert.NotContains(t, listed, "defer")
	for _, directive := range []string{"include", "skip", "deprecated"} {
		assert.Contains(t, listed, `"name":"`+directive+`"`)
	}
	without := read(t, s.post(`query($no: Boolean = false) { viewer { id ... @include(if: $no) { connections { status } } } }`, nil))
	assert.Empty(t, without.Errors, "its neighbours work")
	assert.Equal(t, map[string]any{"viewer": map[string]any{"id": "person-1"}}, without.Data)
}

var introspections = map[string]string{
	"the schema":              `{ __schema { queryType { name } } }`,
	"a type":                  `{ __type(name: "User") { name } }`,
	"by another name":         `{ viewer: __schema { queryType { name } } }`,
	"beside a field":          `{ viewer { id } __schema { queryType { name } } }`,
	"in a fragment":           `{ viewer { id } ...more } fragment more on Query { __schema { queryType { name } } }`,
	"in a bare fragment":      `{ viewer { id } ... { __schema { queryType { name } } } }`,
	"in fragments of another": `{ ... on Query { ... on Query { __type(name: "User") { name } } } }`,
	"in the named operation":  `query other { __schema { queryType { name } } }`,
	"by a variable":           `query($yes: Boolean = true) { viewer { id } ... @include(if: $yes) { __schema { queryType { name } } } }`,
}

func TestIntrospectionThatIsOffIsRefusedInPlainWords(t *testing.T) {
	s := newSite(t)
	for name, document := range introspections {
		t.Run(name, func(t *testing.T) {
			for accept, status := range map[string]int{newer: http.StatusBadRequest, "application/json": http.StatusOK} {
				w := s.post(document, map[string]string{"Accept": accept})
				assert.Equal(t, status, w.Code)
				a := read(t, w)
				assert.Equal(t, []any{"INTROSPECTION_DISABLED"}, codes(a))
				assert.Contains(t, a.Errors[0].Message, "introspection is off")
				assert.Nil(t, a.Data)
			}
			get := s.send(http.MethodGet, "/graphql?query="+url.QueryEscape(document), "", nil)
			assert.Equal(t, []any{"INTROSPECTION_DISABLED"}, codes(read(t, get)))
		})
	}
	assert.Empty(t, s.upstream.made())
	assert.Empty(t, s.log.String(), "it is nobody's failure")
}

func TestIntrospectionThatIsOnAnswers(t *testing.T) {
	s := newSite(t, func(c *server.Config) { c.Introspection = true })
	for name, document := range introspections {
		a := read(t, s.post(document, nil))
		assert.Empty(t, a.Errors, name)
		assert.NotEmpty(t, a.Data, name)
	}
	assert.Empty(t, s.log.String())
}

func TestTheNameOfATypeIsAlwaysTold(t *testing.T) {
	for _, on := range []bool{true, false} {
		s := newSite(t, func(c *server.Config) { c.Introspection = on })
		for document, want := range map[string]string{
			`{ __typename }`:                                `{"__typename":"Query"}`,
			`{ viewer { __typename id } }`:                  `{"viewer":{"__typename":"User","id":"person-1"}}`,
			`{ node(id: "person-1") { kind: __typename } }`: `{"node":{"kind":"User"}}`,
			`mutation { __typename }`:                       `{"__typename":"Mutation"}`,
		} {
			a := read(t, s.post(document, nil))
			assert.Empty(t, a.Errors, document)
			got, err := json.Marshal(a.Data)
			require.NoError(t, err)
			assert.JSONEq(t, want, string(got), document)
		}
		skipped := read(t, s.post(`{ viewer { id } __schema @skip(if: true) { queryType { name } } }`, nil))
		assert.Empty(t, skipped.Errors, "what is skipped is not asked for")
	}
}

// padded is a good document of exactly n bytes.
func padded(n int) string {
	const document = `{ viewer { id } }`
	return document + strings.Repeat("#", n-len(document))
}

func TestAQueryHasAtMost64KiB(t *testing.T) {
	const limit = 64 << 10
	s := newSite(t)
	for name, send := range map[string]func(document string) (int, answer){
		"POST": func(document string) (int, answer) { w := s.post(document, nil); return w.Code, read(t, w) },
		"GET": func(document string) (int, answer) {
			w := s.send(http.MethodGet, "/graphql?query="+url.QueryEscape(document), "", nil)
			return w.Code, read(t, w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{limit - 1, limit} {
				status, a := send(padded(size))
				assert.Equal(t, http.StatusOK, status, size)
				assert.Empty(t, a.Errors, size)
				assert.Equal(t, map[string]any{"viewer": map[string]any{"id": "person-1"}}, a.Data)
			}
			for _, size := range []int{limit + 1, 2 * limit} {
				status, a := send(padded(size))
				assert.Equal(t, http.StatusRequestEntityTooLarge, status, size)
				assert.Equal(t, []any{"PAYLOAD_TOO_LARGE"}, codes(a), size)
				assert.Contains(t, a.Errors[0].Message, "64 KiB")
				assert.Nil(t, a.Data)
			}
		})
	}
	t.Run("variables may be longer", func(t *testing.T) {
		body, err := json.Marshal(map[string]any{"query": `query($id: ID!) { node(id: $id) { id } }`, "variables": map[string]string{"id": "link_" + strings.Repeat("x", 2*limit)}})
		require.NoError(t, err)
		w := s.send(http.MethodPost, "/graphql", string(body), nil)
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, map[string]any{"node": nil}, read(t, w).Data)
	})
}

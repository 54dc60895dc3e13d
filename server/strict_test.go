package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestARequestIsReadInOneWayOnly sends requests that a proxy or a firewall in front may read in another way than we do.
func TestARequestIsReadInOneWayOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const good = `{ viewer { id } }`
	for name, query := range map[string]url.Values{
		"two queries":          {"query": {good, good}},
		"two lists":            {"query": {good}, "variables": {`{}`, `{}`}},
		"two extensions":       {"query": {good}, "extensions": {`{}`, `{}`}},
		"two names":            {"query": {good}, "operationName": {"", "A"}},
		"two documents":        {"documentId": {"a", "b"}},
		"a query not in UTF-8": {"query": {good + " #\xff"}},
	} {
		w := s.send(http.MethodGet, "/graphql?"+query.Encode(), "", nil)
		assert.Equal(t, http.StatusBadRequest, w.Code, name)
		assert.Equal(t, "BAD_REQUEST", read(t, w).Errors[0].Extensions["code"], name)
	}
	for name, body := range map[string]string{
		"two queries":              `{"query": "{ viewer { id } }", "query": "{ __typename }"}`,
		"a query, and one like it": `{"query": "{ viewer { id } }", "QUERY": 5, "variables": {}, "variables": {}}`,
		"another case":             `{"Query": "{ viewer { id } }"}`,
		"no UTF-8":                 "{\"query\": \"{ viewer { id } } #\xff\"}",
		"a byte order mark":        "\ufeff{\"query\": \"{ viewer { id } }\"}",
		"a list":                   `[{"query": "{ viewer { id } }"}]`,
		"null":                     `null`,
		"nothing":                  ``,
		"something after it":       `{"query": "{ viewer { id } }"} {}`,
		"no end":                   `{"query": "{ viewer { id } }"`,
	} {
		w := s.send(http.MethodPost, "/graphql", body, nil)
		assert.Equal(t, http.StatusBadRequest, w.Code, name)
		assert.Equal(t, "BAD_REQUEST", read(t, w).Errors[0].Extensions["code"], name)
	}
	for name, body := range map[string]string{
		"what is not ours":    `{"query": "{ viewer { id } }", "id": 1, "Query": "x"}`,
		"null in every place": `{"query": "{ viewer { id } }", "variables": null, "extensions": null, "operationName": null, "documentId": null}`,
	} {
		w := s.send(http.MethodPost, "/graphql", body, nil)
		assert.Equal(t, http.StatusOK, w.Code, name)
		assert.Empty(t, read(t, w).Errors, name)
	}
}

func TestAnAnswerSaysWhatItDependsOn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, w := range []interface{ Header() http.Header }{
		s.post(`{ viewer { id } }`, nil), s.post(`{`, nil), s.post(`{ viewer { id } }`, map[string]string{"Accept": "image/png"}),
	} {
		assert.Contains(t, strings.Join(w.Header().Values("Vary"), ","), "Accept")
	}
}

func TestATooLongListOfIDsCostsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ids := strings.TrimSuffix(strings.Repeat(`"a",`, 150_000), ",")
	w := s.send(http.MethodPost, "/graphql", `{"query": "query($ids: [ID!]!) { viewer { id } users(ids: $ids) { id } nodes(ids: $ids) { id } }", "variables": {"ids": [`+ids+`]}}`, nil)
	answer := read(t, w)
	assert.Len(t, answer.Errors, 2)
	for _, e := range answer.Errors {
		assert.Equal(t, "BAD_USER_INPUT", e.Extensions["code"])
	}
	assert.Less(t, w.Body.Len(), 1000, "a place in the answer for each id would cost a goroutine each")
	assert.NotNil(t, answer.Data["viewer"], "the others are answered")
}

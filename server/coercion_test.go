package server_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestValuesThatDoNotFitAreTheClientsMistake sends values that GraphQL's types allow to be written and do not allow to be used.
// gqlgen and gqlparser panic at some of them, or take them for others.
func TestValuesThatDoNotFitAreTheClientsMistake(t *testing.T) {
	t.Parallel()
	const huge = "99999999999999999999999999999"
	for name, each := range map[string]struct {
		document, variables string
		refused             bool
	}{
		"null for @skip, which has a default":    {`query($v: Boolean = true) { viewer @skip(if: $v) { id } }`, `{"v": null}`, true},
		"null for @include":                      {`query($v: Boolean = true) { viewer { id } ... @include(if: $v) { viewer { id } } }`, `{"v": null}`, true},
		"null for @skip in a fragment":           {`query($v: Boolean = true) { ...F } fragment F on Query { viewer @skip(if: $v) { id } }`, `{"v": null}`, true},
		"null for an argument that is needed":    {`query($v: ID = "person-1") { node(id: $v) { id } }`, `{"v": null}`, true},
		"a default in place of null":             {`query($v: Boolean = false) { viewer @skip(if: $v) { id } }`, `{}`, false},
		"a value in place of the default":        {`query($v: Boolean = true) { viewer @skip(if: $v) { id } }`, `{"v": false}`, false},
		"null where null is allowed":             {`query($v: ID = "person-1") { connections(userId: $v) { id } }`, `{"v": null}`, false},
		"an integer that no number holds":        {`{ stepCount(from: ` + huge + `, to: "2026-03-29") { total } }`, ``, true},
		"a fraction that no number holds":        {`{ stepCount(from: 1e999, to: "2026-03-29") { total } }`, ``, true},
		"such an integer as a default":           {`query($v: Date! = ` + huge + `) { stepCount(from: $v, to: $v) { total } }`, ``, true},
		"a text for an Int":                      {`query($v: Int) { accessLog(first: $v) { nodes { at } } }`, `{"v": "100"}`, true},
		"a number for an Int":                    {`query($v: Int) { accessLog(first: $v) { nodes { at } } }`, `{"v": 100}`, false},
		"a number that an Int does not hold":     {`query($v: Int) { accessLog(first: $v) { nodes { at } } }`, `{"v": ` + huge + `}`, true},
		"a fraction for an Int":                  {`query($v: Int) { accessLog(first: $v) { nodes { at } } }`, `{"v": 1.5}`, true},
		"a list's only value in place of a list": {`query($v: [ID!]!) { nodes(ids: $v) { id } }`, `{"v": "person-1"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			body := map[string]any{"query": each.document}
			if each.variables != "" {
				body["variables"] = json.RawMessage(each.variables)
			}
			sent, err := json.Marshal(body)
			require.NoError(t, err)
			w := s.send(http.MethodPost, "/graphql", string(sent), map[string]string{"Accept": "application/graphql-response+json"})
			if !each.refused {
				assert.Equal(t, http.StatusOK, w.Code, w.Body)
				assert.Empty(t, read(t, w).Errors)
				return
			}
			assert.Equal(t, http.StatusBadRequest, w.Code, w.Body)
			for _, e := range read(t, w).Errors {
				assert.Equal(t, "GRAPHQL_VALIDATION_FAILED", e.Extensions["code"])
				assert.NotContains(t, e.Message, "9", "the value is not repeated, nor another told in its place")
			}
			assert.Empty(t, s.log.String(), "nothing of ours went wrong")
		})
	}
}

func TestALinkIsFoundByAnIDThatStandsForAList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	links := read(t, s.post(`{ connections { id } }`, nil)).Data["connections"].([]any)
	require.NotEmpty(t, links)
	id := links[0].(map[string]any)["id"]
	sent, err := json.Marshal(map[string]any{"query": `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, "variables": map[string]any{"ids": id}})
	require.NoError(t, err)
	answer := read(t, s.send(http.MethodPost, "/graphql", string(sent), nil))
	assert.Equal(t, []any{map[string]any{"id": id}}, answer.Data["nodes"])
}

func TestTheNameOfAnOperationIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.send(http.MethodPost, "/graphql", `{"query": "query A { viewer { id } }", "operationName": "`+canary+`"}`, nil)
	assert.NotContains(t, w.Body.String(), canary)
	assert.Contains(t, w.Body.String(), "operationName")
	w = s.send(http.MethodPost, "/graphql", `{"query": "query A { viewer { id } } query B { viewer { id } }"}`, nil)
	assert.Contains(t, w.Body.String(), "operationName is missing")
	w = s.send(http.MethodPost, "/graphql", `{"query": "query A { viewer { id } } query B { viewer { id } }", "operationName": "B"}`, nil)
	assert.Empty(t, read(t, w).Errors)
}

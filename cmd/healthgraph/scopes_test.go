package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/resolvers"
)

// scopeOperations ask for one field each.
var scopeOperations = map[string]string{
	"Query.connections":                `{ connections { status } }`,
	"Query.authorizationUrl":           `{ authorizationUrl(dataSource: "fitbit") { authorized } }`,
	"Query.stepCount":                  `{ stepCount(from: "2026-04-14", to: "2026-04-14") { total } }`,
	"Query.quantity":                   `{ quantity(metric: "stepCount", from: "2026-04-14T00:00:00Z", to: "2026-04-15T00:00:00Z") { unit } }`,
	"User.quantity":                    `{ viewer { quantity(metric: "stepCount", from: "2026-04-14T00:00:00Z", to: "2026-04-15T00:00:00Z") { unit } } }`,
	"Query.quantityStatistics":         `{ quantityStatistics(metric: "stepCount", from: "2026-04-14", to: "2026-04-14") { unit } }`,
	"User.quantityStatistics":          `{ viewer { quantityStatistics(metric: "stepCount", from: "2026-04-14", to: "2026-04-14") { unit } } }`,
	"StepCount.samples":                `{ stepCount(from: "2026-04-14", to: "2026-04-14") { samples { complete } } }`,
	"StepCount.series":                 `{ stepCount(from: "2026-04-14", to: "2026-04-14") { series { complete } } }`,
	"Query.accessLog":                  `{ accessLog { nodes { action } } }`,
	"Subscription.connectionChanged":   `subscription { connectionChanged { status } }`,
	"User.connections":                 `{ viewer { connections { status } } }`,
	"User.authorizationUrl":            `{ viewer { authorizationUrl(dataSource: "fitbit") { authorized } } }`,
	"User.stepCount":                   `{ viewer { stepCount(from: "2026-04-14", to: "2026-04-14") { total } } }`,
	"Query.sleep":                      `{ sleep(from: "2026-04-14", to: "2026-04-14") { complete } }`,
	"User.sleep":                       `{ viewer { sleep(from: "2026-04-14", to: "2026-04-14") { complete } } }`,
	"User.accessLog":                   `{ viewer { accessLog { nodes { action } } } }`,
	"DataSourceLink.authorizationUrl":  `mutation { revokeAll { results { link { authorizationUrl } } } }`, // which needs the same scope
	"Mutation.completeAuthorization":   `mutation { completeAuthorization(input: {url: "https://app.example/rook", dataSource: "garmin"}) { link { status } } }`,
	"Mutation.revoke":                  `mutation { revoke(input: {dataSource: "fitbit"}) { outcome } }`,
	"Mutation.revokeAll":               `mutation { revokeAll { complete } }`,
	"Mutation.eraseUser":               `mutation { eraseUser { erased } }`,
	"Mutation.linkPersonalAccessToken": `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "0b5c1f0e-3a52-4e0b-9a51-6c1a7d1b2c01", token: "pat"}) { link { status } } }`,
}

// openFields need no scope: they lead to people and links, whose own fields do, or hold nothing of anybody.
var openFields = []string{"Query.viewer", "Query.user", "Query.users", "Query.node", "Query.nodes", "Query.dataSources", "Query.metrics", "User.id"}

// scopedFields are all fields that state a scope, and what it is.
func scopedFields(t *testing.T) map[string]string {
	t.Helper()
	scopes := map[string]string{}
	schema := (&resolvers.Resolver{}).NewSchema().Schema()
	for _, definition := range schema.Types {
		if definition.BuiltIn {
			continue
		}
		for _, field := range definition.Fields {
			name := definition.Name + "." + field.Name
			if directive := field.Directives.ForName("requiresScope"); directive != nil {
				scopes[name] = directive.Arguments.ForName("scope").Value.Raw
				assert.True(t, callers.IsScope(scopes[name]), name)
				continue
			}
			reaches := definition == schema.Query || definition == schema.Mutation || definition == schema.Subscription || definition.Name == "User" || len(field.Arguments) > 0
			if reaches && field.Name[0] != '_' {
				assert.Contains(t, openFields, name, "it has to state the scope that it needs, or that it needs none")
			}
		}
	}
	return scopes
}

func TestEachFieldIsAnsweredWithItsScopeAndRefusedWithoutIt(t *testing.T) {
	w := newWorld(t, worldOptions{})
	everything := []string{callers.ScopeConnectionsRead, callers.ScopeConnectionsWrite, callers.ScopeQuantitiesRead}
	scopes := scopedFields(t)
	for field := range scopeOperations {
		assert.Contains(t, scopes, field, "there is no such field")
	}
	for field, scope := range scopes {
		t.Run(field, func(t *testing.T) {
			operation := scopeOperations[field]
			require.NotEmpty(t, operation, "a new field needs an operation in this test")
			others := slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return s == scope })
			for name, token := range map[string]string{"all but it": w.token("demo", others...), "another kind of scope": w.token("demo", "openid", "profile")} {
				w.spendsNothing(t, func() {
					refused := w.ask(token, operation, nil)
					assert.Equal(t, "FORBIDDEN", refused.code(), name)
					assert.Equal(t, []any{scope}, refused.Errors[0].Extensions["missingScopes"], name)
					assert.Contains(t, refused.Errors[0].Message, scope)
					assert.Empty(t, refused.Data)
				})
			}
			for name, token := range map[string]string{"it alone": w.token("demo", scope), "no list at all": w.token("demo")} {
				if strings.HasPrefix(field, "Subscription.") { // which has no end
					assert.Equal(t, http.StatusNotAcceptable, w.statusOf(token, operation), "it was let in: only the answer is of another kind")
					continue
				}
				for _, e := range w.ask(token, operation, nil).Errors {
					assert.NotEqual(t, "FORBIDDEN", e.Extensions["code"], name)
				}
			}
		})
	}
}

func TestAServiceHoldsTheScopesThatItListsForEverybody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	const links, steps = `query($who: ID!) { user(id: $who) { connections { status } } }`, `query($who: ID!) { stepCount(userId: $who, from: "2026-04-14", to: "2026-04-14") { total } }`
	who := map[string]any{"who": "demo"}
	reader := w.token("a-reader", callers.ScopeAnyUser, callers.ScopeConnectionsRead)
	assert.Empty(t, w.ask(reader, links, who).Errors)
	assert.Equal(t, "FORBIDDEN", w.ask(reader, steps, who).code())
	assert.Empty(t, w.ask(w.service(), steps, who).Errors, "users:any alone holds them all")
	assert.Equal(t, "FORBIDDEN", w.ask(w.token("person-1", callers.ScopeConnectionsRead), links, who).code(), "a scope says what, never for whom")
}

func TestAScopeIsAskedForWhereverTheFieldHides(t *testing.T) {
	w := newWorld(t, worldOptions{})
	token := w.token("demo", callers.ScopeConnectionsRead)
	const count = `stepCount(from: "2026-04-14", to: "2026-04-14") { total }`
	for name, operation := range map[string]string{
		"an alias":                  `{ a: ` + count + ` }`,
		"a fragment":                `{ viewer { ...f } } fragment f on User { ` + count + ` }`,
		"a fragment in a fragment":  `{ viewer { ...f } } fragment f on User { ...g } fragment g on User { ` + count + ` }`,
		"an inline fragment":        `{ node(id: "demo") { ... on User { ` + count + ` } } }`,
		"one of many":               `{ connections { status } users(ids: ["demo"]) { id ` + count + ` } }`,
		"a variable that says yes":  `query($yes: Boolean = true) { viewer { id ` + `stepCount(from: "2026-04-14", to: "2026-04-14") @include(if: $yes) { total } } }`,
		"skipped once, asked later": `{ viewer { ...f @skip(if: true) } me: viewer { ...f } } fragment f on User { ` + count + ` }`,
	} {
		refused := w.ask(token, operation, nil)
		assert.Equal(t, "FORBIDDEN", refused.code(), name)
		assert.Equal(t, []any{"quantities:read"}, refused.Errors[0].Extensions["missingScopes"], name)
	}
	for name, operation := range map[string]string{
		"left out by a variable": `query($no: Boolean = false) { viewer { id stepCount(from: "2026-04-14", to: "2026-04-14") @include(if: $no) { total } } }`,
		"skipped":                `{ viewer { id ...f @skip(if: true) } } fragment f on User { ` + count + ` }`,
		"in another operation":   `query A { viewer { id } }`,
	} {
		assert.Empty(t, w.ask(token, operation, nil).Errors, name)
	}

	id := w.links("demo")["garmin"].ID
	const node = `query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }`
	assert.Empty(t, w.ask(token, node, map[string]any{"id": id}).Errors)
	w.spendsNothing(t, func() {
		refused := w.ask(w.token("demo", callers.ScopeQuantitiesRead), node, map[string]any{"id": id})
		require.Len(t, refused.Errors, 2)
		for _, e := range refused.Errors {
			assert.Equal(t, "FORBIDDEN", e.Extensions["code"])
		}
	})
}

// statusOf is how an operation is answered that only JSON will do for.
func (w *world) statusOf(token, operation string) int {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.graphql+"?query="+url.QueryEscape(operation), nil)
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	return response.StatusCode
}

package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
	"healthgraph/server/limits"
	"healthgraph/web"
)

const newer = "application/graphql-response+json"

func TestTheStatusOfARequestErrorFollowsTheTypeOfTheAnswer(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct{ document, code string }{
		"cannot be parsed":    {"{ viewer { id }", "GRAPHQL_PARSE_FAILED"},
		"no such field":       {"{ nothing }", "GRAPHQL_VALIDATION_FAILED"},
		"no such argument":    {`{ user(id: "person-1", x: 1) { id } }`, "GRAPHQL_VALIDATION_FAILED"},
		"a missing variable":  {`query ($id: ID!) { user(id: $id) { id } }`, "GRAPHQL_VALIDATION_FAILED"},
		"too many tokens":     {"{" + strings.Repeat(" viewer { id }", limits.Defaults().Tokens/4) + "}", "OPERATION_TOO_LARGE"},
		"no single operation": {"query A { viewer { id } } query B { viewer { id } }", "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			for accept, status := range map[string]int{newer: http.StatusBadRequest, "application/json": http.StatusOK, "": http.StatusOK} {
				w := s.post(c.document, map[string]string{"Accept": accept})
				assert.Equal(t, status, w.Code, accept)
				if accept != "" {
					assert.Equal(t, accept+"; charset=utf-8", w.Header().Get("Content-Type"))
				}
				a := read(t, w)
				assert.NotEmpty(t, a.Errors)
				assert.Equal(t, c.code, a.Errors[0].Extensions["code"], w.Body.String())
				assert.Nil(t, a.Data)
			}
		})
	}
	assert.Empty(t, s.upstream.made())
}

func TestAFieldThatFailsIsAnAnswerAllTheSame(t *testing.T) {
	s := newSite(t)
	for _, accept := range []string{newer, "application/json"} {
		w := s.post(`{ viewer { id } user(id: "person-3") { id } connections(dataSources: ["canary"]) { status } }`, map[string]string{"Accept": accept})
		assert.Equal(t, http.StatusOK, w.Code)
		a := read(t, w)
		assert.Equal(t, map[string]any{"viewer": map[string]any{"id": "person-1"}, "user": nil, "connections": nil}, a.Data, "nothing nulls its neighbours")
		assert.ElementsMatch(t, []any{"FORBIDDEN", "BAD_USER_INPUT"}, codes(a))
		assertNoEcho(t, w)
	}
}

func TestTheValuesOfVariablesDoNotComeBack(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct{ document, variables string }{
		"a date":           {`query ($x: Date!) { stepCount(from: $x, to: $x) { total } }`, `{"x":"canary"}`},
		"a zone":           {`query ($x: TimeZone) { stepCount(from: "2026-03-01", to: "2026-03-01", timeZone: $x) { total } }`, `{"x":"canary"}`},
		"a URL":            {`query ($x: URL) { authorizationUrl(dataSource: "fitbit", redirectUrl: $x) { url } }`, `{"x":"canary"}`},
		"a return URL":     {`query ($x: URL) { authorizationUrl(dataSource: "fitbit", redirectUrl: $x) { url } }`, `{"x":"https://canary.example"}`},
		"a person":         {`query ($x: ID!) { user(id: $x) { id } }`, `{"x":"canary "}`},
		"a person's id":    {`query ($x: ID!) { user(id: $x) { id } }`, `{"x":"link_canary"}`},
		"an object":        {`query ($x: ID!) { user(id: $x) { id } }`, `{"x":{"canary":"canary"}}`},
		"a returned URL":   {`mutation ($x: URL!) { completeAuthorization(input: {url: $x}) { problem { code } } }`, `{"x":"https://app.example/?code=canary&state=canary"}`},
		"an unknown input": {`mutation ($x: RevokeInput!) { revoke(input: $x) { outcome } }`, `{"x":{"dataSource":"canary"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := json.Marshal(map[string]any{"query": c.document, "variables": json.RawMessage(c.variables)})
			require.NoError(t, err)
			w := s.send(http.MethodPost, "/graphql", string(body), nil)
			a := read(t, w)
			if name != "a person's id" { // which is a link that nobody has
				assert.NotEmpty(t, a.Errors)
			}
			assertNoEcho(t, w)
		})
	}
	assert.NotContains(t, s.log.String(), canary)
}

func TestAPanicIsMaskedAndCanBeFoundInTheLog(t *testing.T) {
	for name, c := range map[string]struct{ in, document, path string }{
		"in a resolver": {"revoke", `mutation { revoke(input: {dataSource: "fitbit"}) { outcome } }`, "revoke"},
		"in a loader":   {"links", `{ viewer { id } connections { status } }`, "connections"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.upstream.panicIn = c.in
			w := s.post(c.document, nil)
			assert.Equal(t, http.StatusOK, w.Code)
			a := read(t, w)
			require.Len(t, a.Errors, 1)
			assert.Equal(t, "INTERNAL", a.Errors[0].Extensions["code"])
			assert.Equal(t, []any{c.path}, a.Errors[0].Path)
			assertNoEcho(t, w)

			correlation, _ := a.Errors[0].Extensions["correlationId"].(string)
			require.NotEmpty(t, correlation)
			assert.Equal(t, 1, strings.Count(s.log.String(), `"correlationId":"`+correlation+`"`), "the log has it too")
			assert.NotContains(t, s.log.String(), canary, "a panic's value can hold anything")

			s.upstream.panicIn = ""
			assert.Empty(t, read(t, s.post(c.document, nil)).Errors, "the next request is answered")
		})
	}
}

func TestTheSchemaIsShownWhereIntrospectionIsOn(t *testing.T) {
	const document = `{ __schema { queryType { name } } }`
	off, on := newSite(t), newSite(t, func(c *server.Config) { c.Introspection = true })
	assert.Empty(t, read(t, on.post(document, nil)).Errors)
	assert.Contains(t, on.post("{ viewr { id } }", nil).Body.String(), "Did you mean")

	assert.NotEmpty(t, read(t, off.post(document, nil)).Errors)
	assert.NotContains(t, off.post(document, nil).Body.String(), "queryType\":{")
	assert.NotContains(t, off.post("{ viewr { id } }", nil).Body.String(), "Did you mean", "which would tell the names one by one")
	assert.NotEmpty(t, read(t, off.post(`{ __type(name: "User") { name } }`, nil)).Errors)
	assert.Empty(t, read(t, off.post("{ __typename viewer { __typename } }", nil)).Errors)
}

func TestPagesOfOtherOriginsMayCallWhereAllowed(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.AllowOrigin = func(origin string) bool { return origin == "https://app.example" }
	})
	preflight := map[string]string{"Authorization": "", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
	for origin, allowed := range map[string]bool{"https://app.example": true, "https://evil.example": false, "https://app.example.evil.example": false, "http://app.example": false, "null": false} {
		headers := map[string]string{"Origin": origin}
		for name, value := range preflight {
			headers[name] = value
		}
		w := s.send(http.MethodOptions, "/graphql", "", headers)
		assert.Equal(t, http.StatusNoContent, w.Code, "%s: a preflight carries no token", origin)
		want := map[bool]string{true: origin}[allowed]
		assert.Equal(t, want, w.Header().Get("Access-Control-Allow-Origin"), origin)
		assert.Equal(t, allowed, w.Header().Get("Access-Control-Allow-Headers") != "", origin)

		for _, token := range []string{"", "Bearer " + s.token} {
			w = s.send(http.MethodPost, "/graphql", viewer, map[string]string{"Origin": origin, "Authorization": token})
			assert.Equal(t, want, w.Header().Get("Access-Control-Allow-Origin"), "%s: a 401 can be read as well", origin)
			assert.Contains(t, w.Header().Values("Vary"), "Origin")
			assert.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"), "no cookies")
		}
	}
	headers := map[string]string{"Origin": "https://app.example", "Access-Control-Request-Method": "DELETE", "Authorization": ""}
	assert.Empty(t, s.send(http.MethodOptions, "/graphql", "", headers).Header().Get("Access-Control-Allow-Origin"))

	w := newSite(t).send(http.MethodPost, "/graphql", viewer, map[string]string{"Origin": "https://app.example"})
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), "without configuration none may")
}

func TestPagesAreServedWhereConfigured(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.Playground = &web.PlaygroundConfig{Endpoint: "/graphql"}
		c.ReturnPage = &web.ReturnConfig{}
	})
	playground := http.StatusOK
	if !web.PlaygroundBuilt() {
		playground = http.StatusServiceUnavailable // the page that says what is missing
	}
	for target, status := range map[string]int{"/playground": playground, "/demo/return": http.StatusOK} {
		w := s.send(http.MethodGet, target, "", map[string]string{"Authorization": ""})
		assert.Equal(t, status, w.Code, target)
		assert.Contains(t, w.Header().Get("Content-Type"), "text/html")
	}
	w := s.send(http.MethodGet, "/", "", nil)
	assert.Equal(t, http.StatusFound, w.Code)
	assert.Equal(t, "/playground", w.Header().Get("Location"))
}

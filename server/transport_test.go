package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/limits"
)

const viewer = `{"query":"{ viewer { id } }"}`

func TestNobodyPassesWithoutAToken(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		method, body string
		headers      map[string]string
	}{
		"no token":                    {http.MethodPost, viewer, map[string]string{"Authorization": ""}},
		"a bad token":                 {http.MethodPost, viewer, map[string]string{"Authorization": "Bearer canary.canary.canary"}},
		"another scheme":              {http.MethodPost, viewer, map[string]string{"Authorization": "Basic canary"}},
		"before the method":           {http.MethodPut, "canary", map[string]string{"Authorization": ""}},
		"before the type of answer":   {http.MethodPost, viewer, map[string]string{"Authorization": "", "Accept": "text/html"}},
		"before the type of the body": {http.MethodPost, "canary", map[string]string{"Authorization": "", "Content-Type": "text/canary"}},
		"before the body":             {http.MethodPost, "{canary", map[string]string{"Authorization": ""}},
		"before a body is too large":  {http.MethodPost, strings.Repeat("canary", 1<<18), map[string]string{"Authorization": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.send(c.method, "/graphql", c.body, c.headers)
			assert.Equal(t, http.StatusUnauthorized, w.Code)
			challenge := `Bearer realm="healthgraph"`
			if name == "a bad token" {
				challenge += `, error="invalid_token"`
			}
			assert.Equal(t, challenge, w.Header().Get("WWW-Authenticate"))
			assert.Equal(t, []any{"UNAUTHENTICATED"}, codes(read(t, w)))
			assertNoEcho(t, w)
		})
	}
	w := s.send(http.MethodPost, "/graphql", viewer, nil)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, w.Header().Get("WWW-Authenticate"))
	assert.Equal(t, map[string]any{"viewer": map[string]any{"id": "person-1"}}, read(t, w).Data)
}

func TestARequestThatIsNoGraphQLIsRefusedWithoutAnEcho(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		method, target, body string
		headers              map[string]string
		status               int
		code                 string
	}{
		"PUT":                          {http.MethodPut, "/graphql", canary, nil, 405, "METHOD_NOT_ALLOWED"},
		"DELETE":                       {http.MethodDelete, "/graphql?canary", "", nil, 405, "METHOD_NOT_ALLOWED"},
		"PATCH":                        {http.MethodPatch, "/graphql", canary, nil, 405, "METHOD_NOT_ALLOWED"},
		"OPTIONS":                      {http.MethodOptions, "/graphql", "", nil, 405, "METHOD_NOT_ALLOWED"},
		"a type that we do not answer": {http.MethodPost, "/graphql", viewer, map[string]string{"Accept": "text/canary"}, 406, "NOT_ACCEPTABLE"},
		"no content type":              {http.MethodPost, "/graphql", viewer, map[string]string{"Content-Type": ""}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"text":                         {http.MethodPost, "/graphql", viewer, map[string]string{"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a form":                       {http.MethodPost, "/graphql", "query=canary", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"files":                        {http.MethodPost, "/graphql", canary, map[string]string{"Content-Type": "multipart/form-data; boundary=canary"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a bare document":              {http.MethodPost, "/graphql", "{canary}", map[string]string{"Content-Type": "application/graphql"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"another charset":              {http.MethodPost, "/graphql", viewer, map[string]string{"Content-Type": "application/json; charset=canary"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a malformed content type":     {http.MethodPost, "/graphql", viewer, map[string]string{"Content-Type": "canary;;/"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"too large":                    {http.MethodPost, "/graphql", `{"query":"` + strings.Repeat(canary, limits.Defaults().BodyBytes/6) + `"}`, nil, 413, "PAYLOAD_TOO_LARGE"},
		"an empty body":                {http.MethodPost, "/graphql", "", nil, 400, "BAD_REQUEST"},
		"no JSON":                      {http.MethodPost, "/graphql", "{canary", nil, 400, "BAD_REQUEST"},
		"a batch":                      {http.MethodPost, "/graphql", "[" + viewer + `,{"query":"canary"}]`, nil, 400, "BAD_REQUEST"},
		"a text":                       {http.MethodPost, "/graphql", `"canary"`, nil, 400, "BAD_REQUEST"},
		"something after it":           {http.MethodPost, "/graphql", viewer + canary, nil, 400, "BAD_REQUEST"},
		"another after it":             {http.MethodPost, "/graphql", viewer + viewer, nil, 400, "BAD_REQUEST"},
		"no query":                     {http.MethodPost, "/graphql", `{"canary":1}`, nil, 400, "BAD_REQUEST"},
		"null":                         {http.MethodPost, "/graphql", `null`, nil, 400, "BAD_REQUEST"},
		"a null query":                 {http.MethodPost, "/graphql", `{"query":null}`, nil, 400, "BAD_REQUEST"},
		"a blank query":                {http.MethodPost, "/graphql", `{"query":" \n"}`, nil, 400, "BAD_REQUEST"},
		"a query that is no text":      {http.MethodPost, "/graphql", `{"query":{"canary":1}}`, nil, 400, "BAD_REQUEST"},
		"an operation name that is no": {http.MethodPost, "/graphql", `{"query":"{viewer{id}}","operationName":["canary"]}`, nil, 400, "BAD_REQUEST"},
		"variables as a list":          {http.MethodPost, "/graphql", `{"query":"{viewer{id}}","variables":["canary"]}`, nil, 400, "BAD_REQUEST"},
		"variables as a text":          {http.MethodPost, "/graphql", `{"query":"{viewer{id}}","variables":"{\"canary\":1}"}`, nil, 400, "BAD_REQUEST"},
		"extensions as a number":       {http.MethodPost, "/graphql", `{"query":"{viewer{id}}","extensions":7}`, nil, 400, "BAD_REQUEST"},
		"GET without a query":          {http.MethodGet, "/graphql?x=canary", "", nil, 400, "BAD_REQUEST"},
		"GET with bad variables":       {http.MethodGet, "/graphql?query=%7Bviewer%7Bid%7D%7D&variables=canary", "", nil, 400, "BAD_REQUEST"},
		"GET with bad extensions":      {http.MethodGet, "/graphql?query=%7Bviewer%7Bid%7D%7D&extensions=%5B%22canary%22%5D", "", nil, 400, "BAD_REQUEST"},
		"GET with a malformed URL":     {http.MethodGet, "/graphql?query=canary;canary", "", nil, 400, "BAD_REQUEST"},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.send(c.method, c.target, c.body, c.headers)
			assert.Equal(t, c.status, w.Code)
			assert.Equal(t, []any{c.code}, codes(read(t, w)))
			assertNoEcho(t, w)
			if c.status == http.StatusMethodNotAllowed {
				assert.Equal(t, "GET, POST", w.Header().Get("Allow"))
			} else {
				assert.Empty(t, w.Header().Get("Allow"))
			}
		})
	}
	assert.Empty(t, s.upstream.made())
	assert.NotContains(t, s.log.String(), canary)
}

func TestWhatIsWellFormedIsAnswered(t *testing.T) {
	s := newSite(t)
	document := `query A($id: ID!) { user(id: $id) { id } } query B { viewer { id } }`
	encoded := url.QueryEscape(document)
	for name, c := range map[string]struct{ method, target, body, contentType string }{
		"POST":                      {http.MethodPost, "/graphql", viewer, "application/json"},
		"POST, UTF-8":               {http.MethodPost, "/graphql", viewer, "Application/JSON; charset=UTF-8"},
		"POST, an operation":        {http.MethodPost, "/graphql", `{"query":"` + document + `","operationName":"A","variables":{"id":"person-1"},"extensions":{}}`, "application/json"},
		"POST, nulls":               {http.MethodPost, "/graphql", `{"query":"{viewer{id}}","operationName":null,"variables":null,"extensions":null}`, "application/json"},
		"POST, a member of its own": {http.MethodPost, "/graphql", `{"query":"{viewer{id}}","id":7}`, "application/json"},
		"POST, white space":         {http.MethodPost, "/graphql", "\n " + viewer + " \n", "application/json"},
		"POST, as large as can be":  {http.MethodPost, "/graphql", viewer + strings.Repeat(" ", limits.Defaults().BodyBytes-len(viewer)), "application/json"},
		"GET":                       {http.MethodGet, "/graphql?query=" + url.QueryEscape("{viewer{id}}"), "", ""},
		"GET, an operation":         {http.MethodGet, "/graphql?query=" + encoded + "&operationName=B&extensions=%7B%7D", "", ""},
		"GET, variables":            {http.MethodGet, "/graphql?query=" + encoded + "&operationName=A&variables=" + url.QueryEscape(`{"id":"person-1"}`), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.send(c.method, c.target, c.body, map[string]string{"Content-Type": c.contentType})
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
			a := read(t, w)
			assert.Empty(t, a.Errors)
			for _, user := range a.Data {
				assert.Equal(t, map[string]any{"id": "person-1"}, user)
			}
			assert.Len(t, a.Data, 1)
		})
	}
}

func TestAMutationIsNeverSentWithGET(t *testing.T) {
	s := newSite(t)
	mutation := `mutation { revoke(input: {dataSource: "fitbit"}) { outcome } }`
	for _, document := range []string{mutation, "query A { viewer { id } } " + strings.Replace(mutation, "mutation", "mutation B", 1)} {
		w := s.send(http.MethodGet, "/graphql?operationName="+map[bool]string{true: "B"}[document != mutation]+"&query="+url.QueryEscape(document), "", nil)
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
		assert.Equal(t, http.MethodPost, w.Header().Get("Allow"))
		assert.Equal(t, []any{"METHOD_NOT_ALLOWED"}, codes(read(t, w)))
	}
	assert.Empty(t, s.upstream.made(), "nothing was ended")

	w := s.post(mutation, nil)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, read(t, w).Errors)
	assert.Equal(t, []string{"links", "revoke", "links"}, s.upstream.made())
}

func TestTheProcessSaysThatItLives(t *testing.T) {
	s := newSite(t)
	w := s.send(http.MethodGet, "/livez", "", map[string]string{"Authorization": ""})
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "ok\n", w.Body.String())
	assert.Equal(t, http.StatusMethodNotAllowed, s.send(http.MethodPost, "/livez", "", nil).Code)
	for _, target := range []string{"/", "/playground", "/demo/return", "/graphql/x", "/debug/pprof/", "/metrics"} {
		assert.Equal(t, http.StatusNotFound, s.send(http.MethodGet, target, "", nil).Code, "%s is not configured", target)
	}
}

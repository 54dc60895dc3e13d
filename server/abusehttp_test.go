package server_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/documents"
)

// abuseOfHTTP is a request that has to be refused: its status, and the code of its first error.
type abuseOfHTTP struct {
	method, target, body string
	headers              map[string]string
	status               int
	code                 string
}

// gzipped is so many MiB of spaces, as members of one each.
func gzipped(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(bytes.Repeat([]byte(" "), 1<<20))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return strings.Repeat(b.String(), n)
}

func abusesOfHTTP(t *testing.T) map[string]abuseOfHTTP {
	t.Helper()
	post := func(body, code string, status int, headers ...string) abuseOfHTTP {
		c := abuseOfHTTP{http.MethodPost, "/graphql", body, map[string]string{}, status, code}
		for i := 0; i < len(headers); i += 2 {
			c.headers[headers[i]] = headers[i+1]
		}
		return c
	}
	bad := func(body string) abuseOfHTTP { return post(body, "BAD_REQUEST", 400) }
	of := func(document, code string) abuseOfHTTP { return post(body(t, document, nil), code, 200) }
	with := func(document string, variables any, code string) abuseOfHTTP {
		return post(body(t, document, variables), code, 200)
	}
	get := func(query, code string, status int) abuseOfHTTP {
		return abuseOfHTTP{http.MethodGet, "/graphql?" + query, "", nil, status, code}
	}
	raw := func(variables, code string) abuseOfHTTP {
		return post(`{"query":"query($id: ID!) { user(id: $id) { id } }","variables":`+variables+`}`, code, 200)
	}
	hash := func(extension string) abuseOfHTTP {
		return post(`{"extensions":{"persistedQuery":`+extension+`}}`, "PERSISTED_QUERY_NOT_FOUND", 200)
	}
	coded := func(c abuseOfHTTP, code string, status int) abuseOfHTTP { c.code, c.status = code, status; return c }
	multipart := "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + viewer + "\r\n--x--\r\n"
	const months = `stepCount(from: "2026-03-01", to: "2026-03-31") { total }`
	return map[string]abuseOfHTTP{
		// bodies
		"a gzip bomb":                         post(gzipped(t, 200), "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Encoding", "gzip"),
		"a gzip bomb that says nothing":       bad(gzipped(t, 200)),
		"gzip by identity":                    post(viewer, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Encoding", "identity, gzip"),
		"zstd":                                post("\x28\xb5\x2f\xfd", "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Encoding", "zstd"),
		"a batch of one":                      bad("[" + viewer + "]"),
		"a batch of ten thousand":             bad("[" + strings.Repeat(viewer+",", 10_000) + viewer + "]"),
		"an empty batch":                      bad("[]"),
		"batches within batches":              bad(strings.Repeat("[", 500_000)),
		"objects within objects":              bad(strings.Repeat(`{"a":`, 150_000)),
		"a member twice":                      bad(`{"query":"{viewer{id}}","query":"{dataSources{id}}"}`),
		"a member twice, one with escapes":    bad(`{"query":"{viewer{id}}","quer\u0079":"{dataSources{id}}"}`),
		"variables twice":                     bad(`{"query":"{viewer{id}}","variables":{},"variables":{}}`),
		"a variable twice":                    bad(`{"query":"query($id: ID!) { user(id: $id) { id } }","variables":{"id":"person-1","id":"person-2"}}`),
		"a member of another case":            bad(`{"QUERY":"{viewer{id}}"}`),
		"a member with a NUL":                 bad(`{"query\u0000":"{viewer{id}}"}`),
		"a NUL after the body":                bad(viewer + "\x00"),
		"a byte order mark":                   bad("\ufeff" + viewer),
		"a comment":                           bad("/* x */" + viewer),
		"a trailing comma":                    bad(`{"query":"{viewer{id}}",}`),
		"single quotes":                       bad(`{'query':'{viewer{id}}'}`),
		"NaN":                                 bad(`{"query":"{viewer{id}}","variables":{"a":NaN}}`),
		"UTF-16":                              bad("\xff\xfe{\x00\"\x00q\x00"),
		"bytes that are no UTF-8":             bad("{\"query\":\"query($id: ID!) { user(id: $id) { id } }\",\"variables\":{\"id\":\"a\xff\"}}"),
		"half an escape":                      bad(`{"query":"\u12"}`),
		"a text without an end":               bad(`{"query":"` + strings.Repeat("x", 900_000)),
		"a number without an end":             bad(`{"query":` + strings.Repeat("1", 900_000)),
		"900,000 spaces":                      bad(strings.Repeat(" ", 900_000)),
		"200,000 members":                     bad(`{` + each(70_000, func(i int) string { return fmt.Sprintf(`"m%d":0,`, i) }) + `"query":"","x":1}`),
		"a document that is a number":         bad(`{"query":1e999}`),
		"an operation name of a megabyte":     post(`{"query":"query A{viewer{id}}","operationName":"`+strings.Repeat("x", 900_000)+`"}`, invalid, 200),
		"an operation name that is an object": bad(`{"query":"{viewer{id}}","operationName":{}}`),
		"variables nested 100,000 deep":       bad(`{"query":"{viewer{id}}","variables":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `}`),
		"variables as a number of a megabyte": bad(`{"query":"{viewer{id}}","variables":` + strings.Repeat("9", 900_000) + `}`),

		// types of content
		"multipart":                    post(multipart, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "multipart/form-data; boundary=x"),
		"multipart without a boundary": post(multipart, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "multipart/form-data"),
		"multipart mixed":              post(multipart, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "multipart/mixed; boundary=x"),
		"a form of a megabyte":         post("query="+strings.Repeat("%7B", 300_000), "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "application/x-www-form-urlencoded"),
		"XML that names itself":        post(`<!DOCTYPE x [<!ENTITY a "&a;&a;">]><x>&a;</x>`, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "application/xml"),
		"a type of 30,000 parameters":  post(viewer, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "application/json"+each(30_000, func(i int) string { return fmt.Sprintf(";a=%d", i) })),
		"JSON in UTF-7":                post(viewer, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "application/json; charset=utf-7"),
		"two charsets":                 post(viewer, "UNSUPPORTED_MEDIA_TYPE", 415, "Content-Type", "application/json; charset=utf-8; charset=utf-7"),
		"Accept of 50,000 types":       post(viewer, "NOT_ACCEPTABLE", 406, "Accept", strings.Repeat("a/b;q=0.1,", 50_000)+"c/d"),
		"Accept without an end":        post(viewer, "NOT_ACCEPTABLE", 406, "Accept", strings.Repeat("a/b;a=\"", 20_000)),

		// methods and paths
		"HEAD":                                 {http.MethodHead, "/graphql?query=%7Bviewer%7Bid%7D%7D", "", nil, 405, ""},
		"DELETE":                               {http.MethodDelete, "/graphql", viewer, nil, 405, "METHOD_NOT_ALLOWED"},
		"a method of 10,000 letters":           {strings.Repeat("X", 10_000), "/graphql", viewer, nil, 405, "METHOD_NOT_ALLOWED"},
		"a long path":                          {http.MethodGet, "/graphql/" + strings.Repeat("a/", 20_000), "", nil, 404, ""},
		"a path with dots":                     {http.MethodPost, "/graphql/..%2f..%2fetc/passwd", viewer, nil, 404, ""},
		"another endpoint":                     {http.MethodPost, "/v1/graphql", viewer, nil, 404, ""},
		"the Playground that is not there":     {http.MethodGet, "/playground", "", nil, 404, ""},
		"a mutation with GET":                  get("query="+url.QueryEscape(`mutation { revokeAll { results { outcome } } }`), "METHOD_NOT_ALLOWED", 405),
		"GET with a query that is encoded ill": get("query=%zz", "BAD_REQUEST", 400),
		"GET with nested variables":            get("query=%7Bviewer%7Bid%7D%7D&variables="+strings.Repeat("[", 30_000), "BAD_REQUEST", 400),
		"GET with a variable twice":            get("query=%7Bviewer%7Bid%7D%7D&variables="+url.QueryEscape(`{"a":1,"a":2}`), "BAD_REQUEST", 400),
		"GET with a deep document":             get("query="+url.QueryEscape(strings.Repeat("{a", 600)+strings.Repeat("}", 600)), tooLarge, 200),
		"GET with 20,000 parameters":           get(strings.Repeat("a=b&", 20_000)+"x", "BAD_REQUEST", 400),

		// documents
		"nothing but a comment":               of("# nothing", invalid),
		"a NUL":                               of("{ viewer\x00 { id } }", noGraphQL),
		"a control character":                 of("{ viewer { id\x07 } }", noGraphQL),
		"a text without an end, in GraphQL":   of(`{ user(id: "`+strings.Repeat("x", 30_000), noGraphQL),
		"a block text without an end":         of(`{ user(id: """`+strings.Repeat("x", 30_000), noGraphQL),
		"a bare brace":                        of(strings.Repeat("}", 1_900), noGraphQL),
		"braces without a name":               of(strings.Repeat("{", 1_900), noGraphQL),
		"60,000 commas":                       of(strings.Repeat(",", 60_000), invalid),
		"60,000 comments":                     of(strings.Repeat("#\n", 30_000), tooLarge),
		"a type definition":                   of("type Query { x: Int }", noGraphQL),
		"an extension of a type":              of("extend type Query { x: Int } { viewer { id } }", noGraphQL),
		"a name of 60,000 letters":            of("{ "+strings.Repeat("x", 60_000)+" }", invalid),
		"a directive of nobody":               of("{ __typename @a@a@a@a@a@a@a@a@a@a }", invalid),
		"@defer":                              of("{ ... @defer { viewer { id } } }", invalid),
		"@skip 45 times":                      of("{ viewer"+strings.Repeat(" @skip(if: false)", 45)+" { id } }", invalid),
		"a variable that is not declared":     of("{ user(id: $x) { id } }", invalid),
		"a variable of itself":                of("query($x: ID = $x) { user(id: $x) { id } }", noGraphQL),
		"a variable 400 times":                of("query("+strings.Repeat("$x: ID ", 400)+") { viewer { id } }", invalid),
		"400 variables":                       of("query("+each(400, func(i int) string { return fmt.Sprintf("$x%d: ID ", i) })+") { viewer { id } }", invalid),
		"a variable of an output's type":      of("query($x: User) { viewer { id } }", invalid),
		"three fragments in a circle":         of("{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }", invalid),
		"a fragment on a scalar":              of("{ ...A } fragment A on ID { id }", invalid),
		"a fragment twice":                    of("{ ...A } fragment A on Query { viewer { id } } fragment A on Query { viewer { id } }", invalid),
		"a fragment of nobody":                of("{ ...A }", invalid),
		"introspection":                       of("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
		"introspection in a circle":           of("{ __schema { types { fields { type { fields { type { fields { type { fields { type { fields { name } } } } } } } } } } } }", invalid),
		"introspection by an alias":           of(`{ x: __type(name: "User") { name } }`, "INTROSPECTION_DISABLED"),
		"introspection in a fragment":         of(`{ ...F } fragment F on Query { __schema { queryType { name } } }`, "INTROSPECTION_DISABLED"),
		"an alias that begins with two lines": of("{ viewer { id } } mutation { x }", invalid),
		"101 aliases of __typename":           of("{"+each(101, func(i int) string { return fmt.Sprintf(" a%d:__typename", i) })+"}", tooLarge),
		"31 mutations":                        of("mutation {"+each(31, func(i int) string { return fmt.Sprintf(` a%d: revokeAll { results { outcome } }`, i) })+"}", tooLarge),
		"30 erasures by a stranger":           of("mutation {"+each(30, func(i int) string { return fmt.Sprintf(` a%d: eraseUser(input: {userId: "x"}) { erased }`, i) })+"}", "FORBIDDEN"),
		"500 __typename":                      of("{"+strings.Repeat(" __typename", 500)+"}", tooLarge),
		"two subscriptions in one":            post(body(t, "subscription { a: connectionChanged { id } b: connectionChanged { id } }", nil), invalid, 200, "Accept", "text/event-stream, application/json"),
		"a subscription as JSON":              post(body(t, "subscription { connectionChanged { id } }", nil), "NOT_ACCEPTABLE", 406, "Accept", "application/json"),
		"two subscriptions without a name":    post(body(t, `subscription { connectionChanged { id } } subscription B { connectionChanged { id } }`, nil), invalid, 400, "Accept", "text/event-stream"),
		"an event stream of too deep":         post(body(t, strings.Repeat("{a", 600)+strings.Repeat("}", 600), nil), tooLarge, 400, "Accept", "text/event-stream"),
		"an object as a person":               of(`{ user(id: {a: {b: {c: 1}}}) { id } }`, invalid),
		"a float as a person":                 of(`{ user(id: 1e308) { id } }`, invalid),
		"a number of a thousand digits":       of(`{ accessLog(first: `+strings.Repeat("9", 1_000)+`) { nodes { at } } }`, invalid),
		"a negative length":                   of(`{ accessLog(first: -1) { nodes { at } } }`, badInput),
		"the largest number":                  of(`{ accessLog(first: 2147483647) { nodes { at } } }`, badInput),
		"a cursor of nobody":                  of(`{ accessLog(after: "`+strings.Repeat("A", 60_000)+`") { nodes { at } } }`, badInput),
		"a day of nobody":                     of(strings.Replace("{ "+months+" }", "2026-03-01", "2026-99-99", 1), badInput),
		"ten thousand years":                  of(strings.Replace("{ "+months+" }", "2026-03-01", "-9999-01-01", 1), badInput),
		"a range of two centuries":            of(strings.Replace("{ "+months+" }", "2026-03-01", "1971-01-01", 1), badInput),
		"a zone that is a path":               of(strings.Replace("{ "+months+" }", "to:", `timeZone: "../../etc/passwd", to:`, 1), badInput),
		"a thousand data sources":             of(`{ connections(dataSources: [`+strings.Repeat(`"a" `, 1_000)+`]) { id } }`, badInput),
		"a URL of another scheme":             of(`{ authorizationUrl(dataSource: "fitbit", redirectUrl: "javascript:alert(1)") { url } }`, badInput),

		// variables
		"half a surrogate pair":           raw(`{"id":"a\ud83d"}`, badInput),
		"the other half":                  raw(`{"id":"\udc00"}`, badInput),
		"a NUL as a person":               raw(`{"id":"a\u0000"}`, badInput),
		"a text from right to left":       raw(`{"id":"a\u202eb"}`, badInput),
		"a list of lists as a person":     raw(`{"id":[[[["a"]]]]}`, invalid),
		"an object for a person":          raw(`{"id":{"toString":"a"}}`, invalid),
		"null for a person":               raw(`{"id":null}`, invalid),
		"no variable at all":              raw(`{}`, invalid),
		"a number of a million digits":    raw(`{"id":`+strings.Repeat("9", 900_000)+`}`, badInput),
		"a tiny number":                   raw(`{"id":1e-999999999}`, "FORBIDDEN"),
		"a huge number":                   raw(`{"id":1e999999999}`, "FORBIDDEN"),
		"101 people":                      with(byIDs, map[string]any{"ids": make([]int, 101)}, badInput),
		"one person for many":             with(byIDs, map[string]any{"ids": strings.Repeat("a", 5_000)}, badInput),
		"nulls for people":                with(byIDs, map[string]any{"ids": make([]any, 100_000)}, invalid),
		"lists for people":                with(byIDs, map[string]any{"ids": [][][]string{{{"a"}}}}, invalid),
		"an input with what there is not": with(`mutation($x: RevokeInput!) { revoke(input: $x) { outcome } }`, map[string]any{"x": map[string]any{"dataSource": "fitbit", "__proto__": 1}}, invalid),
		"an input of 10,000 members": with(`mutation($x: RevokeInput!) { revoke(input: $x) { outcome } }`, map[string]any{"x": func() map[string]int {
			all := map[string]int{}
			for i := range 10_000 {
				all[fmt.Sprint("m", i)] = i
			}
			return all
		}()}, invalid),

		// persisted documents
		"a hash of nothing":           hash(`{"version":1,"sha256Hash":""}`),
		"a hash of a megabyte":        hash(`{"version":1,"sha256Hash":"` + strings.Repeat("a", 900_000) + `"}`),
		"a hash that is a list":       hash(`{"version":1,"sha256Hash":[[[]]]}`),
		"another version":             coded(hash(`{"version":99,"sha256Hash":"x"}`), "PERSISTED_QUERY_NOT_SUPPORTED", 200),
		"an extension that is none":   coded(hash(`7`), "BAD_REQUEST", 400),
		"a hash of another document":  post(`{"query":"{viewer{id}}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+documents.Digest("x")+`"}}}`, "PERSISTED_QUERY_HASH_MISMATCH", 200),
		"a hash of what is not valid": post(`{"query":"{x}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+documents.Digest("{x}")+`"}}}`, invalid, 200),
		"an id that is a path":        post(`{"documentId":"../../etc/passwd"}`, "PERSISTED_QUERY_NOT_FOUND", 200),

		// tokens
		"an empty token":           post(viewer, "UNAUTHENTICATED", 401, "Authorization", "Bearer "),
		"a token without a scheme": post(viewer, "UNAUTHENTICATED", 401, "Authorization", "x"),
		"a token of 50,000 dots":   post(viewer, "UNAUTHENTICATED", 401, "Authorization", "Bearer "+strings.Repeat(".", 50_000)),
		"a token that is unsigned": post(viewer, "UNAUTHENTICATED", 401, "Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJwZXJzb24tMSIsImV4cCI6OTk5OTk5OTk5OX0."),
		"a token that is a bomb":   post(viewer, "UNAUTHENTICATED", 401, "Authorization", "Bearer eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0..."+strings.Repeat("A", 20_000)+".A"),

		// other pages
		"a page of another site": post(viewer, "CROSS_SITE_REFUSED", 403, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"),
	}
}

// Over a real connection, each is refused at once, and the next one is answered.
func TestAbuseOfHTTPIsRefusedAtOnce(t *testing.T) {
	s := newSite(t)
	endpoint := s.listen()
	client := &http.Client{Timeout: atOnce}
	t.Cleanup(client.CloseIdleConnections)
	all := abusesOfHTTP(t)
	assert.Greater(t, len(all)+len(abuses(t)), 150)
	send := func(t *testing.T, c abuseOfHTTP) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), c.method, endpoint+c.target, strings.NewReader(c.body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+s.token)
		r.Header.Set("Content-Type", "application/json")
		for name, value := range c.headers {
			r.Header.Set(name, value)
		}
		response, err := client.Do(r)
		require.NoError(t, err, "no answer in time")
		defer func() { assert.NoError(t, response.Body.Close()) }()
		answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
		require.NoError(t, err)
		return response.StatusCode, string(answer)
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			status, answer := send(t, c)
			assert.Equal(t, c.status, status, answer)
			if c.code != "" {
				assert.Contains(t, answer, `"code":"`+c.code+`"`)
			}
			assert.NotContains(t, answer, `"INTERNAL"`)
			status, answer = send(t, abuseOfHTTP{http.MethodPost, "/graphql", viewer, nil, 200, ""})
			assert.Equal(t, http.StatusOK, status)
			assert.NotContains(t, answer, "errors")
		})
	}
	assert.Empty(t, s.upstream.made())
	assert.Empty(t, s.log.String())

	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := used()
	for range 3 {
		for _, c := range all {
			send(t, c)
		}
	}
	assert.Less(t, used(), before+(16<<20), "and leaves nothing behind")
}

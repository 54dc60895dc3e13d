package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
	"healthgraph/server/documents"
	"healthgraph/server/limits"
)

// each writes n parts, one after the other.
func each(n int, part func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(part(i))
	}
	return b.String()
}

func doubling(n int) string {
	return "{ ...F0 }" + each(n, func(i int) string { return fmt.Sprintf(" fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1) }) +
		fmt.Sprintf(" fragment F%d on Query { viewer { id } }", n)
}

func body(t *testing.T, document string, variables any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	require.NoError(t, err)
	return string(text)
}

// atOnce is within what each abuse is answered. The race detector makes the program several times as slow: make test runs these tests
// without it as well.
const atOnce = 2 * time.Second * raceFactor

const (
	tooLarge  = "OPERATION_TOO_LARGE"
	invalid   = "GRAPHQL_VALIDATION_FAILED"
	noGraphQL = "GRAPHQL_PARSE_FAILED"
	badInput  = "BAD_USER_INPUT"
	bytesOver = "PAYLOAD_TOO_LARGE"
	byID      = `query($id: ID!) { user(id: $id) { id } }`
	byIDs     = `query($ids: [ID!]!) { users(ids: $ids) { id } }`
)

// abuses are requests that cost their sender little. limit is extensions.limit of the answer, where one refuses.
func abuses(t *testing.T) map[string]struct{ body, code, limit string } {
	nestedJSON := func(n int) string {
		return `{"query":"` + byID + `","variables":{"id":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	type abuse = struct{ body, code, limit string }
	of := func(document, code, limit string) abuse { return abuse{body(t, document, nil), code, limit} }
	return map[string]abuse{
		"deep nesting":                     of(strings.Repeat("{a", 600)+strings.Repeat("}", 600), tooLarge, "depth"),
		"deep nesting by fragments":        of("{ ...F0 }"+each(100, func(i int) string { return fmt.Sprintf(" fragment F%d on User { a { ...F%d } }", i, i+1) })+" fragment F100 on User { id }", tooLarge, "depth"),
		"nesting beyond the parser":        of(strings.Repeat("{a", 20_000), tooLarge, "tokens"),
		"10,000 __typename":                of("{"+strings.Repeat(" __typename", 5_000)+"}", tooLarge, "tokens"),
		"1,900 __typename":                 of("{"+strings.Repeat(" __typename", 1_900)+"}", tooLarge, "rootFields"),
		"1,000 aliases":                    of("{ viewer {"+each(1_000, func(i int) string { return fmt.Sprintf(" a%d:id", i) })+"} }", tooLarge, "tokens"),
		"600 aliases":                      of("{ viewer {"+each(600, func(i int) string { return fmt.Sprintf(" a%d:id", i) })+"} }", tooLarge, "aliases"),
		"aliases by fragments":             of("{ viewer {"+strings.Repeat(" ...F", 20)+"} } fragment F on User { a:id b:id c:id d:id e:id f:id }", tooLarge, "aliases"),
		"fragments that double":            of(doubling(30), tooLarge, "rootFields"),
		"more fragments that double":       of(doubling(190), tooLarge, "rootFields"),
		"fragments that double, one below": of(strings.Replace(strings.ReplaceAll(strings.ReplaceAll(doubling(30), "on Query", "on User"), "viewer { id }", "id"), "{ ...F0 }", "{ viewer { ...F0 } }", 1), tooLarge, "fields"),
		"fragments in a circle":            of(strings.Replace(doubling(30), "{ viewer { id } }", "{ ...F0 ...F0 }", 1), invalid, ""),
		"a fragment of itself":             of("{ ...F } fragment F on Query { ...F ...F viewer { id } }", invalid, ""),
		"10,000 directives":                of("{ viewer @include(if: true)"+strings.Repeat(" @include(if: true)", 3_000)+" { id } }", tooLarge, "tokens"),
		"900 directives":                   of("{ viewer"+strings.Repeat(" @a", 900)+" { id } }", tooLarge, "directives"),
		"directives on a fragment":         of("{ viewer { id } } fragment F on User"+strings.Repeat(" @a", 900)+" { id }", tooLarge, "directives"),
		"a long list":                      of("{ users(ids: ["+strings.Repeat(`"a" `, 10_000)+"]) { id } }", tooLarge, "tokens"),
		"a list of 1,900":                  of("{ users(ids: ["+strings.Repeat(`"a" `, 1_900)+"]) { id } }", badInput, ""),
		"a nested list":                    of("{ users(ids: "+strings.Repeat("[", 900)+strings.Repeat("]", 900)+") { id } }", invalid, ""),
		"a list nested beyond the parser":  of("{ users(ids: "+strings.Repeat("[", 1_500)+") { id } }", noGraphQL, ""),
		"nested objects":                   of("mutation { revoke(input: "+strings.Repeat("{a:", 400)+"1"+strings.Repeat("}", 400)+") { outcome } }", invalid, ""),
		"nested types of a variable":       of("query($x: "+strings.Repeat("[", 900)+"Int"+strings.Repeat("]", 900)+") { viewer { id } }", invalid, ""),
		"a long text":                      of(`{ user(id: "`+strings.Repeat("x", 60_000)+`") { id } }`, badInput, ""),
		"a longer text":                    of(`{ user(id: "`+strings.Repeat("x", 70_000)+`") { id } }`, bytesOver, ""),
		"a long block text":                of(`{ user(id: """`+strings.Repeat("x\n", 30_000)+`""") { id } }`, badInput, ""),
		"unicode escapes":                  of(`{ user(id: "`+strings.Repeat(`\u0061`, 10_000)+`") { id } }`, badInput, ""),
		"half a unicode escape":            of(`{ user(id: "`+strings.Repeat(`\ud83d`, 10_000)+`") { id } }`, "", ""),
		"many operations without a name":   of(strings.Repeat("{viewer{id}}", 330), invalid, ""),
		"many operations with one name":    of(strings.Repeat("query A{viewer{id}}", 240), invalid, ""),
		"many operations, none of them":    of(each(240, func(i int) string { return fmt.Sprintf("query A%d{viewer{id}}", i) }), invalid, ""),
		"fields that overlap":              of("{ viewer {"+strings.Repeat(" id", 1_900)+"} }", "", ""),
		"fields that overlap and differ":   of("{ viewer {"+each(90, func(i int) string { return fmt.Sprintf(` x: authorizationUrl(dataSource: "%d") { url }`, i) })+"} }", invalid, ""),
		"fragments that overlap":           of("{ viewer {"+each(190, func(i int) string { return fmt.Sprintf(" ...F%d", i) })+"} }"+each(190, func(i int) string { return fmt.Sprintf(" fragment F%d on User { id }", i) }), "", ""),
		"fragments that nobody spreads":    of("{ viewer { id } }"+each(250, func(i int) string { return fmt.Sprintf(" fragment F%d on User { id }", i) }), invalid, ""),
		"a number that is too large":       of(`{ accessLog(first: `+strings.Repeat("9", 50_000)+`) { nodes { at } } }`, invalid, ""),
		"a number of many digits":          of(`{ viewer { accessLog(first: -`+strings.Repeat("9", 50_000)+`) { nodes { at } } } }`, invalid, ""),
		"200,000 ids by a variable":        {body(t, byIDs, map[string]any{"ids": strings.Split(strings.Repeat("a,", 200_000)+"a", ",")}), badInput, ""},
		"a long text by a variable":        {body(t, byID, map[string]any{"id": strings.Repeat("x", 1_000_000)}), badInput, ""},
		"a number of digits by a variable": {`{"query":"query($n: Int) { accessLog(first: $n) { nodes { at } } }","variables":{"n":` + strings.Repeat("9", 1_000_000) + `}}`, invalid, ""},
		"nested variables":                 {nestedJSON(9_000), "", ""},
		"variables nested beyond JSON":     {nestedJSON(200_000), "BAD_REQUEST", ""},
		"many variables that nobody wants": {`{"query":"{viewer{id}}","variables":{` + each(50_000, func(i int) string { return fmt.Sprintf(`"v%d":1,`, i) }) + `"v":1}}`, "", ""},
		"nested extensions":                {`{"query":"{viewer{id}}","extensions":{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}}`, "", ""},
		"a body of 2 MiB":                  {`{"query":"{viewer{id}}","x":"` + strings.Repeat("x", 2<<20) + `"}`, bytesOver, ""},
		"a year for a hundred people often": {body(t, `query($ids: [ID!]!) { users(ids: $ids) {`+each(20, func(i int) string {
			return fmt.Sprintf(` a%d: stepCount(from: "2025-01-01", to: "2025-12-31") { total }`, i)
		})+` } }`, map[string]any{"ids": make([]int, 100)}), "OPERATION_TOO_EXPENSIVE", ""},
	}
}

func TestAbuseIsAnsweredSoonAndInPlainWords(t *testing.T) {
	s := newSite(t)
	for name, c := range abuses(t) {
		t.Run(name, func(t *testing.T) {
			answered := make(chan *httptest.ResponseRecorder, 1)
			go func() { answered <- s.send(http.MethodPost, "/graphql", c.body, nil) }()
			var w *httptest.ResponseRecorder
			select {
			case w = <-answered:
			case <-time.After(atOnce):
				t.Fatal("no answer in time")
			}
			a := read(t, w)
			assert.Less(t, w.Body.Len(), 2<<20)
			if c.code == "" {
				assert.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body.String())
				return
			}
			require.NotEmpty(t, a.Errors, w.Body.String())
			assert.Equal(t, c.code, a.Errors[0].Extensions["code"])
			if c.limit != "" {
				assert.Equal(t, c.limit, a.Errors[0].Extensions["limit"])
				assert.Greater(t, a.Errors[0].Extensions["requested"], a.Errors[0].Extensions["allowed"])
				assert.Contains(t, a.Errors[0].Message, fmt.Sprint(a.Errors[0].Extensions["allowed"]))
			}
		})
	}
	assert.Empty(t, read(t, s.post("{ viewer { id } }", nil)).Errors, "the next request is answered")
	assert.Empty(t, s.log.String())
}

// Where limits are only measured, ceilings of bytes and tokens still keep each request short.
func TestAbuseThatIsOnlyMeasuredComesToAnEnd(t *testing.T) {
	d := documents.New(documents.Config{})
	s := newSite(t, func(c *server.Config) {
		c.Documents, c.Limits = d, limits.New(limits.Config{MeasureOnly: true, Log: c.Log}, d)
	})
	for name, c := range abuses(t) {
		t.Run(name, func(t *testing.T) {
			a := read(t, s.send(http.MethodPost, "/graphql", c.body, nil))
			for _, e := range a.Errors {
				if e.Extensions["code"] == tooLarge {
					assert.Equal(t, "tokens", e.Extensions["limit"])
				}
				assert.NotEqual(t, "OPERATION_TOO_EXPENSIVE", e.Extensions["code"])
			}
		})
	}
}

func TestAbuseLeavesNothingBehind(t *testing.T) {
	d := documents.New(documents.Config{CacheBytes: 1 << 20, PersistedBytes: 1 << 20})
	s := newSite(t, func(c *server.Config) { c.Documents = d })
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	all := abuses(t)
	before := used()
	for range 3 {
		for _, c := range all {
			s.send(http.MethodPost, "/graphql", c.body, nil)
		}
	}
	for i := range 500 { // good ones, each another and as long as may be
		s.post(fmt.Sprintf("{ viewer { id } } #%d", i)+strings.Repeat("x", 60_000), nil)
	}
	assert.LessOrEqual(t, d.Bytes(), int64(1<<20))
	assert.Less(t, used(), before+(16<<20))
}

func TestALimitAllowsWhatItNames(t *testing.T) {
	most := limits.Defaults()
	s := newSite(t)
	for limit, document := range map[limits.Limit]func(n int) string{
		limits.RootFields: func(n int) string { return "{" + each(n, func(int) string { return " __typename" }) + "}" },
		limits.Aliases: func(n int) string {
			return "{ viewer {" + each(n, func(i int) string { return fmt.Sprintf(" a%d: id", i) }) + "} }"
		},
		limits.Fields: func(n int) string {
			return "{ viewer {" + strings.Repeat(" ...F", n/100-1) + strings.Repeat(" id", n-1-(n/100-1)*100) + "} } fragment F on User {" + strings.Repeat(" id", 100) + "}"
		},
		limits.Directives: func(n int) string { return "{ viewer {" + strings.Repeat(" id @skip(if: false)", n) + "} }" },
		limits.Tokens:     func(n int) string { return "{ viewer { id } }" + strings.Repeat(" #\n", n-6) },
	} {
		allowed := map[limits.Limit]int{limits.RootFields: most.RootFields, limits.Aliases: most.Aliases, limits.Fields: most.Fields, limits.Directives: most.Directives, limits.Tokens: most.Tokens}[limit]
		assert.Empty(t, read(t, s.post(document(allowed), nil)).Errors, limit)
		for accept, status := range map[string]int{newer: http.StatusBadRequest, "application/json": http.StatusOK} {
			w := s.post(document(allowed+1), map[string]string{"Accept": accept})
			assert.Equal(t, status, w.Code, limit)
			a := read(t, w)
			require.Equal(t, []any{tooLarge}, codes(a), limit)
			assert.Equal(t, string(limit), a.Errors[0].Extensions["limit"])
			assert.EqualValues(t, allowed+1, a.Errors[0].Extensions["requested"])
			assert.EqualValues(t, allowed, a.Errors[0].Extensions["allowed"])
			assert.Nil(t, a.Data)
		}
	}
	deep := func(n int) string { return strings.Repeat("{ __schema", n) + " { x } " + strings.Repeat("}", n) }
	assert.Equal(t, invalid, codes(read(t, s.post(deep(most.Depth-1), nil)))[0], "it passes, and is no good")
	assert.Equal(t, []any{tooLarge}, codes(read(t, s.post(deep(most.Depth), nil))))
}

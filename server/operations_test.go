package server_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
	"healthgraph/server/documents"
	"healthgraph/server/limits"
)

// small limits, each with an operation that is over it and over no other.
var (
	small = limits.Config{Depth: 3, Aliases: 2, RootFields: 2, Directives: 2, Fields: 8, Tokens: 60, QueryBytes: 200, BodyBytes: 500, Cost: 140}
	over  = map[limits.Limit]string{
		limits.Depth:      `{ viewer { connections { dataSource { id } } } }`,
		limits.Aliases:    `{ viewer { a: id b: id c: id } }`,
		limits.RootFields: `{ viewer { id } __typename a: __typename }`,
		limits.Directives: `{ viewer { id @skip(if: false) __typename @skip(if: false) } __typename @skip(if: false) }`,
		limits.Fields:     `{ viewer { ...F ...F ...F ...F } } fragment F on User { id __typename }`,
		limits.Cost:       `{ connections { id status checkedAt } }`,
	}
)

func TestLimitsAreConfiguredOneByOne(t *testing.T) {
	for limit, document := range over {
		t.Run(string(limit), func(t *testing.T) {
			d := documents.New(documents.Config{})
			l := limits.New(small, d)
			s := newSite(t, func(c *server.Config) { c.Documents, c.Limits = d, l })
			for range 2 { // the second time, a document that is known
				a := read(t, s.post(document, nil))
				require.Len(t, a.Errors, 1)
				if limit == limits.Cost {
					assert.Equal(t, map[string]any{"code": "OPERATION_TOO_EXPENSIVE", "cost": 149.0, "budget": 140.0}, a.Errors[0].Extensions)
				} else {
					assert.Equal(t, "OPERATION_TOO_LARGE", a.Errors[0].Extensions["code"])
					assert.Equal(t, string(limit), a.Errors[0].Extensions["limit"])
				}
				assert.Nil(t, a.Data)
			}
			assert.Empty(t, s.upstream.made())
			assert.Equal(t, map[limits.Limit]int64{limit: 2}, counted(l))
			assert.Empty(t, read(t, newSite(t).post(document, nil)).Errors, "by default it passes")
		})
	}
	s := newSite(t, func(c *server.Config) { c.Limits = limits.New(small, documents.New(documents.Config{})) })
	assert.Empty(t, read(t, s.post(`{ viewer { id } }`, nil)).Errors)
}

// counted are the counters that are not zero.
func counted(l *limits.Limits) map[limits.Limit]int64 {
	all := maps.Collect(l.Counters.All())
	maps.DeleteFunc(all, func(_ limits.Limit, n int64) bool { return n == 0 })
	return all
}

func TestLimitsThatAreOnlyMeasuredRefuseNothing(t *testing.T) {
	d := documents.New(documents.Config{})
	var l *limits.Limits
	s := newSite(t, func(c *server.Config) {
		config := small
		config.MeasureOnly, config.Log = true, c.Log
		l = limits.New(config, d)
		c.Documents, c.Limits = d, l
	})
	want := map[limits.Limit]int64{}
	for limit, document := range over {
		for range 3 {
			assert.Empty(t, read(t, s.post(document, nil)).Errors)
		}
		want[limit] = 3
		assert.Equal(t, 1, strings.Count(s.log.String(), `"limit":"`+string(limit)+`"`), "once for each document: %s", s.log.String())
		assert.Contains(t, s.log.String(), documents.Digest(document))
	}
	assert.Equal(t, want, counted(l))
	assert.NotContains(t, s.log.String(), "viewer", "no document")
	assert.NotContains(t, s.log.String(), "person-1", "nor a variable")

	t.Run("bytes and tokens have a ceiling", func(t *testing.T) {
		sent := func(n int) string { // a body of so many bytes
			const before, after = `{"query":"{ viewer { id } }","x":"`, `"}`
			return before + strings.Repeat("x", n-len(before+after)) + after
		}
		post := func(body string) *httptest.ResponseRecorder { return s.send(http.MethodPost, "/graphql", body, nil) }
		tokens := func(n int) string { return "{ viewer { id } }" + strings.Repeat(" #\n", n-6) }
		query := func(n int) string { return "{ viewer { id } } #" + strings.Repeat("x", n-19) }
		for range 2 { // the second time, a document that is known
			assert.Empty(t, read(t, s.post(tokens(61), nil)).Errors)
			assert.Empty(t, read(t, s.post(tokens(4000), nil)).Errors)
			assert.Empty(t, read(t, s.post(query(256<<10), nil)).Errors)
			assert.Empty(t, read(t, post(sent(4<<20))).Errors)
			chunked := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", io.MultiReader(strings.NewReader(sent(600))))
			chunked.Header.Set("Content-Type", "application/json")
			chunked.Header.Set("Authorization", "Bearer "+s.token)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, chunked)
			assert.Empty(t, read(t, w).Errors)
		}
		want[limits.Tokens], want[limits.QueryBytes], want[limits.BodyBytes] = 4, 4, 8 // what is long as well as large counts as both
		assert.Equal(t, want, counted(l))
		for limit, documents := range map[limits.Limit]int{limits.Tokens: 2, limits.QueryBytes: 2, limits.BodyBytes: 3} {
			assert.Equal(t, documents, strings.Count(s.log.String(), `"limit":"`+string(limit)+`"`), "once for each document")
		}

		a := read(t, s.post(tokens(4001), nil))
		assert.Equal(t, []any{"OPERATION_TOO_LARGE"}, codes(a))
		assert.EqualValues(t, 4000, a.Errors[0].Extensions["allowed"])
		w := s.post(query(256<<10+1), nil)
		assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		assert.Contains(t, w.Body.String(), "more than 256 KiB")
		w = post(sent(4<<20 + 1))
		assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
		assert.Contains(t, w.Body.String(), "more than 4 MiB")
		want[limits.Tokens], want[limits.QueryBytes], want[limits.BodyBytes] = 5, 6, 10 // what is refused counts where it was
		assert.Equal(t, want, counted(l))
		assert.NotContains(t, s.log.String(), "xxx")
	})
}

func TestTheCostIsToldToWhoAsks(t *testing.T) {
	s := newSite(t)
	const document = `{ connections { status } }`
	ask := func(extensions any) string {
		return s.ask(http.MethodPost, request{Query: document, Extensions: extensions}, nil).Body.String()
	}
	budget := limits.Defaults().Cost
	assert.Contains(t, ask(map[string]any{"cost": true}), fmt.Sprintf(`"extensions":{"cost":{"budget":%d,"remaining":%d,"requested":125,"upstreamCalls":0}}`, budget, budget-125))
	for _, other := range []any{nil, map[string]any{}, map[string]any{"cost": false}, map[string]any{"cost": "true"}} {
		assert.NotContains(t, ask(other), "extensions")
	}
	get := s.ask(http.MethodGet, request{Query: document, Extensions: map[string]any{"cost": true}}, nil)
	assert.Contains(t, get.Body.String(), `"requested":125`)

	dear := newSite(t, func(c *server.Config) {
		d := documents.New(documents.Config{})
		c.Documents, c.Limits = d, limits.New(limits.Config{Cost: 100}, d)
	})
	refused := dear.ask(http.MethodPost, request{Query: document, Extensions: map[string]any{"cost": true}}, nil)
	assert.Contains(t, refused.Body.String(), `"extensions":{"cost":{"budget":100,"remaining":0,"requested":125,"upstreamCalls":0}}`)
	assert.Contains(t, refused.Body.String(), "OPERATION_TOO_EXPENSIVE")
	assert.Empty(t, dear.upstream.made())
}

package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
)

// roomy has room for services, and little for each person whom they ask about.
func roomy(t *testing.T, change func(*server.Config)) *site {
	t.Helper()
	return limited(t, func(c *server.Config) {
		c.RateLimits.Service.Burst = 1000
		change(c)
	})
}

// asked are the people whose links were read since it was last called.
func (s *site) asked() []string {
	s.upstream.mu.Lock()
	defer s.upstream.mu.Unlock()
	all := s.upstream.asked
	s.upstream.asked = nil
	slices.Sort(all)
	return all
}

func service(t *testing.T, name string) map[string]string {
	t.Helper()
	return issue(t, name, callers.ScopeAnyUser)
}

func TestAServiceAsksOnlySoOftenAboutOnePerson(t *testing.T) {
	s := roomy(t, func(*server.Config) {})
	const about = `{ users(ids: ["b", "a", "c", "a"]) { id connections { status } } x: user(id: "a") { id } y: connections(userId: "a") { status } }`
	for range 2 {
		assert.Empty(t, read(t, s.post(about, service(t, "one"))).Errors, "however often a person stands in it, it counts once")
	}
	assert.Empty(t, read(t, s.post(`{ user(id: "a") { connections { status } } }`, service(t, "another"))).Errors, "all services together")
	s.asked()

	w := s.post(about, service(t, "one"))
	assert.Equal(t, http.StatusOK, w.Code)
	a := read(t, w)
	people, _ := a.Data["users"].([]any)
	assert.Len(t, people, 4)
	for i, person := range people {
		if i%2 == 1 {
			assert.Nil(t, person)
			continue
		}
		assert.Equal(t, map[string]any{"id": string("b-c"[i]), "connections": []any{map[string]any{"status": "CONNECTED"}}}, person, "the others' page is whole")
	}
	assert.Nil(t, a.Data["x"])
	assert.Nil(t, a.Data["y"])
	paths := map[string]bool{}
	for _, e := range a.Errors {
		paths[fmt.Sprint(e.Path)] = true
		assert.Equal(t, "RATE_LIMITED", e.Extensions["code"])
		assert.Regexp(t, `^PT(1M|[56]\dS)$`, e.Extensions["retryAfter"])
	}
	assert.Equal(t, map[string]bool{"[users 1]": true, "[users 3]": true, "[x]": true, "[y]": true}, paths)
	assert.Equal(t, []string{"b", "c"}, s.asked(), "nobody upstream is asked about the one")

	assert.Empty(t, read(t, s.post(`{ connections { status } }`, issue(t, "a"))).Errors, "the person is not locked out")
	assert.Equal(t, 1, strings.Count(s.log.String(), `"actedFor":1`), s.log.String())
	assert.NotContains(t, s.log.String(), `"a"`)
}

// Whichever way leads to a person, it is counted and refused.
func TestEachWayToAPersonCounts(t *testing.T) {
	s := roomy(t, func(c *server.Config) { c.RateLimits.Person.Burst = 1 })
	link := s.linkID("linked")
	for name, c := range map[string]struct{ document, person string }{
		"user":              {`{ user(id: "P") { id } }`, ""},
		"users":             {`{ users(ids: ["P"]) { id } }`, ""},
		"node":              {`{ node(id: "P") { id } }`, ""},
		"nodes":             {`{ nodes(ids: ["P"]) { id } }`, ""},
		"a link":            {`{ node(id: "` + link + `") { id } }`, "linked"},
		"connections":       {`{ connections(userId: "P") { status } }`, ""},
		"authorizationUrl":  {`{ authorizationUrl(userId: "P", dataSource: "fitbit") { url } }`, ""},
		"stepCount":         {`{ stepCount(userId: "P", from: "2026-04-01", to: "2026-04-02") { total } }`, ""},
		"accessLog":         {`{ accessLog(userId: "P") { nodes { at } } }`, ""},
		"in a fragment":     {`{ ...F } fragment F on Query { ... on Query { user(id: "P") { id } } }`, ""},
		"revoke":            {`mutation { revoke(input: {userId: "P", dataSource: "fitbit"}) { outcome } }`, ""},
		"revokeAll":         {`mutation { revokeAll(input: {userId: "P"}) { results { outcome } } }`, ""},
		"eraseUser":         {`mutation { eraseUser(input: {userId: "P"}) { erased } }`, ""},
		"connectionChanged": {`subscription { connectionChanged(userId: "P") { status } }`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			person := c.person
			if person == "" {
				person = "person of " + name
			}
			document := strings.ReplaceAll(c.document, `"P"`, `"`+person+`"`)
			headers := service(t, "one")
			if name == "connectionChanged" {
				headers["Accept"] = "text/event-stream"
				url := s.listen()
				token := tokenOf(t, "one", time.Hour, callers.ScopeAnyUser)
				s.look(health.UserID(person))
				first := s.stream(url, token, document)
				for range 3 { // an event costs nothing
					s.turn(health.UserID(person))
					assert.NotContains(t, first.want("next"), "errors")
				}
				refused := s.stream(url, token, document)
				data := refused.want("next")
				assert.Contains(t, data, `"path":["connectionChanged"]`)
				assert.Contains(t, data, "RATE_LIMITED")
				refused.want("complete")
				return
			}
			assert.NotContains(t, codes(read(t, s.post(document, headers))), "RATE_LIMITED")
			s.asked()
			before := len(s.upstream.made())
			a := read(t, s.post(document, headers))
			assert.Equal(t, []any{"RATE_LIMITED"}, codes(a))
			assert.NotEmpty(t, a.Errors[0].Path)
			assert.NotContains(t, a.Errors[0].Message, person)
			assert.Len(t, s.upstream.made(), before, "nothing is asked of the upstream")
			assert.Empty(t, read(t, s.post(`{ viewer { id } }`, issue(t, person))).Errors)
		})
	}
}

func TestWhatIsRefusedOtherwiseIsCountedForNobody(t *testing.T) {
	s := roomy(t, func(c *server.Config) { c.RateLimits.Person.Burst = 1 })
	many := `"` + strings.Join(slices.Repeat([]string{"a"}, 101), `", "`) + `"`
	for document, code := range map[string]string{
		`{ users(ids: [` + many + `]) { id } }`:                           badInput,
		`{ user(id: "a") { nothing } }`:                                   invalid,
		`query($no: Boolean!) { user(id: "a") @include(if: $no) { id } }`: invalid,
	} {
		assert.Contains(t, codes(read(t, s.post(document, service(t, "one")))), code)
	}
	assert.Empty(t, read(t, s.post(`{ user(id: "a") @skip(if: true) { id } dataSources { id } }`, service(t, "one"))).Errors)
	assert.Contains(t, codes(read(t, s.post(`{ user(id: "a") { id } }`, issue(t, "stranger")))), "FORBIDDEN")
	assert.Empty(t, read(t, s.post(`{ user(id: "a") { id } }`, service(t, "one"))).Errors)
}

func TestALimitOfPeopleThatIsMeasuredRefusesNobody(t *testing.T) {
	s := roomy(t, func(c *server.Config) { c.RateLimits.MeasureOnly = true })
	for range 5 {
		assert.Empty(t, read(t, s.post(`{ users(ids: ["a", "b"]) { id connections { status } } }`, service(t, "one"))).Errors)
	}
	assert.Contains(t, s.log.String(), "requests would have been refused by the rate limits")
	assert.Contains(t, s.log.String(), `"actedFor":2`)
}

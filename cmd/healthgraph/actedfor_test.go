package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/redistest"
)

// One person's upstream accounts are asked by services only so often, whichever replica they come to. Everybody else in the same
// operation is answered, and so is the person.
func TestTwoGatewaysShareWhatServicesAskAboutOnePerson(t *testing.T) {
	redis := redistest.Start(t)
	first, second := two(t, redis.URL)
	const about = `query($ids: [ID!]!) { users(ids: $ids) { id connections(dataSources: ["garmin"]) { status } } }`
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprint("person-", i)
	}
	for i := range 40 {
		w := []*world{first, second}[i%2]
		w.ask(w.service(), about, map[string]any{"ids": []string{"person-7"}}).into(&struct{}{})
	}
	first.forgetCalls()
	a := first.ask(first.service(), about, map[string]any{"ids": ids})
	assert.Equal(t, http.StatusOK, a.Status)
	assert.Equal(t, "RATE_LIMITED", a.code())
	assert.Equal(t, []any{"users", 7.0}, a.Errors[0].Path)
	assert.NotEmpty(t, a.Errors[0].Extensions["retryAfter"])
	made := 0
	for _, n := range first.calls() {
		made += n
	}
	assert.Equal(t, 99, made, "the others' lists")
	first.ask(first.token("person-7"), `{ connections { status } }`, nil).into(&struct{}{})

	redis.Kill() // and nobody is refused for that
	first.ask(first.service(), about, map[string]any{"ids": ids}).into(&struct{}{})
	assert.Empty(t, contains(first.log.String()+second.log.String(), "person-"))
}

// A service that hands in a return says whose it is by the state in it.
func TestAReturnThatAServiceHandsInCountsForWhoBeganIt(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(s *settings) {
		s.RateLimitMode, s.RateLimitPerson, s.RateLimitService, s.RateLimitFailures = rateLimitEnforce, "1/2", "1/60", "1/10"
	}})
	returned := w.consent(w.authorizationURL("demo"), "demo", "allow", "profile")
	const finish = `mutation($url: URL!) { completeAuthorization(input: {url: $url}) { link { status } } }`
	for range 2 {
		w.ask(w.service(), `{ user(id: "demo") { id } }`, nil).into(&struct{}{})
	}
	w.forgetCalls()
	assert.Equal(t, "RATE_LIMITED", w.ask(w.service(), finish, map[string]any{"url": returned}).code())
	assert.Empty(t, w.calls())
	var done struct {
		CompleteAuthorization struct{ Link struct{ Status string } }
	}
	w.ask(w.token("demo"), finish, map[string]any{"url": returned}).into(&done)
	require.Equal(t, "CONNECTED", done.CompleteAuthorization.Link.Status, "the state was not spent")
}

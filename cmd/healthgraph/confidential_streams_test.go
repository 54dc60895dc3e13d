package main

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/logtest"
)

// sendWhatIsNoGraphQL sends requests and frames that never become an operation.
func (l *leaks) sendWhatIsNoGraphQL() {
	bearer := "Bearer " + l.token(l.person)
	for _, c := range []struct{ method, target, body, headers string }{
		{"POST", "", `{"query": "` + canary, ""},
		{"POST", "", canary, ""},
		{"POST", "", `{"query": ["` + canary + `"]}`, ""},
		{"POST", "", `{"query": "{ dataSources { id } }", "variables": "` + canary + `"}`, ""},
		{"POST", "", `{"query": "{ dataSources { id } }", "extensions": "` + canary + `"}`, ""},
		{"POST", "", `{"query": "{ dataSources { id } }", "operationName": "` + canary + `"}`, ""},
		{"POST", "", `{"documentId": "` + canary + `", "variables": {"` + canary + `": 1}}`, ""},
		{"POST", "", `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "` + canary + `"}}}`, ""},
		{"POST", "", `{"extensions": {"persistedQuery": "` + canary + `"}}`, ""},
		{"POST", "", `{"query": "{ dataSources { id } }", "x": "` + canary + strings.Repeat("x", 4<<20) + `"}`, ""},
		{"POST", "", `{"query": "{ __schema { queryType { name } } }"}`, ""},
		{"POST", "", canary, "Content-Type: text/" + canary},
		{"POST", "", canary, "Content-Encoding: " + canary},
		{"POST", "", `{"query": "{ dataSources { id } }"}`, "Accept: image/" + canary},
		{"POST", "", `{"query": "{ dataSources { id } }"}`, "Authorization: Basic " + canary},
		{"POST", "", `{"query": "{ dataSources { id } }"}`, "Authorization: " + canary},
		{"POST", "", `{"query": "{ dataSources { id } }"}`, "Origin: https://" + canary + ".example"},
		{"GET", "?query=" + canary + "&variables=" + canary, "", ""},
		{"GET", "?query=%7BdataSources%7Bid%7D%7D&extensions=" + canary, "", ""},
		{"GET", "?documentId=" + canary, "", ""},
		{"GET", "?query=%zz" + canary, "", ""},
		{"GET", "?query=mutation+" + "%7Brevoke(input:%7BdataSource:%22" + canary + "%22%7D)%7Boutcome%7D%7D", "", ""},
		{"GET", "?query=subscription%7BconnectionChanged%7Bid%7D%7D&x=" + canary, "", "Accept: application/json"},
		{"GET", "?query=%7BdataSources%7Bid%7D%7D&x=" + canary, "", "Cookie: session=" + canary + ";Origin: https://" + canary + ".example;Sec-Fetch-Site: cross-site"},
		{"PUT", "", canary, ""},
		{"DELETE", "/" + canary, "", ""},
		{"GET", "/%2f" + canary, "", ""},
		{"GET", "?" + canary, "", "Upgrade: websocket;Connection: upgrade;Sec-WebSocket-Key: " + canary},
		{"GET", "?" + canary, "", "Upgrade: websocket;Connection: upgrade;Sec-WebSocket-Version: 13;Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==;Origin: https://" + canary + ".example"},
	} {
		header := http.Header{"Authorization": {bearer}, "Content-Type": {"application/json"}}
		for line := range strings.SplitSeq(c.headers, ";") {
			if name, value, found := strings.Cut(line, ":"); found {
				header.Set(name, strings.TrimSpace(value))
			}
		}
		l.exchange(l.told, c.method, l.graphql+c.target, c.body, header)
	}

	const subscribe = `{"type":"subscribe","id":"1","payload":{"query":"subscription { connectionChanged { id } }"}}`
	init := `{"type":"connection_init","payload":{"Authorization":"` + bearer + `"}}`
	for _, frames := range [][]string{
		{canary},
		{`{"type":"` + canary + `"}`},
		{`{"type":"ping","payload":"` + canary + `"}`},
		{`{"type":"ping","payload":{"a":"` + canary + `"}}`, `{"type":"complete","id":""}`},
		{`{"type":"connection_init","payload":"` + canary + `"}`},
		{`{"type":"connection_init","payload":{"` + canary + `":1}}`},
		{`{"type":"connection_init","payload":{"Authorization":{"` + canary + `":1}}}`},
		{`{"type":"connection_init","payload":{"Authorization":"` + canary + `"}}`},
		{`{"type":"connection_init","payload":{"Authorization":"Bearer ` + canary + "." + canary + "." + canary + `"}}`},
		{`{"type":"connection_init","payload":{"Authorization":"Bearer hgk_` + canary + `"}}`},
		{`{"type":"connection_init","payload":{"x":"` + canary + strings.Repeat("x", 16<<10) + `"}}`},
		{`{"type":"subscribe","id":"1","payload":{"query":"{ ` + canary + ` }"}}`},
		{init, init},
		{init, subscribe, subscribe},
		{init, `{"type":"subscribe","id":"` + canary + strings.Repeat("x", 129) + `","payload":{"query":"{ dataSources { id } }"}}`},
		{init, `{"type":"subscribe","id":"1","payload":"` + canary + `"}`},
		{init, `{"type":"subscribe","id":"1","payload":{"query":["` + canary + `"]}}`},
		{init, `{"type":"subscribe","id":"1","payload":{"query":"{ dataSources { id } }","variables":"` + canary + `"}}`},
		{init, `{"type":"subscribe","id":"1","payload":{"query":"{ dataSources { id } }","operationName":"` + canary + `"}}`},
		{init, `{"type":"subscribe","id":"1","payload":{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + canary + `"}}}}`},
		{init, `{"type":"subscribe","id":"1","payload":{"documentId":"` + canary + `"}}`},
		{init, `{"type":"subscribe","id":"1","payload":{"query":"subscription { a: connectionChanged { id } b: connectionChanged(userId: \"` + canary + `\") { id } }"}}`},
		{init, `{"type":"next","id":"1","payload":"` + canary + `"}`},
		{init, "binary:" + canary},
		{init, canary + "\xff"},
		{init, `{"type":"ping","payload":{"x":"` + canary + strings.Repeat("x", 256<<10) + `"}}`},
	} {
		l.converse(l.told, nil, frames...)
	}
	l.converse(l.told, http.Header{"Sec-Websocket-Protocol": {canary}}, init)
	l.converse(l.told, http.Header{"Authorization": {"Bearer " + canary}}, init)
	l.converse(l.told, http.Header{"Origin": {"https://" + canary + ".example"}}, init)
}

// watchWhileThingsFail has subscriptions over both transports see links change while what they select fails: an address that
// is not allowed, a connector that panics, an upstream that lies, and at last a token that ends.
func (l *leaks) watchWhileThingsFail() {
	const query = `subscription($u: URL) { connectionChanged { status dataSource { id } bad: authorizationUrl(redirectUrl: $u) authorizationUrl problem { code message } } }`
	variables := map[string]any{"u": "https://evil.example/" + canary}
	soon, err := callers.Issue(health.NewSecret(testSecret), health.UserID(l.person), nil, l.clock.Now(), time.Minute, testAudience)
	require.NoError(l.t, err)
	var watching sync.WaitGroup
	watchers := map[string]*logtest.Log{"SSE": {}, "WebSocket": {}}
	begun := map[string]string{"SSE": "text/event-stream", "WebSocket": `"type":"pong"`}
	for name, told := range watchers {
		watching.Go(func() { carriers[name](l.world, told, soon, query, variables) })
		require.Eventually(l.t, func() bool { return strings.Contains(told.String(), begun[name]) }, atMost, time.Millisecond, "%s has not begun", name)
	}
	events := 0
	changes := func(change func()) {
		l.t.Helper()
		events++
		change()
		for name, told := range watchers {
			require.Eventually(l.t, func() bool { return strings.Count(told.String(), `"connectionChanged":`) == events }, atMost, time.Millisecond, "%s was told %s", name, told)
		}
	}

	changes(func() { l.revoke(l.person, "onetwentyone") })
	l.trap.pages.Store(true)
	for _, linked := range []bool{true, false} {
		l.trap.linked.Store(linked)
		changes(func() { l.links(l.person) })
	}
	l.trap.pages.Store(false)
	for _, lie := range lies {
		l.rookPerson(l.person, `{"sources": {"Garmin": true}}`)
		changes(func() { l.links(l.person) })
		l.upstreams.lie("/authorizer", &lie.answer)
		l.rookPerson(l.person, `{"sources": {"Garmin": false}}`)
		changes(func() { l.ask(l.token(l.person), `{ connections { status } }`, nil) })
		l.upstreams.lie("", nil)
	}
	l.clock.Advance(2 * time.Minute)
	l.trap.linked.Store(true)
	l.links(l.person)
	watching.Wait()
	for name, told := range watchers {
		for _, code := range []string{"BAD_USER_INPUT", "INTERNAL", "REVOKED"} {
			assert.Contains(l.t, told.String(), code, name)
		}
		_, _ = l.told.Write([]byte(told.String()))
	}
	assert.Contains(l.t, watchers["SSE"].String(), "UNAUTHENTICATED")
	assert.Contains(l.t, watchers["WebSocket"].String(), "close 4401")
}

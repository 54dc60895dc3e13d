package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
)

func TestEveryKindOfOperationGoesOverAWebSocket(t *testing.T) {
	s := newSite(t)
	l := s.open(s.listen(), s.token)
	l.watch("w", changed)

	l.send(`{"id":"q","type":"subscribe","payload":{"query":"{ viewer { id } connections { status } }"}}`)
	got := map[string]string{}
	for range 3 { // the query, and the change that it found
		m, err := l.next()
		require.NoError(t, err)
		got[m.ID+" "+m.Type] = string(m.Payload)
	}
	assert.JSONEq(t, `{"data":{"viewer":{"id":"person-1"},"connections":[{"status":"CONNECTED"}]}}`, got["q next"])
	assert.Contains(t, got, "q complete")
	id := s.linkID("person-1")
	assert.JSONEq(t, `{"data":{"connectionChanged":{"id":"`+id+`","status":"CONNECTED","dataSource":{"id":"fitbit"}}}}`, got["w next"])

	l.send(`{"type":"complete","id":"w"}`)
	s.unwatched("person-1")
	l.watch("w", `subscription { again: connectionChanged(userId: "person-1") { status problem { code } authorizationUrl } }`) // the id is free
	s.turn("person-1")
	assert.JSONEq(t, `{"data":{"again":{"status":"NOT_CONNECTED","problem":null,"authorizationUrl":null}}}`, l.want("next", "w"))

	l.send(`{"type":"pong","payload":{"unasked":true}}`)
	l.send(`{"type":"complete","id":"nobody's"}`)
	l.send(`{"type":"ping","payload":{"x":1}}`)
	l.want("pong", "")
	require.NoError(t, l.Close(websocket.StatusNormalClosure, ""))
	s.settles(0)
}

func (s *site) linkID(user health.UserID) string {
	s.t.Helper()
	people, err := s.gateway.People(s.t.Context(), []health.UserID{user})
	require.NoError(s.t, err)
	return string(s.gateway.Links(s.t.Context(), "up", people)[0][0].ID())
}

func TestWhatIsWrongWithAnOperationEndsIt(t *testing.T) {
	s := newSite(t)
	l := s.open(s.listen(), s.token)
	for name, c := range map[string]struct{ query, kind, code string }{
		"no GraphQL":             {`{`, "error", "GRAPHQL_PARSE_FAILED"},
		"another schema's":       {`subscription { canary }`, "error", "GRAPHQL_VALIDATION_FAILED"},
		"two fields":             {`subscription { connectionChanged { id } x: __typename }`, "error", "GRAPHQL_VALIDATION_FAILED"},
		"introspection":          {`{ __schema { queryType { name } } }`, "error", "INTROSPECTION_DISABLED"},
		"too long a document":    {"# " + strings.Repeat("x", 64<<10) + "\n{ viewer { id } }", "error", "PAYLOAD_TOO_LARGE"},
		"the same field twice":   {`subscription { a: connectionChanged { id } b: connectionChanged { id } }`, "next", "GRAPHQL_VALIDATION_FAILED"},
		"no field in the end":    {`subscription { connectionChanged @skip(if: true) { id } }`, "next", "GRAPHQL_VALIDATION_FAILED"},
		"somebody else":          {`subscription { connectionChanged(userId: "stranger") { id } }`, "next", "FORBIDDEN"},
		"no person":              {`subscription { connectionChanged(userId: " ") { id } }`, "next", "BAD_USER_INPUT"},
		"a query about somebody": {`{ user(id: "stranger") { id } }`, "next", "FORBIDDEN"},
	} {
		t.Run(name, func(t *testing.T) {
			l.t = t
			body, err := json.Marshal(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": c.query}})
			require.NoError(t, err)
			l.send(string(body))
			payload := l.want(c.kind, "1")
			assert.Contains(t, payload, `"code":"`+c.code+`"`)
			if c.kind == "next" {
				l.want("complete", "1")
			}
		})
	}
	l.t = t
	l.send(`{"id":"1","type":"subscribe","payload":{"query":"{ viewer { id } }"}}`)
	assert.JSONEq(t, `{"data":{"viewer":{"id":"person-1"}}}`, l.want("next", "1"), "the connection goes on")
}

func TestAServiceSaysWhoseLinksItWatches(t *testing.T) {
	s := newSite(t)
	s.look("person-1")
	l := s.open(s.listen(), tokenOf(t, "backend", time.Hour, callers.ScopeAnyUser))
	l.send(`{"id":"1","type":"subscribe","payload":{"query":"` + changed + `"}}`)
	assert.Contains(t, l.want("next", "1"), `"BAD_USER_INPUT"`)
	l.want("complete", "1")
	l.watch("2", `subscription { connectionChanged(userId: "person-1") { status } }`)
	s.turn("person-1")
	assert.JSONEq(t, `{"data":{"connectionChanged":{"status":"NOT_CONNECTED"}}}`, l.want("next", "2"))
}

// An error below the subscription's field is told with its place, and the stream goes on.
func TestAFieldThatFailsInAnEventNamesItsPlace(t *testing.T) {
	s := newSite(t)
	s.look("person-1")
	l := s.open(s.listen(), s.token)
	l.watch("1", `subscription { moved: connectionChanged { status page: authorizationUrl(redirectUrl: "https://canary.example") } }`)
	for _, status := range []string{"NOT_CONNECTED", "CONNECTED"} {
		s.turn("person-1")
		var payload struct {
			Data   map[string]map[string]any
			Errors []struct {
				Path       []string
				Extensions map[string]any
			}
		}
		require.NoError(t, json.Unmarshal([]byte(l.want("next", "1")), &payload))
		assert.Equal(t, status, payload.Data["moved"]["status"])
		require.Len(t, payload.Errors, 1)
		assert.Equal(t, []string{"moved", "page"}, payload.Errors[0].Path)
		assert.Equal(t, "BAD_USER_INPUT", payload.Errors[0].Extensions["code"])
	}
}

func TestOnlyPagesThatMayCallOpenAWebSocket(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.AllowOrigin = func(origin string) bool { return origin == "https://app.example" }
	})
	url := s.listen()
	for origin, want := range map[string]int{
		"":                         http.StatusSwitchingProtocols,
		"https://app.example":      http.StatusSwitchingProtocols,
		url:                        http.StatusSwitchingProtocols, // a page of the gateway's own
		"https://app.example.evil": http.StatusForbidden,
		"http://app.example":       http.StatusForbidden,
		"https://canary.example":   http.StatusForbidden,
		"null":                     http.StatusForbidden,
	} {
		_, status := dial(t, url, dialing{token: s.token, origin: origin})
		assert.Equal(t, want, status, origin)
	}
	closed := newSite(t)
	_, status := dial(t, closed.listen(), dialing{token: s.token, origin: "https://app.example"})
	assert.Equal(t, http.StatusForbidden, status, "nobody is on the list")
}

func TestAHandshakeThatIsNotGoodIsRefusedWithoutAnEcho(t *testing.T) {
	s := newSite(t)
	good := map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
	for name, value := range map[string]string{"Connection": "canary", "Sec-WebSocket-Version": "canary", "Sec-WebSocket-Key": "canary"} {
		headers := map[string]string{name: value}
		for n, v := range good {
			if n != name {
				headers[n] = v
			}
		}
		w := s.send(http.MethodGet, "/graphql", "", headers)
		assert.Equal(t, http.StatusBadRequest, w.Code, name)
		assert.Equal(t, []any{"BAD_REQUEST"}, codes(read(t, w)))
		assertNoEcho(t, w)
	}
	good["Authorization"] = "Bearer canary"
	w := s.send(http.MethodGet, "/graphql", "", good)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assertNoEcho(t, w)
}

func TestConnectionsAndOperationsAreBounded(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Connections: 4, ConnectionsPerCaller: 2, Operations: 3}))
	url := s.listen()
	first := s.open(url, s.token)
	s.open(url, s.token)
	third, _ := dial(t, url, dialing{token: s.token})
	third.send(`{"type":"connection_init"}`)
	assert.Equal(t, websocket.StatusTryAgainLater, third.closed(), "the caller has two")
	s.settles(2)
	other := tokenOf(t, "person-2", time.Hour)
	s.open(url, other)
	namesake := s.open(url, tokenOf(t, "person-1", time.Hour, callers.ScopeAnyUser))
	_, status := dial(t, url, dialing{token: other})
	assert.Equal(t, http.StatusServiceUnavailable, status, "four are open")
	require.NoError(t, namesake.Close(websocket.StatusNormalClosure, ""))
	s.settles(3)
	s.open(url, other)

	for _, id := range []string{"1", "2", "3"} {
		first.watch(id, changed)
	}
	first.send(`{"id":"4","type":"subscribe","payload":{"query":"` + changed + `"}}`)
	assert.Contains(t, first.want("error", "4"), `"RATE_LIMITED"`)
	first.send(`{"type":"complete","id":"2"}`)
	require.Eventually(t, func() bool { // the place is free a moment later
		first.send(`{"id":"4","type":"subscribe","payload":{"query":"{ viewer { id } }"}}`)
		m, err := first.next()
		for err == nil && m.Type == "next" {
			m, err = first.next()
		}
		return assert.NoError(t, err) && m.Type == "complete"
	}, patience, 5*time.Millisecond)
}

// However two people's events fall together, and whatever they select, each sees their own.
func TestTwoPeopleAreNeverToldOfEachOther(t *testing.T) {
	const document = `subscription Mine($id: ID) {
		mine: connectionChanged(userId: $id) { ...who dataSource { name } authorizationUrl }
	}
	fragment who on DataSourceLink { key: id ... on Node { id } status problem { code dataSource { id } } }`
	s := newSite(t)
	url := s.listen()
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 8 {
		user := health.UserID(fmt.Sprint("person-", i%2))
		if i < 2 {
			s.look(user)
		}
		id := s.linkID(user)
		l := s.open(url, tokenOf(t, user, time.Hour))
		l.watch("1", document)
		all.Go(func() {
			<-start
			for range 20 {
				if i < 2 {
					s.turn(user)
				}
				m, err := l.next()
				if !assert.NoError(t, err) {
					return
				}
				assert.Contains(t, string(m.Payload), `"key":"`+id+`","id":"`+id+`"`)
				if i >= 2 {
					return // who only looks on need not see each state
				}
			}
		})
	}
	close(start)
	all.Wait()
}

// A client that does not read holds up nobody: neither the one who changes links nor the others who watch them. It is cut off.
func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Write: 300 * time.Millisecond, ConnectionsPerCaller: 5}))
	url := s.listen()
	s.look("person-1")
	slow, quick := s.open(url, s.token), s.open(url, s.token)
	slow.watch("1", changed)
	quick.watch("1", changed)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { // questions whose answers nobody takes, until the line is full
		for ctx.Err() == nil {
			if slow.Write(ctx, websocket.MessageText, []byte(`{"type":"ping","payload":{}}`)) != nil {
				return
			}
		}
	}()
	for open := 2; open > 1; open = s.streams.Open() {
		s.turn("person-1")
		quick.want("next", "1")
	}
	s.turn("person-1")
	quick.want("next", "1")
}

func TestClientsThatComeAndGoLeaveNothing(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{ConnectionsPerCaller: 300}))
	url := s.listen()
	s.look("person-1")
	nothingLeft(t, func() {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				l := s.open(url, s.token)
				l.watch("1", changed)
				l.watch("2", changed)
				switch i % 4 {
				case 0:
					_ = l.CloseNow()
				case 1:
					_ = l.Close(websocket.StatusNormalClosure, "")
				case 2:
					l.send(`{"type":"complete","id":"1"}`)
					_ = l.CloseNow()
				default:
					l.send(`canary`)
					l.closed()
				}
			})
		}
		all.Wait()
		s.settles(0)
	})
	s.unwatched("person-1")
	s.turn("person-1") // nobody is left to be told, or to fail
	assert.NotContains(t, s.log.String(), "ERROR")
}

package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// bounded is a site with these limits.
func bounded(limits server.StreamLimits) func(*server.Config) {
	return func(c *server.Config) { c.Streams = server.NewStreams(limits) }
}

// tokenOf is a person's token that ends after so long, or a service's.
func tokenOf(t testing.TB, user health.UserID, lasts time.Duration, scopes ...string) string {
	t.Helper()
	const skew = 30 * time.Second // for which an ended token is still taken
	token, err := callers.Issue(health.NewSecret(secret), user, scopes, time.Now().Add(-time.Hour), time.Hour+lasts-skew)
	require.NoError(t, err)
	return token
}

// listen serves the site on a real socket, and gives its URL.
func (s *site) listen() string {
	s.t.Helper()
	h := httptest.NewServer(s)
	s.t.Cleanup(h.Close)
	return h.URL
}

// turn makes the upstream show the person's link the other way, and somebody look.
func (s *site) turn(user health.UserID) {
	s.upstream.mu.Lock()
	if s.upstream.ended == nil {
		s.upstream.ended = map[string]bool{}
	}
	s.upstream.ended[string(user)] = !s.upstream.ended[string(user)]
	s.upstream.mu.Unlock()
	s.look(user)
}

func (s *site) look(user health.UserID) {
	people, err := s.gateway.People(s.t.Context(), []health.UserID{user})
	if assert.NoError(s.t, err) {
		s.gateway.Links(s.t.Context(), "up", people)
	}
}

// line is a client of graphql-transport-ws that does what it is told.
type line struct {
	*websocket.Conn
	t testing.TB
}

type dialing struct {
	token     string // in the header
	origin    string
	protocols []string // graphql-transport-ws when nil
}

// dial opens a line. status is that of the refusal, 101 if there was none.
func dial(t testing.TB, url string, d dialing) (l *line, status int) {
	t.Helper()
	header := http.Header{}
	if d.token != "" {
		header.Set("Authorization", "Bearer "+d.token)
	}
	if d.origin != "" {
		header.Set("Origin", d.origin)
	}
	if d.protocols == nil {
		d.protocols = []string{"graphql-transport-ws"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/graphql", &websocket.DialOptions{HTTPHeader: header, Subprotocols: d.protocols})
	if err != nil {
		require.NotNil(t, response, "%v", err)
		return nil, response.StatusCode
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &line{conn, t}, response.StatusCode
}

// open is a line whose client was let in.
func (s *site) open(url, token string) *line {
	s.t.Helper()
	l, status := dial(s.t, url, dialing{})
	require.Equal(s.t, http.StatusSwitchingProtocols, status)
	l.send(`{"type":"connection_init","payload":{"Authorization":"Bearer ` + token + `"}}`)
	l.want("connection_ack", "")
	return l
}

func (l *line) send(message string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	_ = l.Write(ctx, websocket.MessageText, []byte(message)) // that it was closed before is seen by reading
}

type message struct {
	Type    string
	ID      string
	Payload json.RawMessage
}

// next is the next message, server's pings aside, which are answered.
func (l *line) next() (message, error) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_, data, err := l.Read(ctx)
		cancel()
		var m message
		if err != nil {
			return m, err
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return m, err
		}
		if m.Type != "ping" {
			return m, nil
		}
		l.send(`{"type":"pong"}`)
	}
}

// want takes a message of that type, and gives its payload.
func (l *line) want(kind, id string) string {
	l.t.Helper()
	m, err := l.next()
	require.NoError(l.t, err)
	require.Equal(l.t, message{Type: kind, ID: id}, message{Type: m.Type, ID: m.ID}, string(m.Payload))
	return string(m.Payload)
}

// watch subscribes, and waits until it has begun: what comes after the operation comes after its watch began.
func (l *line) watch(id, query string) {
	l.t.Helper()
	text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
	require.NoError(l.t, err)
	l.send(string(text))
	l.send(`{"type":"ping"}`)
	l.want("pong", "")
}

// closed waits for the end, and gives its code.
func (l *line) closed() websocket.StatusCode {
	l.t.Helper()
	for {
		if _, err := l.next(); err != nil {
			var end websocket.CloseError
			require.ErrorAs(l.t, err, &end)
			assert.NotContains(l.t, end.Reason, canary)
			return end.Code
		}
	}
}

const changed = `subscription { connectionChanged { id status dataSource { id } } }`

// settles waits until so many connections are open.
func (s *site) settles(open int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.streams.Open() == open }, patience, 5*time.Millisecond, "%d are open", s.streams.Open())
}

// unwatched waits until nobody watches the person's links any more.
func (s *site) unwatched(user health.UserID) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return !s.gateway.Changes.Watched(user) }, patience, 5*time.Millisecond)
}

// nothingLeft checks that f leaves no goroutine behind.
func nothingLeft(t *testing.T, f func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	f()
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<18)
		assert.Failf(t, "goroutines are left", "%d before, %d after\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}

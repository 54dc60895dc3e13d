package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
)

// eventsOf is a client of an event stream.
type eventsOf struct {
	t    testing.TB
	body io.ReadCloser
	*bufio.Scanner
	end context.CancelFunc
}

// stream sends a document, and gives the stream that answers it. It has begun.
func (s *site) stream(endpoint, token, document string) *eventsOf {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	body, err := json.Marshal(map[string]any{"query": document})
	require.NoError(s.t, err)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/graphql", strings.NewReader(string(body)))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	assert.Equal(s.t, "text/event-stream; charset=utf-8", response.Header.Get("Content-Type"))
	assert.Equal(s.t, "no-store", response.Header.Get("Cache-Control"))
	assert.Equal(s.t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	s.t.Cleanup(func() { _ = response.Body.Close() })
	return &eventsOf{s.t, response.Body, bufio.NewScanner(response.Body), cancel}
}

// next is the next event, "" for the end of the stream, and how many comments there were before it.
func (e *eventsOf) next() (event, data string, comments int) {
	for e.Scan() {
		line := e.Text()
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && event != "":
			return event, data, comments
		case name == "event":
			event = value
		case name == "data":
			data = value
		case name == "" && line != "":
			comments++
		}
	}
	return "", "", comments
}

func (e *eventsOf) want(event string) string {
	e.t.Helper()
	got, data, _ := e.next()
	require.Equal(e.t, event, got, data)
	return data
}

func TestASubscriptionIsAnsweredWithEvents(t *testing.T) {
	s := newSite(t)
	endpoint := s.listen()
	s.look("person-1")
	e := s.stream(endpoint, s.token, changed)
	id := s.linkID("person-1")
	for _, status := range []string{"NOT_CONNECTED", "CONNECTED"} {
		s.turn("person-1")
		data := e.want("next")
		assert.JSONEq(t, `{"data":{"connectionChanged":{"id":"`+id+`","status":"`+status+`","dataSource":{"id":"fitbit"}}}}`, data)
	}
	assert.True(t, s.gateway.Changes.Watched("person-1"))
	e.end()
	s.settles(0)
	s.unwatched("person-1")

	refused := s.stream(endpoint, s.token, `subscription { connectionChanged(userId: "stranger") { id } }`)
	assert.Contains(t, refused.want("next"), `"FORBIDDEN"`)
	assert.Empty(t, refused.want("complete"))
	query := s.stream(endpoint, s.token, `{ viewer { id } }`)
	assert.JSONEq(t, `{"data":{"viewer":{"id":"person-1"}}}`, query.want("next"))
	assert.Empty(t, query.want("complete"))
	event, _, _ := query.next()
	assert.Empty(t, event, "the stream has ended")
}

func TestEventsAreForWhoAsksForThem(t *testing.T) {
	const (
		query    = `{ viewer { id } }`
		mutation = `mutation { revoke(input: {dataSource: "fitbit"}) { outcome } }`
		urql     = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
		refused  = `subscription { connectionChanged(userId: "stranger") { id } }` // ends by itself
		stream   = "text/event-stream; charset=utf-8"
		modern   = "application/graphql-response+json; charset=utf-8"
		plain    = "application/json; charset=utf-8"
	)
	s := newSite(t)
	for name, c := range map[string]struct {
		accept, method, document string
		status                   int
		kind                     string
	}{
		"a query of urql's":                      {urql, http.MethodPost, query, 200, modern},
		"a subscription of urql's":               {urql, http.MethodPost, refused, 200, stream},
		"a query, events alone":                  {"text/event-stream", http.MethodPost, query, 200, stream},
		"a query, any text":                      {"text/*", http.MethodPost, query, 200, stream},
		"a query, events first":                  {"text/event-stream, application/json;q=0.9", http.MethodPost, query, 200, stream},
		"a query, events last":                   {"text/event-stream;q=0.9, application/json", http.MethodPost, query, 200, plain},
		"a query, events never":                  {"text/event-stream;q=0, application/json", http.MethodPost, query, 200, plain},
		"a query, anything":                      {"*/*", http.MethodPost, query, 200, plain},
		"a subscription, anything":               {"*/*", http.MethodPost, refused, 200, stream},
		"a subscription, nothing said":           {"", http.MethodPost, refused, 200, stream},
		"a subscription, JSON alone":             {"application/json", http.MethodPost, refused, 406, plain},
		"a subscription, events never":           {"text/event-stream;q=0, application/json", http.MethodPost, refused, 406, plain},
		"a subscription with GET":                {"text/event-stream", http.MethodGet, refused, 200, stream},
		"a mutation":                             {"text/event-stream", http.MethodPost, mutation, 200, stream},
		"a mutation with GET":                    {"text/event-stream", http.MethodGet, mutation, 405, plain},
		"what is no GraphQL":                     {"text/event-stream", http.MethodPost, "{", 400, modern},
		"what is not valid":                      {"text/event-stream", http.MethodPost, "subscription { canary }", 400, modern},
		"nothing":                                {"text/event-stream", http.MethodPost, "", 400, plain},
		"something that is neither":              {"text/html", http.MethodPost, query, 406, plain},
		"something that is neither, of anything": {"image/png", http.MethodPost, refused, 406, plain},
	} {
		t.Run(name, func(t *testing.T) {
			headers := map[string]string{"Accept": c.accept}
			w := s.send(http.MethodGet, "/graphql?query="+url.QueryEscape(c.document), "", headers)
			if c.method == http.MethodPost {
				w = s.post(c.document, headers)
			}
			assert.Equal(t, c.status, w.Code, w.Body.String())
			assert.Equal(t, c.kind, w.Header().Get("Content-Type"))
		})
	}
	w := s.post(changed, map[string]string{"Accept": "text/event-stream", "Authorization": "Bearer canary"})
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assertNoEcho(t, w)
}

// serveBriefly serves as the program does, with bounds that are over in a moment.
func (s *site) serveBriefly() string {
	s.t.Helper()
	h := httptest.NewUnstartedServer(s)
	h.Config.ReadTimeout, h.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	h.Start()
	s.t.Cleanup(h.Close)
	return h.URL
}

func TestTheBoundsOfARequestAreNotThoseOfAStream(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Ping: 50 * time.Millisecond}))
	endpoint := s.serveBriefly()
	s.look("person-1")
	e := s.stream(endpoint, s.token, changed)
	l := s.open(endpoint, s.token)
	time.Sleep(600 * time.Millisecond) // three times as long as a request may take
	s.turn("person-1")
	event, _, beats := e.next()
	assert.Equal(t, "next", event)
	assert.Positive(t, beats, "comments keep it open")
	assert.Equal(t, 2, s.streams.Open())
	assert.NoError(t, l.CloseNow())
}

func TestAStreamEndsWithItsToken(t *testing.T) {
	s := newSite(t)
	s.look("person-1")
	e := s.stream(s.listen(), tokenOf(t, "person-1", 2*time.Second), changed)
	s.turn("person-1")
	assert.Contains(t, e.want("next"), `"NOT_CONNECTED"`)
	assert.Contains(t, e.want("next"), `"UNAUTHENTICATED"`)
	assert.Empty(t, e.want("complete"))
	s.settles(0)
}

func TestAStreamThatIsEndedFromHereIsNotComplete(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Lifetime: 300 * time.Millisecond}))
	e := s.stream(s.listen(), s.token, changed)
	event, _, _ := e.next()
	assert.Empty(t, event, "it has lasted its time")

	s = newSite(t)
	endpoint := s.listen()
	e = s.stream(endpoint, s.token, changed)
	s.streams.Shutdown()
	event, _, _ = e.next()
	assert.Empty(t, event, "the process stops")
	require.NoError(t, s.streams.Wait())
	w := s.post(changed, map[string]string{"Accept": "text/event-stream"})
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, "5", w.Header().Get("Retry-After"))
}

func TestStreamsCountWithWebSockets(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Connections: 3, ConnectionsPerCaller: 2}))
	endpoint := s.listen()
	first := s.stream(endpoint, s.token, changed)
	s.open(endpoint, s.token)
	w := s.post(changed, map[string]string{"Accept": "text/event-stream"})
	assert.Equal(t, http.StatusTooManyRequests, w.Code)
	assert.Equal(t, []any{"RATE_LIMITED"}, codes(read(t, w)))
	s.stream(endpoint, tokenOf(t, "person-2", time.Hour), changed)
	assert.Equal(t, http.StatusServiceUnavailable, s.post(changed, map[string]string{"Accept": "text/event-stream"}).Code)
	first.end()
	s.settles(2)
	s.stream(endpoint, s.token, changed)
}

// A client that does not read its stream is cut off once nothing more goes onto the line.
func TestAStreamThatNobodyReadsIsCutOff(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Write: 200 * time.Millisecond, Ping: time.Microsecond}))
	endpoint := s.listen()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(endpoint, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /graphql?query="+url.QueryEscape(changed)+" HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer "+s.token+"\r\n\r\n")
	require.NoError(t, err)
	s.settles(1)
	s.settles(0)
}

func TestStreamsThatComeAndGoLeaveNothing(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{ConnectionsPerCaller: 300}))
	endpoint := s.listen()
	s.look("person-1")
	nothingLeft(t, func() {
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				e := s.stream(endpoint, s.token, changed)
				e.end()
				_ = e.body.Close()
			})
		}
		all.Wait()
		s.settles(0)
	})
	s.unwatched("person-1")
	s.turn("person-1")
	assert.NotContains(t, s.log.String(), "ERROR")
}

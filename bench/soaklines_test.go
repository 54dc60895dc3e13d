package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each way in which a WebSocket can be wrong is seen.
func TestALineSeesWhatIsWrong(t *testing.T) {
	event := func(id, source string) []byte {
		return []byte(`{"data":{"connectionChanged":{"id":"` + id + `","status":"REVOKED","dataSource":{"id":"` + source + `"}}}}`)
	}
	for name, c := range map[string]struct {
		message lineMessage
		wrong   bool
		told    []string
	}{
		"an event":                        {lineMessage{ID: watching, Type: "next", Payload: event("link_1", "garmin")}, false, []string{"garmin REVOKED"}},
		"an event about another's link":   {lineMessage{ID: watching, Type: "next", Payload: event("link_2", "garmin")}, true, nil},
		"an event about another source":   {lineMessage{ID: watching, Type: "next", Payload: event("link_1", "oura")}, true, nil},
		"an event that is an error":       {lineMessage{ID: watching, Type: "next", Payload: []byte(`{"errors":[{}],"data":null}`)}, true, nil},
		"a subscription that ends":        {lineMessage{ID: watching, Type: "complete"}, true, nil},
		"an answer":                       {lineMessage{ID: "1", Type: "next", Payload: []byte(`{}`)}, false, nil},
		"an answer that nobody asked for": {lineMessage{ID: "2", Type: "next", Payload: []byte(`{}`)}, true, nil},
		"the end of an answer":            {lineMessage{ID: "2", Type: "complete"}, false, nil},
		"a ping":                          {lineMessage{Type: "ping"}, false, nil},
	} {
		answered := make(chan lineMessage, 1)
		l := &line{person: person(), ids: map[string]string{"garmin": "link_1"}, waiting: map[string]chan<- lineMessage{"1": answered}}
		l.take(c.message)
		assert.Equal(t, c.wrong, len(l.wrong) > 0, name)
		assert.Equal(t, c.told, l.told, name)
		assert.Equal(t, name == "an answer", len(answered) == 1, name)
	}
}

func TestARefusalOverALine(t *testing.T) {
	for payload, want := range map[string]int{
		`[{"message":"","extensions":{"code":"OVERLOADED","retryAfter":"PT1S"}}]`: http.StatusServiceUnavailable,
		`[{"message":"","extensions":{"code":"RATE_LIMITED"}}]`:                   http.StatusBadRequest,
	} {
		status, retryAfter, err := refusal([]byte(payload))
		require.NoError(t, err)
		assert.Equal(t, want, status)
		assert.Equal(t, want == http.StatusServiceUnavailable, retryAfter != "")
	}
	_, _, err := refusal([]byte(`{}`))
	assert.Error(t, err)
}

// A connection that is lost fails what waits for an answer, at once, and is told unless it was closed from here.
func TestALineThatIsLost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		_, _, _ = conn.Read(r.Context()) // the question, or the end
		_ = conn.CloseNow()
	}))
	t.Cleanup(server.Close)
	open := func() *line {
		conn, _, err := websocket.Dial(t.Context(), server.URL, nil)
		require.NoError(t, err)
		l := &line{conn: conn, person: person(), closed: make(chan struct{}), waiting: map[string]chan<- lineMessage{}}
		go l.read(t.Context())
		return l
	}
	lost := open()
	_, _, err := lost.exchange(t.Context(), query("{ a }"), &bytes.Buffer{})
	require.Error(t, err)
	closed := open()
	assert.Error(t, (&soak{lines: []*line{lost}}).closeLines())
	assert.NoError(t, (&soak{lines: []*line{closed}}).closeLines())
}

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// closed says whether the server has closed the connection, having answered or not.
func (c *client) closed() bool {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err := io.Copy(io.Discard, c.from)
	var network net.Error
	return err == nil || !errors.As(err, &network) || !network.Timeout()
}

func (w *world) isAnswered(address string) {
	w.t.Helper()
	connection := dial(w.t, address)
	connection.send("GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	assert.Equal(w.t, []int{http.StatusOK}, connection.statuses())
}

func TestAFloodOfConnectionsThatAskNothingKeepsNobodyOut(t *testing.T) {
	const most = 20
	w := newWorld(t, worldOptions{})
	address := w.listening(most, nil)
	w.graphql = "http://" + address + "/graphql"
	kept := dial(t, address)
	kept.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
	assert.Equal(t, []int{http.StatusOK}, kept.statuses())
	var flood []*client
	for i := range 3 * most {
		c := dial(t, address)
		switch i % 3 {
		case 0: // says nothing
		case 1:
			c.send("POST /graphql HTTP/1.1\r\nHost: h\r\nX-Slow: ")
		case 2:
			c.send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n") // and then nothing
		}
		flood = append(flood, c)
		if i%10 == 0 {
			w.isAnswered(address)
		}
	}
	for range 10 {
		w.isAnswered(address)
		w.ask(w.token("demo"), `{ viewer { id } }`, nil).into(&struct{}{})
	}
	assert.Eventually(t, kept.closed, patience, 5*time.Millisecond, "the one that was idle for longest was the first to go")
	open := func() int {
		n := 0
		for _, c := range flood {
			if !c.closed() {
				n++
			}
		}
		return n
	}
	assert.Eventually(t, func() bool { return open() <= most }, patience, 5*time.Millisecond, "no more than may be are open")
	assert.NotZero(t, open(), "and no more than needed were closed")
}

func TestAConnectionWithARequestUnderWayIsNotClosedForANewcomer(t *testing.T) {
	const most = 3
	w := newWorld(t, worldOptions{})
	address := w.listening(most, nil)
	token := w.token("demo")
	var under []*client
	for range most {
		c := dial(t, address)
		c.send(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", token, len(operation)))
		line, err := c.from.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 100 Continue\r\n", line, "its body is waited for")
		_, err = c.from.ReadString('\n')
		require.NoError(t, err)
		under = append(under, c)
	}
	assert.Eventually(t, func() bool {
		newcomer := dial(t, address)
		newcomer.send("GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		return newcomer.statuses()[0] == 0
	}, 2*patience, 10*time.Millisecond, "there is no room: it is closed without an answer")
	for _, c := range under {
		c.send(operation)
		assert.Equal(t, []int{http.StatusOK}, c.statuses(), "and those under way are answered")
		require.NoError(t, c.Close())
	}
	assert.Eventually(t, func() bool {
		next := dial(t, address)
		next.send("GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		return next.statuses()[0] == http.StatusOK
	}, 2*patience, 10*time.Millisecond, "then there is room")
}

// The bounds are those of serve, made shorter: what is waited for is that there are any.
func TestAClientThatIsSlowIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, worldOptions{})
	token := w.token("demo")
	usual := bounded(w.app.handler, time.Minute, 1)
	for name, bound := range map[string]time.Duration{"header": usual.ReadHeaderTimeout, "read": usual.ReadTimeout, "write": usual.WriteTimeout, "idle": usual.IdleTimeout} {
		assert.Positive(t, bound, name)
		assert.LessOrEqual(t, bound, 2*time.Minute, name)
	}
	for name, c := range map[string]struct {
		first  string
		change func(*http.Server)
	}{
		"in its headers":                       {"GET /livez HTTP/1.1\r\nHost: h\r\n", func(s *http.Server) { s.ReadHeaderTimeout = 300 * time.Millisecond }},
		"in the headers of its second request": {"GET /livez HTTP/1.1\r\nHost: h\r\n\r\nGET /livez HTTP/1.1\r\n", func(s *http.Server) { s.ReadHeaderTimeout = 300 * time.Millisecond }},
		"in its body":                          {"POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 100000\r\n\r\n", func(s *http.Server) { s.ReadTimeout = 300 * time.Millisecond }},
		"in a body that nobody reads":          {"POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", func(s *http.Server) { s.ReadTimeout = 300 * time.Millisecond }},
		"between two requests":                 {"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n", func(s *http.Server) { s.IdleTimeout = 300 * time.Millisecond }},
	} {
		t.Run(name, func(t *testing.T) {
			address := w.listening(100, c.change)
			slow := dial(t, address)
			slow.send(c.first)
			feeding := name != "between two requests"
			assert.Eventually(t, func() bool {
				if feeding {
					slow.send("x") // one byte after the other, for ever
				}
				return slow.closed()
			}, 4*patience, 20*time.Millisecond)
			w.isAnswered(address)
		})
	}
}

package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"

	"healthgraph/server"
)

const whoAmI = `{"id":"%s","type":"subscribe","payload":{"query":"{ viewer { id } }"}}`

func TestEachOperationOverAWebSocketCounts(t *testing.T) {
	s := limited(t, func(c *server.Config) { c.RateLimits.Person.Burst = 4 })
	url := s.listen()
	s.look("person-1")
	l := s.open(url, s.token) // 1
	l.watch("w", changed)     // 2
	l.send(fmt.Sprintf(whoAmI, "a"))
	assert.JSONEq(t, `{"data":{"viewer":{"id":"person-1"}}}`, l.want("next", "a")) // 3
	l.want("complete", "a")
	l.send(`{"id":"b","type":"subscribe","payload":{"query":"{ nothing }"}}`)
	assert.Contains(t, l.want("error", "b"), "GRAPHQL_VALIDATION_FAILED") // 4: whatever becomes of it

	for _, id := range []string{"c", "d", "c"} { // an id is free again
		l.send(fmt.Sprintf(whoAmI, id))
		refusal := l.want("error", id)
		assert.Contains(t, refusal, `"code":"RATE_LIMITED"`)
		assert.Regexp(t, `"retryAfter":"PT(1M|[56]\dS)"`, refusal)
	}
	l.send(`{"type":"ping"}`)
	l.want("pong", "")
	s.turn("person-1")
	assert.Contains(t, l.want("next", "w"), "NOT_CONNECTED", "the connection goes on, and what runs on it")

	assert.Equal(t, http.StatusTooManyRequests, s.send(http.MethodPost, "/graphql", viewer, nil).Code, "it is one budget with HTTP")
	again, _ := dial(t, url, dialing{token: s.token})
	again.send(`{"type":"connection_init"}`)
	assert.Equal(t, websocket.StatusTryAgainLater, again.closed(), "a connection counts too")
	other := s.open(url, tokenOf(t, "person-2", time.Hour))
	other.send(fmt.Sprintf(whoAmI, "a"))
	other.want("next", "a")
	assert.NotContains(t, s.log.String(), "person-1")
}

// An id that is in use stays a breach of the protocol: an error in its place would be taken for that of the running operation.
func TestAnIDInUseIsNotTakenForTooManyRequests(t *testing.T) {
	s := limited(t, func(c *server.Config) { c.RateLimits.Person.Burst = 2 })
	l := s.open(s.listen(), s.token)
	l.watch("w", changed)
	l.send(fmt.Sprintf(whoAmI, "w"))
	assert.EqualValues(t, 4409, l.closed())
}

func TestAnEventStreamCountsAsTheRequestThatItIs(t *testing.T) {
	s := limited(t, func(*server.Config) {})
	url := s.listen()
	for range 2 {
		s.stream(url, s.token, changed)
	}
	s.stream(url, s.token, `{ viewer { id } }`)
	w := s.send(http.MethodPost, "/graphql", viewer, map[string]string{"Accept": "text/event-stream"})
	assert.Equal(t, http.StatusTooManyRequests, w.Code)
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.Equal(t, []any{"RATE_LIMITED"}, codes(read(t, w)))
	assert.NotContains(t, s.log.String(), "person-1")
}

func TestGuessingTokensOverAWebSocketIsAsSlow(t *testing.T) {
	const bad = `{"type":"connection_init","payload":{"Authorization":"Bearer canary"}}`
	for name, guess := range map[string]func(s *site, url string){
		"in connection_init": func(_ *site, url string) {
			l, _ := dial(t, url, dialing{})
			l.send(bad)
			assert.EqualValues(t, 4403, l.closed())
		},
		"in the header": func(_ *site, url string) {
			_, status := dial(t, url, dialing{token: canary})
			assert.Equal(t, http.StatusUnauthorized, status)
		},
		"over HTTP": func(s *site, _ string) {
			assert.Equal(t, http.StatusUnauthorized, s.guess(canary, "127.0.0.1:1", "").Code)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := limited(t, func(*server.Config) {})
			url := s.listen()
			for range 5 { // nothing is guessed without a token
				l, _ := dial(t, url, dialing{})
				l.send(`{"type":"connection_init"}`)
				assert.EqualValues(t, 4403, l.closed())
			}
			begun := make([]*line, 3)
			for i := range begun {
				begun[i], _ = dial(t, url, dialing{})
			}
			for range 2 {
				guess(s, url)
				s.open(url, s.token) // a good one is good still, but for its own limit
			}
			begun[0].send(bad) // one too many, which ends it for all
			assert.Equal(t, websocket.StatusTryAgainLater, begun[0].closed())
			begun[1].send(`{"type":"connection_init","payload":{"Authorization":"Bearer ` + s.token + `"}}`)
			assert.Equal(t, websocket.StatusTryAgainLater, begun[1].closed(), "not even a good one is looked at")
			for _, d := range []dialing{{}, {token: s.token}, {token: canary}} {
				_, status := dial(t, url, d)
				assert.Equal(t, http.StatusTooManyRequests, status)
			}
			assert.Equal(t, http.StatusTooManyRequests, s.guess(s.token, "127.0.0.1:1", "").Code, "it is one budget with HTTP")
			assert.Equal(t, http.StatusOK, s.guess(s.token, "192.0.2.1:1", "").Code, "another address")
			assert.NotContains(t, s.log.String(), canary)
			assert.NotContains(t, s.log.String(), "127.0.0.1")
		})
	}
}

func TestLimitsThatAreMeasuredRefuseNothingOverAWebSocket(t *testing.T) {
	s := limited(t, func(c *server.Config) { c.RateLimits.MeasureOnly = true })
	url := s.listen()
	for range 4 {
		l, _ := dial(t, url, dialing{})
		l.send(`{"type":"connection_init","payload":{"Authorization":"Bearer canary"}}`)
		assert.EqualValues(t, 4403, l.closed())
	}
	l := s.open(url, s.token)
	for i := range 6 {
		l.send(fmt.Sprintf(whoAmI, fmt.Sprint(i)))
		l.want("next", fmt.Sprint(i))
		l.want("complete", fmt.Sprint(i))
	}
	assert.Equal(t, 1, strings.Count(s.log.String(), "requests would have been refused by the rate limits"))
}

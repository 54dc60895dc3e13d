package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever is refused over HTTP is refused over a WebSocket, as soon, and the connection goes on unless the message is none.
func TestAbuseOverAWebSocketIsRefusedAtOnce(t *testing.T) {
	s := newSite(t)
	url := s.listen()
	all := map[string]struct{ body, code string }{}
	for name, c := range abuses(t) {
		all[name] = struct{ body, code string }{c.body, c.code}
	}
	for name, c := range abusesOfHTTP(t) {
		if c.method == http.MethodPost && c.status == http.StatusOK {
			all[name] = struct{ body, code string }{c.body, c.code}
		}
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			l := s.open(url, s.token)
			l.t = t
			defer func() { _ = l.CloseNow(); s.settles(0) }()
			message := `{"id":"1","type":"subscribe","payload":` + c.body + `}`
			began := time.Now()
			l.send(message)
			m, err := l.next()
			assert.Less(t, time.Since(began), atOnce)
			switch {
			case len(message) > 256<<10:
				assert.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err))
				return
			case !json.Valid([]byte(message)), c.code == "BAD_REQUEST", strings.Contains(message, "\xff"):
				assert.Contains(t, []websocket.StatusCode{4400, websocket.StatusInvalidFramePayloadData}, websocket.CloseStatus(err))
				return
			}
			require.NoError(t, err)
			if c.code != "" {
				assert.Contains(t, string(m.Payload), `"code":"`+c.code+`"`)
			}
			if m.Type == "next" {
				l.want("complete", "1")
			} else {
				assert.Equal(t, "error", m.Type)
			}
			l.send(fmt.Sprintf(whoAmI, "2"))
			assert.JSONEq(t, `{"data":{"viewer":{"id":"person-1"}}}`, l.want("next", "2"))
		})
	}
	s.settles(0)
	assert.Empty(t, s.upstream.made())
	assert.Empty(t, s.log.String())
}

// A client that sends as fast as it can is answered in turn, and what it leaves behind is nothing.
func TestAFloodOfMessagesLeavesNothingBehind(t *testing.T) {
	s := newSite(t)
	url := s.listen()
	for name, message := range map[string]string{
		"pings":            `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 1000) + `"}}`,
		"pongs":            `{"type":"pong"}`,
		"ends of nothing":  `{"type":"complete","id":"nobody"}`,
		"bad documents":    `{"id":"%d","type":"subscribe","payload":{"query":"{ nothing }"}}`,
		"subscriptions":    `{"id":"%d","type":"subscribe","payload":{"query":"subscription { connectionChanged { id } }"}}`,
		"large operations": `{"id":"%d","type":"subscribe","payload":{"query":"{` + strings.Repeat(" __typename", 1_900) + `}"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			nothingLeft(t, func() {
				l := s.open(url, s.token)
				go func() {
					for i := range 500 {
						text := message
						if strings.Contains(message, "%d") {
							text = fmt.Sprintf(message, i)
						}
						l.send(text)
					}
					l.send(`{"type":"ping","payload":{}}`)
					l.send(`{"id":"last","type":"subscribe","payload":{"query":"{ nothing }"}}`)
				}()
				for {
					m, err := l.next()
					require.NoError(t, err)
					if m.ID == "last" {
						break
					}
				}
				require.NoError(t, l.CloseNow())
				s.settles(0)
			})
		})
	}
	assert.Empty(t, s.log.String())
}

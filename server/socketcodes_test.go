package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
)

// Every way in which a client can break the protocol has its code. What comes before it was right.
func TestAWebSocketIsClosedWithTheCodeThatSaysWhy(t *testing.T) {
	const (
		ping      = `{"type":"ping"}`
		subscribe = `{"id":"1","type":"subscribe","payload":{"query":"` + changed + `"}}`
	)
	for name, c := range map[string]struct {
		unknown bool // the client was not let in before
		send    []string
		code    websocket.StatusCode
	}{
		"not JSON":                              {false, []string{`canary`}, 4400},
		"half a message":                        {false, []string{`{"type":"ping"`}, 4400},
		"two messages in one":                   {false, []string{ping + ping}, 4400},
		"a list":                                {false, []string{`[]`}, 4400},
		"null":                                  {false, []string{`null`}, 4400},
		"nothing":                               {false, []string{``}, 4400},
		"no type":                               {false, []string{`{}`}, 4400},
		"a type that is no text":                {false, []string{`{"type":1}`}, 4400},
		"a type of nobody's":                    {false, []string{`{"type":"canary"}`}, 4400},
		"a type of the old subprotocol":         {false, []string{`{"type":"start","id":"1","payload":{"query":"{viewer{id}}"}}`}, 4400},
		"a type of the server's":                {false, []string{`{"type":"next","id":"1","payload":{}}`}, 4400},
		"an acknowledgement":                    {false, []string{`{"type":"connection_ack"}`}, 4400},
		"a payload of ping that is no object":   {false, []string{`{"type":"ping","payload":"canary"}`}, 4400},
		"subscribe without an id":               {false, []string{`{"type":"subscribe","payload":{"query":"{viewer{id}}"}}`}, 4400},
		"an empty id":                           {false, []string{`{"id":"","type":"subscribe","payload":{"query":"{viewer{id}}"}}`}, 4400},
		"an id that is a number":                {false, []string{`{"id":1,"type":"subscribe","payload":{"query":"{viewer{id}}"}}`}, 4400},
		"an id that is too long":                {false, []string{`{"id":"` + strings.Repeat("x", 129) + `","type":"complete"}`}, 4400},
		"complete without an id":                {false, []string{`{"type":"complete"}`}, 4400},
		"subscribe without a payload":           {false, []string{`{"id":"1","type":"subscribe"}`}, 4400},
		"subscribe without a query":             {false, []string{`{"id":"1","type":"subscribe","payload":{}}`}, 4400},
		"a query that is no text":               {false, []string{`{"id":"1","type":"subscribe","payload":{"query":7}}`}, 4400},
		"variables that are no object":          {false, []string{`{"id":"1","type":"subscribe","payload":{"query":"{viewer{id}}","variables":[]}}`}, 4400},
		"a payload of init that is no object":   {true, []string{`{"type":"connection_init","payload":[]}`}, 4400},
		"a token that is no text":               {true, []string{`{"type":"connection_init","payload":{"Authorization":7}}`}, 4400},
		"subscribe before init":                 {true, []string{subscribe}, 4401},
		"subscribe before init, after a ping":   {true, []string{ping, subscribe}, 4401},
		"init without a token":                  {true, []string{`{"type":"connection_init"}`}, 4403},
		"init with a token that is not good":    {true, []string{`{"type":"connection_init","payload":{"Authorization":"Bearer canary"}}`}, 4403},
		"init with a token that is no bearer's": {true, []string{`{"type":"connection_init","payload":{"Authorization":"Basic canary"}}`}, 4403},
		"an id that is in use":                  {false, []string{subscribe, subscribe}, 4409},
		"init twice":                            {false, []string{`{"type":"connection_init"}`}, 4429},
		"too long a message":                    {false, []string{`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 256<<10) + `"}}`}, websocket.StatusMessageTooBig},
		"too long a message before init":        {true, []string{`{"type":"connection_init","payload":{"x":"` + strings.Repeat("x", 16<<10) + `"}}`}, websocket.StatusMessageTooBig},
		"a text that is not UTF-8":              {false, []string{"{\"type\":\"ping\",\"payload\":{\"x\":\"\xff\"}}"}, websocket.StatusInvalidFramePayloadData},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			url := s.listen()
			var l *line
			if c.unknown {
				l, _ = dial(t, url, dialing{})
			} else {
				l = s.open(url, s.token)
			}
			l.send(ping)
			l.want("pong", "")
			for _, message := range c.send {
				l.send(message)
			}
			assert.Equal(t, c.code, l.closed())
			s.settles(0)
			assert.NotContains(t, s.log.String(), canary)
		})
	}
}

func TestABinaryMessageIsNotTaken(t *testing.T) {
	s := newSite(t)
	l := s.open(s.listen(), s.token)
	require.NoError(t, l.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}`)))
	assert.Equal(t, websocket.StatusUnsupportedData, l.closed())
}

func TestAClientHasToSpeakTheSubprotocol(t *testing.T) {
	s := newSite(t)
	url := s.listen()
	for _, protocols := range [][]string{{}, {"graphql-ws"}, {"graphql-transport-ws-2"}} {
		l, status := dial(t, url, dialing{protocols: protocols, token: s.token})
		require.Equal(t, http.StatusSwitchingProtocols, status)
		assert.EqualValues(t, 4406, l.closed(), "%v", protocols)
	}
	l, _ := dial(t, url, dialing{protocols: []string{"graphql-ws", "graphql-transport-ws"}, token: s.token})
	l.send(`{"type":"connection_init"}`)
	l.want("connection_ack", "")
}

func TestAClientThatDoesNotSayWhoItIsIsClosed(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{InitTimeout: 200 * time.Millisecond}))
	url := s.listen()
	l, _ := dial(t, url, dialing{token: s.token})
	assert.EqualValues(t, 4408, l.closed())

	l = s.open(url, s.token)
	s.look("person-1")
	l.watch("1", changed)
	time.Sleep(400 * time.Millisecond) // more than it takes the others
	s.turn("person-1")
	l.want("next", "1")
}

func TestATokenThatEndsEndsTheConnection(t *testing.T) {
	s := newSite(t)
	url := s.listen()
	s.look("person-1")
	for _, how := range []string{"in the header", "in the message", "in both"} {
		ending, header := tokenOf(t, "person-1", 2*time.Second), ""
		init := `{"type":"connection_init","payload":{"authorization":"Bearer ` + ending + `"}}`
		switch how {
		case "in the header":
			header, init = ending, `{"type":"connection_init"}`
		case "in both":
			header = s.token // the message's counts
		}
		l, _ := dial(t, url, dialing{token: header})
		l.send(init)
		l.want("connection_ack", "")
		l.watch("1", changed)
		s.turn("person-1")
		l.want("next", "1")
		assert.EqualValues(t, 4401, l.closed(), how)
	}
	s.settles(0)
}

// A key that is taken away ends what it let in, before any time is up.
func TestACredentialIsLookedAtAgainBeforeEachEvent(t *testing.T) {
	var late atomic.Bool
	verifier, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), Now: func() time.Time {
		if late.Load() {
			return time.Now().Add(2 * time.Hour)
		}
		return time.Now()
	}})
	require.NoError(t, err)
	s := newSite(t, func(c *server.Config) { c.Verifier = verifier })
	l := s.open(s.listen(), s.token)
	s.look("person-1")
	l.watch("1", changed)
	late.Store(true)
	s.turn("person-1")
	m, err := l.next()
	require.Error(t, err, m)
	assert.EqualValues(t, 4401, websocket.CloseStatus(err))
}

func TestAPanicOutsideAnyFieldEndsTheConnection(t *testing.T) {
	verifier, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), Now: func() time.Time { panic(canary) }})
	require.NoError(t, err)
	s := newSite(t, func(c *server.Config) { c.Verifier = verifier })
	l, _ := dial(t, s.listen(), dialing{})
	l.send(`{"type":"connection_init","payload":{"Authorization":"Bearer ` + s.token + `"}}`)
	assert.EqualValues(t, 4500, l.closed())
	assert.Contains(t, s.log.String(), "a panic was caught")
	assert.NotContains(t, s.log.String(), canary)
}

func TestAPanicWhileACredentialIsLookedAtAgainEndsTheConnection(t *testing.T) {
	var broken atomic.Bool
	verifier, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), Now: func() time.Time {
		if broken.Load() {
			panic(canary)
		}
		return time.Now()
	}})
	require.NoError(t, err)
	s := newSite(t, bounded(server.StreamLimits{Recheck: 50 * time.Millisecond}), func(c *server.Config) { c.Verifier = verifier })
	l := s.open(s.listen(), s.token)
	broken.Store(true)
	assert.EqualValues(t, 4500, l.closed())
	assert.Contains(t, s.log.String(), "a panic was caught")
}

func TestAConnectionDoesNotLastForEver(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Lifetime: 300 * time.Millisecond}))
	assert.Equal(t, websocket.StatusGoingAway, s.open(s.listen(), s.token).closed())
}

func TestASilentClientHasGone(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Ping: 400 * time.Millisecond}))
	url := s.listen()
	s.look("person-1")
	lively := s.open(url, s.token)
	lively.watch("1", changed)
	told := make(chan error, 1)
	go func() { _, err := lively.next(); told <- err }() // which answers the pings
	silent := s.open(url, s.token)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for pings := 0; ; pings++ { // which are read, and not answered
		_, data, err := silent.Read(ctx)
		if err != nil {
			assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
			assert.Positive(t, pings)
			break
		}
		assert.JSONEq(t, `{"type":"ping"}`, string(data))
	}
	s.turn("person-1")
	require.NoError(t, <-told)
}

func TestEverybodyIsToldWhenTheProcessStops(t *testing.T) {
	s := newSite(t)
	url := s.listen()
	l := s.open(url, s.token)
	l.watch("1", changed)
	s.streams.Shutdown()
	assert.Equal(t, websocket.StatusGoingAway, l.closed())
	require.NoError(t, s.streams.Wait())
	_, status := dial(t, url, dialing{token: s.token})
	assert.Equal(t, http.StatusServiceUnavailable, status)
}

package server_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
)

// rawLine is a client that keeps to no rule.
type rawLine struct {
	net.Conn
	t       *testing.T
	answers *bufio.Reader
}

func rawDial(t *testing.T, url, token string) *rawLine {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\nAuthorization: Bearer "+token+"\r\n\r\n")
	require.NoError(t, err)
	l := &rawLine{conn, t, bufio.NewReader(conn)}
	response, err := http.ReadResponse(l.answers, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	return l
}

const (
	final    = 0x80
	text     = 0x1
	goesOn   = 0x0
	closing  = 0x8
	pingCode = 0x9
)

// frame makes a frame that claims a length and has a payload, masked with zeros.
func frame(first byte, claims uint64, payload string) []byte {
	f := []byte{first, 0x80 | 127}
	if claims < 126 {
		f[1] = 0x80 | byte(claims)
	} else {
		f = binary.BigEndian.AppendUint64(f, claims)
	}
	return append(append(f, 0, 0, 0, 0), payload...)
}

func (l *rawLine) send(frames ...[]byte) {
	for _, f := range frames {
		if _, err := l.Write(f); err != nil { // it was closed: that is what the tests wait for
			return
		}
	}
}

// closed reads until the connection ends, and gives the code of its close frame, 0 if there was none.
func (l *rawLine) closed() (code int) {
	l.t.Helper()
	for {
		var head [2]byte
		if _, err := io.ReadFull(l.answers, head[:]); err != nil {
			assert.NotErrorIs(l.t, err, os.ErrDeadlineExceeded, "it is still open")
			return code
		}
		length := int(head[1])
		if length == 126 {
			var more [2]byte
			_, err := io.ReadFull(l.answers, more[:])
			require.NoError(l.t, err)
			length = int(binary.BigEndian.Uint16(more[:]))
		}
		payload := make([]byte, length)
		_, err := io.ReadFull(l.answers, payload)
		require.NoError(l.t, err)
		if head[0] == final|closing && len(payload) >= 2 {
			code = int(binary.BigEndian.Uint16(payload))
		}
	}
}

func TestFramesThatBreakTheRulesEndTheConnection(t *testing.T) {
	const init = `{"type":"connection_init"}`
	hello := frame(final|text, uint64(len(init)), init)
	var flood [][]byte
	for range 40_000 {
		flood = append(flood, frame(goesOn, 16, "xxxxxxxxxxxxxxxx"))
	}
	for name, c := range map[string]struct {
		frames [][]byte
		code   int
	}{
		"a frame that claims to be huge, and stalls": {[][]byte{frame(final|text, 1<<40, "x")}, 0},
		"a huge frame":                   {[][]byte{frame(final|text, 1<<40, strings.Repeat("x", 1<<20))}, 1009},
		"more and more fragments":        {append([][]byte{frame(text, 1, "{")}, flood...), 1009},
		"a fragment of nothing":          {[][]byte{frame(final|goesOn, 1, "x")}, 1002},
		"a message within another":       {[][]byte{frame(text, 1, "{"), frame(final|text, 1, "{")}, 1002},
		"a reserved bit":                 {[][]byte{frame(final|0x40|text, 1, "x")}, 1002},
		"an unknown kind":                {[][]byte{frame(final|0x3, 1, "x")}, 1002},
		"a ping in fragments":            {[][]byte{frame(pingCode, 1, "x")}, 1002},
		"a ping that is too long":        {[][]byte{frame(final|pingCode, 126, strings.Repeat("x", 126))}, 1002},
		"a frame that is not masked":     {[][]byte{{final | text, 2, '{', '}'}}, 1002},
		"a close of a code that is none": {[][]byte{frame(final|closing, 2, "\x00\x01")}, 1002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := server.StreamLimits{}
			if c.code == 0 { // silence ends what stalls
				limits.Ping = 300 * time.Millisecond
			}
			s := newSite(t, bounded(limits))
			l := rawDial(t, s.listen(), s.token)
			go l.send(append([][]byte{hello}, c.frames...)...)
			code := l.closed()
			if c.code != 0 {
				assert.Equal(t, c.code, code)
			}
			s.settles(0)
		})
	}
}

// Without a length that is too long there is nothing but its silence that a message of empty fragments could be known by.
func TestFragmentsWithoutEndAreSilence(t *testing.T) {
	s := newSite(t, bounded(server.StreamLimits{Ping: 100 * time.Millisecond}))
	l := rawDial(t, s.listen(), s.token)
	const init = `{"type":"connection_init"}`
	l.send(frame(final|text, uint64(len(init)), init), frame(text, 1, "{"))
	go func() {
		for {
			if _, err := l.Write(frame(goesOn, 0, "")); err != nil {
				return
			}
		}
	}()
	l.closed()
	s.settles(0)
}

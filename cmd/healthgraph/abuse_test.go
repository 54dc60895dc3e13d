package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long a client waits for what has to come at once: less than any bound of the server's.
const patience = 2 * time.Second

// listening serves the world's program as serve does, with other bounds if change says so, and gives the address.
func (w *world) listening(most int, change func(*http.Server)) string {
	w.t.Helper()
	listener, err := listen(w.t.Context(), "127.0.0.1:0")
	require.NoError(w.t, err)
	s := bounded(w.app.handler, time.Minute, most)
	if change != nil {
		change(s)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- serveUntil(ctx, listener, s) }()
	w.t.Cleanup(func() {
		stop()
		assert.NoError(w.t, <-ended)
	})
	return listener.Addr().String()
}

// client is a connection that speaks bytes.
type client struct {
	*net.TCPConn

	t    *testing.T
	from *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() }) // it may be closed already
	return &client{connection.(*net.TCPConn), t, bufio.NewReader(connection)}
}

// send writes what the server still takes: it may have answered and closed before the end.
func (c *client) send(text string) {
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
}

// statuses are those of the answers, of which the server has to begin the last and close within the patience; 0 stands for a
// connection that was closed without.
func (c *client) statuses() []int {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(patience)))
	var all []int
	for {
		response, err := http.ReadResponse(c.from, nil)
		var network net.Error
		switch {
		case errors.As(err, &network) && network.Timeout() && len(all) > 0:
			return all // it waits for another request
		case err != nil && (!errors.As(err, &network) || !network.Timeout()):
			if len(all) == 0 {
				all = []int{0}
			}
			return all
		}
		require.NoError(c.t, err, "nothing came in time")
		all = append(all, response.StatusCode)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(c.t, errors.Join(err, response.Body.Close()))
		if response.Close || response.StatusCode == http.StatusContinue {
			_ = c.SetReadDeadline(time.Now().Add(patience / 10)) // whatever comes after it
		} else {
			_ = c.SetReadDeadline(time.Now().Add(patience / 25))
		}
	}
}

const operation = `{"query":"{ viewer { id } }"}`

// abuse are requests as bytes. TOKEN is a good token, and OK what makes a request good, but for a body and its length. Whatever
// they want is asked for with a good token, so that it is not the token that they are refused for.
var abuse = map[string]struct {
	bytes string
	want  []int
}{
	"a good one, to compare with":         {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{200}},
	"two tokens":                          {"POST /graphql HTTP/1.1\r\nOK\r\nAuthorization: Bearer x\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{400}},
	"the same token twice":                {"POST /graphql HTTP/1.1\r\nOK\r\nAuthorization: Bearer TOKEN\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{400}},
	"two types of content":                {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Type: text/plain\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{415}},
	"two lengths":                         {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: LENGTH\r\nContent-Length: 1\r\n\r\nBODY", []int{400}},
	"two lengths in one":                  {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: LENGTH, 1\r\n\r\nBODY", []int{400}},
	"a negative length":                   {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: -1\r\n\r\nBODY", []int{400}},
	"a length with a sign":                {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: +LENGTH\r\n\r\nBODY", []int{400}},
	"a length in hexadecimal":             {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 0x1d\r\n\r\nBODY", []int{400}},
	"a length that overflows":             {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 99999999999999999999\r\n\r\nBODY", []int{400}},
	"a length that is too short":          {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 5\r\n\r\nBODY", []int{400, 400}},
	"a length that is too long":           {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 1000\r\n\r\nBODY", []int{400}},
	"no length and no body":               {"POST /graphql HTTP/1.1\r\nOK\r\n\r\n", []int{400}},
	"a length beyond the limit":           {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 1048577\r\n\r\n", []int{413}},
	"one that waits to be told":           {"POST /graphql HTTP/1.1\r\nOK\r\nExpect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n", []int{413}},
	"one that waits without a token":      {"POST /graphql HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10737418240\r\n\r\n", []int{401}},
	"another expectation":                 {"POST /graphql HTTP/1.1\r\nOK\r\nExpect: 200-ok\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{417}},
	"chunks and a length, and another":    {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nCHUNKEDGET /livez HTTP/1.1\r\nHost: h\r\n\r\n", []int{200}}, // the chunks count, and nothing after them
	"an encoding that there is not":       {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: xchunked\r\n\r\nCHUNKED", []int{501}},
	"chunked, and not":                    {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked, identity\r\n\r\nCHUNKED", []int{501}},
	"chunked by two headers":              {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\nCHUNKED", []int{501}},
	"chunked with a control character":    {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: \x0bchunked\r\n\r\nCHUNKED", []int{400}},
	"chunked with a space before":         {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding : chunked\r\n\r\nCHUNKED", []int{400}},
	"chunks that are none":                {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", []int{400}},
	"a chunk that overflows":              {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx", []int{400}},
	"a chunk that ends early":             {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nBODY", []int{400}},
	"a chunk with a long extension":       {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked\r\n\r\n1;LONG\r\n{\r\n0\r\n\r\n", []int{400}},
	"chunks beyond the limit":             {"POST /graphql HTTP/1.1\r\nOK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\nMEGABYTE", []int{413}},
	"gzip":                                {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", []int{415}},
	"an encoding that is the body itself": {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Encoding: br\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{415}},
	"no host":                             {"POST /graphql HTTP/1.1\r\nContent-Length: 0\r\n\r\n", []int{400}},
	"two hosts":                           {"POST /graphql HTTP/1.1\r\nOK\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n", []int{400}},
	"a host that is none":                 {"GET /graphql HTTP/1.1\r\nHost: a/b\x01\r\n\r\n", []int{400}},
	"a huge header":                       {"GET /livez HTTP/1.1\r\nOK\r\nX: LONG\r\n\r\n", []int{431}},
	"very many headers":                   {"GET /livez HTTP/1.1\r\nOK\r\nMANY\r\n", []int{431}},
	"a huge token":                        {"GET /graphql HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer LONG\r\n\r\n", []int{431}},
	"a huge URL":                          {"GET /graphql?query=LONG HTTP/1.1\r\nOK\r\n\r\n", []int{431}},
	"a URL without an end":                {"GET /LONG", []int{431}},
	"a header without a colon":            {"GET /livez HTTP/1.1\r\nOK\r\nnonsense\r\n\r\n", []int{400}},
	"a header with a null byte":           {"GET /livez HTTP/1.1\r\nOK\r\nX: a\x00b\r\n\r\n", []int{400}},
	"a header whose name has a space":     {"GET /livez HTTP/1.1\r\nOK\r\nX Y: a\r\n\r\n", []int{400}},
	"a header on two lines, first":        {"GET /livez HTTP/1.1\r\n X: a\r\nOK\r\n\r\n", []int{400}},
	"a null byte in the path":             {"GET /livez\x00 HTTP/1.1\r\nOK\r\n\r\n", []int{400}},
	"a null byte that is encoded":         {"GET /graphql%00?query=%7Bviewer%7Bid%7D%7D HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"a null byte in the body":             {"POST /graphql HTTP/1.1\r\nOK\r\nContent-Length: 3\r\n\r\n\x00\x00\x00", []int{400}},
	"a percent sign alone":                {"GET /graphql% HTTP/1.1\r\nOK\r\n\r\n", []int{400}},
	"a backslash":                         {"GET \\graphql HTTP/1.1\r\nOK\r\n\r\n", []int{400}},
	"a slash after":                       {"GET /graphql/?query=%7Bviewer%7Bid%7D%7D HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"two slashes before":                  {"GET //graphql?query=%7Bviewer%7Bid%7D%7D HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"a letter that is encoded":            {"GET /%67raphql?query=%7Bviewer%7Bid%7D%7D HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"a way round":                         {"GET /livez/../graphql?query=%7Bviewer%7Bid%7D%7D HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"a way out":                           {"GET /playground/assets/../../../../etc/passwd HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"no path":                             {"GET http://h HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"a proxy's request":                   {"CONNECT h:443 HTTP/1.1\r\nOK\r\n\r\n", []int{404}},
	"OPTIONS of the server":               {"OPTIONS * HTTP/1.1\r\nOK\r\n\r\n", []int{400}},
	"TRACE":                               {"TRACE /graphql HTTP/1.1\r\nOK\r\n\r\n", []int{405}},
	"a method of nobody":                  {"HACK /graphql HTTP/1.1\r\nOK\r\n\r\n", []int{405}},
	"a method with a null byte":           {"G\x00T /graphql HTTP/1.1\r\nOK\r\n\r\n", []int{400}},
	"another method in a header":          {"GET /graphql?query=mutation%7Brevoke(input:%7BdataSource:%22garmin%22%7D)%7Boutcome%7D%7D HTTP/1.1\r\nOK\r\nX-HTTP-Method-Override: POST\r\nX-HTTP-Method: POST\r\n\r\n", []int{405}},
	"another method in a header, PUT":     {"PUT /graphql HTTP/1.1\r\nOK\r\nX-HTTP-Method-Override: POST\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{405}},
	"another method in the URL":           {"DELETE /graphql?_method=POST HTTP/1.1\r\nOK\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{405}},
	"HTTP/0.9":                            {"GET /graphql\r\n\r\n", []int{400}},
	"HTTP/1.0 without a token":            {"POST /graphql HTTP/1.0\r\nContent-Length: LENGTH\r\n\r\nBODY", []int{401}},
	"HTTP/1.0 with chunks":                {"POST /graphql HTTP/1.0\r\nOK\r\nTransfer-Encoding: chunked\r\n\r\nCHUNKED", []int{400}},
	"HTTP/2 without TLS":                  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400}},
	"HTTP/9":                              {"GET /livez HTTP/9.9\r\nHost: h\r\n\r\n", []int{505}},
	"TLS":                                 {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}},
	"two at once":                         {"PUT /graphql HTTP/1.1\r\nOK\r\nContent-Length: 0\r\n\r\nGET /nothing HTTP/1.1\r\nOK\r\n\r\n", []int{405, 404}},
	"another in the body":                 {"PUT /graphql HTTP/1.1\r\nOK\r\nContent-Length: 48\r\n\r\nGET /livez HTTP/1.1\r\nHost: h\r\nX: 1234567890123\r\n\r\n", []int{405}},
	"nothing at all":                      {"\r\n\r\n\r\n\r\n", []int{400}},
}

func TestAbuseIsRefusedAtOnceAndHarmsNobody(t *testing.T) {
	w := newWorld(t, worldOptions{})
	address := w.listening(100, nil)
	token := w.token("demo")
	fill := strings.NewReplacer(
		"OK\r\n", "Host: h\r\nContent-Type: application/json\r\nAuthorization: Bearer "+token+"\r\n", "TOKEN", token,
		"LENGTH", fmt.Sprint(len(operation)), "BODY", operation, "CHUNKED", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(operation), operation),
		"LONG", strings.Repeat("x", 100<<10), "MANY\r\n", strings.Repeat("X: y\r\n", 20<<10), "MEGABYTE", strings.Repeat(" ", 1<<20+2),
	)
	w.graphql = "http://" + address + "/graphql"
	for name, c := range abuse {
		t.Run(name, func(t *testing.T) {
			connection := dial(t, address)
			connection.send(fill.Replace(c.bytes))
			_ = connection.CloseWrite() // the rest does not come
			assert.Equal(t, c.want, connection.statuses())
			a := w.ask(token, `{ viewer { id } }`, nil)
			assert.Equal(t, http.StatusOK, a.Status, "the next one is answered")
			assert.Empty(t, a.Errors)
		})
	}
	assert.Empty(t, w.log.String())
}

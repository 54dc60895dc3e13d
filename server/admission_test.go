package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
)

const readsLinks = `{"query":"{ connections { status } }"}`

// crowded is a site with so many places, all of which are taken by operations whose upstream does not answer before release.
func crowded(t *testing.T, a server.Admission) (s *site, release func()) {
	t.Helper()
	s = newSite(t, func(c *server.Config) { c.Admission = a })
	held := make(chan struct{})
	s.upstream.held = held
	var inside sync.WaitGroup
	for i := range a.Operations {
		headers := issue(t, fmt.Sprintf("inside-%d", i)) // the same links of one person are read once
		inside.Go(func() { assert.Equal(t, http.StatusOK, s.send(http.MethodPost, "/graphql", readsLinks, headers).Code) })
	}
	require.Eventually(t, func() bool { return len(s.upstream.made()) == a.Operations }, patience, time.Millisecond)
	release = sync.OnceFunc(func() {
		s.upstream.mu.Lock()
		s.upstream.held = nil
		s.upstream.mu.Unlock()
		close(held)
		inside.Wait()
	})
	t.Cleanup(release)
	return s, release
}

func assertTurnedAway(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Regexp(t, `^[123]$`, w.Header().Get("Retry-After"))
	a := read(t, w)
	assert.Nil(t, a.Data)
	assert.Equal(t, []any{"OVERLOADED"}, codes(a))
	assert.Equal(t, "PT"+w.Header().Get("Retry-After")+"S", a.Errors[0].Extensions["retryAfter"])
	assertHardened(t, w.Header(), "503")
	assertNoEcho(t, w)
}

func TestOperationsThatAreTooManyAreTurnedAway(t *testing.T) {
	s, release := crowded(t, server.Admission{Operations: 3, Waiting: 2, Wait: patience})
	const more = 12
	answers := make(chan *httptest.ResponseRecorder, more)
	var all sync.WaitGroup
	for range more {
		all.Go(func() { answers <- s.send(http.MethodPost, "/graphql", viewer, nil) })
	}
	for range more - 2 { // at once: nothing was released
		assertTurnedAway(t, <-answers)
	}
	for name, turnedAway := range map[string]*httptest.ResponseRecorder{
		"GET":                       s.send(http.MethodGet, "/graphql?query=%7Bviewer%7Bid%7D%7D", "", nil),
		"a body that is not parsed": s.send(http.MethodPost, "/graphql", "{"+canary, nil),
		"a URL that is not parsed":  s.send(http.MethodGet, "/graphql?query=%zz", "", nil),
		"an event stream":           s.send(http.MethodPost, "/graphql", viewer, map[string]string{"Accept": "text/event-stream, application/json;q=0.5"}),
	} {
		assertTurnedAway(t, turnedAway)
		assert.NotEmpty(t, name)
	}
	for status, answer := range map[int]*httptest.ResponseRecorder{ // what needs no place
		http.StatusOK:                    s.send(http.MethodGet, "/livez", "", nil),
		http.StatusUnauthorized:          s.send(http.MethodPost, "/graphql", viewer, map[string]string{"Authorization": ""}),
		http.StatusUnsupportedMediaType:  s.send(http.MethodPost, "/graphql", viewer, map[string]string{"Content-Type": "text/plain"}),
		http.StatusMethodNotAllowed:      s.send(http.MethodPut, "/graphql", viewer, nil),
		http.StatusRequestEntityTooLarge: s.send(http.MethodPost, "/graphql", strings.Repeat(" ", 2<<20), nil),
	} {
		assert.Equal(t, status, answer.Code)
	}
	assert.Len(t, s.upstream.made(), 3, "nothing was asked for those")

	release()
	all.Wait()
	for range 2 { // who waited
		assert.Equal(t, http.StatusOK, (<-answers).Code)
	}
	assert.Equal(t, http.StatusOK, s.send(http.MethodPost, "/graphql", viewer, nil).Code)
	assert.Equal(t, 1, strings.Count(s.log.String(), "operations were turned away"), "once a minute")
	assert.NotContains(t, s.log.String(), "person-1")
}

func TestHalfOfTheOperationsMayWaitForOneUpstream(t *testing.T) {
	for operations, most := range map[int]int{0: 250 * runtime.GOMAXPROCS(0), 1: 1, 2: 1, 7: 3, 1000: 500} {
		assert.Equal(t, most, server.Admission{Operations: operations}.PerUpstream())
	}
}

func TestNobodyWaitsLongForAPlace(t *testing.T) {
	s, release := crowded(t, server.Admission{Operations: 1, Waiting: 5, Wait: 50 * time.Millisecond})
	begun := time.Now()
	assertTurnedAway(t, s.send(http.MethodPost, "/graphql", viewer, nil))
	assert.GreaterOrEqual(t, time.Since(begun), 50*time.Millisecond)
	release()
	assert.Equal(t, http.StatusOK, s.send(http.MethodPost, "/graphql", viewer, nil).Code)
}

func TestOperationsOverAWebSocketNeedAPlaceToo(t *testing.T) {
	s, release := crowded(t, server.Admission{Operations: 1, Waiting: 5, Wait: patience})
	l := s.open(s.listen(), s.token)
	for _, document := range []string{"{ viewer { id } }", "subscription { connectionChanged { id } }", "{ nothing }"} {
		l.send(`{"type":"subscribe","id":"a","payload":{"query":"` + document + `"}}`)
		l.want("error", "a")
	}
	l.send(`{"type":"ping"}`)
	l.want("pong", "")
	release()
	l.send(`{"type":"subscribe","id":"a","payload":{"query":"{ viewer { id } }"}}`)
	l.want("next", "a")
	l.want("complete", "a")
}

// One place is enough for whatever comes after one another: each gives it back, however it ends.
func TestEveryPlaceIsGivenBack(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.Admission = server.Admission{Operations: 1, Waiting: 1, Wait: time.Nanosecond}
	})
	url := s.listen()
	l := s.open(url, s.token)
	free := func(after string) {
		t.Helper()
		assert.Eventually(t, func() bool { return s.send(http.MethodPost, "/graphql", viewer, nil).Code == http.StatusOK }, patience, time.Millisecond, after)
	}
	for id := range 3 { // which go on
		l.watch(fmt.Sprintf("watch-%d", id), changed)
		free("a subscription over a WebSocket")
	}
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", strings.NewReader(`{"query":"subscription { connectionChanged { id } }"}`))
	require.NoError(t, err)
	r.Header = http.Header{"Authorization": {"Bearer " + s.token}, "Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	stream, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, stream.StatusCode)
	free("an event stream")
	leave()
	_ = stream.Body.Close()

	s.send(http.MethodPost, "/graphql", "{", nil)
	free("a malformed body")
	both := func(document string) {
		t.Helper()
		body := `{"query":"` + document + `"}`
		s.send(http.MethodPost, "/graphql", body, nil)
		free(document)
		l.send(`{"type":"subscribe","id":"b","payload":` + body + `}`)
		for {
			m, err := l.next()
			require.NoError(t, err)
			if m.Type != "next" {
				assert.NotContains(t, string(m.Payload), "OVERLOADED")
				break
			}
		}
		free("over a WebSocket: " + document)
	}
	for _, document := range []string{"{", "{ nothing }", "mutation { nothing }", "{ __schema { queryType { name } } }", "{ connections { status } }"} {
		both(document)
	}
	s.upstream.panicIn = "links"
	both("{ connections { status } }")

	// A body that does not come takes no place.
	line, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = line.Close() })
	_, err = fmt.Fprintf(line, "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", s.token, len(viewer))
	require.NoError(t, err)
	status, err := bufio.NewReader(line).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, status, "100 Continue") // it is being read
	free("a body that does not come")
}

// Who leaves while they wait makes room for another who waits.
func TestWhoLeavesWaitsNoMore(t *testing.T) {
	s, release := crowded(t, server.Admission{Operations: 1, Waiting: 1, Wait: patience})
	ask := func(ctx context.Context) (status string) {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(viewer))
		r.Header = http.Header{"Authorization": {"Bearer " + s.token}, "Content-Type": {"application/json"}}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Body.Len() == 0 {
			return "left"
		}
		return w.Result().Status
	}
	patient, leave := context.WithCancel(t.Context())
	left := make(chan string, 1)
	go func() {
		status := ask(patient)
		for patient.Err() == nil { // one of those below waited in its place
			status = ask(patient)
		}
		left <- status
	}()
	shortly := func() string {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		return ask(ctx)
	}
	require.Eventually(t, func() bool { return shortly() == "503 Service Unavailable" }, patience, time.Millisecond, "the other waits")
	leave()
	assert.Equal(t, "left", <-left)
	assert.Equal(t, "left", shortly(), "it could wait")
	release()
	assert.Equal(t, "200 OK", ask(t.Context()))
}

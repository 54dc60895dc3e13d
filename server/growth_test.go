package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/growth"
	"healthgraph/health"
	"healthgraph/server"
)

// requests are documents that were never seen before, from reading them to the answer.
func requests() []growth.Path {
	path := func(name string, from, to int, document func(n int) string) growth.Path {
		return growth.Path{Name: name, From: from, To: to, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			s := newSite(tb)
			seen := 0
			return func() {
				seen++
				w := s.post(fmt.Sprintf("%s #%d", document(n), seen), nil)
				require.NotContains(tb, w.Body.String(), `"errors"`)
			}
		}}
	}
	return []growth.Path{
		path("a document by fields", 80, 640, func(n int) string { // in eights: one of them in a selection is as many as most
			return "{ viewer {" + each(n/8, func(i int) string {
				return fmt.Sprintf(" a%d: connections { id status connectedAt dataSource { id name kind } }", i)
			}) + "} }"
		}),
		path("a document by bytes", 4<<10, 32<<10, func(n int) string { return "{ viewer { id } } #" + strings.Repeat("x", n) }),
		path("a document by fragments", 5, 20, func(n int) string {
			return "{" + each(n, func(i int) string { return fmt.Sprintf(" ...F%d", i) }) + " }" +
				each(n, func(i int) string { return fmt.Sprintf(" fragment F%d on Query { viewer { id } }", i) })
		}),
		path("a document by nested fragments", 10, 160, func(n int) string {
			return "{ viewer " + strings.Repeat("{ ... ", n) + "{ id" + strings.Repeat(" }", n+2)
		}),
	}
}

func TestGrowth(t *testing.T) { growth.Test(t, requests()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, requests()...) }

// Of fields with one name in one selection, validation compares each with each. The limit of tokens bounds that: some 90 ms.
func TestAFieldThatIsRepeatedIsBoundedByTheLimits(t *testing.T) {
	s := newSite(t)
	document := "{ viewer {" + strings.Repeat(" id", 1900) + "} }"
	require.Equal(t, http.StatusOK, s.post(document, nil).Code)
	assert.Less(t, testing.AllocsPerRun(1, func() { s.post(document+" #", nil) }), 2_000_000.0)
}

// inUse is what is alive, on the heap and on stacks.
func inUse() (heap, stacks int) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), int(m.StackInuse)
}

// What a stream has told is not held.
func TestALongStreamHoldsNoMoreThanAShortOne(t *testing.T) {
	for name, open := range map[string]func(s *site, endpoint string) (next func()){
		"events": func(s *site, endpoint string) func() {
			e := s.stream(endpoint, s.token, changed)
			return func() { e.want("next") }
		},
		"WebSocket": func(s *site, endpoint string) func() {
			l := s.open(endpoint, s.token)
			l.watch("1", changed)
			return func() { l.want("next", "1") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.look("person-1")
			next := open(s, s.listen())
			changes := func(n int) {
				for range n {
					s.turn("person-1")
					next()
				}
				s.upstream.mu.Lock()
				defer s.upstream.mu.Unlock()
				s.upstream.calls, s.upstream.asked = nil, nil // what the test notes
			}
			changes(100)
			short, _ := inUse()
			changes(500)
			long, _ := inUse()
			t.Logf("%d bytes more after 500 changes", long-short)
			assert.Less(t, long-short, 16<<10) // 32 bytes for each: an event has four times as many
		})
	}
}

// quiet opens event streams of n people whose links do not change, without a client's buffers.
func (s *site) quiet(n int) {
	s.t.Helper()
	endpoint := s.listen()
	for i := range n {
		conn, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(endpoint, "http://"))
		require.NoError(s.t, err)
		s.t.Cleanup(func() { _ = conn.Close() })
		token := tokenOf(s.t, health.UserID(fmt.Sprint("person-", i)), time.Hour)
		_, err = io.WriteString(conn, "GET /graphql?query="+url.QueryEscape(changed)+" HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer "+token+"\r\n\r\n")
		require.NoError(s.t, err)
		answer, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
		require.NoError(s.t, err)
		require.Contains(s.t, answer, http.StatusText(http.StatusOK))
	}
	s.settles(n)
}

// streamsHold is what each of n open streams holds: so many bytes and goroutines, its test's connection included.
func streamsHold(tb testing.TB, n int) (bytes, goroutines float64) {
	tb.Helper()
	s := newSite(tb, bounded(server.StreamLimits{Ping: time.Hour}))
	heap, stacks := inUse()
	running := runtime.NumGoroutine()
	s.quiet(n)
	heapThen, stacksThen := inUse()
	return float64(heapThen-heap+stacksThen-stacks) / float64(n), float64(runtime.NumGoroutine()-running) / float64(n)
}

func TestAnOpenStreamHoldsLittleHoweverManyThereAre(t *testing.T) {
	for _, n := range []int{50, 100, 200} {
		bytes, goroutines := streamsHold(t, n)
		t.Logf("%d streams: %.0f bytes, %.1f goroutines each", n, bytes, goroutines)
		assert.Less(t, bytes, 100_000.0)
		assert.Less(t, goroutines, 6.0)
	}
}

// BenchmarkStreams tells what each of doubling numbers of open streams holds.
func BenchmarkStreams(b *testing.B) {
	for _, n := range []int{100, 200, 400, 800} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var bytes, goroutines float64
			for b.Loop() {
				bytes, goroutines = streamsHold(b, n)
			}
			b.ReportMetric(bytes, "bytes/stream")
			b.ReportMetric(goroutines, "goroutines/stream")
		})
	}
}

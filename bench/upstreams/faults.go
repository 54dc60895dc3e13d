package upstreams

import (
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// The ways in which OneTwentyOne can fail. ROOK never does.
const (
	FaultNone   = "none"
	FaultErrors = "errors" // 503 at once
	FaultHang   = "hang"   // no answer, until the caller leaves or the fault ends; then the true one
	FaultResets = "resets" // the connection is reset
)

// fault is how OneTwentyOne fails at the moment.
type fault struct {
	mu    sync.Mutex
	kind  string
	ended chan struct{} // of this kind
}

func newFault() *fault { return &fault{kind: FaultNone, ended: make(chan struct{})} }

func (f *fault) set(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.ended)
	f.kind, f.ended = kind, make(chan struct{})
}

func (f *fault) now() (kind string, ended <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kind, f.ended
}

// strikes says whether a call has been dealt with.
func (f *fault) strikes(w http.ResponseWriter, r *http.Request) bool {
	switch kind, ended := f.now(); kind {
	case FaultErrors:
		http.Error(w, `{"error":"Service Unavailable"}`, http.StatusServiceUnavailable)
		return true
	case FaultHang:
		body, err := io.ReadAll(r.Body) // until then net/http does not see that a caller leaves
		if err != nil {
			return true
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		select {
		case <-ended:
			return false
		case <-r.Context().Done():
			return true
		}
	case FaultResets:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return false
		}
		if line, ok := conn.(*net.TCPConn); ok {
			_ = line.SetLinger(0) // a reset instead of an end
		}
		_ = conn.Close() // it is meant to fail
		return true
	default:
		return false
	}
}

// change is PUT /bench/fault?kind=hang.
func (f *fault) change(w http.ResponseWriter, r *http.Request) {
	kinds := []string{FaultNone, FaultErrors, FaultHang, FaultResets}
	kind := r.URL.Query().Get("kind")
	if !slices.Contains(kinds, kind) {
		http.Error(w, "kind must be one of "+strings.Join(kinds, ", "), http.StatusBadRequest)
		return
	}
	f.set(kind)
}

// Connections counts those that are open, and can close those that are idle: ConnState and HangUp are for the server that
// serves Upstreams.
type Connections struct {
	mu   sync.Mutex
	open map[net.Conn]http.ConnState
}

// ConnState is http.Server's.
func (c *Connections) ConnState(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]http.ConnState{}
	}
	c.open[conn] = state
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
	}
}

// HangUp closes all that have no call under way: idle ones, and those that were opened in vain, as net/http does where another
// connection became free sooner.
func (c *Connections) HangUp() {
	c.mu.Lock()
	open := maps.Clone(c.open)
	c.mu.Unlock()
	for conn, state := range open {
		if state == http.StateIdle || state == http.StateNew {
			_ = conn.Close() // whoever is at the other end opens another
		}
	}
}

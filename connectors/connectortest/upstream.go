package connectortest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	"healthgraph/connectors"
)

// What an error must never hold, beside the harness's own.
const (
	bodyCanary   = "canary-in-a-body"
	headerCanary = "canary-in-a-header"
	personToken  = "canary-person-token"
)

// upstream is a server whose behaviour is exchanged from rule to rule.
type upstream struct {
	server    *httptest.Server
	transport *http.Transport
	calls     atomic.Int64

	mu       sync.Mutex
	handler  http.Handler
	requests []*http.Request
}

func startUpstream() *upstream {
	u := &upstream{handler: http.NotFoundHandler()}
	u.server = httptest.NewServer(http.HandlerFunc(u.serve))
	u.transport = &http.Transport{}
	return u
}

func (u *upstream) stop() {
	u.server.CloseClientConnections()
	u.server.Close()
	u.transport.CloseIdleConnections()
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // read to its end, so that the server notices when the caller leaves
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	u.calls.Add(1)
	u.mu.Lock()
	handler := u.handler
	u.requests = append(u.requests, r)
	u.mu.Unlock()
	handler.ServeHTTP(w, r)
}

// behave exchanges the behaviour and forgets the calls.
func (u *upstream) behave(handler http.HandlerFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handler, u.requests = handler, nil
	u.calls.Store(0)
}

// seen lists the calls since the last behave.
func (u *upstream) seen() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]*http.Request(nil), u.requests...)
}

// answers behaves with one answer to everything.
func (u *upstream) answers(status int, contentType, body string) {
	u.behave(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Retry-After", "7")
		w.Header().Set("X-Canary", headerCanary)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a caller that has gone is the caller's affair
	})
}

// hangs behaves like a server that does not answer before its caller leaves.
func (u *upstream) hangs() {
	u.behave(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// breaks behaves like a connection that is lost: at once, or in the middle of a body.
func (u *upstream) breaks(inBody bool) {
	u.behave(func(w http.ResponseWriter, _ *http.Request) {
		if inBody {
			w.Header().Set("Content-Length", "4096")
			_, _ = io.WriteString(w, `{"`+bodyCanary)
		}
		panic(http.ErrAbortHandler)
	})
}

// resets behaves like a host that refuses to go on: what the network says then names both ends' addresses.
func (u *upstream) resets() {
	u.behave(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // as is closing, for a reset whichever way it goes
		}
		_ = connection.Close()
	})
}

// distorts behaves like good, with each body of a 2xx passed through f.
func (u *upstream) distorts(good http.Handler, f func(body []byte) []byte) {
	u.behave(func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		good.ServeHTTP(recorder, r)
		body := recorder.Body.Bytes()
		if recorder.Code < 300 && len(body) > 0 {
			body = f(body)
		}
		for name, values := range recorder.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(body)
	})
}

// signer signs as the person that the suite asks for.
type signer struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s signer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+personToken)
	return s.next.RoundTrip(r)
}

func isSignedByPerson(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Authorization"), personToken)
}

// lacksManners says what is wrong with a request's headers, "" for nothing.
func lacksManners(r *http.Request) string {
	switch {
	case r.Header.Get("User-Agent") != connectors.UserAgent:
		return "a call without the gateway's User-Agent"
	case r.Header.Get("Accept") != "application/json":
		return "a call without Accept: application/json"
	case r.ContentLength != 0 && r.Header.Get("Content-Type") == "":
		return "a body without a Content-Type"
	}
	return ""
}

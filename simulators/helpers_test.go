package simulators_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators"
)

type switches struct {
	Greeting string              `json:"greeting"`
	Names    map[string]bool     `json:"names"`
	Delay    simulators.Duration `json:"delay"`
}

func (s *switches) Validate() error {
	if s.Greeting == "" {
		return errors.New("greeting must not be empty")
	}
	return nil
}

type server struct {
	*httptest.Server
	t       *testing.T
	control *simulators.Control
	sw      *switches
}

// start serves an upstream with two endpoints: greet, which says hello, and nothing, which answers 204.
func start(t *testing.T) *server {
	t.Helper()
	sw := &switches{Greeting: "hello", Names: map[string]bool{"a": true}}
	c := simulators.NewControl(sw)
	mux := http.NewServeMux()
	c.Route(mux, "greet", "/greet/{user}", func(w http.ResponseWriter, r *http.Request) {
		var greeting string
		c.Read(func() { greeting = sw.Greeting })
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		simulators.WriteJSON(w, http.StatusOK, map[string]string{"greeting": greeting, "said": string(body)})
	})
	c.Route(mux, "nothing", "GET /nothing", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	c.Register(mux)
	s := &server{httptest.NewServer(mux), t, c, sw}
	t.Cleanup(s.Close)
	return s
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error // of sending, or of reading the body
}

func (s *server) do(method, path, body string) reply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return reply{err: err}
	}
	text, err := io.ReadAll(res.Body)
	if closeErr := res.Body.Close(); closeErr != nil {
		s.t.Error(closeErr)
	}
	return reply{res.StatusCode, res.Header, string(text), err}
}

func (s *server) want(method, path, body string, status int, contains ...string) reply {
	s.t.Helper()
	got := s.do(method, path, body)
	if got.err != nil || got.status != status {
		s.t.Fatalf("%s %s: %d %s %v, want %d", method, path, got.status, got.body, got.err, status)
	}
	for _, part := range contains {
		if !strings.Contains(got.body, part) {
			s.t.Errorf("%s %s: %s does not have %q", method, path, got.body, part)
		}
	}
	return got
}

func (s *server) calls() (c simulators.Calls) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.want("GET", "/_control/calls", "", 200).body), &c); err != nil {
		s.t.Fatal(err)
	}
	return c
}

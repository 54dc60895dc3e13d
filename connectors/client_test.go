package connectors_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

func client(t *testing.T, config connectors.ClientConfig, handler http.HandlerFunc) *connectors.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config.Upstream, config.BaseURL = "Paper", server.URL+config.BaseURL
	c, err := connectors.NewClient(config)
	require.NoError(t, err)
	return c
}

func TestNewClientRefusesAddresses(t *testing.T) {
	for _, address := range []string{"", "paper.example", "/path", "ftp://paper.example", "https://", "https://key:secret@paper.example",
		"https://paper.example?key=secret", "https://paper.example/%zz"} {
		_, err := connectors.NewClient(connectors.ClientConfig{Upstream: "Paper", BaseURL: address})
		require.Error(t, err, address)
		assert.NotContains(t, err.Error(), "secret")
	}
}

// Whatever an id holds, it stays one element of the path.
func TestPathElementsStayElements(t *testing.T) {
	var path string
	c := client(t, connectors.ClientConfig{BaseURL: "/prefix"}, func(_ http.ResponseWriter, r *http.Request) { path = r.URL.EscapedPath() })
	for element, want := range map[string]string{
		"a": "/prefix/users/a/end", "..": "/prefix/users/%2E%2E/end", ".": "/prefix/users/%2E/end", "a/b": "/prefix/users/a%2Fb/end",
		"a?b#c": "/prefix/users/a%3Fb%23c/end", "Apple Health": "/prefix/users/Apple%20Health/end",
	} {
		_, err := c.Do(t.Context(), connectors.Call{Path: []string{"users", element, "end"}})
		require.NoError(t, err)
		assert.Equal(t, want, path)
	}
}

func TestBodies(t *testing.T) {
	var got string
	c := client(t, connectors.ClientConfig{}, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		got = r.Method + " " + r.URL.RawQuery + " " + r.Header.Get("Content-Type") + " " + string(body)
	})
	for want, call := range map[string]connectors.Call{
		"GET a=1  ":                      {Query: url.Values{"a": {"1"}}},
		`POST  application/json {"a":1}`: {Method: http.MethodPost, JSON: map[string]int{"a": 1}},
		"POST  application/x-www-form-urlencoded a=1%26": {Method: http.MethodPost, Form: url.Values{"a": {"1&"}}},
	} {
		_, err := c.Do(t.Context(), call)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := c.Do(t.Context(), connectors.Call{JSON: func() {}})
	assert.Equal(t, health.Internal, health.AsError(err).Code)
}

func TestCallsInFlightAreBounded(t *testing.T) {
	var now, most atomic.Int64
	c := client(t, connectors.ClientConfig{MaxInFlight: 3}, func(http.ResponseWriter, *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
	})
	connectors.Each(30, 30, func(int) {
		_, err := c.Do(t.Context(), connectors.Call{})
		assert.NoError(t, err)
	})
	assert.LessOrEqual(t, most.Load(), int64(3))
	assert.Equal(t, 3, c.MaxInFlight())
}

// A call that never gets its turn fails as one that gets no answer.
func TestNoTurnInTime(t *testing.T) {
	release := make(chan struct{})
	arrived := make(chan struct{})
	c := client(t, connectors.ClientConfig{MaxInFlight: 1}, func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	})
	done := make(chan error)
	go func() {
		_, err := c.Do(context.WithoutCancel(t.Context()), connectors.Call{})
		done <- err
	}()
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Do(ctx, connectors.Call{})
	assert.Equal(t, health.UpstreamUnavailable, health.AsError(err).Code)
	close(release)
	require.NoError(t, <-done)
}

func TestDecodeSaysWhereAndNeverWhat(t *testing.T) {
	c := client(t, connectors.ClientConfig{}, func(http.ResponseWriter, *http.Request) {})
	for body, where := range map[string]string{
		`{"a":{"b":"secret"}}`: `the JSON field "a.b"`,
		`secret`:               "not JSON from byte 1",
		`{"a":`:                "not JSON from byte",
	} {
		var out struct {
			A struct {
				B int `json:"b"`
			} `json:"a"`
		}
		err := c.Decode(connectors.Answer{Body: []byte(body)}, &out)
		e := health.AsError(err)
		require.Equal(t, health.UpstreamInvalid, e.Code)
		require.ErrorContains(t, e.Cause, where)
		assert.NotContains(t, e.Error()+e.Cause.Error(), "secret")
	}
}

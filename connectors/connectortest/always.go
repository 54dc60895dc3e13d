package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"healthgraph/health"
)

// Always is an upstream that gives every call the same answer, without a network: for fuzzing.
type Always struct {
	Status int
	Body   []byte
}

// RoundTrip gives the answer.
func (a Always) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.Status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a.Body)), Request: r}, nil
}

// Failed says whether err is a failure. One has a code, and repeats nothing of what was answered.
func (a Always) Failed(tb testing.TB, err error) bool {
	tb.Helper()
	if err == nil {
		return false
	}
	if health.AsError(err).Code == "" {
		tb.Fatal("a failure without a code")
	}
	if text := strings.TrimSpace(string(a.Body)); len(text) > 30 && strings.Contains(err.Error(), text) {
		tb.Fatal("a failure repeats the answer")
	}
	return true
}

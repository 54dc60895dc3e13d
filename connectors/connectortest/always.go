package connectortest

import (
	"bytes"
	"io"
	"net/http"
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

package connectors_test

import (
	"net/http"
	"testing"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
)

// A call without a network: what the manners alone cost.
func BenchmarkDo(b *testing.B) {
	c, err := connectors.NewClient(connectors.ClientConfig{
		Upstream: "Paper", BaseURL: "http://paper.example", HTTP: &http.Client{Transport: connectortest.Always{Status: 200, Body: []byte("{}")}},
		Retries: 2, BreakAfter: 10,
	})
	if err != nil {
		b.Fatal(err)
	}
	call := connectors.Call{Part: "data", Path: []string{"api", "v1", "a"}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Do(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}

package connectors_test

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"net/url"
	"testing"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
)

// A call without a network: what the manners alone cost.
func BenchmarkDo(b *testing.B) {
	benchmarkDo(b, "http://paper.example", &http.Client{Transport: connectortest.Always{Status: 200, Body: []byte("{}")}})
}

// A call over a connection that is kept: with what net/http costs, and next to nothing for the other end.
func BenchmarkDoLoopback(b *testing.B) {
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answerAll(connection)
		}
	}()
	benchmarkDo(b, "http://"+listener.Addr().String(), nil)
}

// answerAll answers each request that has no body with the same few bytes.
func answerAll(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	requests := bufio.NewReader(connection)
	for {
		line, err := requests.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(bytes.TrimSpace(line)) == 0 {
			if _, err := connection.Write(answer); err != nil {
				return
			}
		}
	}
}

func benchmarkDo(b *testing.B, address string, sender *http.Client) {
	b.Helper()
	c, err := connectors.NewClient(connectors.ClientConfig{Upstream: "Paper", BaseURL: address, HTTP: sender, Retries: 2, BreakAfter: 10})
	if err != nil {
		b.Fatal(err)
	}
	path := []string{"api", "v2", "user_id", "person-a", "data_sources", "authorized"}
	sign := func(r *http.Request) { r.SetBasicAuth("client", "secret") }
	for name, call := range map[string]connectors.Call{
		"path":  {Part: "data", Path: path, Sign: sign},
		"query": {Part: "data", Path: path[:2], Query: url.Values{"user_id": {"person-a"}, "date": {"2026-04-01"}}, Sign: sign},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Do(b.Context(), call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

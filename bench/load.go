package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sampleEvery is how many requests of a round one is whose answer is looked at after the round.
const sampleEvery = 40

// request is one to a gateway or a floor, made beforehand.
type request struct {
	method, url, token string
	body               []byte
}

// prepared is a request to each side, about the same people.
type prepared struct{ gateway, floor request }

// load is what came of a round as the clients saw it.
type load struct {
	took      time.Duration
	latencies []time.Duration // in order of length
	samples   map[int][]byte  // by request
}

func newClient(clients int) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true,
	}}
}

// drive sends the requests by so many clients, each of which sends the next one when it has its answer.
func drive(ctx context.Context, client *http.Client, clients int, requests []request) (load, error) {
	result := load{latencies: make([]time.Duration, len(requests)), samples: map[int][]byte{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	var mu sync.Mutex
	begun := time.Now()
	for range clients {
		all.Go(func() {
			var buffer bytes.Buffer
			for {
				n := int(next.Add(1)) - 1
				if n >= len(requests) || ctx.Err() != nil {
					return
				}
				sent := time.Now()
				buffer.Reset()
				if err := requests[n].send(ctx, client, &buffer); err != nil {
					cancel(err)
					return
				}
				result.latencies[n] = time.Since(sent)
				if n%sampleEvery == 0 {
					mu.Lock()
					result.samples[n] = bytes.Clone(buffer.Bytes())
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	result.took = time.Since(begun)
	slices.Sort(result.latencies)
	return result, context.Cause(ctx)
}

// send reads an answer into the buffer. One that is no whole success is an error.
func (r request) send(ctx context.Context, client *http.Client, buffer *bytes.Buffer) error {
	status, _, err := r.exchange(ctx, client, buffer)
	if err == nil && (status != http.StatusOK || bytes.HasPrefix(buffer.Bytes(), []byte(`{"errors"`))) {
		return fmt.Errorf("%s answered %d: %.500s", r.url, status, buffer.Bytes())
	}
	return err
}

// exchange reads any answer into the buffer.
func (r request) exchange(ctx context.Context, client *http.Client, buffer *bytes.Buffer) (status int, retryAfter string, err error) {
	sent, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	if r.body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		sent.Header.Set("Authorization", "Bearer "+r.token)
	}
	answer, err := client.Do(sent)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	_, err = io.Copy(buffer, answer.Body)
	return answer.StatusCode, answer.Header.Get("Retry-After"), err
}

// sides makes the requests of both sides about the people.
func (b *bench) sides(w workload, c cast) (prepared, error) {
	method, path, body := w.floor(c)
	p := prepared{floor: request{method: method, url: b.floor.url + path}}
	var err error
	if body != nil {
		if p.floor.body, err = json.Marshal(body); err != nil {
			return p, err
		}
	}
	variables := map[string]any{}
	if w.days > 0 {
		variables["from"], variables["to"] = c.from, c.to
	}
	subject, scope := c.people[0].ID, ""
	if w.service {
		subject, scope = "bench-service", "users:any"
		ids := make([]string, len(c.people))
		for i, person := range c.people {
			ids[i] = person.ID
		}
		variables["ids"] = ids
	}
	if p.gateway.body, err = json.Marshal(map[string]any{"query": w.operation, "variables": variables}); err != nil {
		return p, err
	}
	p.gateway.method, p.gateway.url = http.MethodPost, b.gateway.url+"/graphql"
	p.gateway.token, err = b.issuer.token(subject, scope)
	if b.options.against != "" {
		p.floor = p.gateway
		p.floor.url = b.floor.url + "/graphql"
	}
	return p, err
}

// requests makes those of a round, about the people from the n-th cast on.
func (b *bench) requests(w workload, from, n int) ([]prepared, error) {
	list := make([]prepared, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	var next atomic.Int64
	for range 2 { // signing is what takes long
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				list[i], errs[i] = b.sides(w, w.cast(from+i, b.newest))
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

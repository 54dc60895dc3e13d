package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"healthgraph/bench/floor"
)

// asked is one operation about some people.
type asked struct {
	request

	kind   kind
	people []floor.Person
	line   *line // nil where it goes over HTTP
}

func (q asked) exchange(ctx context.Context, client *http.Client, into *bytes.Buffer) (status int, retryAfter string, err error) {
	if q.line != nil {
		return q.line.exchange(ctx, q.body, into)
	}
	return q.request.exchange(ctx, client, into)
}

// tally is what came of the operations of one phase.
type tally struct {
	mu        sync.Mutex
	whole     [kinds]int
	missing   [kinds]int // answered without some figures, and said so
	shed      [kinds]int // 503 with Retry-After, or over a WebSocket OVERLOADED with retryAfter
	overLines int        // of these, answered over a WebSocket
	wrong     []string   // what must never be
	latencies [kinds][]time.Duration
}

// quantile is of the operations that were answered.
func (t *tally) quantile(k kind, q float64) time.Duration { return quantile(t.latencies[k], q) }

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// questions makes the operations of the soak about the people: each person's two, and a service's about every five.
func (s *soak) questions() ([]asked, error) {
	variables := map[string]any{"from": s.newest.AddDate(0, 0, 1-soakDays).Format(time.DateOnly), "to": s.newest.Format(time.DateOnly)}
	var list []asked
	add := func(k kind, subject, scope string, people ...floor.Person) error {
		delete(variables, "ids")
		if k == asksBoth {
			var ids []string
			for _, person := range people {
				ids = append(ids, person.ID)
			}
			variables["ids"] = ids
		}
		body, err := json.Marshal(map[string]any{"query": soakOperations[k], "variables": variables})
		if err != nil {
			return err
		}
		token, err := s.issuer.token(subject, scope)
		list = append(list, asked{request{http.MethodPost, s.gateway.url + "/graphql", token, body}, k, people, nil})
		return err
	}
	const together = 5
	for i, person := range s.people {
		err := errors.Join(add(asksHealthy, person.ID, "", person), add(asksFailing, person.ID, "", person))
		if i%together == together-1 {
			err = errors.Join(err, add(asksBoth, "soak-service", "users:any", s.people[i+1-together:i+1]...))
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ask sends one and notes what came of it. Its time counts from when it was due.
func (s *soak) ask(ctx context.Context, q asked, due time.Time, into *tally) {
	var body bytes.Buffer
	status, retryAfter, err := q.exchange(ctx, s.client, &body)
	took := time.Since(due)
	whole := false
	if err == nil && status == http.StatusOK {
		whole, err = check(q.kind, q.people, s.newest, body.Bytes())
	}
	into.mu.Lock()
	defer into.mu.Unlock()
	if q.line != nil && err == nil && status == http.StatusOK {
		into.overLines++
	}
	switch {
	case err != nil:
		into.wrong = append(into.wrong, fmt.Sprintf("%s: %v", q.kind, err))
	case status == http.StatusServiceUnavailable && retryAfter != "":
		into.shed[q.kind]++
	case status != http.StatusOK:
		into.wrong = append(into.wrong, fmt.Sprintf("%s: %d: %.300s", q.kind, status, body.Bytes()))
	case whole:
		into.whole[q.kind]++
		into.latencies[q.kind] = append(into.latencies[q.kind], took)
	default:
		into.missing[q.kind]++
		into.latencies[q.kind] = append(into.latencies[q.kind], took)
	}
}

// closed asks as fast as so many clients get their answers, for a time, and gives the rate.
func (s *soak) closed(ctx context.Context, clients int, long time.Duration, into *tally) float64 {
	var all sync.WaitGroup
	var next, done atomic.Int64
	begun := time.Now()
	for range clients {
		all.Go(func() {
			for ctx.Err() == nil && time.Since(begun) < long {
				s.ask(ctx, s.asked[int(next.Add(1)-1)%len(s.asked)], time.Now(), into)
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds()
}

// mostOutstanding is how many operations the soak itself waits for; beyond that it falls behind, which their times show.
const mostOutstanding = 4000

// open asks at an even pace for a time, whether there are answers or not, and waits for the last.
func (s *soak) open(ctx context.Context, rate float64, long time.Duration, into *tally) {
	var all sync.WaitGroup
	places := make(chan struct{}, mostOutstanding)
	begun := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		due := begun.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if due.Sub(begun) >= long {
			break
		}
		time.Sleep(time.Until(due))
		places <- struct{}{}
		q := s.asked[s.next%len(s.asked)]
		s.next++
		all.Go(func() {
			s.ask(ctx, q, due, into)
			<-places
		})
	}
	s.underWay = append(s.underWay, &all)
}

package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"healthgraph/callers"
	"healthgraph/health"
)

// wantsEvents says whether an event stream is acceptable, and whether it is better than any JSON. urql lists it for every
// query, as one of several that are alike: a query's answer is JSON then.
func wantsEvents(accept []string) (acceptable, best bool) {
	ranges := splitRanges(accept)
	if strings.TrimSpace(strings.Join(ranges, "")) == "" {
		return true, false
	}
	events, _ := quality(ranges, eventStream)
	newer, _ := quality(ranges, graphqlResponse)
	plain, _ := quality(ranges, plainJSON)
	return events > 0, events > 0 && events > newer && events > plain
}

// stream answers with server-sent events, in the distinct connections mode of
// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md: an event next for each response, and complete.
//
// A stream that ends without complete was ended by us (the process stops, or it has lasted its time): the client asks again.
func (e *endpoint) stream(ctx context.Context, w http.ResponseWriter, r *http.Request, operation *graphql.OperationContext, leavePlace func()) {
	let, err := newCredential(ctx, e.verifier, r.Header.Get("Authorization"))
	if err != nil { // it has just ended
		e.turnAway(w, r, health.AsError(err))
		return
	}
	leave, ok := e.streams.enter()
	if !ok {
		refuseFull(w, r, http.StatusServiceUnavailable, messageFull)
		return
	}
	defer leave()
	leaveCaller, ok := e.streams.admit(let.caller)
	if !ok {
		refuseFull(w, r, http.StatusTooManyRequests, messageFullForCaller)
		return
	}
	defer leaveCaller()

	ctx, cancel := context.WithCancel(callers.NewContext(ctx, let.caller))
	defer cancel()
	continuous := isContinuous(operation)
	handler := dispatch(ctx, e.executor, operation)
	if continuous {
		leavePlace()
	}
	responses := make(chan []byte)
	go func() {
		defer close(responses)
		e.respond(ctx, handler, continuous, responses)
	}()
	defer func() {
		cancel()
		for range responses { // until the goroutine has ended
		}
	}()
	events{endpoint: e, credential: let, out: w, control: http.NewResponseController(w)}.run(ctx, responses)
}

// respond makes the bodies of next: one, or as many as there is something new.
func (e *endpoint) respond(ctx context.Context, handler graphql.ResponseHandler, continuous bool, responses chan<- []byte) {
	send := func(response envelope) bool {
		body, err := encode(response)
		if err != nil {
			body, _ = encode(envelope{Errors: e.fault(ctx, fmt.Errorf("a response could not be encoded: %w", err))}) // texts always encode
		}
		select {
		case responses <- bytes.TrimSpace(body):
			return err == nil
		case <-ctx.Done():
			return false
		}
	}
	defer func() {
		if p := recover(); p != nil {
			send(envelope{Errors: e.panicked(ctx, p)})
		}
	}()
	for {
		response := handler(ctx)
		if response == nil || !send(envelope{response.Errors, response.Data, response.Extensions}) || !continuous {
			return
		}
	}
}

// events is a stream under way.
type events struct {
	endpoint   *endpoint
	credential *credential
	out        http.ResponseWriter
	control    *http.ResponseController
}

// run writes until there is nothing more to come, or the stream's time is up.
func (s events) run(ctx context.Context, responses <-chan []byte) {
	limits := s.endpoint.streams.limits
	header := s.out.Header()
	header.Set("Content-Type", eventStream+"; charset=utf-8")
	header.Add("Vary", "Accept")
	header.Set("X-Accel-Buffering", "no") // proxies are not to collect it
	header.Set("Connection", "close")     // whatever came after on it would find the deadlines that are set here
	beat, lifetime := time.NewTicker(limits.Ping), time.NewTimer(limits.Lifetime)
	recheck := time.NewTimer(s.credential.checkAfter(s.endpoint.now(), limits.Recheck))
	defer func() { beat.Stop(); lifetime.Stop(); recheck.Stop() }()
	written := s.write(":") // so that the client knows that it has begun
	for written {
		select {
		case <-ctx.Done():
			return
		case <-s.endpoint.streams.closing:
			return
		case <-lifetime.C:
			return
		case body, more := <-responses:
			switch {
			case !more:
				s.write("event: complete\ndata:")
				return
			case s.credential.check(ctx) != nil:
				s.expire()
				return
			}
			written = s.write("event: next\ndata: " + string(body))
		case <-beat.C:
			written = s.write(":")
		case <-recheck.C:
			if s.credential.check(ctx) != nil {
				s.expire()
				return
			}
			recheck.Reset(s.credential.checkAfter(s.endpoint.now(), limits.Recheck))
		}
	}
}

// expire ends a stream whose credential has ended.
func (s events) expire() {
	body, _ := encode(envelope{Errors: errorsOf(string(health.Unauthenticated), "the bearer token is not valid any more")}) // texts always encode
	if s.write("event: next\ndata: " + string(bytes.TrimSpace(body))) {
		s.write("event: complete\ndata:")
	}
}

// write sends an event or a comment at once, and says whether it could. A client that does not take it in time is cut off: the
// server's own bound is for requests that are answered at once.
func (s events) write(text string) bool {
	err := s.control.SetWriteDeadline(time.Now().Add(s.endpoint.streams.limits.Write))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := s.out.Write([]byte(text + "\n\n")); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

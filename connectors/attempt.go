package connectors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"healthgraph/health"
)

// outcome is what came of one attempt.
type outcome struct {
	answer     Answer
	err        error
	verdict    verdict
	again      bool          // another attempt may end better, and does no harm
	retryAfter time.Duration // when the upstream wants it, if it says so
	pause      time.Duration // before it
}

// attempt makes the call once, if the upstream is not left in peace, when it gets its place and as far as the budget allows.
// docs/adr/0009 says why in this order.
func (c *Client) attempt(ctx context.Context, call Call, at *breaker) (o outcome) {
	if wait := at.refuses(); wait > 0 {
		return outcome{err: c.inPeace(wait)}
	}
	turns := c.own
	if call.HTTP != nil {
		// A signed call may still have to wait for a renewal, after an unexpected 401. That is a call of ours: with turns of one
		// kind for both, the calls that wait could hold all of them.
		turns = c.signed
	}
	if err := turns.enter(ctx, call.Method != "" && call.Method != http.MethodGet); err != nil {
		return outcome{err: c.noTurn(err)}
	}
	defer turns.leave()
	if err := c.config.Budget.spend(ctx, call.Essential); err != nil {
		return outcome{err: err}
	}
	epoch, wait := at.permit()
	if wait > 0 {
		return outcome{err: c.inPeace(wait)}
	}
	defer func() { at.record(epoch, o.verdict) }() // which is saysNothing after a panic
	return c.send(ctx, call)
}

// send makes the call within its own deadline, which is never later than ctx's.
func (c *Client) send(ctx context.Context, call Call) outcome {
	limited, cancel := context.WithTimeout(ctx, c.config.Timeout) // waiting for a turn is not the upstream's fault
	defer cancel()
	request, err := c.request(limited, call)
	if err != nil {
		return outcome{err: err}
	}
	answer, err := c.exchange(request, call)
	if err != nil {
		return c.failed(ctx, isIdempotent(request), err)
	}
	o := outcome{answer: answer, verdict: isWell}
	switch {
	case answer.Status >= http.StatusInternalServerError:
		o.verdict, o.again = hasFailed, isIdempotent(request)
	case answer.Status == http.StatusTooManyRequests:
		o.again = isIdempotent(request) && RetryAfter(answer.Header, c.Now()) > 0 // else nobody knows when it would be taken
	}
	if o.again {
		o.retryAfter = RetryAfter(answer.Header, c.Now())
	}
	return o
}

// exchange sends the request and reads all of the answer.
func (c *Client) exchange(request *http.Request, call Call) (Answer, error) {
	sender := c.config.HTTP.Transport
	if call.HTTP != nil {
		sender = call.HTTP.Transport
	}
	if sender == nil {
		sender = http.DefaultTransport
	}
	// Straight to the transport: all that http.Client adds is redirects and cookies, of which we want neither.
	response, err := sender.RoundTrip(request)
	if err != nil {
		return Answer{}, err //nolint:wrapcheck // failed makes a failure of it
	}
	if response.Body == nil {
		response.Body = http.NoBody // a transport that is not net/http's may leave it out
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up: nothing is left to fail
	body, err := readBody(response, c.config.MaxBodyBytes+1)
	if err != nil {
		return Answer{}, err //nolint:wrapcheck // likewise
	}
	if int64(body.Len()) > c.config.MaxBodyBytes {
		return Answer{}, health.Fail(health.UpstreamInvalid, c.config.Upstream+" gave a larger answer than the gateway takes", nil)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body.Bytes(), memory: &memory{body}}, nil
}

// failed is an attempt without a whole answer. Typed failures (a signing transport's) are kept, the address that net/http puts in
// its errors is hidden. What did not come in time is not asked for again: it would take as long, and help nobody.
func (c *Client) failed(caller context.Context, repeatable bool, err error) outcome {
	var typed *health.Error
	if errors.As(err, &typed) {
		return outcome{err: typed}
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var o outcome
	if caller.Err() == nil {
		o.verdict = hasFailed
	}
	if errors.Is(err, context.DeadlineExceeded) {
		o.err = c.unavailable("it did not answer in time", err)
		return o
	}
	o.err = c.unavailable("the connection failed", fmt.Errorf("%T", err)) // its text can hold addresses
	o.again = repeatable || neverSent(err)
	return o
}

// isIdempotent says whether a call does no more when it is made twice.
func isIdempotent(request *http.Request) bool {
	return request.Method == http.MethodGet || request.Method == http.MethodHead
}

// neverSent says whether there was no connection to send anything on.
func neverSent(err error) bool {
	var failure *net.OpError
	return errors.As(err, &failure) && failure.Op == "dial"
}

func (c *Client) inPeace(wait time.Duration) error {
	e := health.Fail(health.UpstreamUnavailable, c.config.Upstream+" is not available: it failed too often, and is left in peace for a moment", nil)
	e.RetryAfter = wholeSeconds(wait)
	return e
}

// crowdedTime is when to ask again where too many wait already.
const crowdedTime = time.Second

func (c *Client) noTurn(cause error) error {
	var e *health.Error
	switch {
	case errors.As(cause, &e): // as Wait has it
		return e
	case errors.Is(cause, errStuck):
		e = health.Fail(health.UpstreamUnavailable, c.config.Upstream+" is not available: it has answered nobody for a while", cause)
	case errors.Is(cause, errCrowded):
		e = health.Fail(health.UpstreamUnavailable, "too many calls to "+c.config.Upstream+" wait for their turn already", cause)
	default:
		return c.unavailable("there was no time left to ask", cause)
	}
	e.RetryAfter = crowdedTime
	return e
}

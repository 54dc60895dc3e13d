package connectors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"healthgraph/health"
)

// UserAgent is sent with every upstream call.
const UserAgent = "healthgraph/1.0"

// ClientConfig makes a Client. Zero limits get the defaults named.
type ClientConfig struct {
	Upstream     string        // the upstream's name, for messages
	BaseURL      string        // absolute http or https URL; a path in it is kept as a prefix
	HTTP         *http.Client  // the transport; nil gets one of its own
	Timeout      time.Duration // of one call, body included; 8 s
	MaxInFlight  int64         // calls at once, signed and unsigned ones each, the others wait for their turn; 16
	MaxBodyBytes int64         // 16 MiB, more is UPSTREAM_INVALID
	Now          func() time.Time
}

// Client makes one upstream's calls with the manners that every connector keeps: explicit headers, a deadline, a bound
// on calls in flight and on body size, no redirect followed (it could carry a credential to another host), and errors
// that never hold an address, a body or a header.
type Client struct {
	config ClientConfig
	base   *url.URL
	turns  *semaphore.Weighted
	signed *semaphore.Weighted // turns of the calls that a person's grant signs
}

// NewClient checks the configuration.
func NewClient(config ClientConfig) (*Client, error) {
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("the base URL of %s must be http:// or https:// with a host, and without a user or query", config.Upstream)
	}
	if config.HTTP == nil {
		config.HTTP = &http.Client{Transport: NewTransport()}
	}
	if config.Timeout == 0 {
		config.Timeout = 8 * time.Second
	}
	if config.MaxInFlight == 0 {
		config.MaxInFlight = 16
	}
	if config.MaxBodyBytes == 0 {
		config.MaxBodyBytes = 16 << 20
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Client{config: config, base: base, turns: semaphore.NewWeighted(config.MaxInFlight), signed: semaphore.NewWeighted(config.MaxInFlight)}, nil
}

// NewTransport gives a transport whose idle connections suffice for many calls at once to one host.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
	}
}

// MaxInFlight is how many calls go out at once: more parallel work than this only waits.
func (c *Client) MaxInFlight() int { return int(c.config.MaxInFlight) }

// Now is the client's clock.
func (c *Client) Now() time.Time { return c.config.Now() }

// Address is the upstream's address with the path elements and query added.
func (c *Client) Address(query url.Values, path ...string) *url.URL {
	u := c.base.JoinPath(escape(path)...)
	u.RawQuery = query.Encode()
	return u
}

// escape keeps whatever stands in an element that one element: a slash, and dots that would otherwise climb up.
func escape(path []string) []string {
	escaped := make([]string, len(path))
	for i, element := range path {
		escaped[i] = url.PathEscape(element)
		if element == "." || element == ".." {
			escaped[i] = strings.ReplaceAll(element, ".", "%2E")
		}
	}
	return escaped
}

// Call is one request to the upstream.
type Call struct {
	Method     string              // GET when empty
	Path       []string            // elements, escaped by the client
	Query      url.Values          //
	JSON       any                 // body; nil sends none
	Form       url.Values          // body, where JSON is nil
	Sign       func(*http.Request) // adds our own credential; nil where HTTP signs
	HTTP       *http.Client        // signs with a person's grant; nil uses the client's own
	Credential Credential
}

// Answer is a whole response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Preparer is a transport that may have to do something before it can sign: renew a grant, or wait for another to. Do
// prepares before it takes a turn and before the call's own time begins.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// Do makes the call and gives any answer, whatever its status. An error means that there was no whole answer.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	turns := c.turns
	if call.HTTP != nil {
		if p, ok := call.HTTP.Transport.(Preparer); ok {
			if err := p.Prepare(ctx); err != nil {
				return Answer{}, c.transportError(err)
			}
		}
		// A signed call may still have to wait for a renewal, after an unexpected 401. That is a call of ours: with turns of one
		// kind for both, the calls that wait could hold all of them.
		turns = c.signed
	}
	if err := turns.Acquire(ctx, 1); err != nil {
		return Answer{}, c.unavailable("there was no time left to ask", err)
	}
	defer turns.Release(1)
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout) // of the call itself: waiting for a turn is not the upstream's fault
	defer cancel()

	request, err := c.request(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	sender := *c.config.HTTP
	if call.HTTP != nil {
		sender = *call.HTTP
	}
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := sender.Do(request)
	if err != nil {
		return Answer{}, c.transportError(err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up: nothing is left to fail
	body, err := readAtMost(response, c.config.MaxBodyBytes+1)
	if err != nil {
		return Answer{}, c.transportError(err)
	}
	if int64(len(body)) > c.config.MaxBodyBytes {
		return Answer{}, health.Fail(health.UpstreamInvalid, c.config.Upstream+" gave a larger answer than the gateway takes", nil)
	}
	return Answer{response.StatusCode, response.Header, body}, nil
}

// readAtMost reads a body, into one piece of memory where its length was told: a page of samples is megabytes.
func readAtMost(response *http.Response, most int64) ([]byte, error) {
	body := bytes.NewBuffer(make([]byte, 0, min(max(response.ContentLength, 0), most)+bytes.MinRead))
	_, err := body.ReadFrom(io.LimitReader(response.Body, most))
	return body.Bytes(), err
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	var body io.Reader
	contentType := ""
	switch {
	case call.JSON != nil:
		encoded, err := json.Marshal(call.JSON)
		if err != nil {
			return nil, health.Fail(health.Internal, "a request could not be written", err)
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	case call.Form != nil:
		body, contentType = bytes.NewReader([]byte(call.Form.Encode())), "application/x-www-form-urlencoded"
	}
	method := call.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, c.Address(call.Query, call.Path...).String(), body)
	if err != nil {
		return nil, health.Fail(health.Internal, "a request could not be made", errors.New("the address or method is malformed"))
	}
	request.Header.Set("User-Agent", UserAgent)
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if call.Sign != nil {
		call.Sign(request)
	}
	return request, nil
}

// transportError keeps typed failures (a signing transport's) and hides the address that net/http puts in its errors.
func (c *Client) transportError(err error) error {
	var typed *health.Error
	if errors.As(err, &typed) {
		return typed
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return c.unavailable("it did not answer in time", err)
	}
	return c.unavailable("the connection failed", fmt.Errorf("%T", err)) // its text can hold addresses
}

func (c *Client) unavailable(why string, cause error) error {
	return health.Fail(health.UpstreamUnavailable, c.config.Upstream+" is not available: "+why, cause)
}

// Failure is FailureFromStatus for this upstream.
func (c *Client) Failure(call Call, answer Answer) error {
	if e := FailureFromStatus(c.config.Upstream, call.Credential, answer.Status, answer.Header, c.Now()); e != nil {
		return e
	}
	return nil
}

// Invalid is the failure of a 2xx answer that is not what was promised. why never holds any of the answer.
func (c *Client) Invalid(why string) error {
	return health.Fail(health.UpstreamInvalid, c.config.Upstream+" gave an answer that the gateway does not understand: the operator has been told", errors.New(why))
}

// GetJSON makes the call and decodes a 200 answer into out. found is false for 204. Any other status is a failure.
func (c *Client) GetJSON(ctx context.Context, call Call, out any) (found bool, err error) {
	answer, err := c.Do(ctx, call)
	if err != nil {
		return false, err
	}
	if err := c.Failure(call, answer); err != nil {
		return false, err
	}
	if answer.Status == http.StatusNoContent {
		return false, nil
	}
	return true, c.Decode(answer, out)
}

// Decode reads a JSON answer into out. What does not fit is UPSTREAM_INVALID, and the cause says no more than where.
func (c *Client) Decode(answer Answer, out any) error {
	err := json.Unmarshal(answer.Body, out)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return c.Invalid(fmt.Sprintf("the JSON field %q has another type than promised", kind.Field))
	case errors.As(err, &syntax):
		return c.Invalid(fmt.Sprintf("not JSON from byte %d on", syntax.Offset))
	default:
		return c.Invalid("not the JSON that was promised")
	}
}

package connectors

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"healthgraph/health"
)

// UserAgent is sent with every upstream call.
const UserAgent = "healthgraph/1.0"

// ClientConfig makes a Client. Zero limits get the defaults named.
type ClientConfig struct {
	Upstream     string        // the upstream's name, for messages
	BaseURL      string        // absolute http or https URL; a path in it is kept as a prefix
	HTTP         *http.Client  // the transport; nil gets one of its own
	Timeout      time.Duration // of one attempt, body included; 8 s
	MaxInFlight  int           // calls at once, signed and unsigned ones each; 16
	MaxWaiting   int           // calls that wait for a turn, likewise, while calls end; the next one fails at once; 2,000
	MaxBodyBytes int64         // 16 MiB, more is UPSTREAM_INVALID
	Retries      int           // how often a call is repeated at most, where that does no harm; 0 = never
	BreakAfter   int           // calls within 10 s, half of them failed, after which a part is left in peace; 0 = never
	BreakFor     time.Duration // for how long, about; 5 s
	Budget       *Budget       // nil where nothing bounds the calls of a day
	Now          func() time.Time
	Log          *slog.Logger // nil discards
}

// Client makes one upstream's calls with the manners that every connector keeps: explicit headers, deadlines, a bound
// on calls in flight and on body size, no redirect followed (it could carry a credential to another host), repetitions where
// they help and do no harm, peace for an upstream that fails, and errors that never hold an address, a body or a header.
type Client struct {
	config  ClientConfig
	base    *url.URL
	own     *places
	signed  *places // turns of the calls that a person's grant signs
	retries *retries

	mu       sync.Mutex
	breakers map[string]*breaker // by part
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
	config.Timeout = cmp.Or(config.Timeout, 8*time.Second)
	config.MaxInFlight = cmp.Or(config.MaxInFlight, 16)
	config.MaxWaiting = cmp.Or(config.MaxWaiting, 2000)
	config.MaxBodyBytes = cmp.Or(config.MaxBodyBytes, 16<<20)
	config.BreakFor = cmp.Or(config.BreakFor, 5*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Client{
		config: config, base: base, retries: newRetries(config.Retries), breakers: map[string]*breaker{},
		own: newPlaces(config.MaxInFlight, config.MaxWaiting, patience(config.Timeout)), signed: newPlaces(config.MaxInFlight, config.MaxWaiting, patience(config.Timeout)),
	}, nil
}

// patience is within what time one of the calls under way has to end for others to wait for their turn: a quarter of an attempt's, but
// not less than 2 s, as calls that wait for a renewal end together. Until an upstream that hangs is found out by its calls' deadlines,
// and left in peace, nobody else is held by it.
func patience(attempt time.Duration) time.Duration {
	return max(attempt/4, min(attempt, 2*time.Second))
}

// connectTime bounds a connection's beginning, and once more TLS on it; the attempt's deadline ends it sooner.
const connectTime = 3 * time.Second

// NewTransport gives a transport whose idle connections suffice for many calls at once to one host.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectTime, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: connectTime,
	}
}

// MaxInFlight is how many calls go out at once: more parallel work than this only waits.
func (c *Client) MaxInFlight() int { return c.config.MaxInFlight }

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
	// Part is what of the upstream may fail while the rest is well, such as its token endpoint: each is left in peace by itself.
	Part       string
	Method     string              // GET when empty
	Path       []string            // elements, escaped by the client
	Query      url.Values          //
	JSON       any                 // body; nil sends none
	Form       url.Values          // body, where JSON is nil
	Sign       func(*http.Request) // adds our own credential; nil where HTTP signs
	HTTP       *http.Client        // signs with a person's grant; nil uses the client's own
	Credential Credential
	Essential  bool // counts in the day's budget, but is made though that is spent
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
//
// A GET is made again, up to Retries times, after a 5xx, a lost connection, or a 429 that says for how long to wait; any other
// call only where there was no connection at all. Nobody waits longer than 2 s for another attempt, nor beyond ctx's deadline.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	at := c.breaker(call.Part)
	if wait := at.refuses(); wait > 0 {
		return Answer{}, c.inPeace(wait)
	}
	if call.HTTP != nil {
		if p, ok := call.HTTP.Transport.(Preparer); ok {
			if err := p.Prepare(ctx); err != nil {
				return Answer{}, c.failed(ctx, false, err).err
			}
		}
	}
	o := c.retries.run(ctx, func() outcome { return c.attempt(ctx, call, at) })
	return o.answer, o.err
}

// breaker is the part's own; nil where nothing is ever left in peace.
func (c *Client) breaker(part string) *breaker {
	if c.config.BreakAfter == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.breakers[part] == nil {
		c.breakers[part] = newBreaker(c.config, part)
	}
	return c.breakers[part]
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

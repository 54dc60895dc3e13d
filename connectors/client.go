package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	Upstream     string        // the upstream's name as Describe has it, for messages and Crowds
	BaseURL      string        // absolute http or https URL; a path in it is kept as a prefix
	HTTP         *http.Client  // whose transport, and nothing else, is used; nil gets one of its own
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
	if base = base.JoinPath(); base.Path == "" {
		base.Path = "/"
	}
	base.Host = strings.TrimSuffix(base.Host, ":") // of a port that is not told
	return &Client{
		config: config, base: base, retries: newRetries(config.Retries), breakers: map[string]*breaker{},
		own: newPlaces(config), signed: newPlaces(config),
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
	HTTP       *http.Client        // whose transport signs with a person's grant; nil uses the client's own
	Credential Credential
	Essential  bool // counts in the day's budget, but is made though that is spent
}

// Answer is a whole response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // until Release

	memory *memory // of Body
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
	c.retries.earn()
	o := c.retries.judged(ctx, c.attempt(ctx, call, at), 0)
	if o.again { // as few are: the others pay for no loop
		o = c.repeat(ctx, call, at, o)
	}
	return o.answer, o.err
}

func (c *Client) repeat(ctx context.Context, call Call, at *breaker, first outcome) outcome {
	return c.retries.run(ctx, first, func() outcome { return c.attempt(ctx, call, at) })
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

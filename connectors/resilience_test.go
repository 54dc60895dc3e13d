package connectors_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/simulators"
)

// paper is a simulated upstream with two parts, and a client of it.
type paper struct {
	*testing.T
	*connectors.Client
	control *simulators.Control
	log     *bytes.Buffer
}

func newPaper(t *testing.T, config connectors.ClientConfig) *paper {
	t.Helper()
	control := simulators.NewControl(&struct{}{})
	mux := http.NewServeMux()
	for _, part := range []string{"data", "tokens"} {
		control.Route(mux, part, "/"+part, func(http.ResponseWriter, *http.Request) {})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	log := &bytes.Buffer{}
	config.Upstream, config.BaseURL, config.Log = "Paper", server.URL, slog.New(slog.NewTextHandler(log, nil))
	c, err := connectors.NewClient(config)
	require.NoError(t, err)
	return &paper{t, c, control, log}
}

func (p *paper) fault(faults ...simulators.Fault) {
	p.Helper()
	require.NoError(p, p.control.SetFaults(faults))
}

// calls counts those that arrived since it was last asked.
func (p *paper) calls() int {
	n := p.control.Calls().Total
	p.control.Reset()
	return n
}

// ask makes a call and gives the failure that a connector makes of what came.
func (p *paper) ask(ctx context.Context, method, part string) *health.Error {
	p.Helper()
	call := connectors.Call{Method: method, Part: part, Path: []string{part}}
	answer, err := p.Do(ctx, call)
	if err == nil {
		err = p.Failure(call, answer)
	}
	if err == nil {
		return nil
	}
	return health.AsError(err)
}

func answers(status int, retryAfter string, times int) simulators.Fault {
	return simulators.Fault{Route: "*", Kind: simulators.KindStatus, Status: status, RetryAfter: retryAfter, Times: times}
}

func code(e *health.Error) health.Code {
	if e == nil {
		return ""
	}
	return e.Code
}

func TestWhatIsRepeated(t *testing.T) {
	cut := simulators.Fault{Route: "*", Kind: simulators.KindTruncated, Times: 1}
	for name, c := range map[string]struct {
		method string
		fault  simulators.Fault
		calls  int
		code   health.Code
	}{
		"a 503, once":                  {"GET", answers(503, "", 1), 2, ""},
		"a 500, twice":                 {"GET", answers(500, "", 2), 3, ""},
		"a 500, for ever":              {"GET", answers(500, "", 0), 3, health.UpstreamUnavailable},
		"an answer that was cut":       {"GET", cut, 2, ""},
		"a 429 that says for how long": {"GET", answers(429, "1", 1), 2, ""},
		"a 429 that does not":          {"GET", answers(429, "", 1), 1, health.RateLimited},
		"a 401":                        {"GET", answers(401, "", 1), 1, health.UpstreamInvalid},
		"a 404":                        {"GET", answers(404, "", 1), 1, health.UpstreamInvalid},
		"a change that met a 503":      {"POST", answers(503, "", 1), 1, health.UpstreamUnavailable},
		"a change that was cut":        {"POST", cut, 1, health.UpstreamUnavailable},
		"a change that met a 429":      {"POST", answers(429, "1", 1), 1, health.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPaper(t, connectors.ClientConfig{Retries: 2})
			p.fault(c.fault)
			assert.Equal(t, c.code, code(p.ask(t.Context(), c.method, "data")))
			assert.Equal(t, c.calls, p.calls())
			assert.Nil(t, p.ask(t.Context(), c.method, "data"), "and without a fault it is answered")
			assert.Equal(t, 1, p.calls())
		})
	}
}

// Who hangs up is not asked again, and what did not come in time is not waited for twice.
func TestSlowCallsAreNotRepeated(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{Retries: 2, Timeout: 50 * time.Millisecond})
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 10_000})
	assert.Equal(t, health.UpstreamUnavailable, code(p.ask(t.Context(), "GET", "data")))
	assert.Equal(t, 1, p.calls())
}

// A change is sent although the connection was refused before: nothing of it had left.
func TestARefusedConnectionIsTriedAgainForAnything(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		p := newPaper(t, connectors.ClientConfig{})
		var dialled int
		dial := (&net.Dialer{}).DialContext
		transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dialled++; dialled == 1 {
				address = "127.0.0.1:1" // where nobody listens
			}
			return dial(ctx, network, address)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		config := connectors.ClientConfig{Upstream: "Paper", BaseURL: p.Address(nil).String(), HTTP: &http.Client{Transport: transport}, Retries: 1}
		c, err := connectors.NewClient(config)
		require.NoError(t, err)
		_, err = c.Do(t.Context(), connectors.Call{Method: method, Path: []string{"data"}})
		require.NoError(t, err, method)
		assert.Equal(t, []int{2, 1}, []int{dialled, p.calls()}, method)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, c := range map[string]struct {
		retryAfter string
		patience   time.Duration
		calls      int
		waited     time.Duration // at least
		told       time.Duration
	}{
		"in seconds":                      {"1", time.Minute, 2, time.Second, 0},
		"as a date":                       {noon.Add(time.Second).Format(http.TimeFormat), time.Minute, 2, time.Second, 0},
		"a date that has passed":          {noon.Add(-time.Hour).Format(http.TimeFormat), time.Minute, 2, 0, 0},
		"longer than anybody should wait": {"3", time.Minute, 1, 0, 3 * time.Second},
		"beyond the caller's deadline":    {"1", 900 * time.Millisecond, 1, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPaper(t, connectors.ClientConfig{Retries: 2, Now: func() time.Time { return noon }})
			p.fault(answers(503, c.retryAfter, 1))
			ctx, cancel := context.WithTimeout(t.Context(), c.patience)
			defer cancel()
			began := time.Now()
			failure := p.ask(ctx, "GET", "data")
			took := time.Since(began)
			assert.Equal(t, c.calls, p.calls())
			assert.GreaterOrEqual(t, took, c.waited)
			if c.calls == 1 {
				assert.Less(t, took, 700*time.Millisecond, "told at once")
				require.NotNil(t, failure)
				assert.Equal(t, c.told, failure.RetryAfter)
			} else {
				assert.Nil(t, failure)
			}
		})
	}
}

// However many calls fail, at most a share of all calls is repetitions.
func TestRepetitionsAreAShareOfAllCalls(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{Retries: 2, MaxInFlight: 50})
	p.fault(answers(500, "", 0))
	connectors.Each(200, 50, func(int) { p.ask(t.Context(), "GET", "data") })
	made := p.calls()
	assert.GreaterOrEqual(t, made, 200+10)
	assert.LessOrEqual(t, made, 200+10+200/10, "ten in the purse, and one for each ten calls")
	assert.Nil(t, p.ask(t.Context(), "GET", "data"))
}

func TestAPauseEndsWhenTheCallerLeaves(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{Retries: 2})
	p.fault(answers(503, "2", 0))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	assert.Equal(t, health.UpstreamUnavailable, code(p.ask(ctx, "GET", "data")))
	assert.Less(t, time.Since(began), time.Second)
	assert.Equal(t, 1, p.calls())
}

func TestAnUpstreamThatFailsIsLeftInPeace(t *testing.T) {
	const pause = 300 * time.Millisecond
	p := newPaper(t, connectors.ClientConfig{BreakAfter: 5, BreakFor: pause})
	p.fault(answers(500, "", 0))
	for range 5 {
		assert.Zero(t, p.ask(t.Context(), "GET", "data").RetryAfter)
	}
	assert.Equal(t, 5, p.control.Calls().Total)
	for range 20 {
		e := p.ask(t.Context(), "GET", "data")
		assert.Equal(t, health.UpstreamUnavailable, e.Code)
		assert.Equal(t, time.Second, e.RetryAfter, "a part of one")
	}
	assert.Equal(t, 5, p.calls(), "none of them arrived") // which lifts the fault as well
	assert.Contains(t, p.log.String(), `level=WARN msg="an upstream fails too often and is left in peace for moments" upstream=Paper part=data calls=5 failed=5`)

	assert.Nil(t, p.ask(t.Context(), "GET", "tokens"), "another part is well")
	assert.Equal(t, 1, p.calls())

	// One of many callers finds out that it is still down, one that it is back.
	time.Sleep(2 * pause)
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindStatus, Status: 503, DelayMs: 100})
	connectors.Each(20, 20, func(int) { p.ask(t.Context(), "GET", "data") })
	assert.Equal(t, 1, p.calls())
	time.Sleep(2 * pause)
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 100})
	connectors.Each(20, 20, func(int) { p.ask(t.Context(), "GET", "data") })
	assert.Equal(t, 1, p.calls())
	assert.Contains(t, p.log.String(), `level=INFO msg="an upstream that was left in peace answers again"`)
	for range 20 {
		assert.Nil(t, p.ask(t.Context(), "GET", "data"))
	}
	assert.Equal(t, 20, p.calls())
}

// Nothing that is a person's or a caller's doing counts against an upstream.
func TestWhatDoesNotCountAsAFailureOfTheUpstream(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 422, 429} {
		p := newPaper(t, connectors.ClientConfig{BreakAfter: 3})
		p.fault(answers(status, "", 0))
		for range 10 {
			p.ask(t.Context(), "GET", "data")
		}
		assert.Equal(t, 10, p.calls(), status)
	}

	p := newPaper(t, connectors.ClientConfig{BreakAfter: 3})
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 10_000})
	for range 10 { // who leave
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		p.ask(ctx, "GET", "data")
		cancel()
	}
	assert.Equal(t, 10, p.calls())
	assert.Nil(t, p.ask(t.Context(), "GET", "data"))

	refused := health.Fail(health.ReauthorizationRequired, "link it again", nil)
	for range 10 { // whose grants can't be used
		_, err := p.Do(t.Context(), connectors.Call{Part: "data", Path: []string{"data"}, HTTP: &http.Client{Transport: failing{refused}}})
		assert.Equal(t, refused, health.AsError(err))
	}
	assert.Nil(t, p.ask(t.Context(), "GET", "data"))
}

type failing struct{ err error }

// RoundTrip fails.
func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// A probe whose caller leaves gives its place back: the breaker stays open for another while, and not for ever.
func TestAProbeThatSaysNothing(t *testing.T) {
	const pause = 100 * time.Millisecond
	p := newPaper(t, connectors.ClientConfig{BreakAfter: 2, BreakFor: pause})
	p.fault(answers(500, "", 0))
	for range 2 {
		p.ask(t.Context(), "GET", "data")
	}
	time.Sleep(2 * pause)
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 10_000})
	p.control.Calls()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	p.ask(ctx, "GET", "data")
	cancel()
	assert.Equal(t, 3, p.calls(), "the probe among them")
	assert.Equal(t, health.UpstreamUnavailable, code(p.ask(t.Context(), "GET", "data")))
	assert.Zero(t, p.calls())
	time.Sleep(2 * pause)
	assert.Nil(t, p.ask(t.Context(), "GET", "data"))
}

// A call that began before the breaker opened says nothing of the time after, whenever it ends.
func TestALateFailureIsNotTakenForTheProbes(t *testing.T) {
	const pause = 300 * time.Millisecond
	p := newPaper(t, connectors.ClientConfig{BreakAfter: 2, BreakFor: pause})
	p.fault(simulators.Fault{Route: "data", Kind: simulators.KindStatus, Status: 500, DelayMs: 600, Times: 1}, answers(500, "", 2),
		simulators.Fault{Route: "data", Kind: simulators.KindSlow, DelayMs: 250, Times: 1})
	var late sync.WaitGroup
	late.Go(func() { p.ask(t.Context(), "GET", "data") })
	require.Eventually(t, func() bool { return p.control.Calls().Total == 1 }, 5*time.Second, time.Millisecond)
	for range 2 {
		p.ask(t.Context(), "GET", "data")
	}
	time.Sleep(pause * 7 / 5)
	assert.Nil(t, p.ask(t.Context(), "GET", "data"), "the probe, during which the late one ends")
	late.Wait()
	assert.Nil(t, p.ask(t.Context(), "GET", "data"), "it is closed, whatever the late one brought")
}

func TestWhoFindsTheQueueFullIsToldAtOnce(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 2, MaxWaiting: 3})
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 300})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { assert.Nil(t, p.ask(t.Context(), "GET", "data"), "two are under way and three wait") })
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	e := p.ask(t.Context(), "GET", "data")
	require.NotNil(t, e)
	assert.Less(t, time.Since(began), 100*time.Millisecond)
	assert.Equal(t, []any{health.UpstreamUnavailable, time.Second}, []any{e.Code, e.RetryAfter})
	all.Wait()
	counted := p.control.Calls()
	assert.Equal(t, []int{5, 2}, []int{counted.Total, counted.PeakInFlight})
	p.fault()
	assert.Nil(t, p.ask(t.Context(), "GET", "data"))
}

// Calls that a person's grant signs have turns of their own: they may wait for a renewal, which is a call of ours.
func TestSignedCallsHaveTurnsOfTheirOwn(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 1, MaxWaiting: 1})
	p.fault(simulators.Fault{Route: "data", Kind: simulators.KindSlow, DelayMs: 500})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { assert.Nil(t, p.ask(t.Context(), "GET", "data")) })
	}
	time.Sleep(100 * time.Millisecond)
	_, err := p.Do(t.Context(), connectors.Call{Path: []string{"tokens"}, HTTP: http.DefaultClient})
	require.NoError(t, err)
	all.Wait()
}

func TestDeadlinesNest(t *testing.T) {
	for _, c := range []struct{ attempt, caller, ends time.Duration }{
		{50 * time.Millisecond, time.Minute, 50 * time.Millisecond},
		{time.Minute, 50 * time.Millisecond, 50 * time.Millisecond},
	} {
		p := newPaper(t, connectors.ClientConfig{Timeout: c.attempt, Retries: 2})
		p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 10_000})
		ctx, cancel := context.WithTimeout(t.Context(), c.caller)
		began := time.Now()
		e := p.ask(ctx, "GET", "data")
		cancel()
		assert.Equal(t, health.UpstreamUnavailable, code(e))
		assert.Contains(t, e.Message, "did not answer in time", fmt.Sprint(c))
		took := time.Since(began)
		assert.GreaterOrEqual(t, took, c.ends)
		assert.Less(t, took, c.ends+3*time.Second)
	}
}

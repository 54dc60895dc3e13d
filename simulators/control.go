// Package simulators is what the simulated upstreams share: a clock that tests can move, a record of the calls that
// arrived, switches for behaviour that the upstream's documentation leaves open, and faults on demand.
//
// Tests and people reach all of it over HTTP, under /_control/ beside the upstream's own endpoints:
//
//	GET, DELETE  /_control/calls     what arrived since the last reset, and how much of it at the same time
//	GET, PATCH   /_control/switches  a partial JSON object is merged in; null restores a switch's initial value
//	PUT, DELETE  /_control/faults    a JSON list of Fault, which replaces the former list
//	GET, POST    /_control/clock     {"now":"2026-03-29T01:00:00Z"}, {"now":"…","frozen":true} or {"advance":"24h"}
//	POST         /_control/reset     all of the above, and the simulator's own data, as at the start
//
// Bad input to these is answered 400 with {"error":"…"} naming what is allowed. Nothing here is protected: a simulator
// is for a developer's machine and for tests, never for an open network.
//
// The package and everything below it import the standard library only, and nothing of the gateway: what a simulator
// says about an upstream must not be copied from the code that it is there to check.
package simulators

import (
	"net/http"
	"reflect"
	"sync"
)

// Control is what every simulator offers tests beside the upstream's own endpoints. Safe for concurrent use once its
// exported fields are set.
type Control struct {
	// Clock is the simulator's clock. NewControl gives each its own; replace it before serving to share one.
	Clock *Clock
	// ErrorBody writes the upstream's own error envelope for a fault of kind "status". Nil answers {"error":"…"}.
	ErrorBody func(r *http.Request, status int) (contentType string, body []byte)
	// UserOf tells whom a request is about where neither its path nor its user_id parameter says so (a bearer token,
	// say), so that a fault can be limited to one person. May be nil; an empty answer means nobody.
	UserOf func(r *http.Request) string

	mu       sync.RWMutex // guards what switches points to
	switches reflect.Value
	initial  []byte

	calls  calls
	faults faults

	resetMu sync.Mutex
	onReset []func()
}

// NewControl returns the control of one simulator. switches points to a struct whose exported fields all carry json
// names and survive a round trip through JSON; its value at this moment is what a reset restores. If the struct has a
// method Validate() error, a change that it refuses is answered 400 and not made. Anything else than a pointer to such
// a struct is a mistake in the program and panics.
func NewControl(switches any) *Control {
	c := &Control{Clock: NewClock(), switches: reflect.ValueOf(switches)}
	if c.switches.Kind() != reflect.Pointer || c.switches.Elem().Kind() != reflect.Struct {
		panic("simulators: NewControl wants a pointer to a struct of switches")
	}
	c.initial = mustMarshal(switches)
	return c
}

// Read runs f while the switches cannot change. f should copy what it needs and return.
func (c *Control) Read(f func()) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	f()
}

// Write runs f while nobody reads the switches, for Go tests that set them without HTTP.
func (c *Control) Write(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// OnReset adds f to what a reset does, after switches, faults, calls and clock are as at the start.
func (c *Control) OnReset(f func()) {
	c.resetMu.Lock()
	defer c.resetMu.Unlock()
	c.onReset = append(c.onReset, f)
}

// Reset restores the initial switches, lifts all faults, forgets the calls, lets the clock follow the machine's clock
// and then runs what OnReset added.
func (c *Control) Reset() {
	c.resetMu.Lock()
	defer c.resetMu.Unlock()
	c.restoreSwitches()
	c.faults.set(nil)
	c.calls.forget()
	c.Clock.Reset()
	for _, f := range c.onReset {
		f()
	}
}

// Calls is a snapshot of what arrived so far.
func (c *Control) Calls() Calls { return c.calls.snapshot() }

// SetFaults replaces the faults in force, first checking each as PUT /_control/faults does.
func (c *Control) SetFaults(list []Fault) error {
	for i := range list {
		if err := list[i].check(c.calls.names()); err != nil {
			return err
		}
	}
	c.faults.set(list)
	return nil
}

// Route registers h at a ServeMux pattern under a route name. Its calls are counted, and faults on that name apply.
// The same name may serve several patterns. The answer is kept back until h returns, so h cannot stream; in exchange a
// call is over, for the counts, before its caller sees the answer.
func (c *Control) Route(mux *http.ServeMux, name, pattern string, h http.HandlerFunc) {
	c.calls.know(name)
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		done := c.calls.begin(name, r)
		a, whole := c.answer(name, h, w, r)
		done(a.status)
		if a.heldBack > 0 && !wait(w, r, a.heldBack) {
			return // the caller has gone
		}
		a.send(w, whole)
	})
}

// answer is the true answer of h, or what a fault makes of it. whole is false if the connection is to break on the way.
func (c *Control) answer(name string, h http.HandlerFunc, w http.ResponseWriter, r *http.Request) (a *answer, whole bool) {
	fault, ok := c.faults.next(name, c.usersOf(r))
	if !ok {
		return record(h, r), true
	}
	return fault.apply(c, h, w, r)
}

func (c *Control) usersOf(r *http.Request) func(user string) bool {
	return func(user string) bool {
		if r.URL.Query().Get("user_id") == user || hasSegment(r.URL.Path, user) {
			return true
		}
		return c.UserOf != nil && c.UserOf(r) == user
	}
}

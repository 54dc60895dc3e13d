package simulators

import (
	"net/http"
	"slices"
	"sync"
)

// logLimit is how many of the latest calls the log keeps; a benchmark makes more than anyone will read.
const logLimit = 10_000

// Calls says what arrived at a simulator since its start, the last DELETE /_control/calls or the last reset.
type Calls struct {
	Total        int                   `json:"total"`
	PeakInFlight int                   `json:"peakInFlight"` // most calls at the same time, over all routes
	Routes       map[string]RouteCalls `json:"routes"`       // every registered route, called or not
	Log          []Call                `json:"log"`          // in order of arrival; the latest 10,000
}

// RouteCalls counts the calls of one route.
type RouteCalls struct {
	Calls        int `json:"calls"`
	PeakInFlight int `json:"peakInFlight"`
}

// Call is one line of the log. It has no headers and no bodies, so that no credential can be read from it.
type Call struct {
	Route  string `json:"route"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query"`
	Status int    `json:"status"` // 0 while the answer is being made, and for ever if the connection was closed first
}

type calls struct {
	mu       sync.Mutex
	total    int
	inFlight int
	peak     int
	routes   map[string]*routeCount
	log      []*Call // a ring once it is full
	oldest   int
}

type routeCount struct{ calls, inFlight, peak int }

func (c *calls) know(route string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.routes == nil {
		c.routes = map[string]*routeCount{}
	}
	if c.routes[route] == nil {
		c.routes[route] = &routeCount{}
	}
}

func (c *calls) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, 0, len(c.routes))
	for name := range c.routes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// begin counts a call as it arrives; the function that it returns ends it.
func (c *calls) begin(route string, r *http.Request) (done func(status int)) {
	call := &Call{Route: route, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	c.mu.Lock()
	defer c.mu.Unlock()
	count := c.routes[route]
	c.total++
	c.inFlight++
	c.peak = max(c.peak, c.inFlight)
	count.calls++
	count.inFlight++
	count.peak = max(count.peak, count.inFlight)
	if len(c.log) < logLimit {
		c.log = append(c.log, call)
	} else {
		c.log[c.oldest] = call
		c.oldest = (c.oldest + 1) % logLimit
	}
	return func(status int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.inFlight--
		count.inFlight--
		call.Status = status
	}
}

// forget starts the counts anew. Calls that are being answered still count towards the next peaks.
func (c *calls) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total, c.peak, c.log, c.oldest = 0, c.inFlight, nil, 0
	for _, count := range c.routes {
		count.calls, count.peak = 0, count.inFlight
	}
}

func (c *calls) snapshot() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Calls{Total: c.total, PeakInFlight: c.peak, Routes: make(map[string]RouteCalls, len(c.routes)), Log: make([]Call, 0, len(c.log))}
	for name, count := range c.routes {
		s.Routes[name] = RouteCalls{Calls: count.calls, PeakInFlight: count.peak}
	}
	for i := range c.log {
		s.Log = append(s.Log, *c.log[(c.oldest+i)%len(c.log)])
	}
	return s
}

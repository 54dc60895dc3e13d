package simulators_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"healthgraph/simulators"
)

func TestCallsAreCounted(t *testing.T) {
	s := start(t)
	s.want("GET", "/greet/u-1?user_id=x", "", 200)
	s.want("POST", "/greet/u-2", "secret body", 200)
	s.want("GET", "/nothing", "", 204)
	got := s.calls()
	if got.Total != 3 || got.PeakInFlight != 1 || got.Routes["greet"].Calls != 2 || got.Routes["nothing"].PeakInFlight != 1 {
		t.Errorf("got %+v", got)
	}
	want := []simulators.Call{
		{Route: "greet", Method: "GET", Path: "/greet/u-1", Query: "user_id=x", Status: 200},
		{Route: "greet", Method: "POST", Path: "/greet/u-2", Status: 200},
		{Route: "nothing", Method: "GET", Path: "/nothing", Status: 204},
	}
	if fmt.Sprint(got.Log) != fmt.Sprint(want) {
		t.Errorf("log %v, want %v", got.Log, want)
	}
	s.want("DELETE", "/_control/calls", "", 204)
	if got := s.calls(); got.Total != 0 || got.PeakInFlight != 0 || len(got.Log) != 0 || got.Routes["greet"].Calls != 0 {
		t.Errorf("after forgetting: %+v", got)
	}
}

func TestPeakInFlight(t *testing.T) {
	s := start(t)
	s.want("PUT", "/_control/faults", `[{"route":"greet","kind":"slow","delayMs":300}]`, 204)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if got := s.do("GET", "/greet/u", ""); got.status != 200 {
				t.Errorf("got %d, %v", got.status, got.err)
			}
		})
	}
	all.Wait()
	if got := s.calls(); got.PeakInFlight != 5 || got.Routes["greet"].PeakInFlight != 5 || got.Routes["nothing"].PeakInFlight != 0 {
		t.Errorf("got %+v", got)
	}
	s.want("DELETE", "/_control/faults", "", 204)
	s.want("DELETE", "/_control/calls", "", 204)
	for range 50 { // one after the other is never two at a time
		s.want("GET", "/greet/u", "", 200)
	}
	if got := s.calls(); got.PeakInFlight != 1 {
		t.Errorf("peak %d of calls made one after the other", got.PeakInFlight)
	}
}

func TestLogIsBounded(t *testing.T) {
	c := simulators.NewControl(&switches{Greeting: "x"})
	mux := http.NewServeMux()
	c.Route(mux, "r", "/{n}", func(http.ResponseWriter, *http.Request) {})
	for i := range 10_050 {
		mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, fmt.Sprint("/", i), nil))
	}
	got := c.Calls()
	if got.Total != 10_050 || len(got.Log) != 10_000 || got.Log[0].Path != "/50" || got.Log[9_999].Path != "/10049" {
		t.Errorf("total %d, %d lines, first %s, last %s", got.Total, len(got.Log), got.Log[0].Path, got.Log[len(got.Log)-1].Path)
	}
}

func TestSwitches(t *testing.T) {
	s := start(t)
	s.want("PATCH", "/_control/switches", `{"greeting":"bonjour","delay":"1m30s"}`, 200, `"bonjour"`, `"1m30s"`, `{"a":true}`)
	s.want("GET", "/greet/u", "", 200, "bonjour")
	s.want("PATCH", "/_control/switches", `{"names":{"b":false}}`, 200, `{"b":false}`, `"bonjour"`)
	s.want("PATCH", "/_control/switches", `{"greeting":null}`, 200, `"hello"`, `{"b":false}`)
	before := s.want("GET", "/_control/switches", "", 200).body
	for body, say := range map[string]string{
		`{"greeting":"x","colour":1}`: "known are greeting, names, delay",
		`{"Greeting":"x"}`:            "unknown switch",
		`{"greeting":7}`:              "greeting",
		`{"greeting":""}`:             "must not be empty",
		`{"delay":"soon"}`:            "not a duration",
		`[]`:                          "bad JSON",
		``:                            "bad JSON",
		`{} {}`:                       "something follows",
	} {
		s.want("PATCH", "/_control/switches", body, 400, `{"error":`, say)
	}
	s.want("GET", "/_control/switches", "", 200, before)
	s.control.Write(func() { s.sw.Greeting = "hola" })
	s.want("GET", "/greet/u", "", 200, "hola")
}

func TestClock(t *testing.T) {
	s := start(t)
	s.want("POST", "/_control/clock", `{"now":"2026-03-29T02:00:00+02:00","frozen":true}`, 200, `"2026-03-29T00:00:00Z"`)
	s.want("POST", "/_control/clock", `{"advance":"24h"}`, 200, `"2026-03-30T00:00:00Z"`)
	s.want("POST", "/_control/clock", `{"now":"2020-01-01T00:00:00Z"}`, 200, `"2020-01-01T00:00:00.`)
	s.want("POST", "/_control/clock", `{"advance":"-1h"}`, 200, `"2019-12-31T23:00:0`)
	first := s.control.Clock.Now()
	time.Sleep(2 * time.Millisecond)
	if now := s.control.Clock.Now(); !now.After(first) || now.Sub(first) > time.Minute {
		t.Errorf("the clock does not run: %s, then %s", first, now)
	}
	for _, body := range []string{`{}`, `{"now":"yesterday"}`, `{"advance":"a day"}`, `{"advance":5}`, `{"now":"2020-01-01T00:00:00Z","advance":"1h"}`, `{"advance":"1h","frozen":true}`, `{"tomorrow":1}`, `x`} {
		s.want("POST", "/_control/clock", body, 400, "advance", "2026-03-29T01:00:00Z")
	}
}

func TestResetRestoresEverything(t *testing.T) {
	s := start(t)
	ran := 0
	s.control.OnReset(func() { ran++ })
	initial := s.want("GET", "/_control/switches", "", 200).body
	s.want("PATCH", "/_control/switches", `{"greeting":"x","names":{"z":true},"delay":"1s"}`, 200)
	s.want("PUT", "/_control/faults", `[{"route":"*","kind":"status","status":500}]`, 204)
	s.want("POST", "/_control/clock", `{"advance":"9000h"}`, 200)
	s.want("GET", "/greet/u", "", 500)
	s.want("POST", "/_control/reset", "", 204)
	if got := s.calls(); got.Total != 0 || ran != 1 {
		t.Errorf("%d calls remain, own data restored %d times", got.Total, ran)
	}
	s.want("GET", "/_control/switches", "", 200, initial)
	s.want("GET", "/greet/u", "", 200, "hello")
	if off := time.Until(s.control.Clock.Now()).Abs(); off > time.Minute {
		t.Errorf("the clock is %s off", off)
	}
}

func TestUnknownControlIsNotTheUpstreams(t *testing.T) {
	s := start(t)
	s.want("GET", "/_control/call", "", 404, `{"error":"allowed are`)
	s.want("POST", "/_control/calls", "", 404, `{"error":"allowed are`)
}

func TestNewControlWantsAStruct(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	simulators.NewControl(switches{})
}

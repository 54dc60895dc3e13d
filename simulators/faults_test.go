package simulators_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"
)

func TestStatusFaults(t *testing.T) {
	s := start(t)
	s.want("PUT", "/_control/faults", `[{"route":"greet","kind":"status","status":429,"retryAfter":"30"}]`, 204)
	got := s.want("GET", "/greet/u", "", 429, `{"error":"Too Many Requests"}`)
	if got.header.Get("Retry-After") != "30" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got.header)
	}
	s.want("GET", "/nothing", "", 204)
	s.control.ErrorBody = func(r *http.Request, status int) (string, []byte) {
		return "text/plain", []byte(r.URL.Path + http.StatusText(status))
	}
	got = s.want("GET", "/greet/u", "", 429, "/greet/uToo Many Requests")
	if got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("headers %v", got.header)
	}
	if log := s.calls().Log; len(log) != 3 || log[0].Status != 429 {
		t.Errorf("log %v", log)
	}
	s.want("DELETE", "/_control/faults", "", 204)
	s.want("GET", "/greet/u", "", 200, "hello")
}

func TestFaultsAreLimited(t *testing.T) {
	s := start(t)
	s.control.UserOf = func(r *http.Request) string { return r.Header.Get("X-User") }
	s.want("PUT", "/_control/faults", `[{"route":"greet","user":"u-1","kind":"status","status":503,"times":2},{"route":"nothing","user":"u-1","kind":"status","status":401}]`, 204)
	s.want("GET", "/greet/u-2", "", 200)
	s.want("GET", "/greet/u-11", "", 200)
	s.want("GET", "/greet/u-1", "", 503)
	s.want("GET", "/greet/u-2?user_id=u-1", "", 503)
	s.want("GET", "/greet/u-1", "", 200)
	s.want("GET", "/nothing?user_id=u-1", "", 401)
	s.want("GET", "/nothing", "", 204)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/nothing", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-User", "u-1")
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("told by UserOf: %d, %v", res.StatusCode, err)
	}
}

func TestFaultsThatSpoilTheAnswer(t *testing.T) {
	s := start(t)
	fault := func(kind string) {
		t.Helper()
		s.want("PUT", "/_control/faults", `[{"route":"*","kind":"`+kind+`"}]`, 204)
	}
	fault("broken_json")
	for _, path := range []string{"/greet/u", "/nothing"} {
		if got := s.want("GET", path, "", 200); json.Valid([]byte(got.body)) || got.body == "" {
			t.Errorf("broken_json answers %q", got.body)
		}
	}
	fault("html")
	if got := s.want("GET", "/greet/u", "", 200, "<p>"); got.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("headers %v", got.header)
	}
	fault("empty")
	if got := s.want("GET", "/greet/u", "", 200); got.body != "" {
		t.Errorf("empty answers %q", got.body)
	}
	fault("truncated")
	for _, path := range []string{"/greet/u", "/nothing"} {
		if got := s.do("GET", path, ""); got.status != 200 || !errors.Is(got.err, io.ErrUnexpectedEOF) || got.body == "" {
			t.Errorf("truncated answers %d %q, %v", got.status, got.body, got.err)
		}
	}
	fault("disconnect")
	if got := s.do("GET", "/greet/u", ""); got.err == nil {
		t.Errorf("disconnect answers %d %q", got.status, got.body)
	}
	log := s.calls().Log
	if last := log[len(log)-1]; last.Status != 0 {
		t.Errorf("a call without an answer has status %d in the log", last.Status)
	}
	s.want("GET", "/_control/switches", "", 200, "hello")
}

func TestSlowAnswersAreTrue(t *testing.T) {
	s := start(t)
	s.want("PUT", "/_control/faults", `[{"route":"greet","kind":"slow","delayMs":60,"times":1},{"route":"greet","kind":"status","status":502,"delayMs":60}]`, 204)
	begin := time.Now()
	s.want("POST", "/greet/u", "my body", 200, "hello", "my body")
	s.want("GET", "/greet/u", "", 502)
	if took := time.Since(begin); took < 120*time.Millisecond {
		t.Errorf("two delays of 60 ms took %s", took)
	}
}

func TestALateAnswerIsOfWorkThatIsDone(t *testing.T) {
	s := start(t)
	s.want("PUT", "/_control/faults", `[{"route":"greet","kind":"late","delayMs":60,"times":1},{"route":"greet","kind":"late","delayMs":600000}]`, 204)
	begin := time.Now()
	s.want("POST", "/greet/u", "my body", 200, "hello", "my body")
	if took := time.Since(begin); took < 60*time.Millisecond {
		t.Errorf("a delay of 60 ms took %s", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/greet/u", nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() {
		res, err := s.Client().Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		left <- err
	}()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if log := s.calls().Log; len(log) == 2 && log[1].Status == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the work is not done")
		}
	}
	select {
	case err := <-left:
		t.Fatalf("answered: %v", err)
	default:
	}
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSlowEndsWhenTheCallerLeaves(t *testing.T) {
	s := start(t)
	s.want("PUT", "/_control/faults", `[{"route":"greet","kind":"slow","delayMs":600000}]`, 204)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/greet/u", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := s.Client().Do(req); err == nil {
		t.Errorf("got %d", res.StatusCode)
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.want("DELETE", "/_control/calls", "", 204)
		if s.calls().PeakInFlight == 0 { // forgetting keeps what is still being answered
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the call is still being answered")
		}
	}
}

func TestBadFaultsAreRefused(t *testing.T) {
	s := start(t)
	s.want("PUT", "/_control/faults", `[{"route":"greet","kind":"empty"}]`, 204)
	for body, say := range map[string]string{
		`[{"route":"greeting","kind":"empty"}]`:                   "known are *, greet, nothing",
		`[{"kind":"empty"}]`:                                      "known are *, greet, nothing",
		`[{"route":"*","kind":"explode"}]`:                        "known are status, slow, broken_json, html, empty, disconnect, truncated, late",
		`[{"route":"*"}]`:                                         "unknown kind",
		`[{"route":"*","kind":"status"}]`:                         "200 to 599",
		`[{"route":"*","kind":"status","status":600}]`:            "200 to 599",
		`[{"route":"*","kind":"empty","status":500}]`:             "belong to kind",
		`[{"route":"*","kind":"empty","retryAfter":"1"}]`:         "belong to kind",
		`[{"route":"*","kind":"slow"}]`:                           "needs delayMs",
		`[{"route":"*","kind":"late"}]`:                           "needs delayMs",
		`[{"route":"*","kind":"slow","delayMs":-1}]`:              "from 0 to 600000",
		`[{"route":"*","kind":"slow","delayMs":600001}]`:          "from 0 to 600000",
		`[{"route":"*","kind":"empty","times":-1}]`:               "times",
		`[{"route":"*","kind":"empty"},{"route":"*","kind":"?"}]`: "unknown kind",
		`[{"route":"*","kind":"empty","after":1}]`:                "retryAfter, delayMs, times",
		`{"route":"*","kind":"empty"}`:                            "JSON list",
		``:                                                        "JSON list",
		`[{"route":"*","kind":"status","status":"500"}]`:          "JSON list",
	} {
		s.want("PUT", "/_control/faults", body, 400, `{"error":`, say)
	}
	if got := s.want("GET", "/greet/u", "", 200); got.body != "" {
		t.Error("a refused list took the place of the one in force")
	}
}

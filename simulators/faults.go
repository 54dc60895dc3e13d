package simulators

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a Fault can do to a call. Kinds that need the true answer let the endpoint do its work; the others keep it from
// being called at all.
const (
	KindStatus     = "status"      // the given status with the upstream's error envelope; the endpoint is not called
	KindSlow       = "slow"        // the true answer, after the delay
	KindBrokenJSON = "broken_json" // status 200, the true answer cut in the middle
	KindHTML       = "html"        // status 200 and a page of HTML, as a proxy would answer; the endpoint is not called
	KindEmpty      = "empty"       // status 200 and an empty body; the endpoint is not called
	KindDisconnect = "disconnect"  // the connection is closed without an answer; the endpoint is not called
	KindTruncated  = "truncated"   // the true answer, the connection closed in the middle of its body
	KindLate       = "late"        // the endpoint does its work at once, and its true answer is held back for the delay
)

var kinds = []string{KindStatus, KindSlow, KindBrokenJSON, KindHTML, KindEmpty, KindDisconnect, KindTruncated, KindLate}

const (
	maxBody  = 1 << 20
	maxDelay = 10 * time.Minute
)

// Fault makes an endpoint misbehave. Of several that match a call, the first in the list applies.
//
// The call that a KindLate holds back is over for the counts, and has its status in the log, once the endpoint has done its
// work: so a test knows that it has. A caller who leaves before a KindSlow is over has not reached the endpoint.
//
// On KindDisconnect: Go's own HTTP client silently repeats a GET whose reused connection was closed before the first
// byte of an answer, so a fault that happens once may go unseen by it; two calls then stand in the log.
type Fault struct {
	Route      string `json:"route"`                // a route's name, or "*" for all
	User       string `json:"user,omitempty"`       // only calls about this user id; empty means everybody
	Kind       string `json:"kind"`                 // one of the kinds above
	Status     int    `json:"status,omitempty"`     // for KindStatus: 200–599
	RetryAfter string `json:"retryAfter,omitempty"` // for KindStatus: the Retry-After header, seconds or an HTTP date
	DelayMs    int    `json:"delayMs,omitempty"`    // real milliseconds to wait first, of KindLate last; at most ten minutes
	Times      int    `json:"times,omitempty"`      // how many calls it applies to; 0 means until it is lifted
}

func (f *Fault) check(routes []string) error {
	switch {
	case f.Route != "*" && !slices.Contains(routes, f.Route):
		return fmt.Errorf("unknown route %q; known are *, %s", f.Route, strings.Join(routes, ", "))
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("unknown kind %q; known are %s", f.Kind, strings.Join(kinds, ", "))
	case f.Kind == KindStatus && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("kind %q needs a status from 200 to 599, not %d", f.Kind, f.Status)
	case f.Kind != KindStatus && (f.Status != 0 || f.RetryAfter != ""):
		return fmt.Errorf("status and retryAfter belong to kind %q, not to %q", KindStatus, f.Kind)
	case f.DelayMs < 0 || f.DelayMs > int(maxDelay/time.Millisecond):
		return fmt.Errorf("delayMs must be from 0 to %d, not %d", maxDelay/time.Millisecond, f.DelayMs)
	case (f.Kind == KindSlow || f.Kind == KindLate) && f.DelayMs == 0:
		return fmt.Errorf("kind %q needs delayMs", f.Kind)
	case f.Times < 0:
		return errors.New("times must not be negative; 0 means until the fault is lifted")
	}
	return nil
}

// apply answers a call as the fault has it.
func (f *Fault) apply(c *Control, h http.HandlerFunc, w http.ResponseWriter, r *http.Request) (a *answer, whole bool) {
	delay := time.Duration(f.DelayMs) * time.Millisecond
	if delay > 0 && f.Kind != KindLate && !wait(w, r, delay) {
		return &answer{}, false
	}
	switch f.Kind {
	case KindStatus:
		contentType, body := "application/json", mustMarshal(map[string]string{"error": http.StatusText(f.Status)})
		if c.ErrorBody != nil {
			contentType, body = c.ErrorBody(r, f.Status)
		}
		a = plain(f.Status, contentType, body)
		if f.RetryAfter != "" {
			a.header.Set("Retry-After", f.RetryAfter)
		}
		return a, true
	case KindHTML:
		return plain(http.StatusOK, "text/html; charset=utf-8", []byte("<!doctype html><title>Please wait</title><p>Please wait.</p>")), true
	case KindEmpty:
		return plain(http.StatusOK, "application/json", nil), true
	case KindDisconnect:
		return &answer{}, false
	case KindLate:
		a = record(h, r)
		a.heldBack = delay
		return a, true
	}
	a = record(h, r)
	if a.body.Len() == 0 && f.Kind != KindSlow { // an answer without a body cannot be cut: one that can stands in
		a = plain(http.StatusOK, "application/json", []byte(`{"data":["cut here"]}`))
	}
	if f.Kind == KindBrokenJSON {
		a.status = http.StatusOK
		a.body.Truncate(a.body.Len() / 2)
	}
	return a, f.Kind != KindTruncated
}

// wait reports whether the caller is still there after d. It reads the body first, because net/http notices that a
// caller has left only once the body has been read.
func wait(w http.ResponseWriter, r *http.Request, d time.Duration) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

type faults struct {
	mu   sync.Mutex
	list []Fault
	used []int
}

func (f *faults) set(list []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.used = slices.Clone(list), make([]int, len(list))
}

// next is the fault that applies to a call about the users that about accepts, spent once by asking.
func (f *faults) next(route string, about func(user string) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fault := range f.list {
		spent := fault.Times > 0 && f.used[i] >= fault.Times
		if spent || (fault.Route != "*" && fault.Route != route) || (fault.User != "" && !about(fault.User)) {
			continue
		}
		f.used[i]++
		return fault, true
	}
	return Fault{}, false
}

func hasSegment(path, segment string) bool {
	return segment != "" && slices.Contains(strings.Split(path, "/"), segment)
}

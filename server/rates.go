package server

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server/ratelimit"
)

// RateLimits are how many requests, and operations over WebSockets, are answered.
type RateLimits struct {
	Limiter *ratelimit.Limiter
	// MeasureOnly answers all, and logs what would have been refused.
	MeasureOnly bool
	// Person and Service are of each caller, by their token's subject. Person is also of what all services together ask about
	// one person.
	Person, Service ratelimit.Limit
	// Failures are of tokens that are not good, by the address they came from.
	Failures ratelimit.Limit
}

// The kinds of limits, which are also their names in the headers RateLimit and RateLimit-Policy, and in the log.
const (
	limitPerson   = "person"
	limitService  = "service"
	limitActedFor = "actedFor" // a person, whichever service asks about them
	limitFailures = "failures"
)

const tellEvery = time.Minute

// rates count requests and refuse those that are too many. nil counts nothing.
type rates struct {
	RateLimits

	proxies Proxies
	log     *slog.Logger

	mu      sync.Mutex
	refused map[string]int // since it was last told, by kind
	told    time.Time
	warned  time.Time
}

func newRates(c *RateLimits, proxies Proxies, log *slog.Logger) *rates {
	if c == nil {
		return nil
	}
	return &rates{RateLimits: *c, proxies: proxies, log: log, refused: map[string]int{}}
}

// lets says whether a request of somebody who is known may go on, and answers it otherwise.
func (l *rates) lets(w http.ResponseWriter, r *http.Request, caller callers.Caller) bool {
	if l == nil {
		return true
	}
	kind, limit, result := l.count(r.Context(), caller)
	if l.MeasureOnly {
		return true
	}
	w.Header().Set("RateLimit-Policy", `"`+kind+`";q=`+strconv.Itoa(limit.Burst)+";w="+strconv.Itoa(seconds(limit.Window())))
	w.Header().Set("RateLimit", `"`+kind+`";r=`+strconv.Itoa(result.Remaining)+";t="+strconv.Itoa(seconds(result.Wait)))
	if !result.Allowed {
		tooMany(w, r, result.Wait)
	}
	return result.Allowed
}

// wait counts a connection or an operation of somebody who is known that came over a WebSocket. It gives the time that they have
// to wait where it is one too many, and 0 otherwise.
func (l *rates) wait(ctx context.Context, caller callers.Caller) time.Duration {
	if l == nil {
		return 0
	}
	if _, _, result := l.count(ctx, caller); !result.Allowed && !l.MeasureOnly {
		return result.Wait
	}
	return 0
}

// count takes one request from a caller's bucket, and logs what did not fit.
func (l *rates) count(ctx context.Context, caller callers.Caller) (kind string, limit ratelimit.Limit, result ratelimit.Result) {
	kind, limit = limitPerson, l.Person
	if caller.IsService() {
		kind, limit = limitService, l.Service
	}
	result = l.Limiter.Take(ctx, kind, string(caller.Subject), limit)
	if !result.Allowed {
		l.tell(ctx, kind, 1)
	}
	return kind, limit, result
}

// admit counts an operation of a service for each of the people whom it is about, and gives those for whom it is one too many,
// with the time to wait. A person's own requests are counted elsewhere: a service that asks too much does not lock them out.
func (l *rates) admit(ctx context.Context, people []health.UserID) map[health.UserID]time.Duration {
	names := make([]string, len(people))
	for i, person := range people {
		names[i] = string(person)
	}
	refused := map[health.UserID]time.Duration{}
	for i, result := range l.Limiter.TakeAll(ctx, limitActedFor, names, l.Person) {
		if !result.Allowed {
			refused[people[i]] = result.Wait
		}
	}
	if len(refused) > 0 {
		l.tell(ctx, limitActedFor, len(refused))
	}
	if l.MeasureOnly {
		return nil
	}
	return refused
}

// messageTooMany goes with the extensions of tooManyExtensions.
const messageTooMany = "too many requests: ask again after retryAfter"

func tooManyExtensions(wait time.Duration) map[string]any {
	return map[string]any{"code": health.RateLimited, "retryAfter": health.Duration(wait).String()}
}

func tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
	refuseWith(w, r, http.StatusTooManyRequests, messageTooMany, tooManyExtensions(wait))
}

// tell logs how many were refused, or would have been, once a minute and without saying who.
func (l *rates) tell(ctx context.Context, kind string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[kind] += n
	if now := time.Now(); l.told.IsZero() || now.Sub(l.told) >= tellEvery {
		message := "requests were refused by the rate limits"
		if l.MeasureOnly {
			message = "requests would have been refused by the rate limits"
		}
		var counts []any
		for _, each := range []string{limitPerson, limitService, limitActedFor, limitFailures} {
			counts = append(counts, each, l.refused[each])
		}
		l.log.WarnContext(ctx, message, counts...)
		l.told = now
		clear(l.refused)
	}
}

// seconds are those of a header: whole, rounded up.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// limited lets nobody pass who asks too much. It stands behind the authentication, which says who asks.
type limited struct {
	rates *rates
	next  http.Handler
}

func (h limited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.rates.lets(w, r, callers.FromContext(r.Context())) {
		h.next.ServeHTTP(w, r)
	}
}

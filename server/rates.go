package server

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server/ratelimit"
)

// RateLimits are how many requests are answered.
type RateLimits struct {
	Limiter *ratelimit.Limiter
	// MeasureOnly answers all, and logs what would have been refused.
	MeasureOnly bool
	// Person and Service are of each caller, by their token's subject.
	Person, Service ratelimit.Limit
	// Failures are of tokens that are not good, by the address they came from.
	Failures ratelimit.Limit
}

// The kinds of limits, which are also their names in the headers RateLimit and RateLimit-Policy.
const (
	limitPerson   = "person"
	limitService  = "service"
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
	kind, limit := limitPerson, l.Person
	if caller.IsService() {
		kind, limit = limitService, l.Service
	}
	result := l.Limiter.Take(r.Context(), kind, string(caller.Subject), limit)
	if l.MeasureOnly {
		if !result.Allowed {
			l.tell(r.Context(), kind)
		}
		return true
	}
	w.Header().Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", kind, limit.Burst, seconds(limit.Window())))
	w.Header().Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", kind, result.Remaining, seconds(result.Wait)))
	if result.Allowed {
		return true
	}
	l.tooMany(w, r, kind, result.Wait)
	return false
}

// letsTry says whether tokens of the request's address are looked at, and answers it otherwise: where too many were not good, not
// even a good one is, or guessing would be as quick as before.
func (l *rates) letsTry(w http.ResponseWriter, r *http.Request) bool {
	if l == nil || l.MeasureOnly {
		return true
	}
	address, known := l.addressOf(r)
	if !known {
		return true
	}
	wait := l.Limiter.Denied(limitFailures, address)
	if wait > 0 {
		l.tooMany(w, r, limitFailures, wait)
	}
	return wait <= 0
}

// failed counts a token that was not good. It says whether the caller may be told so, and answers the request otherwise.
func (l *rates) failed(w http.ResponseWriter, r *http.Request) bool {
	if l == nil || r.Header.Get("Authorization") == "" { // without a token nothing was guessed
		return true
	}
	address, known := l.addressOf(r)
	if !known {
		return true
	}
	result := l.Limiter.Take(r.Context(), limitFailures, address, l.Failures)
	switch {
	case result.Allowed:
		return true
	case l.MeasureOnly:
		l.tell(r.Context(), limitFailures)
		return true
	default:
		l.tooMany(w, r, limitFailures, result.Wait)
		return false
	}
}

// addressOf is the address that failures are counted by: of IPv6 the network of 64 bits, which is one customer's. It is not
// known where a proxy of a private network sends on what others ask, and nobody said that it is trusted: counting it would let
// one stranger stop everybody.
func (l *rates) addressOf(r *http.Request) (string, bool) {
	address := l.proxies.client(r)
	if at := peer(r); r.Header.Get("X-Forwarded-For") != "" && (at.IsPrivate() || at.IsLoopback()) && !l.proxies.trusts(at) {
		l.warn(r.Context())
		return "", false
	}
	if address.Is6() {
		network, err := address.Prefix(64)
		return network.String(), err == nil
	}
	return address.String(), address != netip.Addr{}
}

func (l *rates) tooMany(w http.ResponseWriter, r *http.Request, kind string, wait time.Duration) {
	l.tell(r.Context(), kind)
	w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
	refuseWith(w, r, http.StatusTooManyRequests, "too many requests: ask again after retryAfter", map[string]any{
		"code": health.RateLimited, "retryAfter": health.Duration(wait).String(),
	})
}

// tell logs how many were refused, or would have been, once a minute and without saying who.
func (l *rates) tell(ctx context.Context, kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[kind]++
	if now := time.Now(); l.told.IsZero() || now.Sub(l.told) >= tellEvery {
		message := "requests were refused by the rate limits"
		if l.MeasureOnly {
			message = "requests would have been refused by the rate limits"
		}
		l.log.WarnContext(ctx, message, limitPerson, l.refused[limitPerson], limitService, l.refused[limitService], limitFailures, l.refused[limitFailures])
		l.told = now
		clear(l.refused)
	}
}

func (l *rates) warn(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.warned.IsZero() || now.Sub(l.warned) >= tellEvery {
		l.warned = now
		l.log.WarnContext(ctx, "a proxy is in front that HEALTHGRAPH_TRUSTED_PROXIES does not name: failed authentications are not limited, as it is not known whose they are")
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

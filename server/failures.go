package server

import (
	"context"
	"net/http"
	"net/netip"
	"time"
)

// letsTry says whether tokens of the request's address are looked at, and answers it otherwise: where too many were not good, not
// even a good one is, or guessing would be as quick as before.
func (l *rates) letsTry(w http.ResponseWriter, r *http.Request) bool {
	wait := l.barred(r.Context(), l.sourceOf(r))
	if wait > 0 {
		tooMany(w, r, wait)
	}
	return wait <= 0
}

// failed counts a token that was not good. It says whether the caller may be told so, and answers the request otherwise.
func (l *rates) failed(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "" { // without a token nothing was guessed
		return true
	}
	wait := l.failure(r.Context(), l.sourceOf(r))
	if wait > 0 {
		tooMany(w, r, wait)
	}
	return wait <= 0
}

// source is where a token came from: the address that failures are counted by, "" where they are not.
type source string

func (l *rates) sourceOf(r *http.Request) source {
	if l == nil {
		return ""
	}
	address, known := l.addressOf(r)
	if !known {
		return ""
	}
	return source(address)
}

// barred is for how long no token from there is looked at.
func (l *rates) barred(ctx context.Context, from source) time.Duration {
	if from == "" || l.MeasureOnly {
		return 0
	}
	wait := l.Limiter.Denied(limitFailures, string(from))
	if wait > 0 {
		l.tell(ctx, limitFailures, 1)
	}
	return wait
}

// failure counts a token that was not good. Whoever sent it is told so, unless there is a time to wait.
func (l *rates) failure(ctx context.Context, from source) time.Duration {
	if from == "" {
		return 0
	}
	result := l.Limiter.Take(ctx, limitFailures, string(from), l.Failures)
	if result.Allowed {
		return 0
	}
	l.tell(ctx, limitFailures, 1)
	if l.MeasureOnly {
		return 0
	}
	return result.Wait
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

func (l *rates) warn(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.warned.IsZero() || now.Sub(l.warned) >= tellEvery {
		l.warned = now
		l.log.WarnContext(ctx, "a proxy is in front that HEALTHGRAPH_TRUSTED_PROXIES does not name: failed authentications are not limited, as it is not known whose they are")
	}
}

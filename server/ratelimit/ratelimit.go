// Package ratelimit counts requests against limits. Each key has a bucket that holds a burst and fills at an even pace (the
// generic cell rate algorithm, GCRA: a bucket is one instant, that at which it is full again). Buckets are in this process, or
// shared by several in a Redis. Keys are keyed hashes: who they are of can't be told from them.
package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Limit is how many requests fit.
type Limit struct {
	PerMinute int // the pace at which a bucket fills
	Burst     int // what a full one holds: requests at once
}

// The bounds of a limit.
const (
	MaxPerMinute = 6_000_000 // ten microseconds a request
	MaxBurst     = 1_000_000
)

// ParseLimit reads a limit as it is written in settings: 600/100 is 600 a minute, 100 of them at once. Its error does not
// repeat it.
func ParseLimit(text string) (Limit, error) {
	minute, burst, _ := strings.Cut(text, "/")
	perMinute, err := strconv.Atoi(minute)
	atOnce, burstErr := strconv.Atoi(burst)
	if err != nil || burstErr != nil || perMinute < 1 || perMinute > MaxPerMinute || atOnce < 1 || atOnce > MaxBurst {
		return Limit{}, errors.New("must be requests a minute and requests at once, such as 600/100")
	}
	return Limit{perMinute, atOnce}, nil
}

// Window is the time in which an empty bucket fills.
func (l Limit) Window() time.Duration { return time.Duration(l.Burst) * l.interval() }

// interval is the time in which one request more fits.
func (l Limit) interval() time.Duration { return time.Minute / time.Duration(l.PerMinute) }

// Result is what came of counting a request.
type Result struct {
	Allowed   bool
	Remaining int           // how many more fit at once
	Wait      time.Duration // until one more fits than Remaining
}

// result is that of a bucket that is full again after missing, which counts the request if it was allowed.
func (l Limit) result(allowed bool, missing time.Duration) Result {
	interval := l.interval()
	taken := (missing + interval - 1) / interval
	remaining := max(0, l.Burst-int(taken))
	return Result{allowed, remaining, missing - time.Duration(l.Burst-remaining-1)*interval}
}

// take counts one request in a bucket that is full at the instant full, if it fits. It gives the instant anew.
func (l Limit) take(now, full time.Time) (time.Time, Result) {
	missing := min(max(0, full.Sub(now)), l.Window()) // a limit that was changed, and clocks that were, end here
	after := missing + l.interval()
	if after > l.Window() {
		return now.Add(missing), l.result(false, missing)
	}
	return now.Add(after), l.result(true, after)
}

// Config makes a Limiter.
type Config struct {
	// RedisURL is where the buckets are shared (redis://… or rediss://…); empty keeps them in this process.
	RedisURL string
	// Key is what keys are hashed with: the same for all processes that share buckets. At least 32 bytes.
	Key []byte
	// Keys is how many buckets this process keeps at most: the ones that were not used for longest are forgotten first.
	Keys int
	Now  func() time.Time
	Log  *slog.Logger
}

// Limiter counts requests. It is safe for concurrent use.
type Limiter struct {
	key    []byte
	now    func() time.Time
	local  *buckets
	denied *buckets // until when a key is known to be refused
	shared *shared  // nil where nothing is
}

// New connects to nothing yet: a Redis that is down delays no start.
func New(c Config) (*Limiter, error) {
	if len(c.Key) < sha256.Size {
		return nil, errors.New("the key of rate limits is too short")
	}
	local, err := newBuckets(c.Keys)
	if err != nil {
		return nil, err
	}
	denied, err := newBuckets(c.Keys)
	if err != nil {
		return nil, err
	}
	l := &Limiter{key: c.Key, now: c.Now, local: local, denied: denied}
	if c.RedisURL != "" {
		if l.shared, err = newShared(c.RedisURL, c.Now, c.Log); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Take counts one request of somebody. kind keeps apart those who have the same name and another limit. It never fails: while
// the Redis is away this process counts for itself.
func (l *Limiter) Take(ctx context.Context, kind, name string, limit Limit) Result {
	return l.TakeAll(ctx, kind, []string{name}, limit)[0]
}

// TakeAll counts one request for each of several names, which are different from each other, each in its own bucket. However many
// they are, a Redis is asked once.
func (l *Limiter) TakeAll(ctx context.Context, kind string, names []string, limit Limit) []Result {
	if len(names) == 0 {
		return nil
	}
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = l.hash(kind, name)
	}
	var results []Result
	if l.shared != nil {
		results = l.shared.take(ctx, keys, limit)
	}
	if results == nil {
		results = l.local.take(keys, l.now(), limit)
	}
	for i, result := range results {
		if !result.Allowed {
			l.denied.set(keys[i], l.now().Add(result.Wait))
		}
	}
	return results
}

// Denied is for how long this process knows that Take would refuse somebody; 0 if it does not. It counts nothing and asks
// nobody.
func (l *Limiter) Denied(kind, name string) time.Duration {
	return max(0, l.denied.get(l.hash(kind, name)).Sub(l.now()))
}

// Close ends the connections.
func (l *Limiter) Close() error {
	if l.shared == nil {
		return nil
	}
	return l.shared.close()
}

// hash is the key of somebody's bucket: 144 bits of HMAC-SHA-256.
func (l *Limiter) hash(kind, name string) string {
	mac := hmac.New(sha256.New, l.key)
	_, _ = mac.Write([]byte(kind + "\x00" + name)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

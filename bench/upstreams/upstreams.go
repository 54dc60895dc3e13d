// Package upstreams answers for ROOK and OneTwentyOne with bytes that were made beforehand, so that a measurement sees what asks
// them and not what answers. The wire formats are those of docs/upstreams and of the simulators; no code of the gateway's is used.
//
// What somebody has linked and walked follows from their id alone, so that everybody who asks is told the same:
//
//   - a ROOK user_id "none-…" has no source linked, "garmin-…" Garmin alone, and any other some of the seven browser sources;
//   - an account of OneTwentyOne that ends in an even digit has 30 samples, one a day, and one that ends in an odd digit 10,000;
//   - figures come in Variants, by a hash of the id, so that an answer about somebody else is likely to be another one.
//
// Credentials are checked: a request that is signed for another person is refused.
package upstreams

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// What both sides of a measurement sign with.
const (
	ClientUUID   = "bench-client-uuid"
	SecretKey    = "bench-secret-key"
	ClientID     = "bench-client"
	ClientSecret = "bench-client-secret"
)

// Variants is how many different people there are.
const Variants = 8

// Days is how long the histories are, up to the newest day.
const Days = 30

// Zone is everybody's time zone.
const Zone = "Europe/Paris"

// RefreshToken is that of an account.
func RefreshToken(account string) string { return "refresh-" + account }

// AccessToken is the one that an account's refresh token buys.
func AccessToken(account string) string { return "access-" + account }

// Upstreams is both upstreams on one port. Safe for concurrent use.
type Upstreams struct {
	newest  time.Time // midnight UTC of the newest day
	mux     *http.ServeMux
	latency atomic.Int64             // nanoseconds that every answer is held back
	counts  map[string]*atomic.Int64 // by route
	fault   *fault

	Connections Connections

	rook         rook
	oneTwentyOne oneTwentyOne
}

// New makes every answer. newest is the last day that has figures.
func New(ctx context.Context, newest time.Time) (*Upstreams, error) {
	u := &Upstreams{newest: newest, mux: http.NewServeMux(), counts: map[string]*atomic.Int64{}, fault: newFault()}
	var err error
	if u.rook, err = newRook(ctx, newest); err != nil {
		return nil, err
	}
	u.oneTwentyOne = newOneTwentyOne(newest)
	u.route("authorizer", "GET /api/v1/user_id/{user}/data_source/{source}/authorizer", u.rook.authorizer)
	u.route("list", "GET /api/v2/user_id/{user}/data_sources/authorized", u.rook.list)
	u.route("day", "GET /v2/processed_data/physical_health/summary", u.rook.day)
	u.route("quantity", "GET /api/v1/quantity/{account}/stepCount", u.mayFail(u.oneTwentyOne.quantity))
	u.route("profile", "GET /api/v1/profile/{account}", u.mayFail(u.oneTwentyOne.profile))
	u.route("refresh", "POST /api/refresh", u.mayFail(u.oneTwentyOne.refresh))
	u.mux.HandleFunc("GET /bench/calls", u.calls)
	u.mux.HandleFunc("POST /bench/reset", u.reset)
	u.mux.HandleFunc("PUT /bench/fault", u.fault.change)
	u.mux.HandleFunc("POST /bench/hangup", func(http.ResponseWriter, *http.Request) { u.Connections.HangUp() })
	return u, nil
}

// ServeHTTP answers for both upstreams, and under /bench/ for the measurement itself: GET /bench/calls tells how often each
// route was asked as a JSON object, POST /bench/reset?latency=5ms begins anew, PUT /bench/fault?kind=hang makes OneTwentyOne fail, and
// POST /bench/hangup closes idle connections.
func (u *Upstreams) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.mux.ServeHTTP(w, r) }

func (u *Upstreams) route(name, pattern string, answer http.HandlerFunc) {
	count := new(atomic.Int64)
	u.counts[name] = count
	u.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		if latency := u.latency.Load(); latency > 0 {
			time.Sleep(time.Duration(latency))
		}
		answer(w, r)
	})
}

// mayFail is for OneTwentyOne's routes.
func (u *Upstreams) mayFail(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !u.fault.strikes(w, r) {
			answer(w, r)
		}
	}
}

func (u *Upstreams) calls(w http.ResponseWriter, _ *http.Request) {
	counts := map[string]int64{}
	for name, count := range u.counts {
		counts[name] = count.Load()
	}
	_ = json.NewEncoder(w).Encode(counts) // whoever asked has gone if this fails
}

func (u *Upstreams) reset(w http.ResponseWriter, r *http.Request) {
	latency, err := time.ParseDuration(r.URL.Query().Get("latency"))
	if err != nil {
		http.Error(w, "latency must be a time such as 5ms", http.StatusBadRequest)
		return
	}
	u.latency.Store(int64(latency))
	for _, count := range u.counts {
		count.Store(0)
	}
}

// hash is the same number for an id for ever.
func hash(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return h.Sum32()
}

func variant(id string) int { return int(hash(id) % Variants) }

// template is a text with a person's id in it, cut there.
type template []string

// with puts an id into every gap.
func (t template) with(id string) []byte {
	size := len(id) * (len(t) - 1)
	for _, part := range t {
		size += len(part)
	}
	body := make([]byte, 0, size)
	for i, part := range t {
		if i > 0 {
			body = append(body, id...)
		}
		body = append(body, part...)
	}
	return body
}

func write(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body) // whoever asked has gone if this fails
}

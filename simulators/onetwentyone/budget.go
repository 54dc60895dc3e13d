package onetwentyone

import (
	"net/http"
	"strconv"
	"time"
)

// budget counts the requests of a day, which ends at midnight UTC: the reset times in the documentation's samples are
// all such midnights. Guarded by Simulator.mu.
type budget struct {
	day    time.Time
	offset int // used by everybody before they began, as PUT /_control/budget has it
	used   map[string]int
}

// limit is the three values that the API tells with its answers, named as there (api.onetwentyone.ai/rate-limits).
type limit struct {
	Limit     int   `json:"X-RateLimit-Limit"`
	Remaining int   `json:"X-RateLimit-Remaining"`
	Reset     int64 `json:"X-RateLimit-Reset"` // Unix seconds
}

// today forgets the requests of another day.
func (b *budget) today(now time.Time) time.Time {
	day := now.UTC().Truncate(24 * time.Hour) // days of the zero time begin at midnight UTC too
	if b.used == nil || !b.day.Equal(day) {
		b.day, b.offset, b.used = day, 0, map[string]int{}
	}
	return day.Add(24 * time.Hour)
}

// spend counts one request, and answers false if there was none left.
func (b *budget) spend(key string, daily int, now time.Time) (limit, bool) {
	reset := b.today(now)
	used := b.offset + b.used[key]
	if used >= daily {
		return limit{Limit: daily, Reset: reset.Unix()}, false
	}
	b.used[key]++
	return limit{Limit: daily, Remaining: daily - used - 1, Reset: reset.Unix()}, true
}

// leave makes remaining what everybody has left today.
func (b *budget) leave(remaining, daily int, now time.Time) {
	b.today(now)
	b.offset, b.used = daily-remaining, map[string]int{}
}

func (sw Switches) limitInBody() bool { return sw.LimitIn == "body" || sw.LimitIn == "both" }

// tellLimit sets the headers, if limits are told there.
func (sw Switches) tellLimit(h http.Header, l limit) {
	if sw.LimitIn != "headers" && sw.LimitIn != "both" {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(l.Remaining))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.Reset, 10))
}

// refuse answers a request over the limit. All of it is an invention: the documentation does not speak of it.
func (sw Switches) refuse(w http.ResponseWriter, l limit, now time.Time) {
	reset := time.Unix(l.Reset, 0)
	switch sw.RetryAfter {
	case "seconds":
		w.Header().Set("Retry-After", strconv.Itoa(int(reset.Sub(now).Seconds())+1))
	case "date":
		w.Header().Set("Retry-After", reset.UTC().Format(http.TimeFormat))
	}
	sw.tellLimit(w.Header(), l)
	sw.fail(w, sw.LimitStatus, "the daily limit is reached", &l)
}

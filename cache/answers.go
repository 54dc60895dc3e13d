package cache

import (
	"context"
	"sync/atomic"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// key names an answer.
type key struct {
	kind      string
	connector string
	user      health.UserID
	account   string
	day       health.Date // of a day's figure
	metric    string      // of samples, as the span is
	from, to  int64       // in nanoseconds
}

// answer is what is remembered under a key.
type answer struct {
	value    any // a held of the key's kind
	state    uint64
	age      connectors.Age
	bytes    int
	freshFor time.Duration
}

// held is a value as it is held in this process. The collector looks at everything that is remembered again and again, so that it
// has few pointers; whole is what it was before.
type held[V any] interface {
	whole() V
	bytes() int // of the heap, the sizes of the parts on a machine of 64 bits, rounded up
}

// hold makes a value one that can be held.
type hold[V any] func(V) held[V]

// entry is an answer of an upstream. Whoever finds it shares it: nobody may change it.
type entry[V any] struct {
	Value V              `json:"v"`
	State uint64         `json:"s"`
	Age   connectors.Age `json:"a"`
}

// Counters count what became of reads, for whoever reads metrics.
type Counters struct {
	Hits   atomic.Int64 // answers that were found in this process
	Shared atomic.Int64 // answers that were found in the Redis
	Misses atomic.Int64 // answers that the upstream was asked for
}

// goodFor says whether an answer, given in that state, may stand for a read.
func goodFor(r connectors.Reuse, state uint64, age connectors.Age, now time.Time) bool {
	return state == r.State && now.Before(age.FreshUntil) && now.Sub(age.ReadAt) <= r.MaxAge
}

// mayFind says whether any answer may stand for a read.
func (c *Cache) mayFind(r connectors.Reuse) bool {
	return c.answers != nil && r.User != "" && r.State != 0 && r.MaxAge > 0
}

// look finds an answer in this process.
func look[V any](c *Cache, k key, r connectors.Reuse) (*entry[V], bool) {
	if !c.mayFind(r) {
		return nil, false
	}
	found, ok := c.answers.GetIfPresent(k)
	if !ok {
		return nil, false
	}
	value, ok := found.value.(held[V])
	if !ok || !goodFor(r, found.state, found.age, c.config.Now()) {
		return nil, false
	}
	c.Counters.Hits.Add(1)
	return &entry[V]{value.whole(), found.state, found.age}, true
}

// wanted is an answer that is looked for.
type wanted struct {
	key   key
	reuse connectors.Reuse
}

// find finds answers, here or where they are shared: nil for each that is not there.
func find[V any](ctx context.Context, c *Cache, all []wanted, hold hold[V]) []*entry[V] {
	found := make([]*entry[V], len(all))
	var elsewhere []int
	for i, w := range all {
		var here bool
		if found[i], here = look[V](c, w.key, w.reuse); !here && c.config.Shared != nil && c.mayFind(w.reuse) {
			elsewhere = append(elsewhere, i)
		}
	}
	if len(elsewhere) > 0 {
		findShared(ctx, c, all, elsewhere, found, hold)
	}
	return found
}

// keep remembers an answer, and gives its age.
func keep[V any](c *Cache, k key, r connectors.Reuse, readAt time.Time, freshFor time.Duration, value V, hold hold[V]) connectors.Age {
	c.Counters.Misses.Add(1)
	age := connectors.Age{ReadAt: readAt}
	if c.answers == nil || r.User == "" || r.State == 0 || freshFor <= 0 {
		return age
	}
	age.FreshUntil = readAt.Add(freshFor)
	if put(c, k, hold(value), r.State, age, freshFor) && c.config.Shared != nil {
		c.config.Shared.put(k, &entry[V]{value, r.State, age}, freshFor)
	}
	return age
}

// put remembers an answer in this process, unless it is so large that many others would go for it.
func put[V any](c *Cache, k key, value held[V], state uint64, age connectors.Age, freshFor time.Duration) bool {
	bytes := value.bytes() + entryBytes + len(k.user) + len(k.account)
	if bytes > c.largest() {
		return false
	}
	c.answers.Set(k, answer{value, state, age, bytes, freshFor})
	return true
}

// largest is how large an answer may be that is remembered.
func (c *Cache) largest() int { return c.config.Bytes / 32 }

// The bytes of what is remembered, as far as they do not follow from the lengths of texts. A test compares them with what the heap
// grows by.
const (
	entryBytes  = 450 // a key, an answer, and otter's own node
	sourceBytes = 112
	dayBytes    = 80
)

func weighSource(s health.DataSource) int {
	bytes := sourceBytes + len(s.ID) + len(s.Name)
	if s.LogoURL != nil {
		bytes += len(*s.LogoURL)
	}
	return bytes
}

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
	value    any // an *entry of the key's kind
	bytes    int
	freshFor time.Duration
}

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

// goodFor says whether an answer may stand for a read.
func (e *entry[V]) goodFor(r connectors.Reuse, now time.Time) bool {
	return e.State == r.State && now.Before(e.Age.FreshUntil) && now.Sub(e.Age.ReadAt) <= r.MaxAge
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
	e, ok := found.value.(*entry[V])
	if !ok || !e.goodFor(r, c.config.Now()) {
		return nil, false
	}
	c.Counters.Hits.Add(1)
	return e, true
}

// wanted is an answer that is looked for.
type wanted struct {
	key   key
	reuse connectors.Reuse
}

// find finds answers, here or where they are shared: nil for each that is not there. weigh is that of keep.
func find[V any](ctx context.Context, c *Cache, all []wanted, weigh func(V) int) []*entry[V] {
	found := make([]*entry[V], len(all))
	var elsewhere []int
	for i, w := range all {
		var here bool
		if found[i], here = look[V](c, w.key, w.reuse); !here && c.config.Shared != nil && c.mayFind(w.reuse) {
			elsewhere = append(elsewhere, i)
		}
	}
	if len(elsewhere) > 0 {
		findShared(ctx, c, all, elsewhere, found, weigh)
	}
	return found
}

// keep remembers an answer, and gives its age. weigh gives the bytes of the value.
func keep[V any](c *Cache, k key, r connectors.Reuse, readAt time.Time, freshFor time.Duration, value V, weigh func(V) int) connectors.Age {
	c.Counters.Misses.Add(1)
	age := connectors.Age{ReadAt: readAt}
	if c.answers == nil || r.User == "" || r.State == 0 || freshFor <= 0 {
		return age
	}
	age.FreshUntil = readAt.Add(freshFor)
	e := &entry[V]{value, r.State, age}
	if c.put(k, e, weigh(value), freshFor) && c.config.Shared != nil {
		c.config.Shared.put(k, e, freshFor)
	}
	return age
}

// put remembers an answer in this process, unless it is so large that many others would go for it.
func (c *Cache) put(k key, e any, bytes int, freshFor time.Duration) bool {
	bytes += entryBytes + len(k.user) + len(k.account)
	if bytes > c.largest() {
		return false
	}
	c.answers.Set(k, answer{e, bytes, freshFor})
	return true
}

// largest is how large an answer may be that is remembered.
func (c *Cache) largest() int { return c.config.Bytes / 16 }

// The bytes of what is remembered, as far as they do not follow from the lengths of texts: the sizes of its parts on a machine of
// 64 bits, rounded up. A test compares them with what the heap grows by.
const (
	entryBytes  = 450 // a key, an entry, and otter's own node
	sourceBytes = 112
	dayBytes    = 80
	sampleBytes = 112
)

func weighSource(s health.DataSource) int {
	bytes := sourceBytes + len(s.ID) + len(s.Name)
	if s.LogoURL != nil {
		bytes += len(*s.LogoURL)
	}
	return bytes
}

package ratelimit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// buckets are those of this process.
type buckets struct {
	mu    sync.Mutex
	until *simplelru.LRU[string, time.Time] // full again
}

func newBuckets(keys int) (*buckets, error) {
	until, err := simplelru.NewLRU[string, time.Time](keys, nil)
	return &buckets{until: until}, err
}

func (b *buckets) take(keys []string, now time.Time, limit Limit) []Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	results := make([]Result, len(keys))
	for i, key := range keys {
		full, _ := b.until.Get(key) // one that is not there is full
		full, results[i] = limit.take(now, full)
		b.until.Add(key, full)
	}
	return results
}

func (b *buckets) get(key string) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	until, _ := b.until.Get(key)
	return until
}

func (b *buckets) set(key string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until.Add(key, until)
}

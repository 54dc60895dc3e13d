package connectors

import (
	"sync"
	"sync/atomic"

	"healthgraph/stack"
)

// Each calls f for every index below n, at most limit at a time, and returns when all are done. f keeps its own errors:
// one failure never stops the others. A panic in f becomes a panic of the caller, who can recover from it; then not all may be done.
func Each(n, limit int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var next atomic.Int64
	var all sync.WaitGroup
	var once sync.Once
	var panicked any
	for range min(n, max(limit, 1)) { // goroutines that are used again: each new one would have to grow
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					once.Do(func() { panicked = p })
				}
			}()
			stack.Grow()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	all.Wait()
	if panicked != nil {
		panic(panicked)
	}
}

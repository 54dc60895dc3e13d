package connectors

import "sync"

// Each calls f for every index below n, at most limit at a time, and returns when all are done. f keeps its own errors:
// one failure never stops the others. A panic in f becomes a panic of the caller, who can recover from it.
func Each(n, limit int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	turns := make(chan struct{}, max(limit, 1))
	var all sync.WaitGroup
	var once sync.Once
	var panicked any
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					once.Do(func() { panicked = p })
				}
				<-turns
			}()
			f(i)
		})
	}
	all.Wait()
	if panicked != nil {
		panic(panicked)
	}
}

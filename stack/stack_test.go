package stack_test

import (
	"fmt"
	"sync"
	"testing"

	"healthgraph/stack"
)

// deep is some 8 KB deep, as an upstream call is, in many frames.
//
//go:noinline
func deep(n int) int {
	var frame [24]int
	for i := range frame {
		frame[i] = n + i
	}
	if n == 0 {
		return frame[7]
	}
	return deep(n-1) + frame[n%24]
}

func BenchmarkGrow(b *testing.B) {
	for _, grow := range []bool{false, true} {
		b.Run(fmt.Sprint("grown ", grow), func(b *testing.B) {
			for b.Loop() {
				var done sync.WaitGroup
				done.Go(func() {
					if grow {
						stack.Grow()
					}
					deep(30)
				})
				done.Wait()
			}
		})
	}
}

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapBefore is how large the heap may grow, in bytes, before it is collected, unless twice as much as lives in it is more. Little
// lives longer than its request: by default a heap of 8 MiB would be collected each time that another 8 have been used, which
// costs a fifth of all CPU under load.
const heapBefore = 32 << 20

// tuneCollector collects garbage when the heap is twice as large as what lives in it, as Go does, but not below heapBefore. Where
// the operator has set GOGC or GOMEMLIMIT theirs hold, and false is given.
func tuneCollector() bool {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return false
	}
	debug.SetGCPercent(gcPercent(livingHeap()))
	eachCollection(func() { debug.SetGCPercent(gcPercent(livingHeap())) })
	return true
}

// gcPercent is GOGC for a heap in which so many bytes live.
func gcPercent(living uint64) int {
	const least, standard = 1 << 20, 100
	return max(standard, heapBefore*100/int(max(living, least))-100) //nolint:gosec // memory fits
}

func livingHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// eachCollection calls f after each collection, by something that nobody holds and that the collector therefore finds.
func eachCollection(f func()) {
	type nobodys struct{ _ *byte } // what holds no pointer shares its memory with others
	runtime.AddCleanup(&nobodys{}, func(f func()) {
		f()
		eachCollection(f)
	}, f)
}

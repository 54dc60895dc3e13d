package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGCPercent(t *testing.T) {
	for living, percent := range map[uint64]int{0: 3100, 4 << 20: 700, 8 << 20: 300, 16 << 20: 100, 200 << 20: 100} {
		assert.Equal(t, percent, gcPercent(living), living)
	}
}

func TestEachCollection(t *testing.T) {
	var seen atomic.Int64
	eachCollection(func() { seen.Add(1) })
	for n := range int64(3) {
		require.Eventually(t, func() bool {
			runtime.GC()
			return seen.Load() > n
		}, 10*time.Second, time.Millisecond)
	}
}

// What the operator has set holds.
func TestTuneCollector(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	assert.True(t, tuneCollector())
	runtime.GC()
	assert.Positive(t, livingHeap())
	t.Setenv("GOGC", "200")
	assert.False(t, tuneCollector())
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "1GiB")
	assert.False(t, tuneCollector())
}

package storetest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store"
)

func budgets(t *testing.T, s *store.Store) {
	t.Helper()
	take := func(resets time.Time, n, ceiling int) [2]int {
		t.Helper()
		granted, taken, err := s.TakeShare(t.Context(), "upstream", resets, n, ceiling)
		require.NoError(t, err)
		return [2]int{granted, taken}
	}
	assert.Equal(t, [2]int{0, 0}, take(noon, 50, 0), "nothing is allowed at all")
	assert.Equal(t, [2]int{30, 30}, take(noon, 50, 30), "fewer than asked for, the first time")
	assert.Equal(t, [2]int{50, 80}, take(noon, 50, 100))
	assert.Equal(t, [2]int{20, 100}, take(noon, 50, 100), "what is left")
	assert.Equal(t, [2]int{0, 100}, take(noon, 50, 100))
	assert.Equal(t, [2]int{0, 90}, take(noon, 7, 90), "a lower ceiling")
	assert.Equal(t, [2]int{50, 150}, take(noon, 50, 200), "a higher one")
	next := noon.Add(24 * time.Hour)
	assert.Equal(t, [2]int{50, 50}, take(next, 50, 100), "a new day")
	assert.Equal(t, [2]int{0, 100}, take(noon, 50, 100), "the old one is over")
	assert.Equal(t, [2]int{20, 20}, take(next.Add(time.Hour), 50, 20))

	granted, taken, err := s.TakeShare(t.Context(), "another", noon, 50, 100)
	require.NoError(t, err)
	assert.Equal(t, [2]int{50, 50}, [2]int{granted, taken}, "another's is its own")
}

func budgetsRaced(t *testing.T, s *store.Store) {
	t.Helper()
	var all atomic.Int64
	race(func(int) {
		for {
			granted, _, err := s.TakeShare(t.Context(), "upstream", noon, 7, 100)
			if !assert.NoError(t, err) || granted == 0 {
				return
			}
			all.Add(int64(granted))
		}
	})
	assert.EqualValues(t, 100, all.Load(), "none twice, and none lost")
}

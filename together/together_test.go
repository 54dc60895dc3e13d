package together

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reader reads a key as itself, when it is let.
type reader struct {
	Reads[string, string]
	t     *testing.T
	gate  chan struct{}
	reads atomic.Int64
	ended atomic.Int64 // by their context
}

func newReader(t *testing.T) *reader {
	t.Helper()
	return &reader{t: t, gate: make(chan struct{})}
}

func (r *reader) read(ctx context.Context, keys ...string) ([]string, error) {
	return r.Read(ctx, keys, func(ctx context.Context, missing []int) []string {
		r.reads.Add(1)
		values := make([]string, len(missing))
		select {
		case <-r.gate:
			for i, at := range missing {
				values[i] = "read " + keys[at]
			}
		case <-ctx.Done():
			r.ended.Add(1)
		}
		return values
	})
}

func (r *reader) waits(n int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.WaitedFor() == n }, 10*time.Second, time.Millisecond)
}

func TestIdenticalReadsAreMadeOnce(t *testing.T) {
	r := newReader(t)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			key := []string{"a", "b", "c"}[i%3]
			values, err := r.read(t.Context(), key)
			assert.NoError(t, err)
			assert.Equal(t, []string{"read " + key}, values)
		})
	}
	r.waits(60)
	all.Go(func() { // joins two, and reads the others in one batch
		values, err := r.read(t.Context(), "d", "b", "e", "a", "d")
		assert.NoError(t, err)
		assert.Equal(t, []string{"read d", "read b", "read e", "read a", "read d"}, values)
	})
	require.Eventually(t, func() bool { return r.reads.Load() == 4 }, 10*time.Second, time.Millisecond)
	close(r.gate)
	all.Wait()
	assert.EqualValues(t, 4, r.reads.Load())
	assert.Zero(t, r.WaitedFor())

	_, err := r.read(t.Context(), "a")
	require.NoError(t, err)
	assert.EqualValues(t, 5, r.reads.Load(), "nothing is remembered")
}

func TestWhoLeavesDoesNotEndTheReadOfOthers(t *testing.T) {
	r := newReader(t)
	first, leave := context.WithCancel(t.Context())
	second, leaveToo := context.WithCancel(t.Context())
	var left, stays sync.WaitGroup
	left.Go(func() {
		_, err := r.read(first, "a")
		assert.ErrorIs(t, err, context.Canceled)
	})
	r.waits(1)
	left.Go(func() {
		_, err := r.read(second, "a")
		assert.ErrorIs(t, err, context.Canceled)
	})
	stays.Go(func() {
		values, err := r.read(t.Context(), "a")
		assert.NoError(t, err)
		assert.Equal(t, []string{"read a"}, values)
	})
	r.waits(3)
	leave() // the one who began it
	leaveToo()
	left.Wait()
	assert.Zero(t, r.ended.Load())
	r.gate <- struct{}{}
	stays.Wait()
	assert.EqualValues(t, 1, r.reads.Load())
}

func TestAReadEndsWhenAllHaveLeft(t *testing.T) {
	r := newReader(t)
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { _, _ = r.read(ctx, "a") })
	}
	r.waits(5)
	leave()
	all.Wait()
	assert.EqualValues(t, 1, r.ended.Load())
	close(r.gate)
	values, err := r.read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, []string{"read a"}, values, "who comes then reads anew")
	assert.EqualValues(t, 2, r.reads.Load())
}

func TestWhoHasMoreTimeReadsAgainWhatADeadlineEnded(t *testing.T) {
	r := newReader(t)
	hasty, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { _, _ = r.read(hasty, "a") })
	r.waits(1)
	all.Go(func() {
		values, err := r.read(t.Context(), "b", "a")
		assert.NoError(t, err)
		assert.Equal(t, []string{"read b", "read a"}, values)
	})
	r.waits(3)
	require.Eventually(t, func() bool { return r.ended.Load() == 1 }, 10*time.Second, time.Millisecond)
	close(r.gate)
	all.Wait()
	assert.EqualValues(t, 3, r.reads.Load())
}

func TestAPanicIsEverybodys(t *testing.T) {
	r := newReader(t)
	var panicked atomic.Int64
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			defer func() {
				if recover() != nil {
					panicked.Add(1)
				}
			}()
			_, _ = r.Read(t.Context(), []string{"a"}, func(context.Context, []int) []string {
				<-r.gate
				panic("broken")
			})
		})
	}
	r.waits(3)
	close(r.gate)
	all.Wait()
	assert.EqualValues(t, 3, panicked.Load())
	assert.Zero(t, r.WaitedFor())
}

// Whoever asks for one person does not wait for a crowd.
func TestNobodyJoinsALargeBatch(t *testing.T) {
	r := newReader(t)
	keys := make([]string, 17)
	for i := range keys {
		keys[i] = string(rune('a' + i))
	}
	var all sync.WaitGroup
	all.Go(func() { _, _ = r.read(t.Context(), keys...) })
	require.Eventually(t, func() bool { return r.reads.Load() == 1 }, 10*time.Second, time.Millisecond)
	assert.Zero(t, r.WaitedFor())
	all.Go(func() { _, _ = r.read(t.Context(), keys[1:]...) })
	r.waits(16 * 16)
	close(r.gate)
	all.Wait()
}

// Who begins a read is asked nothing; who would wait for another's may be refused, or have less time, and ends nothing by that.
func TestWhoJoinsWaitsAsTheyMay(t *testing.T) {
	r := newReader(t)
	refusal, hurry := errors.New("refused"), errors.New("no more time")
	patient, end := context.WithCancelCause(t.Context())
	var joined []string
	left := 0
	refuses := false
	r.Join = func(_ context.Context, key string) (context.Context, func(), error) {
		joined = append(joined, key)
		if refuses {
			return nil, nil, refusal
		}
		return patient, func() { left++ }, nil
	}
	var all sync.WaitGroup
	reads := func(want error, keys ...string) {
		all.Go(func() {
			values, err := r.read(t.Context(), keys...)
			assert.ErrorIs(t, err, want)
			if want == nil {
				assert.Equal(t, "read "+keys[0], values[0])
			}
		})
	}
	reads(nil, "a")
	r.waits(1)
	assert.Empty(t, joined)
	refuses = true
	_, err := r.read(t.Context(), "a")
	require.ErrorIs(t, err, refusal)
	_, err = r.read(t.Context(), "b", "a")
	require.ErrorIs(t, err, refusal)
	refuses = false
	reads(hurry, "a")
	r.waits(2)
	end(hurry)
	r.waits(1)
	patient = t.Context()
	reads(nil, "a")
	r.waits(2)
	close(r.gate)
	all.Wait()
	assert.Equal(t, []string{"a", "a", "a", "a"}, joined)
	assert.Equal(t, 2, left)
}

package resolvers

import (
	"context"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"healthgraph/health"
	"healthgraph/stack"
)

// loader makes each read of an operation once. Every key is one read: it starts at once, and whoever asks for it again waits for it.
// What an operation does not read of costs it nothing.
type loader[K comparable, V any] struct {
	read func(context.Context, K) (V, error)

	mu   sync.Mutex
	made *dataloader.Loader[K, V]
}

// Load begins a read, unless it has begun.
func (l *loader[K, V]) Load(ctx context.Context, key K) dataloader.Thunk[V] {
	l.mu.Lock()
	if l.made == nil {
		// A batch of one needs no room for a thousand keys, which would be 8 KiB for each read.
		l.made = dataloader.NewBatchedLoader(l.batch, dataloader.WithBatchCapacity[K, V](1), dataloader.WithInputCapacity[K, V](1))
	}
	made := l.made
	l.mu.Unlock()
	return made.Load(ctx, key)
}

func (l *loader[K, V]) batch(ctx context.Context, keys []K) []*dataloader.Result[V] {
	stack.Grow()
	results := make([]*dataloader.Result[V], len(keys))
	for i, key := range keys {
		results[i] = guarded(ctx, key, l.read)
	}
	return results
}

// forget makes whoever asks next read afresh.
func (l *loader[K, V]) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made = nil
}

// memo makes each read of an operation once where there is nothing to batch: whoever needs it first does it, without a goroutine.
type memo[K comparable, V any] struct {
	read func(context.Context, K) (V, error)

	mu   sync.Mutex
	made map[K]dataloader.Thunk[V]
}

// Load gives what does the read, unless it was done.
func (m *memo[K, V]) Load(ctx context.Context, key K) dataloader.Thunk[V] {
	thunk, _ := m.load(ctx, key)
	return thunk
}

// Begin is Load for reads that are made side by side: each starts at once, and whoever waits for one that has no turn yet does it.
func (m *memo[K, V]) Begin(ctx context.Context, key K) dataloader.Thunk[V] {
	thunk, isNew := m.load(ctx, key)
	if isNew {
		go func() {
			stack.Grow()
			_, _ = thunk() // for those who wait
		}()
	}
	return thunk
}

func (m *memo[K, V]) load(ctx context.Context, key K) (thunk dataloader.Thunk[V], isNew bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if thunk = m.made[key]; thunk != nil {
		return thunk, false
	}
	if m.made == nil {
		m.made = map[K]dataloader.Thunk[V]{}
	}
	thunk = sync.OnceValues(func() (V, error) {
		result := guarded(ctx, key, m.read)
		return result.Data, result.Error
	})
	m.made[key] = thunk
	return thunk, true
}

// forget makes whoever asks next read afresh.
func (m *memo[K, V]) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = nil
}

// guarded keeps a panic out of the loader, which would print it with all it holds.
func guarded[K comparable, V any](ctx context.Context, key K, read func(context.Context, K) (V, error)) *dataloader.Result[V] {
	result := &dataloader.Result[V]{}
	func() {
		defer health.Recovered(&result.Error)
		result.Data, result.Error = read(ctx, key)
	}()
	return result
}

// sideBySide reads every connector at once, and gives what they said in order, or the first error.
func sideBySide[T any](ctx context.Context, connectors []string, read func(context.Context, string) (T, error)) ([]T, error) {
	results := make([]*dataloader.Result[T], len(connectors))
	var all sync.WaitGroup
	for i, connector := range connectors {
		if i > 0 {
			all.Go(func() { stack.Grow(); results[i] = guarded(ctx, connector, read) })
		}
	}
	if len(connectors) > 0 {
		results[0] = guarded(ctx, connectors[0], read)
	}
	all.Wait()
	found := make([]T, len(results))
	for i, result := range results {
		if result.Error != nil {
			return nil, result.Error
		}
		found[i] = result.Data
	}
	return found, nil
}

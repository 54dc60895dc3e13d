package gateway

import "context"

// Watches counts the watches that are open.
func Watches(c *Changes) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, queues := range c.watches {
		n += len(queues)
	}
	return n
}

// Waiting counts the links that wait to be told.
func Waiting(w *Watch) int {
	w.queue.mu.Lock()
	defer w.queue.mu.Unlock()
	return len(w.queue.waiting)
}

// Together is together, for tests.
type Together[K comparable, V any] struct{ together[K, V] }

// Read is read.
func (t *Together[K, V]) Read(ctx context.Context, keys []K, f func(context.Context, []int) []V) ([]V, error) {
	return t.read(ctx, keys, f)
}

// Waiting counts those who wait for a read that may be joined.
func (t *together[K, V]) Waiting() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.under {
		n += p.flight.waiting
	}
	return n
}

// ReadersOfLinks counts those who wait for an upstream's links.
func ReadersOfLinks(g *Gateway) int { return g.linkReads.Waiting() }

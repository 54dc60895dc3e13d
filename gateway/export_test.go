package gateway

import "healthgraph/health"

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

// Receipt is whom an erasure's line in the access log speaks of.
func (g *Gateway) Receipt(user health.UserID) health.UserID { return g.receipt(user) }

package rook

import "sync"

// memo remembers what was found, up to so many: then it forgets all, and begins again. Safe for concurrent use.
type memo[K comparable, V any] struct {
	most int

	mu    sync.RWMutex
	found map[K]V
}

func (m *memo[K, V]) get(k K) (v V, known bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, known = m.found[k]
	return v, known
}

func (m *memo[K, V]) put(k K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.found == nil || len(m.found) >= m.most {
		m.found = map[K]V{}
	}
	m.found[k] = v
}

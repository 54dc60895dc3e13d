package store

import "context"

// Limit makes a SQLite file full at so many pages for its writer, as a full disk does (SQLITE_FULL).
func (s *Store) Limit(ctx context.Context, pages int) error {
	_, err := s.write.NewRaw("PRAGMA max_page_count = ?", pages).Exec(ctx)
	return err
}

// WaitingLinks counts the writes of links that wait for a transaction, and says whether one is open.
func WaitingLinks(s *Store) (waiting int, busy bool) {
	s.group.mu.Lock()
	defer s.group.mu.Unlock()
	return len(s.group.waiting), s.group.busy
}

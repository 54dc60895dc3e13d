package store

import "context"

// Limit makes a SQLite file full at so many pages for its writer, as a full disk does (SQLITE_FULL).
func (s *Store) Limit(ctx context.Context, pages int) error {
	_, err := s.write.NewRaw("PRAGMA max_page_count = ?", pages).Exec(ctx)
	return err
}

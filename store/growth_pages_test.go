package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"healthgraph/store"
)

// pages are how many the call reads of tables and indexes, with a store that remembers none.
func (f *filled) pages(tb testing.TB, call func(*store.Store)) int {
	tb.Helper()
	do := func(call func(*store.Store)) int {
		before := f.pagesRead(tb)
		s, err := store.Open(tb.Context(), store.Config{URL: f.url, MaxConns: 1})
		require.NoError(tb, err)
		defer func() { require.NoError(tb, s.Close()) }() // closed before as well: twice is once
		call(s)
		require.NoError(tb, s.Close())
		return f.pagesRead(tb) - before
	}
	opening := do(func(*store.Store) {})
	return max(do(call)-opening, 0)
}

// pagesRead are how many were read until now by whoever has hung up.
func (f *filled) pagesRead(tb testing.TB) (pages int) {
	tb.Helper()
	if !f.isPostgres() {
		return bytesRead(tb) / 4096
	}
	require.Eventually(tb, func() bool {
		var connected int
		require.NoError(tb, f.db.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()").
			Scan(tb.Context(), &connected))
		return connected == 0
	}, 10*time.Second, time.Millisecond)
	const read = `SELECT coalesce(sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit + idx_blks_read, 0)), 0) FROM pg_statio_user_tables
		WHERE relname IN (?)`
	require.NoError(tb, f.db.NewRaw(read, bun.List(filledTables)).Scan(tb.Context(), &pages))
	return pages
}

package migrations

import (
	"context"

	"github.com/uptrace/bun"
)

// UpTo applies the first n steps, as an older program would.
func UpTo(ctx context.Context, db *bun.DB, n int) error {
	later := all[n:]
	all = all[:n]
	defer func() { all = append(all, later...) }()
	return Up(ctx, db, nil)
}

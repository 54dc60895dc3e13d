package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

type budgetRow struct {
	bun.BaseModel `bun:"table:budgets,alias:budgets"`

	Name     string    `bun:"name,pk"`
	ResetsAt time.Time `bun:"resets_at"`
	Taken    int       `bun:"taken"`
	Granted  int       `bun:"granted"` // of them, to whoever took last
}

// TakeShare takes up to n calls of those below ceiling that nobody has taken in the time that ends at resetsAt, in one
// statement, and says how many are taken by then. A later time begins anew; an earlier one than stored is over, and gives none.
func (s *Store) TakeShare(ctx context.Context, budget string, resetsAt time.Time, n, ceiling int) (granted, taken int, err error) {
	first := min(n, max(ceiling, 0))
	if first == 0 {
		return 0, ceiling, nil
	}
	row := budgetRow{Name: budget, ResetsAt: resetsAt, Taken: first, Granted: first}
	var rows []budgetRow
	const fits = "CASE WHEN budgets.resets_at < excluded.resets_at THEN excluded.granted WHEN budgets.taken + ? <= ? THEN ? ELSE ? - budgets.taken END"
	_, err = s.write.NewInsert().Model(&row).On("CONFLICT (name) DO UPDATE").
		Set("granted = "+fits, n, ceiling, n, ceiling).
		Set("taken = CASE WHEN budgets.resets_at < excluded.resets_at THEN 0 ELSE budgets.taken END + "+fits, n, ceiling, n, ceiling).
		Set("resets_at = excluded.resets_at").
		Where("budgets.resets_at < excluded.resets_at OR (budgets.resets_at = excluded.resets_at AND budgets.taken < ?)", ceiling).
		Returning("taken, granted").Exec(ctx, &rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, 0, failed("take a share of a budget", err)
	}
	if len(rows) == 0 {
		return 0, ceiling, nil
	}
	return rows[0].Granted, rows[0].Taken, nil
}

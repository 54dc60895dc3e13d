package migrations

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// budgets counts the calls that upstreams allow until some hour.
var budgets = migration{name: "20261121130000", about: "budgets", up: budgetsUp, down: budgetsDown}

const budgetsSQL = `CREATE TABLE budgets (
	name      TEXT NOT NULL PRIMARY KEY,
	resets_at TIMESTAMPTZ NOT NULL,
	taken     BIGINT NOT NULL,
	granted   BIGINT NOT NULL
)`

func budgetsUp(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.ExecContext(ctx, budgetsSQL); err != nil {
		return fmt.Errorf("make the table of budgets: %w", err)
	}
	return comment(ctx, tx, []tableComment{{"budgets", "Calls that upstreams allow until resets_at, and how many processes have taken of them"}})
}

func budgetsDown(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.ExecContext(ctx, `DROP TABLE budgets`); err != nil {
		return fmt.Errorf("drop the table of budgets: %w", err)
	}
	return nil
}

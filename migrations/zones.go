package migrations

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// zones keeps the time zone that an upstream told of a person to whom we gave an id there, and when to ask it again.
var zones = migration{name: "20261121150000", about: "zones", up: zonesUp, down: zonesDown}

func zonesUp(ctx context.Context, tx bun.Tx) error {
	for _, column := range []string{"time_zone TEXT NOT NULL DEFAULT ''", "zone_due_at TIMESTAMPTZ"} {
		if _, err := tx.ExecContext(ctx, "ALTER TABLE upstream_users ADD COLUMN "+column); err != nil {
			return fmt.Errorf("add a column of people's zones: %w", err)
		}
	}
	return nil
}

func zonesDown(ctx context.Context, tx bun.Tx) error {
	for _, column := range []string{"zone_due_at", "time_zone"} {
		if _, err := tx.ExecContext(ctx, "ALTER TABLE upstream_users DROP COLUMN "+column); err != nil {
			return fmt.Errorf("drop a column of people's zones: %w", err)
		}
	}
	return nil
}

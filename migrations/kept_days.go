package migrations

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// keptDays keeps what upstreams said of people's past days, sealed.
var keptDays = migration{name: "20261121140000", about: "kept_days", up: keptDaysUp, down: keptDaysDown}

var keptDaysUpSQL = []string{
	`CREATE TABLE kept_days (
		person     TEXT NOT NULL,
		connector  TEXT NOT NULL,
		metric     TEXT NOT NULL,
		zone       TEXT NOT NULL,
		day        TEXT NOT NULL CHECK (length(day) = 10),
		version    BIGINT NOT NULL,
		fetched_at TIMESTAMPTZ NOT NULL,
		sealed     BYTEA NOT NULL,
		PRIMARY KEY (person, connector, metric, zone, day)
	)`,
	`CREATE INDEX kept_days_fetched_at ON kept_days (fetched_at)`,
}

func keptDaysUp(ctx context.Context, tx bun.Tx) error {
	if err := execAll(ctx, tx, keptDaysUpSQL); err != nil {
		return fmt.Errorf("make the table of kept days: %w", err)
	}
	return comment(ctx, tx, []tableComment{{"kept_days", "What upstreams said of people's past days: sealed measurements"}})
}

func keptDaysDown(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.ExecContext(ctx, `DROP TABLE kept_days`); err != nil {
		return fmt.Errorf("drop the table of kept days: %w", err)
	}
	return nil
}

package migrations

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// apiKeys keeps the keys of services, by the SHA-256 of each.
var apiKeys = migration{name: "20261121110000", about: "api_keys", up: apiKeysUp, down: apiKeysDown}

const apiKeysSQL = `CREATE TABLE api_keys (
	id             TEXT NOT NULL PRIMARY KEY,
	name           TEXT NOT NULL,
	scopes         TEXT NOT NULL,
	hash           BYTEA NOT NULL CHECK (length(hash) = 32),
	previous_hash  BYTEA,
	previous_until TIMESTAMPTZ,
	created_at     TIMESTAMPTZ NOT NULL,
	expires_at     TIMESTAMPTZ,
	revoked_at     TIMESTAMPTZ,
	last_used_at   TIMESTAMPTZ
)`

func apiKeysUp(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.ExecContext(ctx, apiKeysSQL); err != nil {
		return fmt.Errorf("make the table of API keys: %w", err)
	}
	return comment(ctx, tx, []tableComment{{"api_keys", "Keys of services: hashes, scopes are a JSON list"}})
}

func apiKeysDown(ctx context.Context, tx bun.Tx) error {
	if _, err := tx.ExecContext(ctx, `DROP TABLE api_keys`); err != nil {
		return fmt.Errorf("drop the table of API keys: %w", err)
	}
	return nil
}

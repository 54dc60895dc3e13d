package migrations

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// access lets an account belong to one person, and keeps who did what to a person's links.
var access = migration{name: "20261121090000", about: "access", up: accessUp, down: accessDown}

var accessUpSQL = []string{
	// NULL = the upstream has not confirmed yet that the grant is for that account.
	`ALTER TABLE grants ADD COLUMN account_verified_at TIMESTAMPTZ`,
	`ALTER TABLE grants ADD COLUMN shared BOOLEAN NOT NULL DEFAULT FALSE`,
	`CREATE INDEX grants_account_holders ON grants (connector, account_id)`,
	// Accounts that several people hold already stay theirs.
	`UPDATE grants SET shared = TRUE WHERE EXISTS (
		SELECT 1 FROM grants AS other WHERE other.connector = grants.connector
			AND other.account_id = grants.account_id AND other.person <> grants.person)`,
	`CREATE UNIQUE INDEX grants_account ON grants (connector, account_id) WHERE NOT shared`,
	`ALTER TABLE links ADD COLUMN data_checked_at TIMESTAMPTZ`,
	// For finding what is due, where little is: the other times change too often to be worth an index.
	`CREATE INDEX links_due ON links (connector, checked_at) WHERE status IN ('CONNECTED', 'PENDING', 'REVOKING')`,
	`CREATE INDEX grants_due ON grants (connector, profile_read_at)`,
	`CREATE TABLE access_log (
		person      TEXT NOT NULL,
		event_key   TEXT NOT NULL,
		happened_at TIMESTAMPTZ NOT NULL,
		action      TEXT NOT NULL,
		actor       TEXT NOT NULL,
		actor_name  TEXT NOT NULL,
		connector   TEXT NOT NULL,
		data_source TEXT NOT NULL,
		outcome     TEXT NOT NULL,
		PRIMARY KEY (person, event_key)
	)`,
	`CREATE INDEX access_log_person ON access_log (person, happened_at, event_key)`,
	`CREATE INDEX access_log_happened_at ON access_log (happened_at)`,
	`CREATE TABLE leases (
		name       TEXT NOT NULL PRIMARY KEY,
		holder     TEXT NOT NULL,
		held_until TIMESTAMPTZ NOT NULL,
		reached    TEXT NOT NULL
	)`,
}

var accessDownSQL = []string{
	`DROP TABLE leases`,
	`DROP TABLE access_log`,
	`DROP INDEX grants_due`,
	`DROP INDEX links_due`,
	`ALTER TABLE links DROP COLUMN data_checked_at`,
	`DROP INDEX grants_account_holders`,
	`DROP INDEX grants_account`,
	`ALTER TABLE grants DROP COLUMN shared`,
	`ALTER TABLE grants DROP COLUMN account_verified_at`,
}

var accessComments = []tableComment{
	{"access_log", "Who did what to a person's links, and when"},
	{"leases", "Work that one process at a time does"},
}

func accessUp(ctx context.Context, tx bun.Tx) error {
	if err := execAll(ctx, tx, accessUpSQL); err != nil {
		return fmt.Errorf("make the access log: %w", err)
	}
	return comment(ctx, tx, accessComments)
}

func accessDown(ctx context.Context, tx bun.Tx) error {
	if err := execAll(ctx, tx, accessDownSQL); err != nil {
		return fmt.Errorf("take back the access log: %w", err)
	}
	return nil
}

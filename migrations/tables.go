package migrations

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// linkKeyBytes is the length of the key from which link ids are derived.
const linkKeyBytes = 32

// tables makes all tables. Instants are UTC, with microseconds; NULL = not known.
var tables = migration{name: "20261120090000", about: "tables", up: tablesUp, down: tablesDown}

var tablesSQL = []string{
	`CREATE TABLE upstream_users (
		person      TEXT NOT NULL,
		connector   TEXT NOT NULL,
		upstream_id TEXT NOT NULL,
		PRIMARY KEY (person, connector),
		UNIQUE (connector, upstream_id)
	)`,
	`CREATE TABLE links (
		id              TEXT NOT NULL UNIQUE,
		person          TEXT NOT NULL,
		data_source     TEXT NOT NULL,
		connector       TEXT NOT NULL,
		status          TEXT NOT NULL,
		connected_at    TIMESTAMPTZ,
		checked_at      TIMESTAMPTZ,
		latest_data_at  TIMESTAMPTZ,
		pending_since   TIMESTAMPTZ,
		revoked_at      TIMESTAMPTZ,
		late_data_until TIMESTAMPTZ,
		version         BIGINT NOT NULL,
		PRIMARY KEY (person, data_source)
	)`,
	`CREATE TABLE grants (
		person          TEXT NOT NULL,
		connector       TEXT NOT NULL,
		account_id      TEXT NOT NULL,
		sealed          BYTEA,
		expires_at      TIMESTAMPTZ,
		refused_at      TIMESTAMPTZ,
		scopes          TEXT,
		time_zone       TEXT NOT NULL,
		profile_read_at TIMESTAMPTZ,
		connected_at    TIMESTAMPTZ,
		lease           TEXT NOT NULL,
		lease_until     TIMESTAMPTZ,
		version         BIGINT NOT NULL,
		PRIMARY KEY (person, connector)
	)`,
	`CREATE TABLE spent_states (
		nonce      TEXT NOT NULL PRIMARY KEY,
		expires_at TIMESTAMPTZ NOT NULL
	)`,
	`CREATE INDEX spent_states_expires_at ON spent_states (expires_at)`,
	`CREATE TABLE data_sources (
		slug      TEXT NOT NULL PRIMARY KEY,
		name      TEXT NOT NULL,
		connector TEXT NOT NULL,
		kind      TEXT NOT NULL,
		logo_url  TEXT
	)`,
	`CREATE TABLE instance (
		id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
		link_key BYTEA NOT NULL CHECK (length(link_key) = 32)
	)`,
}

// tableComment is for those who look into the database. SQLite has no comments.
type tableComment struct{ table, comment string }

var tableComments = []tableComment{
	{"upstream_users", "The id by which an upstream knows a person"},
	{"links", "What is remembered of the link between a person and a data source"},
	{"grants", "OAuth grants: the tokens are sealed, scopes are a JSON list"},
	{"spent_states", "Authorisations that were finished, kept until they expire so that none is finished twice"},
	{"data_sources", "Data sources that upstreams showed and the catalogue lacks"},
	{"instance", "One row: the random key from which link ids are derived"},
}

func tablesUp(ctx context.Context, tx bun.Tx) error {
	if err := execAll(ctx, tx, tablesSQL); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	if err := comment(ctx, tx, tableComments); err != nil {
		return err
	}
	key := make([]byte, linkKeyBytes)
	_, _ = rand.Read(key) // never fails: it ends the program rather
	if _, err := tx.ExecContext(ctx, "INSERT INTO instance (id, link_key) VALUES (1, ?)", key); err != nil {
		// The cause may hold the statement and thereby the key.
		return fmt.Errorf("store the link key: %T", err)
	}
	return nil
}

func execAll(ctx context.Context, tx bun.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err //nolint:wrapcheck // the caller says what was being made
		}
	}
	return nil
}

func comment(ctx context.Context, tx bun.Tx, comments []tableComment) error {
	if tx.Dialect().Name() != dialect.PG {
		return nil
	}
	for _, c := range comments {
		if _, err := tx.ExecContext(ctx, "COMMENT ON TABLE ? IS ?", bun.Ident(c.table), c.comment); err != nil {
			return fmt.Errorf("comment the tables: %w", err)
		}
	}
	return nil
}

func tablesDown(ctx context.Context, tx bun.Tx) error {
	for _, c := range tableComments {
		if _, err := tx.ExecContext(ctx, "DROP TABLE ?", bun.Ident(c.table)); err != nil {
			return fmt.Errorf("drop the tables: %w", err)
		}
	}
	return nil
}

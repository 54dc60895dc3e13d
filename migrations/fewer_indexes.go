package migrations

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// fewerIndexes spares each new link and each line of the access log an index, which was a tenth of what it costs to answer about a
// person for the first time. The ids of links say whose they are (docs/adr/0013-link-ids-say-whose-they-are.md), so that only the hashes
// from before are looked for; lines are only ever read by person and time.
var fewerIndexes = migration{name: "20261121160000", about: "fewer_indexes", up: fewerIndexesUp, down: fewerIndexesDown}

const (
	// linksHashedID is of "link_" and the 24 characters of a hash. In other ids 64 and more characters follow.
	linksHashedID = `CREATE UNIQUE INDEX links_hashed_id ON links (id) WHERE length(id) < 64`
	linksDue      = `CREATE INDEX links_due ON links (connector, checked_at) WHERE status IN ('CONNECTED', 'PENDING', 'REVOKING')`

	accessLogPerson     = `CREATE INDEX access_log_person ON access_log (person, happened_at, event_key)`
	accessLogHappenedAt = `CREATE INDEX access_log_happened_at ON access_log (happened_at)`
)

func fewerIndexesUp(ctx context.Context, tx bun.Tx) error {
	statements := []string{
		`ALTER TABLE links DROP CONSTRAINT links_id_key`,
		linksHashedID,
		`ALTER TABLE access_log DROP CONSTRAINT access_log_pkey, ADD PRIMARY KEY (person, happened_at, event_key)`,
		`DROP INDEX access_log_person`,
	}
	if tx.Dialect().Name() == dialect.SQLite {
		statements = slices.Concat(
			remadeLinks(""), []string{linksHashedID, linksDue},
			remadeAccessLog("person, happened_at, event_key"), []string{accessLogHappenedAt})
	}
	if err := execAll(ctx, tx, statements); err != nil {
		return fmt.Errorf("drop indexes of links and of the access log: %w", err)
	}
	return nil
}

func fewerIndexesDown(ctx context.Context, tx bun.Tx) error {
	statements := []string{
		`DROP INDEX links_hashed_id`,
		`ALTER TABLE links ADD UNIQUE (id)`,
		`ALTER TABLE access_log DROP CONSTRAINT access_log_pkey, ADD PRIMARY KEY (person, event_key)`,
		accessLogPerson,
	}
	if tx.Dialect().Name() == dialect.SQLite {
		statements = slices.Concat(
			remadeLinks(" UNIQUE"), []string{linksDue},
			remadeAccessLog("person, event_key"), []string{accessLogPerson, accessLogHappenedAt})
	}
	if err := execAll(ctx, tx, statements); err != nil {
		return fmt.Errorf("make indexes of links and of the access log: %w", err)
	}
	return nil
}

func remadeLinks(idConstraint string) []string {
	return remade("links", `
		id              TEXT NOT NULL`+idConstraint+`,
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
		data_checked_at TIMESTAMPTZ,
		PRIMARY KEY (person, data_source)`)
}

func remadeAccessLog(key string) []string {
	return remade("access_log", `
		person      TEXT NOT NULL,
		event_key   TEXT NOT NULL,
		happened_at TIMESTAMPTZ NOT NULL,
		action      TEXT NOT NULL,
		actor       TEXT NOT NULL,
		actor_name  TEXT NOT NULL,
		connector   TEXT NOT NULL,
		data_source TEXT NOT NULL,
		outcome     TEXT NOT NULL,
		PRIMARY KEY (`+key+`)`)
}

// remade makes a table of SQLite's again, with the same columns in the same order: its keys can't be changed otherwise. The indexes go
// with the old one.
func remade(table, columns string) []string {
	return []string{
		`ALTER TABLE ` + table + ` RENAME TO ` + table + `_before`,
		`CREATE TABLE ` + table + ` (` + columns + `)`,
		`INSERT INTO ` + table + ` SELECT * FROM ` + table + `_before`,
		`DROP TABLE ` + table + `_before`,
	}
}

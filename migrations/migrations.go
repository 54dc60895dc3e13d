// Package migrations makes the tables, and takes them away again. One set of migrations serves PostgreSQL and SQLite: the
// column types are PostgreSQL's, of which SQLite takes any.
//
// A migration and the note that it was applied are one transaction, so that a crash leaves either both or neither. On
// PostgreSQL an advisory lock, which ends with its connection, keeps migrators apart; on SQLite the file's own lock does.
// The lock table of bun/migrate stays unused: its row would survive a crash and block everyone after it.
package migrations

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// table is where bun/migrate notes what was applied.
const table = "bun_migrations"

// migration is one step. Steps are applied in the order of their names and never change once released.
type migration struct {
	name     string // digits, the time of writing: 20061231235959
	about    string
	up, down func(ctx context.Context, tx bun.Tx) error
}

// all lists the steps, oldest first.
var all = []migration{tables, access, apiKeys, budgets, keptDays, zones, fewerIndexes}

// State is a migration and what became of it.
type State struct {
	Name      string    // such as "20261120090000_tables"
	AppliedAt time.Time // UTC; zero = not applied
}

// Up applies what is missing, all or, at an error, as many as came before it. Each applied migration is told to progress,
// which may be nil. Up waits for another migrator until ctx ends. On PostgreSQL db needs two connections or more, and no
// statement timeout.
func Up(ctx context.Context, db *bun.DB, progress func(string)) error {
	return exclusively(ctx, db, progress, func() error {
		m := migrator(db, progress)
		if err := m.Init(ctx); err != nil {
			return fmt.Errorf("make the table of migrations: %w", err)
		}
		if _, err := m.Migrate(ctx); err != nil {
			return fmt.Errorf("apply migrations: %w", err)
		}
		return nil
	})
}

// Down takes back what the last Up applied, with all rows in the tables that it made. It is Up in everything else.
func Down(ctx context.Context, db *bun.DB, progress func(string)) error {
	return exclusively(ctx, db, progress, func() error {
		if made, err := initialised(ctx, db); err != nil || !made {
			return err
		}
		if _, err := migrator(db, progress).Rollback(ctx); err != nil {
			return fmt.Errorf("take back migrations: %w", err)
		}
		return nil
	})
}

// Status lists all migrations, oldest first. It writes nothing, even to an empty database.
func Status(ctx context.Context, db *bun.DB) ([]State, error) {
	made, err := initialised(ctx, db)
	if err != nil {
		return nil, err
	}
	m := migrator(db, nil)
	states := make([]State, 0, len(all))
	if !made {
		for _, step := range all {
			states = append(states, State{Name: step.name + "_" + step.about})
		}
		return states, nil
	}
	steps, err := m.MigrationsWithStatus(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which migrations are applied: %w", err)
	}
	for _, step := range steps {
		state := State{Name: step.String()}
		if step.IsApplied() {
			state.AppliedAt = step.MigratedAt.UTC()
		}
		states = append(states, state)
	}
	return states, nil
}

// Pending names the migrations that are not applied, oldest first. It writes nothing, even to an empty database.
func Pending(ctx context.Context, db *bun.DB) ([]string, error) {
	states, err := Status(ctx, db)
	if err != nil {
		return nil, err
	}
	var pending []string
	for _, state := range states {
		if state.AppliedAt.IsZero() {
			pending = append(pending, state.Name)
		}
	}
	return pending, nil
}

// initialised says whether bun/migrate's table is there.
func initialised(ctx context.Context, db *bun.DB) (bool, error) {
	query := "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = ?"
	if db.Dialect().Name() == dialect.PG {
		query = "SELECT to_regclass(?) IS NOT NULL"
	}
	var made bool
	if err := db.NewRaw(query, table).Scan(ctx, &made); err != nil {
		return false, fmt.Errorf("look for the table of migrations: %w", err)
	}
	return made, nil
}

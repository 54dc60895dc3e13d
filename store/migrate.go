package store

import (
	"context"
	"errors"
	"fmt"

	"healthgraph/migrations"
)

// Migrate makes the tables, or brings them up to date. Several may run at once: one works, the others wait until ctx ends.
// Each migration is told to progress, which may be nil. There is no statement timeout.
func Migrate(ctx context.Context, config Config, progress func(string)) error {
	return migrating(ctx, config, func(s *Store) error { return migrations.Up(ctx, s.write, progress) })
}

// MigrateDown takes back what the last Migrate did. It loses the rows of the tables that go: links, grants, all there is.
func MigrateDown(ctx context.Context, config Config, progress func(string)) error {
	return migrating(ctx, config, func(s *Store) error { return migrations.Down(ctx, s.write, progress) })
}

// MigrateStatus lists the migrations, oldest first, and writes none. (A SQLite file is made where it is missing.)
func MigrateStatus(ctx context.Context, config Config) (states []migrations.State, err error) {
	err = migrating(ctx, config, func(s *Store) error {
		states, err = migrations.Status(ctx, s.read)
		return err
	})
	return states, err
}

func migrating(ctx context.Context, config Config, work func(*Store) error) error {
	s, err := connect(ctx, config, true)
	if err != nil {
		return err
	}
	return errors.Join(migrated(work(s)), s.Close())
}

// migrated tells all that the database said: other than the methods' statements, migrations hold nobody's values.
func migrated(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("migrations: %w", err)
}

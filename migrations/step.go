package migrations

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"
)

// migrator hands the steps to bun/migrate.
//
// bun notes a step after the step's transaction, where a crash between the two would make the next attempt fail for ever.
// The steps therefore note themselves; that bun does it again is harmless, because names are unique (WithUpsert).
func migrator(db *bun.DB, progress func(string)) *migrate.Migrator {
	if progress == nil {
		progress = func(string) {}
	}
	steps := migrate.NewMigrations()
	for _, step := range all {
		steps.Add(migrate.Migration{
			Name:    step.name,
			Comment: step.about,
			Up: func(ctx context.Context, m *migrate.Migrator, row *migrate.Migration) error {
				return step.apply(ctx, m.DB(), row.GroupID, progress)
			},
			Down: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
				return step.takeBack(ctx, m.DB(), progress)
			},
		})
	}
	return migrate.NewMigrator(db, steps, migrate.WithTableName(table),
		migrate.WithMarkAppliedOnSuccess(true), migrate.WithUpsert(true))
}

func (s migration) apply(ctx context.Context, db *bun.DB, group int64, progress func(string)) error {
	return s.once(ctx, db, "applied", progress, s.up, func(tx bun.Tx) (sql.Result, error) {
		row := migrate.Migration{Name: s.name, GroupID: group}
		return tx.NewInsert().Model(&row).ModelTableExpr(table).Column("name", "group_id").
			On("CONFLICT (name) DO NOTHING").Returning("").Exec(ctx)
	})
}

func (s migration) takeBack(ctx context.Context, db *bun.DB, progress func(string)) error {
	return s.once(ctx, db, "took back", progress, s.down, func(tx bun.Tx) (sql.Result, error) {
		return tx.NewDelete().TableExpr(table).Where("name = ?", s.name).Exec(ctx)
	})
}

// once notes and works in one transaction, unless another migrator was faster (on SQLite, where the file's lock is taken
// only now), which the note tells by changing no row.
func (s migration) once(ctx context.Context, db *bun.DB, done string, progress func(string),
	work func(context.Context, bun.Tx) error, note func(bun.Tx) (sql.Result, error),
) error {
	worked := false
	err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		result, err := note(tx)
		if err != nil {
			return fmt.Errorf("note the migration: %w", err)
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("note the migration: %w", err)
		}
		if worked = rows > 0; !worked {
			return nil
		}
		return work(ctx, tx)
	})
	if err != nil {
		return err //nolint:wrapcheck // bun/migrate adds the name of the step
	}
	if worked {
		progress(done + " " + s.name + "_" + s.about)
	}
	return nil
}

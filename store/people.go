package store

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"

	"healthgraph/health"
)

// DeletePerson deletes every row of the person, in one transaction of a statement for each table, and says how many there
// were. Spent states hold no person. receipt, which does not name the person, is written with it.
func (s *Store) DeletePerson(ctx context.Context, user health.UserID, receipt health.AccessEvent) (int, error) {
	deleted := 0
	err := s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		deleted = 0
		if err := s.holdOff(ctx, tx, user); err != nil {
			return err
		}
		// Kept days come after the links: whoever keeps one meanwhile holds those. See KeepDays.
		for _, model := range []any{(*grantRow)(nil), (*linkRow)(nil), (*upstreamUserRow)(nil), (*accessRow)(nil), (*keptDayRow)(nil)} {
			var result sql.Result
			result, err := tx.NewDelete().Model(model).Where("person = ?", string(user)).Exec(ctx)
			rows, err := changed("delete a person's rows", result, err)
			if err != nil {
				return err
			}
			deleted += rows
		}
		return addAccessEvents(ctx, tx, []health.AccessEvent{receipt})
	})
	return deleted, failed("delete a person's rows", err)
}

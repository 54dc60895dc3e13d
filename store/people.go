package store

import (
	"context"

	"github.com/uptrace/bun"

	"healthgraph/health"
)

// DeletePerson deletes every row of the person, in one transaction of a statement for each table, and says how many there
// were. Spent states hold no person. receipt, which does not name the person, is written with it.
func (s *Store) DeletePerson(ctx context.Context, user health.UserID, receipt health.AccessEvent) (int, error) {
	of := func(q bun.QueryBuilder) bun.QueryBuilder { return q.Where("person = ?", string(user)) }
	deleted := 0
	err := s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		deleted = 0
		if err := s.holdOff(ctx, tx, user); err != nil {
			return err
		}
		// Kept days come after the links: whoever keeps one meanwhile holds those. See KeepDays.
		for _, query := range []*bun.DeleteQuery{
			tx.NewDelete().Model((*grantRow)(nil)).ApplyQueryBuilder(of),
			deleteInOrder(tx, (*linkRow)(nil), "person, data_source", linkOrder, of),
			tx.NewDelete().Model((*upstreamUserRow)(nil)).ApplyQueryBuilder(of),
			tx.NewDelete().Model((*accessRow)(nil)).ApplyQueryBuilder(of),
			deleteInOrder(tx, (*keptDayRow)(nil), keptDayKey, keptDayKey, of),
		} {
			result, err := query.Exec(ctx)
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

package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"healthgraph/health"
	"healthgraph/tokens"
)

// GrantsAtStake gives the connector's grants of the people, and those of anybody for the accounts, in no order. One that is
// both comes twice. Each part has an index of its own: one condition for all would read the whole table.
func (s *Store) GrantsAtStake(ctx context.Context, connector string, users []health.UserID, accounts []string) ([]tokens.Record, error) {
	if len(users) == 0 || len(accounts) == 0 {
		return nil, nil
	}
	of := func(condition string, list any) *bun.SelectQuery {
		return s.read.NewSelect().Model((*grantRow)(nil)).Where("connector = ?", connector).Where(condition, list)
	}
	var rows []grantRow
	err := of("person IN (?)", bun.List(users)).
		UnionAll(of("account_id IN (?)", bun.List(accounts))).
		Scan(ctx, &rows)
	if err != nil {
		return nil, failed("read grants", err)
	}
	return grantRecords(rows)
}

// AddGrants makes those of the records whose person has no grant at the connector yet and whose account nobody else has to
// themselves, and gives their people, in no order. The events about these go to the access log with them. It is one transaction,
// during which no other grant is written: two that add the same in another order would stop each other for good.
func (s *Store) AddGrants(ctx context.Context, records []tokens.Record, events []health.AccessEvent) ([]health.UserID, error) {
	if len(records) == 0 {
		return nil, nil
	}
	rows := make([]grantRow, len(records))
	for i, record := range records {
		var err error
		if rows[i], err = grantRowOf(record, 1); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(a, b grantRow) int { return cmp.Compare(a.Person, b.Person) })
	var added []health.UserID
	err := s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if !s.isSQLite() { // which has one writer anyway
			if _, err := tx.ExecContext(ctx, "LOCK TABLE grants IN SHARE ROW EXCLUSIVE MODE"); err != nil {
				return err
			}
		}
		added = nil
		_, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Returning("person").Exec(ctx, &added)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return addAccessEvents(ctx, tx, slices.DeleteFunc(slices.Clone(events), func(e health.AccessEvent) bool {
			return !slices.Contains(added, e.User)
		}))
	})
	if err != nil {
		return nil, told("add grants", err)
	}
	return added, nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
)

// Due gives at most limit of the people, in order, whose links are due; byGrant where a grant is the link. A link by grant is
// due when neither its profile was read nor its grant refused lately. Others are due by when they were checked, if they are
// connected or on their way, and where a source that brought data once went silent and was not asked for any lately.
func (s *Store) Due(ctx context.Context, due gateway.Due, byGrant bool, limit int) ([]health.UserID, error) {
	var people []health.UserID
	if err := s.due(due, byGrant).ColumnExpr("DISTINCT person").Order("person").Limit(int64(limit)).Scan(ctx, &people); err != nil {
		return nil, failed("read whose links are due", err)
	}
	return people, nil
}

// CountDue counts the people whose links are due.
func (s *Store) CountDue(ctx context.Context, due gateway.Due, byGrant bool) (int, error) {
	var n int
	err := s.due(due, byGrant).ColumnExpr("COUNT(DISTINCT person)").Scan(ctx, &n)
	return n, failed("count whose links are due", err)
}

func (s *Store) due(due gateway.Due, byGrant bool) *bun.SelectQuery {
	query := s.read.NewSelect()
	if byGrant {
		query = query.Model((*grantRow)(nil)).
			Where("profile_read_at IS NULL OR profile_read_at <= ?", due.CheckedBefore).
			Where("refused_at IS NULL OR refused_at <= ?", due.CheckedBefore)
	} else {
		settling := []health.LinkStatus{health.StatusPending, health.StatusRevoking}
		query = query.Model((*linkRow)(nil)).WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("status = ? AND checked_at <= ?", health.StatusConnected, due.CheckedBefore).
				WhereOr("status IN (?) AND checked_at <= ?", bun.List(settling), due.SettleBefore).
				WhereOr("status = ? AND latest_data_at <= ? AND (data_checked_at IS NULL OR data_checked_at <= ?)", health.StatusConnected, due.SilentBefore, due.CheckedBefore)
		})
	}
	return query.Where("connector = ?", due.Connector).Where("person > ?", string(due.After))
}

type leaseRow struct {
	bun.BaseModel `bun:"table:leases,alias:leases"`

	Name      string    `bun:"name,pk"`
	Holder    string    `bun:"holder"`
	HeldUntil time.Time `bun:"held_until"`
	Reached   string    `bun:"reached"`
}

// TakeLease takes a lease that is nobody's, has ended by now, or is the holder's already, until that time. It is false when
// another holds it. reached is how far the work has come, by whoever held it last.
func (s *Store) TakeLease(ctx context.Context, name, holder string, until, now time.Time) (reached string, held bool, err error) {
	row := leaseRow{Name: name, Holder: holder, HeldUntil: until}
	var taken []string
	_, err = s.write.NewInsert().Model(&row).On("CONFLICT (name) DO UPDATE").
		Set("holder = excluded.holder").Set("held_until = excluded.held_until").
		Where("leases.holder = excluded.holder OR leases.held_until <= ?", now).Returning("reached").Exec(ctx, &taken)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", false, failed("take a lease", err)
	}
	if len(taken) == 0 {
		return "", false, nil
	}
	return taken[0], true, nil
}

// KeepLease makes a lease that is still the holder's last until that time, and remembers how far the work has come. It is false
// when another holds it by now.
func (s *Store) KeepLease(ctx context.Context, name, holder, reached string, until time.Time) (bool, error) {
	result, err := s.write.NewUpdate().Model((*leaseRow)(nil)).Set("held_until = ?", until).Set("reached = ?", reached).
		Where("name = ?", name).Where("holder = ?", holder).Exec(ctx)
	rows, err := changed("keep a lease", result, err)
	return rows > 0, err
}

package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
)

var _ gateway.Store = (*Store)(nil)

type upstreamUserRow struct {
	bun.BaseModel `bun:"table:upstream_users,alias:upstream_users"`

	Person     string       `bun:"person,pk"`
	Connector  string       `bun:"connector,pk"`
	UpstreamID string       `bun:"upstream_id"`
	TimeZone   string       `bun:"time_zone"`
	ZoneDueAt  bun.NullTime `bun:"zone_due_at"`
}

// UpstreamIDs gives the ids of the people at all upstreams, in no order.
func (s *Store) UpstreamIDs(ctx context.Context, users []health.UserID) ([]gateway.UpstreamID, error) {
	if len(users) == 0 {
		return nil, nil
	}
	ids := []gateway.UpstreamID{}
	err := s.frequent.upstreamIDs.of(ctx, users, func(into func(...any) error) error {
		var id gateway.UpstreamID
		var due bun.NullTime
		err := into(&id.User, &id.Connector, &id.ID, &id.TimeZone, &due)
		id.ZoneDueAt = due.UTC()
		ids = append(ids, id)
		return err
	})
	return ids, failed("read upstream ids", err)
}

// AddUpstreamIDs writes those that are new and leaves those that are there. Of two ids for the same person and connector
// the first stays. An id that another person has at the upstream is an error, and then none is written.
func (s *Store) AddUpstreamIDs(ctx context.Context, ids []gateway.UpstreamID) error {
	if len(ids) == 0 {
		return nil
	}
	rows := upstreamUserRows(ids...)
	// All writers lock rows in the same order, or two might wait for each other.
	slices.SortStableFunc(rows, func(a, b upstreamUserRow) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Connector, b.Connector))
	})
	_, err := insert(func() (sql.Result, error) {
		return s.write.NewInsert().Model(&rows).On("CONFLICT (person, connector) DO NOTHING").Exec(ctx)
	})
	return failed("add upstream ids", err)
}

// noteZone looks for a link in the statement that writes. On PostgreSQL it holds it to its end: see keepDays.
const noteZone = `WITH given (person, connector, upstream_id, time_zone, zone_due_at) AS (?),
linked AS (SELECT id FROM links WHERE person = ? AND connector = ? ORDER BY id LIMIT 1 ?)
INSERT INTO upstream_users (person, connector, upstream_id, time_zone, zone_due_at)
SELECT person, connector, upstream_id, time_zone, zone_due_at FROM given
WHERE EXISTS (SELECT id FROM linked)
ON CONFLICT (person, connector) DO UPDATE SET time_zone = excluded.time_zone, zone_due_at = excluded.zone_due_at
WHERE upstream_users.upstream_id = excluded.upstream_id`

// NoteZone remembers the zone of a person at an upstream, and when to ask for it again, beside the id that it was asked for, which is
// written with it where it was not. Nothing is written of whoever has another id there, or no stored link.
func (s *Store) NoteZone(ctx context.Context, id gateway.UpstreamID) error {
	rows := upstreamUserRows(id)
	_, err := insert(func() (sql.Result, error) {
		return s.write.NewRaw(noteZone, s.write.NewValues(&rows), string(id.User), id.Connector, s.shareLock()).Exec(ctx)
	})
	return failed("note a zone", err)
}

func upstreamUserRows(ids ...gateway.UpstreamID) []upstreamUserRow {
	rows := make([]upstreamUserRow, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, upstreamUserRow{
			Person: string(id.User), Connector: id.Connector, UpstreamID: id.ID, TimeZone: id.TimeZone, ZoneDueAt: bun.NullTime{Time: id.ZoneDueAt},
		})
	}
	return rows
}

package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/health"
)

type accessRow struct {
	bun.BaseModel `bun:"table:access_log,alias:access_log"`

	Person     string    `bun:"person,pk,type:text"`
	Key        string    `bun:"event_key,pk,type:text"`
	HappenedAt time.Time `bun:"happened_at,pk,type:timestamptz"`
	Action     string    `bun:"action,type:text"`
	Actor      string    `bun:"actor,type:text"`
	ActorName  string    `bun:"actor_name,type:text"`
	Connector  string    `bun:"connector,type:text"`
	DataSource string    `bun:"data_source,type:text"`
	Outcome    string    `bun:"outcome,type:text"`
}

// accessColumns are in the order of accessRow.
const accessColumns = "person, event_key, happened_at, action, actor, actor_name, connector, data_source, outcome"

// accessKey is the primary key of access_log.
const accessKey = "person, happened_at, event_key"

// addEvent is addAccessEvents for one row.
var addEvent = "INSERT INTO access_log (" + accessColumns + ") VALUES (" + placeholders(9) + ") ON CONFLICT (" + accessKey + ") DO NOTHING"

func accessRowOf(e health.AccessEvent) accessRow {
	if e.Key == "" {
		e.Key = rand.Text()
	}
	return accessRow{
		Person:     string(e.User),
		Key:        e.Key,
		HappenedAt: e.At,
		Action:     string(e.Action),
		Actor:      string(e.Actor.Kind),
		ActorName:  e.Actor.Name,
		Connector:  e.Connector,
		DataSource: string(e.DataSource),
		Outcome:    string(e.Outcome),
	}
}

func accessRows(events []health.AccessEvent) []accessRow {
	rows := make([]accessRow, len(events))
	for i, e := range events {
		rows[i] = accessRowOf(e)
	}
	return rows
}

func (r accessRow) event() health.AccessEvent {
	return health.AccessEvent{
		Key:        r.Key,
		User:       health.UserID(r.Person),
		At:         r.HappenedAt.UTC(),
		Action:     health.AccessAction(r.Action),
		Actor:      health.Actor{Kind: health.ActorKind(r.Actor), Name: r.ActorName},
		Connector:  r.Connector,
		DataSource: health.DataSourceID(r.DataSource),
		Outcome:    health.RevokeOutcome(r.Outcome),
	}
}

// AddAccessEvents writes lines of access logs. One whose time and key the person's log has already is left as it is.
func (s *Store) AddAccessEvents(ctx context.Context, events []health.AccessEvent) error {
	return addAccessEvents(ctx, s.write, events)
}

func addAccessEvents(ctx context.Context, db bun.IDB, events []health.AccessEvent) error {
	if len(events) == 0 {
		return nil
	}
	rows := accessRows(events)
	_, err := db.NewInsert().Model(&rows).On("CONFLICT (" + accessKey + ") DO NOTHING").Exec(ctx)
	return failed("write the access log", err)
}

// AccessEvents gives at most limit lines of the person's log, newest first, from behind before on: its time and key. A zero
// before begins with the newest.
func (s *Store) AccessEvents(ctx context.Context, user health.UserID, before health.AccessEvent, limit int) ([]health.AccessEvent, error) {
	var rows []accessRow
	query := s.read.NewSelect().Model(&rows).Where("person = ?", string(user))
	if !before.At.IsZero() {
		query = query.Where("(happened_at, event_key) < (?, ?)", before.At, before.Key)
	}
	if err := query.Order("happened_at DESC", "event_key DESC").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, failed("read the access log", err)
	}
	events := make([]health.AccessEvent, len(rows))
	for i, row := range rows {
		events[i] = row.event()
	}
	return events, nil
}

// ForgetAccessEvents deletes at most limit lines that are older than before, and says how many it did. Those that somebody else
// deletes meanwhile are theirs.
func (s *Store) ForgetAccessEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	result, err := deleteOldest(s.write, (*accessRow)(nil), accessKey, "happened_at", before, limit).Exec(ctx)
	return changed("forget old lines of the access log", result, err)
}

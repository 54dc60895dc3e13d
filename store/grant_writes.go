package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"healthgraph/health"
	"healthgraph/tokens"
)

// PutGrant writes the record over whatever the person has at the connector, and counts the row's version up whatever
// record.Version is. The events go to the access log with it.
//
// Unless the record is shared its account is one person's: tokens.ErrAccountInUse when another holds it. A verified record
// takes the account from another that is not, whose person's log is told that their link ended. What is kept of days goes with
// the grant that it was read with.
//
// It is one transaction.
func (s *Store) PutGrant(ctx context.Context, record tokens.Record, events ...health.AccessEvent) error {
	row, err := grantRowOf(record, 1)
	if err != nil {
		return err
	}
	var ousted []health.AccessEvent
	put := func() error {
		return s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
			ousted, err = putGrant(ctx, tx, record, row, events)
			return err
		})
	}
	// Whoever is slower by a moment is stopped by the finished row of another person, or by one of their own that is about to be
	// written: only looking again tells the two apart. Two who take each other's accounts may have to be parted as well.
	for range 3 {
		if err = put(); !isUniqueViolation(err) && !isDeadlock(err) {
			break
		}
	}
	switch {
	case isUniqueViolation(err):
		return tokens.ErrAccountInUse
	case err == nil && s.onOusted != nil:
		for _, event := range ousted {
			s.onOusted(event.User, event.Connector)
		}
	}
	return told("write a grant", err)
}

// putGrant gives a line for the log of each person who lost the account.
func putGrant(ctx context.Context, tx bun.Tx, record tokens.Record, row grantRow, events []health.AccessEvent) (ousted []health.AccessEvent, err error) {
	if !record.Shared {
		// An account that the person shares already stays shared: the others who hold it were there.
		own := tx.NewSelect().Model((*grantRow)(nil)).Where("person = ?", row.Person).Where("connector = ?", row.Connector).
			Where("account_id = ?", row.AccountID).Where("shared")
		if row.Shared, err = own.Exists(ctx); err != nil {
			return nil, failed("look who holds an account", err)
		}
	}
	if !row.Shared {
		if ousted, err = claimAccount(ctx, tx, record); err != nil {
			return nil, err
		}
	}
	query := tx.NewInsert().Model(&row).On("CONFLICT (person, connector) DO UPDATE")
	for _, column := range grantColumns {
		query = query.Set("? = excluded.?", bun.Ident(column), bun.Ident(column))
	}
	if _, err := query.Set("version = grants.version + 1").Exec(ctx); err != nil {
		return nil, failed("write a grant", err)
	}
	// Their own grant may be for another account than before.
	people := []health.UserID{record.User}
	for _, event := range ousted {
		people = append(people, event.User)
	}
	if err := forgetDays(ctx, tx, record.Connector, people); err != nil {
		return nil, failed("forget the days of a grant", err)
	}
	return ousted, addAccessEvents(ctx, tx, slices.Concat(events, ousted))
}

// claimAccount takes the record's account from those who hold it without proof, if the record has one, and gives a line for
// the log of each. Anybody else who holds it keeps it.
func claimAccount(ctx context.Context, tx bun.Tx, record tokens.Record) ([]health.AccessEvent, error) {
	others := func(q bun.QueryBuilder) bun.QueryBuilder {
		return q.Where("connector = ?", record.Connector).Where("account_id = ?", record.AccountID).Where("person <> ?", string(record.User))
	}
	var events []health.AccessEvent
	if !record.VerifiedAt.IsZero() {
		var ousted []string
		_, err := tx.NewDelete().Model((*grantRow)(nil)).ApplyQueryBuilder(others).
			Where("account_verified_at IS NULL").Where("NOT shared").Returning("person").Exec(ctx, &ousted)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, failed("take an account over", err)
		}
		for _, person := range ousted {
			events = append(events, health.AccessEvent{
				User: health.UserID(person), At: record.ConnectedAt, Action: health.AccessEnded,
				Actor: health.Actor{Kind: health.ActorGateway}, Connector: record.Connector,
			})
		}
	}
	held, err := tx.NewSelect().Model((*grantRow)(nil)).ApplyQueryBuilder(others).Exists(ctx)
	if err != nil {
		return nil, failed("look who holds an account", err)
	}
	if held {
		return nil, tokens.ErrAccountInUse
	}
	return events, nil
}

// UpdateGrant writes the record if the row still has record.Version, and says whether it did. The row then has
// record.Version + 1, and the events are in the access log.
func (s *Store) UpdateGrant(ctx context.Context, record tokens.Record, events ...health.AccessEvent) (bool, error) {
	row, err := grantRowOf(record, record.Version+1)
	if err != nil {
		return false, err
	}
	return s.logged(ctx, "update a grant", events, func(db bun.IDB) change {
		return db.NewUpdate().Model(&row).Column(slices.Concat(grantColumns, []string{"version"})...).
			WherePK().Where("version = ?", record.Version)
	})
}

// DeleteGrant forgets a grant and says whether there was one. Only then the events are in the access log.
func (s *Store) DeleteGrant(ctx context.Context, user health.UserID, connector string, events ...health.AccessEvent) (bool, error) {
	return s.logged(ctx, "delete a grant", events, func(db bun.IDB) change {
		return db.NewDelete().Model((*grantRow)(nil)).Where("person = ?", string(user)).Where("connector = ?", connector)
	})
}

// DropGrant forgets the record if the row still has record.Version, and says whether it did. Only then the events are in the
// access log.
func (s *Store) DropGrant(ctx context.Context, record tokens.Record, events ...health.AccessEvent) (bool, error) {
	return s.logged(ctx, "drop a grant", events, func(db bun.IDB) change {
		return db.NewDelete().Model((*grantRow)(nil)).Where("person = ?", string(record.User)).
			Where("connector = ?", record.Connector).Where("version = ?", record.Version)
	})
}

// change is an UPDATE or a DELETE.
type change interface {
	schema.QueryAppender
	Exec(ctx context.Context, dest ...any) (sql.Result, error)
}

// logged makes a change and says whether it changed anything. If it did, the events are written with it or neither is.
//
// On PostgreSQL that is one statement, which the server finishes even if this process dies while it runs: what an upstream
// gave for a spent refresh token is kept then. SQLite has no such statements, and nothing between it and us.
func (s *Store) logged(ctx context.Context, doing string, events []health.AccessEvent, query func(bun.IDB) change) (bool, error) {
	if len(events) == 0 {
		result, err := query(s.write).Exec(ctx)
		rows, err := changed(doing, result, err)
		return rows > 0, err
	}
	if !s.isSQLite() {
		rows := accessRows(events)
		result, err := s.write.NewRaw(`WITH changed AS (? RETURNING 1), events (`+accessColumns+`) AS (?)
INSERT INTO access_log (`+accessColumns+`) SELECT events.* FROM events, changed`, query(s.write), s.write.NewValues(&rows)).Exec(ctx)
		written, err := changed(doing, result, err)
		return written > 0, err
	}
	done := false
	err := s.write.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		result, err := query(tx).Exec(ctx)
		rows, err := changed(doing, result, err)
		if done = rows > 0; err != nil || !done {
			return err
		}
		return addAccessEvents(ctx, tx, events)
	})
	return done && err == nil, told(doing, err)
}

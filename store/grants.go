package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/uptrace/bun"

	"healthgraph/health"
	"healthgraph/tokens"
)

var _ tokens.Store = (*Store)(nil)

type grantRow struct {
	bun.BaseModel `bun:"table:grants,alias:grants"`

	Person        string         `bun:"person,pk"`
	Connector     string         `bun:"connector,pk"`
	AccountID     string         `bun:"account_id"`
	Sealed        []byte         `bun:"sealed"`
	ExpiresAt     bun.NullTime   `bun:"expires_at"`
	RefusedAt     bun.NullTime   `bun:"refused_at"`
	Scopes        sql.NullString `bun:"scopes"` // a JSON list; NULL = the upstream did not say
	TimeZone      string         `bun:"time_zone"`
	ProfileReadAt bun.NullTime   `bun:"profile_read_at"`
	VerifiedAt    bun.NullTime   `bun:"account_verified_at"`
	Shared        bool           `bun:"shared"`
	ConnectedAt   bun.NullTime   `bun:"connected_at"`
	Lease         string         `bun:"lease"`
	LeaseUntil    bun.NullTime   `bun:"lease_until"`
	Version       int64          `bun:"version"`
}

// grantColumns are those that a new grant writes over an old one.
var grantColumns = []string{
	"account_id", "sealed", "expires_at", "refused_at", "scopes", "time_zone", "profile_read_at", "account_verified_at",
	"shared", "connected_at", "lease", "lease_until",
}

// readGrantColumns are in the order of grantRow.
const readGrantColumns = "person, connector, account_id, sealed, expires_at, refused_at, scopes, time_zone, profile_read_at, " +
	"account_verified_at, shared, connected_at, lease, lease_until, version"

func grantRowOf(r tokens.Record, version int64) (grantRow, error) {
	row := grantRow{
		Person:        string(r.User),
		Connector:     r.Connector,
		AccountID:     r.AccountID,
		Sealed:        r.Sealed,
		ExpiresAt:     bun.NullTime{Time: r.ExpiresAt},
		RefusedAt:     bun.NullTime{Time: r.RefusedAt},
		TimeZone:      r.TimeZone,
		ProfileReadAt: bun.NullTime{Time: r.ProfileReadAt},
		VerifiedAt:    bun.NullTime{Time: r.VerifiedAt},
		Shared:        r.Shared,
		ConnectedAt:   bun.NullTime{Time: r.ConnectedAt},
		Lease:         r.Lease,
		LeaseUntil:    bun.NullTime{Time: r.LeaseUntil},
		Version:       version,
	}
	if r.Scopes != nil {
		scopes, err := json.Marshal(r.Scopes)
		if err != nil {
			return row, failed("encode scopes", err)
		}
		row.Scopes = sql.NullString{String: string(scopes), Valid: true}
	}
	return row, nil
}

func (r grantRow) record() (tokens.Record, error) {
	record := tokens.Record{
		User:          health.UserID(r.Person),
		Connector:     r.Connector,
		AccountID:     r.AccountID,
		Sealed:        r.Sealed,
		ExpiresAt:     r.ExpiresAt.UTC(),
		RefusedAt:     r.RefusedAt.UTC(),
		TimeZone:      r.TimeZone,
		ProfileReadAt: r.ProfileReadAt.UTC(),
		VerifiedAt:    r.VerifiedAt.UTC(),
		Shared:        r.Shared,
		ConnectedAt:   r.ConnectedAt.UTC(),
		Lease:         r.Lease,
		LeaseUntil:    r.LeaseUntil.UTC(),
		Version:       r.Version,
	}
	if r.Scopes.Valid {
		if err := json.Unmarshal([]byte(r.Scopes.String), &record.Scopes); err != nil {
			return record, failed("decode scopes", err)
		}
	}
	return record, nil
}

// Grants gives the grants of the people, at all upstreams, in no order.
func (s *Store) Grants(ctx context.Context, users []health.UserID) ([]tokens.Record, error) {
	if len(users) == 0 {
		return nil, nil
	}
	records := []tokens.Record{}
	err := s.frequent.grants.of(ctx, users, func(into func(...any) error) error {
		var r grantRow
		if err := into(&r.Person, &r.Connector, &r.AccountID, &r.Sealed, &r.ExpiresAt, &r.RefusedAt, &r.Scopes, &r.TimeZone,
			&r.ProfileReadAt, &r.VerifiedAt, &r.Shared, &r.ConnectedAt, &r.Lease, &r.LeaseUntil, &r.Version); err != nil {
			return err
		}
		record, err := r.record()
		records = append(records, record)
		return err
	})
	return records, told("read grants", err)
}

// GrantsAfter gives at most limit grants of anybody, in the order of person and connector, from behind that one on.
func (s *Store) GrantsAfter(ctx context.Context, user health.UserID, connector string, limit int) ([]tokens.Record, error) {
	var rows []grantRow
	err := s.read.NewSelect().Model(&rows).Where("(person, connector) > (?, ?)", string(user), connector).
		Order("person", "connector").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, failed("read grants", err)
	}
	return grantRecords(rows)
}

// CountGrants counts all grants.
func (s *Store) CountGrants(ctx context.Context) (int, error) {
	n, err := s.read.NewSelect().Model((*grantRow)(nil)).Count(ctx)
	return int(n), failed("count grants", err)
}

func grantRecords(rows []grantRow) ([]tokens.Record, error) {
	records := make([]tokens.Record, 0, len(rows))
	for _, row := range rows {
		record, err := row.record()
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
)

// knownTable is a table whose rows Known reads, in columns that the tables share: SQL wants the same types at the same places.
type knownTable struct {
	name     string
	texts    [4]string // after person and connector
	sealed   string
	shared   string
	instants [7]string
	version  string
}

// The tables, in the order of their numbers. Columns that a table has not are NULL.
const (
	knownLink = iota
	knownID
	knownGrant
)

var knownTables = [...]knownTable{
	knownLink: {
		"links", [4]string{"id", "data_source", "status"}, "", "",
		[7]string{"connected_at", "checked_at", "latest_data_at", "data_checked_at", "pending_since", "revoked_at", "late_data_until"}, "version",
	},
	knownID: {"upstream_users", [4]string{"upstream_id", "time_zone"}, "", "", [7]string{"zone_due_at"}, ""},
	knownGrant: {
		"grants", [4]string{"account_id", "time_zone", "scopes", "lease"}, "sealed", "shared",
		[7]string{"expires_at", "refused_at", "profile_read_at", "account_verified_at", "connected_at", "lease_until"}, "version",
	},
}

// selectKnown is a SELECT of all the tables. where is a condition about person.
func (s *Store) selectKnown(where string) string {
	bytes := "bytea"
	if s.isSQLite() {
		bytes = "BLOB"
	}
	column := func(name, kind string) string {
		if name == "" {
			return ", CAST(NULL AS " + kind + ")"
		}
		return ", " + name
	}
	var text strings.Builder
	for n, table := range knownTables {
		if n > 0 {
			text.WriteString(" UNION ALL ")
		}
		fmt.Fprintf(&text, "SELECT %d, person, connector", n)
		for _, name := range table.texts {
			text.WriteString(column(name, "TEXT"))
		}
		text.WriteString(column(table.sealed, bytes) + column(table.shared, "BOOLEAN"))
		for _, name := range table.instants {
			text.WriteString(column(name, "TIMESTAMPTZ"))
		}
		text.WriteString(column(table.version, "BIGINT") + " FROM " + table.name + " WHERE " + where)
	}
	return text.String()
}

// knownRow is a row of any of the tables.
type knownRow struct {
	table             int
	person, connector string
	texts             [4]sql.NullString
	sealed            []byte
	shared            sql.NullBool
	instants          [7]bun.NullTime
	version           sql.NullInt64
}

// destinations are where the columns go.
func (r *knownRow) destinations() []any {
	all := []any{&r.table, &r.person, &r.connector}
	for i := range r.texts {
		all = append(all, &r.texts[i])
	}
	all = append(all, &r.sealed, &r.shared)
	for i := range r.instants {
		all = append(all, &r.instants[i])
	}
	return append(all, &r.version)
}

func (r *knownRow) link() linkRow {
	return linkRow{
		Person: r.person, Connector: r.connector, ID: r.texts[0].String, DataSource: r.texts[1].String, Status: r.texts[2].String,
		ConnectedAt: r.instants[0], CheckedAt: r.instants[1], LatestDataAt: r.instants[2], DataCheckedAt: r.instants[3],
		PendingSince: r.instants[4], RevokedAt: r.instants[5], LateDataUntil: r.instants[6], Version: r.version.Int64,
	}
}

func (r *knownRow) id() gateway.UpstreamID {
	return gateway.UpstreamID{
		User: health.UserID(r.person), Connector: r.connector, ID: r.texts[0].String, TimeZone: r.texts[1].String, ZoneDueAt: r.instants[0].UTC(),
	}
}

func (r *knownRow) grant() grantRow {
	return grantRow{
		Person: r.person, Connector: r.connector, AccountID: r.texts[0].String, TimeZone: r.texts[1].String, Scopes: r.texts[2], Lease: r.texts[3].String,
		Sealed: r.sealed, Shared: r.shared.Bool,
		ExpiresAt: r.instants[0], RefusedAt: r.instants[1], ProfileReadAt: r.instants[2], VerifiedAt: r.instants[3],
		ConnectedAt: r.instants[4], LeaseUntil: r.instants[5], Version: r.version.Int64,
	}
}

// likelyLinks is how many links a person has of whom any are stored.
const likelyLinks = 4

// Known gives all that is remembered of the people's links, in no order: what UpstreamIDs, Links and Grants give, in one statement.
func (s *Store) Known(ctx context.Context, users []health.UserID) (gateway.Known, error) {
	var known gateway.Known
	if len(users) == 0 {
		return known, nil
	}
	var row knownRow
	destinations := row.destinations()
	err := s.frequent.known.of(ctx, users, func(into func(...any) error) error {
		row.sealed = nil // each grant has bytes of its own
		if err := into(destinations...); err != nil {
			return err
		}
		switch row.table {
		case knownLink:
			if known.Links == nil {
				known.Links = make([]gateway.LinkRecord, 0, likelyLinks*len(users))
			}
			known.Links = append(known.Links, row.link().record())
		case knownID:
			known.UpstreamIDs = append(known.UpstreamIDs, row.id())
		case knownGrant:
			record, err := row.grant().record()
			if err != nil {
				return err
			}
			known.Grants = append(known.Grants, record)
		}
		return nil
	})
	return known, told("read what is known of people", err)
}

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

// linkRow names the type of each column: PostgreSQL can't tell it from a list of values where all are NULL.
type linkRow struct {
	bun.BaseModel `bun:"table:links,alias:links"`

	ID            string       `bun:"id,type:text"`
	Person        string       `bun:"person,pk,type:text"`
	DataSource    string       `bun:"data_source,pk,type:text"`
	Connector     string       `bun:"connector,type:text"`
	Status        string       `bun:"status,type:text"`
	ConnectedAt   bun.NullTime `bun:"connected_at,type:timestamptz"`
	CheckedAt     bun.NullTime `bun:"checked_at,type:timestamptz"`
	LatestDataAt  bun.NullTime `bun:"latest_data_at,type:timestamptz"`
	DataCheckedAt bun.NullTime `bun:"data_checked_at,type:timestamptz"`
	PendingSince  bun.NullTime `bun:"pending_since,type:timestamptz"`
	RevokedAt     bun.NullTime `bun:"revoked_at,type:timestamptz"`
	LateDataUntil bun.NullTime `bun:"late_data_until,type:timestamptz"`
	Version       int64        `bun:"version,type:bigint"`
}

// linkColumns are in the order of scanLink.
const linkColumns = "id, person, data_source, connector, status, connected_at, checked_at, latest_data_at, data_checked_at, " +
	"pending_since, revoked_at, late_data_until, version"

func scanLink(into func(...any) error) (gateway.LinkRecord, error) {
	var r linkRow
	err := into(&r.ID, &r.Person, &r.DataSource, &r.Connector, &r.Status, &r.ConnectedAt, &r.CheckedAt, &r.LatestDataAt, &r.DataCheckedAt,
		&r.PendingSince, &r.RevokedAt, &r.LateDataUntil, &r.Version)
	return r.record(), err
}

func (r linkRow) record() gateway.LinkRecord {
	return gateway.LinkRecord{
		ID:            health.LinkID(r.ID),
		User:          health.UserID(r.Person),
		Connector:     r.Connector,
		DataSource:    health.DataSourceID(r.DataSource),
		Status:        health.LinkStatus(r.Status),
		ConnectedAt:   r.ConnectedAt.UTC(),
		CheckedAt:     r.CheckedAt.UTC(),
		LatestDataAt:  r.LatestDataAt.UTC(),
		DataCheckedAt: r.DataCheckedAt.UTC(),
		PendingSince:  r.PendingSince.UTC(),
		RevokedAt:     r.RevokedAt.UTC(),
		LateDataUntil: r.LateDataUntil.UTC(),
		Version:       r.Version,
	}
}

// Links gives the links of the people, in no order.
func (s *Store) Links(ctx context.Context, users []health.UserID) ([]gateway.LinkRecord, error) {
	if len(users) == 0 {
		return nil, nil
	}
	records := []gateway.LinkRecord{}
	err := s.frequent.links.of(ctx, users, func(into func(...any) error) error {
		record, err := scanLink(into)
		records = append(records, record)
		return err
	})
	return records, failed("read links", err)
}

// LinksByID gives those of the links that there are, in no order. It looks for ids of fewer than 64 characters: longer ones say themselves
// whose they are (docs/adr/0013-link-ids-say-whose-they-are.md).
func (s *Store) LinksByID(ctx context.Context, ids []health.LinkID) ([]gateway.LinkRecord, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	records := []gateway.LinkRecord{}
	err := s.frequent.linksByID.rows(ctx, jsonList(ids), func(into func(...any) error) error {
		record, err := scanLink(into)
		records = append(records, record)
		return err
	})
	return records, failed("read links", err)
}

// putLink is putLinks for one row.
const putLink = `INSERT INTO links (id, person, data_source, connector, status, connected_at, checked_at,
	pending_since, revoked_at, late_data_until, version)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
WHERE $11 = 1 OR EXISTS (SELECT 1 FROM links AS old WHERE old.person = $2 AND old.data_source = $3)` + putOver

// putLinks takes rows whose version is already the next one. A row that is not there is made only at its first version: a
// link that was erased meanwhile stays erased. Of somebody erased before their first row see newcomer.
const putLinks = `WITH given (id, person, data_source, connector, status, connected_at, checked_at, latest_data_at,
	data_checked_at, pending_since, revoked_at, late_data_until, version) AS (?)
INSERT INTO links (id, person, data_source, connector, status, connected_at, checked_at,
	pending_since, revoked_at, late_data_until, version)
SELECT id, person, data_source, connector, status, connected_at, checked_at,
	pending_since, revoked_at, late_data_until, version
FROM given
WHERE version = 1 OR EXISTS (
	SELECT 1 FROM links AS old WHERE old.person = given.person AND old.data_source = given.data_source)` + putOver + `
RETURNING id`

const putOver = `
ON CONFLICT (person, data_source) DO UPDATE SET
	connector = excluded.connector, status = excluded.status, connected_at = excluded.connected_at,
	checked_at = excluded.checked_at, pending_since = excluded.pending_since, revoked_at = excluded.revoked_at,
	late_data_until = excluded.late_data_until, version = excluded.version
WHERE links.version = excluded.version - 1`

// PutLinks writes each record whose row still has the record's Version (or does not exist, for 0), all columns but
// LatestDataAt and DataCheckedAt, and says which were written. A written row has the record's Version + 1. Of several records for the
// same link the last is taken. A row's id never changes. Each event tells of one of the links, and is written with it, both or
// neither. On SQLite all of it is one transaction, shared with the calls that came while the file was being written to.
//
// The end of ctx ends the waiting for a turn. A write that has begun is waited for, so that it is known whether it was done.
func (s *Store) PutLinks(ctx context.Context, records []gateway.LinkRecord, events ...health.AccessEvent) ([]health.LinkID, error) {
	if len(records) == 0 {
		return nil, nil
	}
	put := s.putInTx
	if s.isSQLite() {
		put = s.putGrouped
	}
	write := linkWrite{links: linkRows(records), events: accessRows(events), newcomers: newcomersAmong(records)}
	var written []health.LinkID
	_, err := insert(func() (_ sql.Result, err error) {
		written, err = put(ctx, write)
		return nil, err
	})
	return written, told("write links", err)
}

// linkOrder is that of linkRows on PostgreSQL, whatever the order of the database's language is.
const linkOrder = `person COLLATE "C", data_source COLLATE "C"`

// linkRows makes one row for each link, in the order in which all writers lock them.
func linkRows(records []gateway.LinkRecord) []linkRow {
	type key struct{ person, dataSource string }
	byKey := make(map[key]linkRow, len(records))
	for _, r := range records {
		byKey[key{string(r.User), string(r.DataSource)}] = linkRow{
			ID:            string(r.ID),
			Person:        string(r.User),
			DataSource:    string(r.DataSource),
			Connector:     r.Connector,
			Status:        string(r.Status),
			ConnectedAt:   bun.NullTime{Time: r.ConnectedAt},
			CheckedAt:     bun.NullTime{Time: r.CheckedAt},
			PendingSince:  bun.NullTime{Time: r.PendingSince},
			RevokedAt:     bun.NullTime{Time: r.RevokedAt},
			LateDataUntil: bun.NullTime{Time: r.LateDataUntil},
			Version:       r.Version + 1,
		}
	}
	rows := make([]linkRow, 0, len(byKey))
	for _, row := range byKey {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b linkRow) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.DataSource, b.DataSource))
	})
	return rows
}

type dataNoteRow struct {
	Person     string       `bun:"person,type:text"`
	DataSource string       `bun:"data_source,type:text"`
	Latest     bun.NullTime `bun:"latest,type:timestamptz"`
	CheckedAt  bun.NullTime `bun:"checked_at,type:timestamptz"`
}

// noteData compares instants as text on SQLite, which has the right order: all are UTC, and the '+' of the zone sorts before
// the '.' of a fraction and before its digits. On PostgreSQL it locks the links in the order of all writers.
const noteData = `WITH given (person, data_source, latest, checked_at) AS (?), locked AS (
	SELECT person, data_source FROM links WHERE (person, data_source) IN (SELECT person, data_source FROM given) ?)
UPDATE links SET
	data_checked_at = CASE
		WHEN given.checked_at IS NULL OR links.data_checked_at >= given.checked_at THEN links.data_checked_at ELSE given.checked_at END,
	latest_data_at = CASE WHEN given.latest IS NULL OR links.latest_data_at >= given.latest THEN links.latest_data_at ELSE given.latest END
FROM given JOIN locked ON locked.person = given.person AND locked.data_source = given.data_source
WHERE links.person = given.person AND links.data_source = given.data_source`

// NoteData remembers when sources of any people were asked for their newest data, and how new it was. It moves DataCheckedAt and
// LatestDataAt forward to what was found, never back, each where it is not zero. What has no stored link is passed over. It is no
// write in the sense of Version.
func (s *Store) NoteData(ctx context.Context, notes []gateway.DataNote) error {
	if len(notes) == 0 {
		return nil
	}
	order := bun.Safe("ORDER BY " + linkOrder + " FOR UPDATE")
	if s.isSQLite() {
		order = ""
	}
	rows := dataNoteRows(notes)
	_, err := s.write.NewRaw(noteData, s.write.NewValues(&rows), order).Exec(ctx)
	return failed("note the newest data", err)
}

// dataNoteRows makes one row for each link.
func dataNoteRows(notes []gateway.DataNote) []dataNoteRow {
	type key struct {
		user   health.UserID
		source health.DataSourceID
	}
	var rows []dataNoteRow
	at := map[key]int{}
	for _, note := range notes {
		k := key{note.User, note.DataSource}
		i, known := at[k]
		if !known {
			i = len(rows)
			at[k] = i
			rows = append(rows, dataNoteRow{Person: string(note.User), DataSource: string(note.DataSource)})
		}
		if note.Latest.After(rows[i].Latest.Time) {
			rows[i].Latest.Time = note.Latest
		}
		if note.CheckedAt.After(rows[i].CheckedAt.Time) {
			rows[i].CheckedAt.Time = note.CheckedAt
		}
	}
	return rows
}

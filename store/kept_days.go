package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/gateway"
	"healthgraph/health"
)

// keepAtOnce bounds a statement of KeepDays to some 300 KB. The gateway gathers fewer.
const keepAtOnce = 700

type keptDayRow struct {
	bun.BaseModel `bun:"table:kept_days,alias:kept_days"`

	Person    string    `bun:"person,pk,type:text"`
	Connector string    `bun:"connector,pk,type:text"`
	Metric    string    `bun:"metric,pk,type:text"`
	Zone      string    `bun:"zone,pk,type:text"`
	Day       string    `bun:"day,pk,type:text"`
	Version   int64     `bun:"version,type:bigint"`
	FetchedAt time.Time `bun:"fetched_at,type:timestamptz"`
	Sealed    []byte    `bun:"sealed,type:bytea"`
}

func (r keptDayRow) day() (gateway.KeptDay, error) {
	date, err := health.ParseDate(r.Day)
	return gateway.KeptDay{
		User: health.UserID(r.Person), Connector: r.Connector, Metric: r.Metric, Zone: r.Zone, Day: date,
		Version: r.Version, FetchedAt: r.FetchedAt.UTC(), Sealed: r.Sealed,
	}, failed("read the date of a kept day", err)
}

// KeptDays gives what is kept of the people's days of the metric, in the zones, in no order.
func (s *Store) KeptDays(ctx context.Context, of gateway.KeptDays) ([]gateway.KeptDay, error) {
	if len(of.Users) == 0 || len(of.Zones) == 0 {
		return nil, nil
	}
	var rows []keptDayRow
	err := s.read.NewSelect().Model(&rows).
		Where("person IN (?)", bun.List(of.Users)).Where("connector = ?", of.Connector).Where("metric = ?", of.Metric).
		Where("zone IN (?)", bun.List(of.Zones)).Where("day BETWEEN ? AND ?", of.Days.From.String(), of.Days.To.String()).Scan(ctx)
	if err != nil {
		return nil, failed("read kept days", err)
	}
	days := make([]gateway.KeptDay, len(rows))
	for i, row := range rows {
		if days[i], err = row.day(); err != nil {
			return nil, err
		}
	}
	return days, nil
}

// keepDays looks at the links in the statement that writes. On PostgreSQL it holds them to its end: who ends one waits, and then
// finds what was written. All of them are locked before the first day is, and days in the order of their keys, so that no two of these
// statements wait for each other.
//
// Instants are compared as text on SQLite: see noteData. Without MATERIALIZED it would copy the conditions for each row that is given,
// which takes longer than all the rest.
const keepDays = `WITH given (person, connector, metric, zone, day, version, fetched_at, sealed) AS MATERIALIZED (?),
needed (person, connector, data_source) AS (?),
connected AS (
	SELECT person, connector, data_source FROM links
	WHERE status = 'CONNECTED' AND (person, data_source) IN (SELECT person, data_source FROM needed) ?
),
lost AS (SELECT person, connector FROM needed WHERE (person, connector, data_source) NOT IN (SELECT person, connector, data_source FROM connected))
INSERT INTO kept_days (person, connector, metric, zone, day, version, fetched_at, sealed)
SELECT person, connector, metric, zone, day, version, fetched_at, sealed
FROM given
WHERE (person, connector) NOT IN (SELECT person, connector FROM lost)
ORDER BY person, connector, metric, zone, day
ON CONFLICT (person, connector, metric, zone, day) DO UPDATE SET
	version = excluded.version, fetched_at = excluded.fetched_at, sealed = excluded.sealed
WHERE excluded.version > kept_days.version
	OR (excluded.version IN (0, kept_days.version) AND excluded.fetched_at > kept_days.fetched_at)`

// neededLink has to be connected for days of its person and connector to be kept.
type neededLink struct {
	Person     string `bun:"person,type:text"`
	Connector  string `bun:"connector,type:text"`
	DataSource string `bun:"data_source,type:text"`
}

// KeepDays keeps days, in a statement for each few hundred. Those of a person at a connector are kept if all the data sources that are
// named with them are connected, and at least one; somebody else's don't depend on that. A day that is kept gives way to a higher
// version, and to the same one or a version 0 that was fetched later. Of the same day given twice, one is kept that gives way to none
// of them.
func (s *Store) KeepDays(ctx context.Context, days []gateway.NewDays) error {
	rows, links := keptDayRows(days)
	for part := range slices.Chunk(rows, keepAtOnce) {
		var needed []neededLink
		for i, row := range part {
			if i == 0 || row.Person != part[i-1].Person || row.Connector != part[i-1].Connector {
				needed = append(needed, links[linksOf{row.Person, row.Connector}]...)
			}
		}
		_, err := insert(func() (sql.Result, error) {
			return s.write.NewRaw(keepDays, s.write.NewValues(&part), s.write.NewValues(&needed), s.lockedLinks()).Exec(ctx)
		})
		if err != nil {
			return failed("keep days", err)
		}
	}
	return nil
}

// lockedLinks ends a SELECT of links that have to stay as they are until its statement ends.
func (s *Store) lockedLinks() bun.Safe {
	if s.isSQLite() {
		return ""
	}
	return "ORDER BY " + linkOrder + " " + s.shareLock()
}

// shareLock ends a SELECT whose rows have to stay as they are until its statement ends.
func (s *Store) shareLock() bun.Safe {
	if s.isSQLite() { // which has one writer
		return ""
	}
	return "FOR SHARE"
}

// linksOf is whose links at which connector.
type linksOf struct{ person, connector string }

// keptDayRows makes one row for each day that may be kept, by person and connector, and says which links each of these needs.
func keptDayRows(days []gateway.NewDays) (rows []keptDayRow, links map[linksOf][]neededLink) {
	links = make(map[linksOf][]neededLink, len(days))
	for _, read := range days {
		if len(read.Days) == 0 || len(read.DataSources) == 0 {
			continue
		}
		of := linksOf{string(read.Days[0].User), read.Days[0].Connector}
		for _, source := range read.DataSources {
			if link := (neededLink{of.person, of.connector, string(source)}); !slices.Contains(links[of], link) {
				links[of] = append(links[of], link)
			}
		}
		for _, d := range read.Days {
			rows = append(rows, keptDayRow{
				Person: of.person, Connector: of.connector, Metric: d.Metric, Zone: d.Zone, Day: d.Day.String(),
				Version: d.Version, FetchedAt: d.FetchedAt, Sealed: d.Sealed,
			})
		}
	}
	same := func(a, b keptDayRow) int {
		return cmp.Or(cmp.Compare(a.Person, b.Person), cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Metric, b.Metric),
			cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Day, b.Day))
	}
	slices.SortFunc(rows, func(a, b keptDayRow) int {
		return cmp.Or(same(a, b), cmp.Compare(b.Version, a.Version), b.FetchedAt.Compare(a.FetchedAt))
	})
	return slices.CompactFunc(rows, func(a, b keptDayRow) bool { return same(a, b) == 0 }), links
}

// keptDayKey is also the order in which all writers lock kept days: KeepDays' own.
const keptDayKey = "person, connector, metric, zone, day"

// ForgetDays deletes all that is kept of the people's days at the connector.
func (s *Store) ForgetDays(ctx context.Context, connector string, users []health.UserID) error {
	if len(users) == 0 {
		return nil
	}
	return failed("forget kept days", forgetDays(ctx, s.write, connector, users))
}

// forgetDays is one statement for all of them: their days are locked in one order.
func forgetDays(ctx context.Context, db bun.IDB, connector string, users []health.UserID) error {
	_, err := deleteInOrder(db, (*keptDayRow)(nil), keptDayKey, keptDayKey, func(q bun.QueryBuilder) bun.QueryBuilder {
		return q.Where("person IN (?)", bun.List(users)).Where("connector = ?", connector)
	}).Exec(ctx)
	return err
}

// ForgetDaysBefore deletes at most limit days of anybody that were fetched before then, and says how many it did. One that is being
// written meanwhile stays.
func (s *Store) ForgetDaysBefore(ctx context.Context, then time.Time, limit int) (int, error) {
	result, err := deleteOldest(s.write, (*keptDayRow)(nil), keptDayKey, "fetched_at", then, limit).Exec(ctx)
	return changed("forget old kept days", result, err)
}

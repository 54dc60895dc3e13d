package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/uptrace/bun"

	"healthgraph/health"
)

type dataSourceRow struct {
	bun.BaseModel `bun:"table:data_sources,alias:data_sources"`

	Slug      string  `bun:"slug,pk"`
	Name      string  `bun:"name"`
	Connector string  `bun:"connector"`
	Kind      string  `bun:"kind"`
	LogoURL   *string `bun:"logo_url"`
}

// DataSources gives those that upstreams showed although the catalogue has no entry for them, by slug. Capabilities are
// not kept: what can be asked of a data source is known from its connector.
func (s *Store) DataSources(ctx context.Context) ([]health.DataSource, error) {
	var rows []dataSourceRow
	if err := s.read.NewSelect().Model(&rows).Order("slug").Scan(ctx); err != nil {
		return nil, failed("read data sources", err)
	}
	sources := make([]health.DataSource, 0, len(rows))
	for _, row := range rows {
		sources = append(sources, health.DataSource{
			ID:        health.DataSourceID(row.Slug),
			Name:      row.Name,
			Connector: row.Connector,
			Kind:      health.DataSourceKind(row.Kind),
			LogoURL:   (*health.URL)(row.LogoURL),
		})
	}
	return sources, nil
}

// AddDataSources writes those that are new and leaves those that are there: a slug stays with whoever showed it first.
func (s *Store) AddDataSources(ctx context.Context, sources []health.DataSource) error {
	if len(sources) == 0 {
		return nil
	}
	rows := make([]dataSourceRow, 0, len(sources))
	for _, source := range sources {
		rows = append(rows, dataSourceRow{
			Slug:      string(source.ID),
			Name:      source.Name,
			Connector: source.Connector,
			Kind:      string(source.Kind),
			LogoURL:   (*string)(source.LogoURL),
		})
	}
	// All writers lock rows in the same order, or two might wait for each other.
	slices.SortStableFunc(rows, func(a, b dataSourceRow) int { return cmp.Compare(a.Slug, b.Slug) })
	_, err := s.write.NewInsert().Model(&rows).On("CONFLICT (slug) DO NOTHING").Exec(ctx)
	return failed("add data sources", err)
}

// LinkKey is the random key of 32 bytes, made with the tables, from which link ids are derived.
func (s *Store) LinkKey(ctx context.Context) ([]byte, error) {
	var key []byte
	err := s.read.NewSelect().Table("instance").Column("link_key").Scan(ctx, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errors.New("read the link key: the database has lost it, which every link's id depends on")
	}
	return key, failed("read the link key", err)
}

package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/growth"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// stored are the reads and writes of requests, which must not feel how many links are stored, and those of a round of reconciling. That
// looks for those who are due among all, once for each hundred of them: its cost may grow with what is stored.
func stored(f *filled) []growth.Path {
	some := make([]health.UserID, 10)
	ids := make([]health.LinkID, len(some))
	for i := range some {
		some[i], ids[i] = person(i), linkID(2*i)
	}
	days := health.DateRange{From: health.Date{Year: 2026, Month: 3, Day: 1}, To: health.Date{Year: 2026, Month: 3, Day: 30}}
	kept := gateway.KeptDays{Users: some[:1], Connector: "rook", Metric: "stepCount", Zones: []string{""}, Days: days}
	due := func(seconds int, after health.UserID) gateway.Due {
		return gateway.Due{Connector: "rook", CheckedBefore: firstChecked.Add(time.Duration(seconds) * time.Second), After: after}
	}
	version, fetched, future := int64(0), 0, health.Date{Year: 2100, Month: 1, Day: 1}.Start(health.UTC)
	var paths []growth.Path
	for _, method := range []struct {
		name string
		flat bool
		call func(ctx context.Context, s *store.Store) (rows, want int, err error)
	}{
		{"Known of 1", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			known, err := s.Known(ctx, some[:1])
			return len(known.Links), linksEach, err
		}},
		{"Known of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			known, err := s.Known(ctx, some)
			return len(known.Links) + len(known.UpstreamIDs) + len(known.Grants), len(some) * (linksEach + 2), err
		}},
		{"Links of 1", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			links, err := s.Links(ctx, some[:1])
			return len(links), linksEach, err
		}},
		{"Links of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			links, err := s.Links(ctx, some)
			return len(links), len(some) * linksEach, err
		}},
		{"LinksByID of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			links, err := s.LinksByID(ctx, ids)
			return len(links), len(ids), err
		}},
		{"UpstreamIDs of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			upstream, err := s.UpstreamIDs(ctx, some)
			return len(upstream), len(some), err
		}},
		{"Grants of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			grants, err := s.Grants(ctx, some)
			return len(grants), len(some), err
		}},
		{"KeptDays of 1", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			found, err := s.KeptDays(ctx, kept)
			return len(found), linksEach, err
		}},
		{"KeptDays of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			all := kept
			all.Users = some
			found, err := s.KeptDays(ctx, all)
			return len(found), len(some) * linksEach, err
		}},
		{"KeepDays of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			fetched++
			var all []gateway.NewDays
			for i, user := range some {
				date := health.Date{Year: 2100, Month: 1, Day: 1 + i}
				day := gateway.KeptDay{User: user, Connector: "rook", Metric: "stepCount", Day: date, FetchedAt: firstChecked.Add(time.Duration(fetched) * time.Hour), Sealed: []byte("sealed")}
				all = append(all, gateway.NewDays{DataSources: []health.DataSourceID{"garmin"}, Days: []gateway.KeptDay{day}})
			}
			return 0, 0, s.KeepDays(ctx, all)
		}},
		{"NoteData of 10", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			fetched++
			var notes []gateway.DataNote
			for _, user := range some {
				notes = append(notes, gateway.DataNote{User: user, DataSource: "garmin", CheckedAt: firstChecked.Add(time.Duration(fetched) * time.Hour)})
			}
			return 0, 0, s.NoteData(ctx, notes)
		}},
		{"AccessEvents", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			events, err := s.AccessEvents(ctx, some[0], health.AccessEvent{}, 100)
			return len(events), linksEach, err
		}},
		{"AccessEvents of a long log", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			events, err := s.AccessEvents(ctx, busy, health.AccessEvent{At: firstChecked.Add(200 * time.Second), Key: "0"}, 100)
			return len(events), 100, err
		}},
		{"PutLinks", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			version++
			written, err := s.PutLinks(ctx, []gateway.LinkRecord{{
				ID: linkID(0), User: some[0], DataSource: "garmin", Connector: "rook", Status: health.StatusConnected, CheckedAt: future, Version: version,
			}})
			return len(written), 1, err
		}},
		{"Due, few", false, func(ctx context.Context, s *store.Store) (int, int, error) {
			users, err := s.Due(ctx, due(99, ""), false, 100)
			return len(users), 50, err
		}},
		{"Due, all", true, func(ctx context.Context, s *store.Store) (int, int, error) {
			users, err := s.Due(ctx, due(1e7, "person-2"), false, 100)
			return len(users), 100, err
		}},
		{"Due grants, few", false, func(ctx context.Context, s *store.Store) (int, int, error) {
			users, err := s.Due(ctx, gateway.Due{Connector: "onetwentyone", CheckedBefore: firstChecked.Add(99 * time.Second)}, true, 100)
			return len(users), 100, err
		}},
		{"Due grants, all", false, func(ctx context.Context, s *store.Store) (int, int, error) {
			users, err := s.Due(ctx, gateway.Due{Connector: "onetwentyone", CheckedBefore: future, After: "person-2"}, true, 100)
			return len(users), 100, err
		}},
	} {
		paths = append(paths, growth.Path{
			Name: method.name, From: 4000, To: 1_024_000, Flat: method.flat,
			Prepare: func(tb testing.TB, m *growth.Meter, size int) func() {
				tb.Helper()
				f.fill(tb, size)
				call := func(s *store.Store) {
					rows, want, err := method.call(tb.Context(), s)
					require.NoError(tb, err)
					require.Equal(tb, want, rows)
				}
				pages := f.pages(tb, call)
				s, err := store.Open(tb.Context(), store.Config{URL: f.url, OnQuery: m.Statement})
				require.NoError(tb, err)
				tb.Cleanup(func() { require.NoError(tb, s.Close()) })
				return func() {
					call(s)
					m.Pages(pages)
				}
			},
		})
	}
	return paths
}

// What a request reads of the database does not grow with what is stored.
func TestGrowth(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		growth.Test(t, stored(newFilled(t, url))...)
	})
}

func BenchmarkGrowth(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) { growth.Bench(b, stored(newFilled(b, url(b)))...) })
	}
}

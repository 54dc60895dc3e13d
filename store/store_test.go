package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store {
		t.Helper()
		return storetest.Open(t, store.Config{URL: storetest.SQLite(t)})
	})
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.Store {
		t.Helper()
		return storetest.Open(t, store.Config{URL: storetest.Postgres(t)})
	})
}

// Each method is one statement, however many people it concerns, and no value of it is told.
func TestStatements(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		var mutex sync.Mutex
		var told []string
		s := storetest.Open(t, store.Config{URL: url, OnQuery: func(statement string) {
			mutex.Lock()
			defer mutex.Unlock()
			told = append(told, statement)
		}})
		ctx := t.Context()
		users := []health.UserID{"person-4", "person-2", "carl"}
		now := time.Now()
		var ids []gateway.UpstreamID
		var links []gateway.LinkRecord
		var sources []health.DataSource
		for _, user := range users {
			ids = append(ids, gateway.UpstreamID{User: user, Connector: "rook", ID: string(user)})
			links = append(links, gateway.LinkRecord{ID: health.LinkID(user), User: user, DataSource: "oura"})
			sources = append(sources, health.DataSource{ID: health.DataSourceID(user)})
		}
		grant := tokens.Record{User: "person-4", Connector: "rook"}
		key, _, err := callers.NewAPIKey("a service", []string{callers.ScopeAnyUser}, now)
		require.NoError(t, err)
		var days []gateway.NewDays
		for i := range 1830 {
			day := gateway.KeptDay{User: health.UserID(strconv.Itoa(i)), Connector: "rook", Day: health.DateOf(now, health.UTC), FetchedAt: now, Sealed: []byte("sealed")}
			days = append(days, gateway.NewDays{DataSources: []health.DataSourceID{"oura"}, Days: []gateway.KeptDay{day}})
		}
		tidying := map[bool]string{true: "DELETE", false: "WITH"}[strings.HasPrefix(url, "sqlite")]
		for _, step := range []struct {
			want string
			call func() error
		}{
			{"INSERT", func() error { return s.AddUpstreamIDs(ctx, ids) }},
			{"SELECT", func() error { _, err := s.UpstreamIDs(ctx, users); return err }},
			{
				map[bool]string{true: "BEGIN INSERT COMMIT", false: "WITH"}[strings.HasPrefix(url, "sqlite")],
				func() error { _, err := s.PutLinks(ctx, links); return err },
			},
			{"SELECT", func() error { _, err := s.Links(ctx, users); return err }},
			{"SELECT", func() error { _, err := s.LinksByID(ctx, []health.LinkID{"link_1", "link_2"}); return err }},
			{"WITH", func() error {
				return s.NoteData(ctx, []gateway.DataNote{{User: "person-4", DataSource: "oura", Latest: now, CheckedAt: now}, {User: "person-5", DataSource: "fitbit", CheckedAt: now}})
			}},
			{"INSERT", func() error { return s.AddDataSources(ctx, sources) }},
			{"SELECT", func() error { _, err := s.DataSources(ctx); return err }},
			{"SELECT", func() error { _, err := s.LinkKey(ctx); return err }},
			{"INSERT", func() error { return s.AddAPIKey(ctx, key) }},
			{"SELECT", func() error { _, err := s.APIKeys(ctx); return err }},
			{"SELECT", func() error { _, err := s.LiveAPIKeys(ctx, now); return err }},
			{"UPDATE", func() error { _, err := s.RotateAPIKey(ctx, key, key); return err }},
			{"UPDATE", func() error { _, err := s.RevokeAPIKey(ctx, key.ID, now); return err }},
			{"UPDATE", func() error { return s.NoteAPIKeyUse(ctx, key.ID, now, now) }},
			{"BEGIN SELECT SELECT INSERT DELETE COMMIT", func() error { return s.PutGrant(ctx, grant) }},
			{"SELECT", func() error { _, err := s.AccessEvents(ctx, "person-4", health.AccessEvent{}, 10); return err }},
			{"UPDATE", func() error { _, err := s.UpdateGrant(ctx, grant); return err }},
			{"SELECT", func() error { _, err := s.Grants(ctx, users); return err }},
			{"DELETE", func() error { _, err := s.DeleteGrant(ctx, "person-4", "rook"); return err }},
			{"INSERT " + tidying, func() error { _, err := s.SpendState(ctx, "nonce", now, now); return err }},
			{"INSERT", func() error { _, err := s.SpendState(ctx, "nonce", now, now); return err }},
			{"WITH", func() error { return s.KeepDays(ctx, days[:700]) }},
			{"WITH WITH WITH", func() error { return s.KeepDays(ctx, days) }},
			{"SELECT", func() error {
				_, err := s.KeptDays(ctx, gateway.KeptDays{Users: users, Zones: []string{"UTC"}})
				return err
			}},
			{"DELETE", func() error { return s.ForgetDays(ctx, "rook", users) }},
			{tidying, func() error { _, err := s.ForgetDaysBefore(ctx, now, 10); return err }},
			{"", func() error { _, err := s.Links(ctx, nil); return err }},
		} {
			told = nil
			require.NoError(t, step.call())
			assert.Equal(t, step.want, strings.Join(told, " "))
		}
	})
}

// What is personal or secret stays out of the text of an error, even where the database quotes it.
func TestErrorsHoldNoValues(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		t.Helper()
		s := storetest.Open(t, store.Config{URL: url})
		ctx := t.Context()
		fourth := gateway.UpstreamID{User: "person-4-secret", Connector: "rook-secret", ID: "account-secret"}
		require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{fourth}))
		clash := fourth
		clash.User = "person-2-secret"
		_, nul := s.SpendState(ctx, "nonce-secret\x00", time.Now(), time.Now())
		_, early := s.SpendState(ctx, "nonce-secret", time.Date(-6974, 1, 1, 0, 0, 0, 0, time.UTC), time.Now())
		key := callers.APIKey{ID: "id-secret", Name: "name-secret", Scopes: []string{"scope-secret"}, Hash: health.NewSecret("the-hash-is-a-secret-of-32-bytes")}
		require.NoError(t, s.AddAPIKey(ctx, key))
		short := callers.APIKey{ID: "another-secret", Name: "name-secret", Hash: health.NewSecret("hash-secret")}
		for name, err := range map[string]error{
			"clash": s.AddUpstreamIDs(ctx, []gateway.UpstreamID{clash}), "NUL": nul, "early": early, "key": s.AddAPIKey(ctx, key), "hash": s.AddAPIKey(ctx, short),
		} {
			if name == "early" && err == nil {
				continue // SQLite takes any text for a time
			}
			require.Error(t, err, name)
			if name == "NUL" { // and not a word of what the parser met
				require.Regexp(t, `: (SQLite|PostgreSQL) refused [a-z ]+( \(SQLSTATE=42601\))?$`, err.Error())
			}
			assert.NotContains(t, err.Error(), "secret", name)
			assert.NotContains(t, err.Error(), "INSERT", name)
			assert.NotContains(t, err.Error(), "6974", name)
			assert.NotContains(t, err.Error(), hex.EncodeToString([]byte("secret")), name)
		}
	})
}

func TestDeadline(t *testing.T) {
	s := storetest.Open(t, store.Config{URL: storetest.Postgres(t)})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := s.LinkKey(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A statement that waits too long is ended by the server, so that nothing goes on behind the driver's back.
func TestStatementTimeout(t *testing.T) {
	url := storetest.Postgres(t)
	s := storetest.Open(t, store.Config{URL: url, StatementTimeout: 200 * time.Millisecond})
	lock, err := storetest.DB(t, url).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), "LOCK TABLE instance")
	require.NoError(t, err)
	_, err = s.LinkKey(t.Context())
	require.ErrorContains(t, err, "57014")
	require.NoError(t, lock.Rollback())
	_, err = s.LinkKey(t.Context())
	require.NoError(t, err, "the next one has a good connection again")
}

func TestConnectionSettings(t *testing.T) {
	at := storetest.Postgres(t)
	s := storetest.Open(t, store.Config{URL: at, MaxConns: 3})
	db := storetest.DB(t, at)
	var wait sync.WaitGroup
	for range 30 {
		wait.Go(func() {
			_, err := s.LinkKey(t.Context())
			assert.NoError(t, err)
		})
	}
	wait.Wait()
	var connections int
	require.NoError(t, db.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'healthgraph' AND datname = current_database()").
		Scan(t.Context(), &connections))
	assert.Positive(t, connections)
	assert.LessOrEqual(t, connections, 3)

	u, err := url.Parse(at)
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), "wrong-secret")
	_, err = store.Open(t.Context(), store.Config{URL: u.String()})
	require.ErrorContains(t, err, "28P01") // invalid password
	assert.NotContains(t, err.Error(), "wrong-secret")
}

func TestSQLiteFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b%?#", "c")
	file := filepath.Join(dir, "store.db")
	s := storetest.Open(t, store.Config{URL: "sqlite://" + (&url.URL{Path: file}).EscapedPath()})
	later := time.Now().Add(time.Hour)
	_, err := s.SpendState(t.Context(), "nonce", later, time.Now())
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 3) // with -wal and -shm
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), entry.Name())
	}
	t.Chdir(dir)
	for _, same := range []string{"sqlite:store.db", "file:./store.db", "store.db"} {
		again := storetest.Open(t, store.Config{URL: same})
		first, err := again.SpendState(t.Context(), "nonce", later, time.Now())
		require.NoError(t, err)
		assert.False(t, first, "%s is the same file", same)
	}
}

// Several programs may open one new file at once.
func TestSQLiteOpenedAtOnce(t *testing.T) {
	config := store.Config{URL: storetest.SQLite(t)}
	var wait sync.WaitGroup
	keys := make([]string, 8)
	for i := range keys {
		wait.Go(func() {
			s, err := store.Open(t.Context(), config)
			if !assert.NoError(t, err) {
				return
			}
			key, err := s.LinkKey(t.Context())
			assert.NoError(t, errors.Join(err, s.Close()))
			keys[i] = string(key)
		})
	}
	wait.Wait()
	for _, key := range keys {
		assert.Equal(t, keys[0], key)
	}
}

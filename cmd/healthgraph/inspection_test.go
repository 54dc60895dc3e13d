package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"healthgraph/simulators/rook"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// tokensIn finds whatever has the form of the simulator's codes and tokens.
func tokensIn(content []byte) []string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	length := len(rand.Text())
	var found []string
	for _, prefix := range []string{"at_", "code_", "rt_"} {
		for rest := content; ; {
			at := bytes.Index(rest, []byte(prefix))
			if at < 0 {
				break
			}
			rest = rest[at+len(prefix):]
			if len(rest) >= length && strings.Trim(string(rest[:length]), letters) == "" {
				found = append(found, prefix+string(rest[:length]))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// stored is every byte that a database keeps: of SQLite its files, of PostgreSQL all columns of all tables.
func stored(t *testing.T, db *bun.DB, url string) []byte {
	t.Helper()
	var all []byte
	if file, ok := strings.CutPrefix(url, "sqlite://"); ok {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			content, err := os.ReadFile(file + suffix)
			require.NoError(t, err, "which is there as long as a process serves")
			all = append(all, content...)
		}
		return all
	}
	var tables []string
	require.NoError(t, db.NewRaw("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'").Scan(t.Context(), &tables))
	require.NotEmpty(t, tables)
	for _, table := range tables {
		// As text, with what is binary once as it is kept and once as the letters that it may hold.
		var rows []string
		require.NoError(t, db.NewRaw("SELECT t::text FROM "+table+" t").Scan(t.Context(), &rows))
		all = append(all, strings.Join(rows, "\n")...)
	}
	var sealed []string
	require.NoError(t, db.NewRaw("SELECT encode(sealed, 'escape') FROM grants").Scan(t.Context(), &sealed))
	return append(all, strings.Join(sealed, "\n")...)
}

// inspect finds no token and no credential in what is stored, nor in what the processes wrote.
func (f *fleet) inspect() {
	f.t.Helper()
	require.NotEmpty(f.t, f.seen.all(), "there were tokens to look for")
	content := stored(f.t, f.db, f.url)
	require.NotEmpty(f.t, content)
	for _, p := range []*process{f.first, f.second} {
		content = append(content, p.out.String()+p.log.String()...)
	}
	assert.Empty(f.t, tokensIn(content))
	assert.Empty(f.t, contains(string(content), testSecret, "test-client-secret", rook.DummySecret))
}

// watchWAL finds, when the test and all that are part of it are over, no token in the write-ahead log of the PostgreSQL server.
func watchWAL(t *testing.T) {
	t.Helper()
	l := keepWAL(t, storetest.DB(t, storetest.Postgres(t)))
	t.Cleanup(func() { assert.Empty(t, tokensIn(l.read())) })
}

// writeAheadLog is what a PostgreSQL server writes ahead from a moment on, whichever database it is of.
type writeAheadLog struct {
	t     *testing.T
	ctx   context.Context
	db    *bun.DB
	since position
}

type position struct {
	File   string
	Offset int
}

// keepWAL begins the log. Its files are kept until the test ends, which otherwise are used again after a while.
func keepWAL(t *testing.T, db *bun.DB) *writeAheadLog {
	t.Helper()
	l := &writeAheadLog{t: t, ctx: context.WithoutCancel(t.Context()), db: db}
	slot := "inspection_" + strings.ToLower(rand.Text())
	l.execute("SELECT pg_create_physical_replication_slot('" + slot + "', true)")
	t.Cleanup(func() { l.execute("SELECT pg_drop_replication_slot('" + slot + "')") })
	l.since = l.end()
	return l
}

func (l *writeAheadLog) execute(statement string) {
	l.t.Helper()
	_, err := l.db.ExecContext(l.ctx, statement)
	require.NoError(l.t, err)
}

func (l *writeAheadLog) end() (p position) {
	l.t.Helper()
	require.NoError(l.t, l.db.NewRaw("SELECT file_name, file_offset FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())").Scan(l.ctx, &p.File, &p.Offset))
	return p
}

// read gives the log up to its end. What stands behind that in a file is what the file held before.
func (l *writeAheadLog) read() []byte {
	l.t.Helper()
	until := l.end()
	// The tests' own server writes the log lazily, so it is told to write all of it.
	l.execute("SET synchronous_commit = on; CREATE TABLE last_word (); DROP TABLE last_word")
	var files []string
	require.NoError(l.t, l.db.NewRaw("SELECT name FROM pg_ls_waldir() WHERE name BETWEEN ? AND ? ORDER BY name", l.since.File, until.File).Scan(l.ctx, &files))
	require.Contains(l.t, files, l.since.File)
	var all []byte
	for _, name := range files {
		var content []byte
		require.NoError(l.t, l.db.NewRaw("SELECT pg_read_binary_file('pg_wal/' || ?)", name).Scan(l.ctx, &content))
		if name == until.File {
			content = content[:until.Offset]
		}
		if name == l.since.File {
			content = content[l.since.Offset:]
		}
		all = append(all, content...)
	}
	return all
}

func TestTheInspectionFindsATokenThatIsStored(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		require.NoError(t, store.Migrate(t.Context(), store.Config{URL: url}, nil))
		db := storetest.DB(t, url)
		postgres := strings.HasPrefix(url, "postgres")
		var log *writeAheadLog
		if postgres {
			log = keepWAL(t, db)
		}
		_, err := db.ExecContext(t.Context(), "DELETE FROM grants") // which opens the SQLite file
		require.NoError(t, err)
		assert.Empty(t, tokensIn(stored(t, db, url)))
		var planted []string
		for i, prefix := range []string{"at_", "code_", "rt_"} {
			planted = append(planted, prefix+rand.Text())
			_, err := db.NewRaw(`INSERT INTO grants (person, connector, account_id, sealed, time_zone, lease, version) VALUES (?, 'c', ?, ?, '', '', 1)`,
				fmt.Sprint(i), fmt.Sprint("account ", i), []byte(`{"a":"`+planted[i]+`"}`)).Exec(t.Context())
			require.NoError(t, err)
		}
		assert.Equal(t, planted, tokensIn(stored(t, db, url)))
		_, err = db.ExecContext(t.Context(), "DELETE FROM grants")
		require.NoError(t, err)
		if postgres {
			assert.Subset(t, tokensIn(log.read()), planted, "what was deleted since included")
		} else {
			assert.Equal(t, planted, tokensIn(stored(t, db, url)), "what was deleted since included")
		}
	})
}

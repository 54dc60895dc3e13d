package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite" // also the driver "sqlite"
)

const sqliteRetry = 10 * time.Millisecond

// openSQLite makes the file, and the pools of its one writer and of its readers.
//
// The writes are synchronous (SQLite's default): a lost renewal would leave us with a refresh token that is used up.
func openSQLite(file string, config Config) (*Store, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("find the SQLite file: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the SQLite file: %w", withoutPath(err))
	}
	// SQLite gives the files that it puts beside this one the same mode.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open the SQLite file for writing: %w (%s)", withoutPath(err), mustBeWritable)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open the SQLite file for writing: %w", withoutPath(err))
	}

	// The writer turns the file into one that can be read while it is written to, which the file remembers.
	write, err := sqlitePool(file, 1, "journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	read, err := sqlitePool(file, config.MaxConns, "query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &Store{read: read, write: write}, nil
}

// withoutPath is what the system said of a file that a setting names: settings are not repeated.
func withoutPath(err error) error {
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return cause.Err
	}
	return err
}

// reach is a Ping of a file that another program may be opening for the first time: whoever finds it between two ways of
// keeping its journal is turned away at once, without SQLite's usual patience.
func (s *Store) reach(ctx context.Context) error {
	for {
		err := s.Ping(ctx)
		var file *sqlite.Error
		if !errors.As(err, &file) || file.Code()&sqlitePrimary != sqliteBusy {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(sqliteRetry):
		}
	}
}

func sqlitePool(file string, conns int, pragmas ...string) (*bun.DB, error) {
	parameters := url.Values{
		// A transaction that writes takes its lock at the start, where waiting for it is possible.
		"_txlock": {"immediate"},
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...),
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(file), RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open the SQLite file: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return bun.NewDB(db, sqlitedialect.New()), nil
}

// Package store keeps what must outlive the process: grants, links, the ids that we gave to upstreams, spent states, API keys and
// discovered data sources, in PostgreSQL or in one SQLite file, through the same SQL.
//
// Each method is one statement however many people it concerns (SpendState now and then adds a second), or one transaction where it
// says so, so that none is ever half done and no transaction is open while anything else is waited for. Instants are kept in UTC to the
// microsecond; the zero time is NULL. An error never holds a value of the statement: no id of a person, no nonce.
//
// A context's deadline ends a statement at once. A cancelled context does so on SQLite; on PostgreSQL the driver notices it
// before the statement only, and the statement timeout bounds the rest. PutLinks goes on to its end once it has begun. Waiting for another program that writes to a SQLite
// file ends by itself, after 5 s.
//
// Nothing has to be opened again after an outage: a method fails while the database can't be used, and works once it can. A
// write that failed has changed nothing, or its connection was lost and nobody knows; it is never sent a second time.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"healthgraph/health"
	"healthgraph/migrations"
)

// ErrNotMigrated says that the tables of a PostgreSQL database are missing or older than the program.
var ErrNotMigrated = errors.New("the database's tables are not up to date: run healthgraph migrate up")

// Config says which database to use, and how. Of a zero field the default holds.
type Config struct {
	// URL is one of
	//
	//	postgres://user:password@host:port/database   (or postgresql://)
	//	sqlite:///absolute/path/file.db
	//	sqlite:relative/path/file.db                  (or file:…, or a path that ends in .db, .sqlite or .sqlite3)
	//
	// A PostgreSQL server is always verified, as with sslmode=verify-full, unless the URL says sslmode=disable. The
	// parameter sslrootcert names a PEM file of authorities to trust instead of the system's. Other parameters are refused.
	// Settings are made per connection: a pooler in between has to pool sessions, not transactions.
	URL string
	// MaxConns bounds the connections to PostgreSQL, and the readers of a SQLite file beside its one writer. Default 10.
	MaxConns int
	// StatementTimeout is how long PostgreSQL works on one statement. Default 10 s.
	StatementTimeout time.Duration
	// ConnectTimeout bounds each attempt to connect. Default 5 s.
	ConnectTimeout time.Duration
	// OnQuery is told of each statement of the Store's methods, by its first word ("SELECT") alone: statements hold
	// personal values. One that is run for several rows of a transaction counts once. Called from several goroutines at once; may be nil.
	OnQuery func(statement string)
	// OnOusted is told whose grant PutGrant ended because another person proved that the account is theirs, after it was
	// committed. It must not wait; may be nil.
	OnOusted func(user health.UserID, connector string)
}

func (c Config) withDefaults() (Config, error) {
	if c.MaxConns < 0 || c.StatementTimeout < 0 || c.ConnectTimeout < 0 {
		return c, errors.New("the database's limits can't be negative")
	}
	if c.MaxConns == 0 {
		c.MaxConns = 10
	}
	if c.StatementTimeout == 0 {
		c.StatementTimeout = 10 * time.Second
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	return c, nil
}

// Store is an open database. Safe for concurrent use.
type Store struct {
	// One and the same on PostgreSQL. SQLite lets one connection write at a time, while any number read.
	read, write *bun.DB
	onOusted    func(user health.UserID, connector string)
	frequent    frequent
	group       linkGroup
}

// Open connects. A SQLite file is made where it is missing (mode 0600, its directory 0700) and brought up to date; a
// PostgreSQL database is not written to, and ErrNotMigrated tells that it has to be migrated first.
func Open(ctx context.Context, config Config) (*Store, error) {
	s, err := connect(ctx, config, false)
	if err != nil {
		return nil, err
	}
	if err := s.checkTables(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.compileFrequent(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.onOusted = config.OnOusted
	if config.OnQuery != nil {
		s.observe(statementHook(config.OnQuery))
		s.observeFrequent(config.OnQuery)
	}
	return s, nil
}

func (s *Store) checkTables(ctx context.Context) error {
	if s.isSQLite() {
		return migrated(migrations.Up(ctx, s.write, nil))
	}
	pending, err := migrations.Pending(ctx, s.read)
	if err != nil {
		return migrated(err)
	}
	if len(pending) > 0 {
		return fmt.Errorf("%w (missing: %s)", ErrNotMigrated, strings.Join(pending, ", "))
	}
	return nil
}

// connect opens the database of the configuration as it is. A migrating connection may take its time over a statement.
func connect(ctx context.Context, config Config, migrating bool) (*Store, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	where, err := parseURL(config.URL)
	if err != nil {
		return nil, err
	}
	var s *Store
	if where.postgres != nil {
		s = openPostgres(where.postgres, config, migrating)
	} else if s, err = openSQLite(where.file, config); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout)
	defer cancel()
	if err := s.reach(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// observe comes after the check of the tables, whose statements are nobody's concern.
func (s *Store) observe(hook bun.QueryHook) {
	if !s.isSQLite() {
		s.write = s.write.WithQueryHook(hook)
		s.read = s.write
		return
	}
	s.write, s.read = s.write.WithQueryHook(hook), s.read.WithQueryHook(hook)
}

func (s *Store) isSQLite() bool { return s.read != s.write }

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	// The writer first: on SQLite it prepares a new file.
	if err := s.write.PingContext(ctx); err != nil {
		return failed("reach the database", err)
	}
	if !s.isSQLite() {
		return nil
	}
	return failed("reach the database", s.read.PingContext(ctx))
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() error {
	if !s.isSQLite() {
		return failed("close the database", s.write.Close())
	}
	// The writer last: the last one out tidies the file, which a reader may not.
	return failed("close the database", errors.Join(s.read.Close(), s.write.Close()))
}

// statementHook tells the first word of each statement.
type statementHook func(string)

// BeforeQuery does nothing.
func (statementHook) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

// AfterQuery tells the statement's first word.
func (h statementHook) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	word, _, _ := strings.Cut(strings.TrimSpace(event.Query), " ")
	h(word)
}

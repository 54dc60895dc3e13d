package store

import (
	"database/sql"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"
)

const (
	// answerMargin is how much later than the server the driver gives up. If the driver were first, the statement would go
	// on without anyone to hear its end.
	answerMargin = 5 * time.Second
	// A connection is replaced at its age's end, so that a changed address or a fail-over is noticed by all.
	maxConnAge  = 30 * time.Minute
	maxConnIdle = 5 * time.Minute
)

// openPostgres makes the pool; nothing is dialled yet.
func openPostgres(a *postgresAddress, config Config, migrating bool) *Store {
	silenceDriver()
	conns, statement, answer := config.MaxConns, config.StatementTimeout, config.StatementTimeout+answerMargin
	if migrating {
		conns, statement, answer = 2, 0, 0 // one for the lock; 0 = as long as it takes
	}
	db := sql.OpenDB(connector{pgdriver.NewConnector(
		pgdriver.WithNetwork("tcp"),
		pgdriver.WithAddr(a.hostPort),
		pgdriver.WithUser(a.user),
		pgdriver.WithPassword(a.password),
		pgdriver.WithDatabase(a.database),
		pgdriver.WithApplicationName("healthgraph"),
		pgdriver.WithTLSConfig(a.tls),
		pgdriver.WithDialTimeout(config.ConnectTimeout),
		pgdriver.WithReadTimeout(answer),
		pgdriver.WithTracing(false), // it would put the database's user into spans
		pgdriver.WithConnParams(map[string]any{
			"statement_timeout": statement.Milliseconds(),
			"timezone":          "UTC",
		}),
		pgdriver.WithResetSessionFunc(stillThere),
	)})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(maxConnIdle)
	if !migrating { // the lock ends with its connection
		db.SetConnMaxLifetime(maxConnAge)
	}
	both := bun.NewDB(db, pgdialect.New())
	return &Store{read: both, write: both}
}

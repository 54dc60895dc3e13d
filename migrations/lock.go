package migrations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

const (
	lockKey   int64 = 0x6865616c74686772 // "healthgr"; advisory locks are numbers, one space per database
	lockRetry       = 200 * time.Millisecond
	lockEnd         = 5 * time.Second // to give the lock back
)

// exclusively runs work while no other migrator of the database does. On SQLite it only runs it: see migration.once.
//
// It asks again and again rather than waiting inside PostgreSQL, where the driver's read timeout would cut the wait and
// leave the server's half of it queueing.
func exclusively(ctx context.Context, db *bun.DB, progress func(string), work func() error) (err error) {
	if db.Dialect().Name() != dialect.PG {
		return work()
	}
	if db.Stats().MaxOpenConnections == 1 {
		return errors.New("migrations need two connections, one of them for the lock")
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect for the lock of migrations: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()

	for told := false; ; told = true {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(?)", lockKey).Scan(&locked); err != nil {
			return fmt.Errorf("lock migrations: %w", err)
		}
		if locked {
			break
		}
		if !told && progress != nil {
			progress("waiting for another migrator")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another migrator: %w", ctx.Err())
		case <-time.After(lockRetry):
		}
	}
	defer func() {
		// The lock belongs to the connection, which goes back to a pool: it has to be given back although ctx may be over.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockEnd)
		defer cancel()
		if _, unlockErr := conn.ExecContext(ctx, "SELECT pg_advisory_unlock(?)", lockKey); unlockErr != nil {
			err = errors.Join(err, fmt.Errorf("unlock migrations: %w", unlockErr))
		}
	}()
	return work()
}

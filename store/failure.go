package store

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun/driver/pgdriver"
	"modernc.org/sqlite"
)

// SQLSTATE codes, see PostgreSQL's appendix A.
const (
	stateUniqueViolation = "23505"
	stateSyntaxError     = "42601"
	classDataException   = "22"
)

// sqliteGeneric is SQLITE_ERROR, in whose text SQLite may quote the statement.
const sqliteGeneric = 1

// failure is an error of the database, told without the values that the database may have quoted.
type failure struct {
	doing string
	cause error
}

// failed says what was being done when err happened; nil stays nil.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{doing, err}
}

// Error says what was being done and what the database said, short of what it quoted.
func (f *failure) Error() string {
	var server pgdriver.Error
	if errors.As(f.cause, &server) {
		state := server.Field('C')
		if strings.HasPrefix(state, classDataException) || state == stateSyntaxError {
			return f.doing + ": PostgreSQL refused a value or the statement (SQLSTATE=" + state + ")"
		}
	}
	var file *sqlite.Error
	if errors.As(f.cause, &file) && file.Code() == sqliteGeneric {
		return f.doing + ": SQLite refused the statement"
	}
	return f.doing + ": " + f.cause.Error()
}

// Unwrap gives the cause, so that the end of a context can be told from the rest. Its text is not for the log.
func (f *failure) Unwrap() error { return f.cause }

// insert runs an INSERT … ON CONFLICT, and once more after a unique violation. PostgreSQL resolves conflicts for one
// unique index of a table; of two sessions that insert the same row at once, the slower one may be stopped by the other
// index. The second time it meets the finished row, and only a real clash fails again.
func insert(run func() (sql.Result, error)) (sql.Result, error) {
	result, err := run()
	var server pgdriver.Error
	if errors.As(err, &server) && server.Field('C') == stateUniqueViolation {
		return run()
	}
	return result, err
}

// changed counts the rows that a statement wrote.
func changed(doing string, result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, failed(doing, err)
	}
	rows, err := result.RowsAffected()
	return int(rows), failed(doing, err)
}

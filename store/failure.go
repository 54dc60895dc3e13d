package store

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/uptrace/bun/driver/pgdriver"
	"modernc.org/sqlite"

	"healthgraph/tokens"
)

// SQLSTATE codes, see PostgreSQL's appendix A.
const (
	stateUniqueViolation = "23505"
	stateSyntaxError     = "42601"
	classDataException   = "22"
)

// sqliteGeneric is SQLITE_ERROR, in whose text SQLite may quote the statement.
const sqliteGeneric = 1

// sqliteUnique is SQLITE_CONSTRAINT_UNIQUE.
const sqliteUnique = 2067

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

// told is failed for what may have been told already.
func told(doing string, err error) error {
	var f *failure
	if errors.As(err, &f) || errors.Is(err, tokens.ErrAccountInUse) {
		return err
	}
	return failed(doing, err)
}

// isUniqueViolation says whether the statement met another row with the same key.
func isUniqueViolation(err error) bool {
	var server pgdriver.Error
	var file *sqlite.Error
	return errors.As(err, &server) && server.Field('C') == stateUniqueViolation ||
		errors.As(err, &file) && file.Code() == sqliteUnique
}

// insert runs an INSERT … ON CONFLICT, and once more after a unique violation. PostgreSQL resolves conflicts for one
// unique index of a table; of two sessions that insert the same row at once, the slower one may be stopped by the other
// index. The second time it meets the finished row, and only a real clash fails again.
func insert(run func() (sql.Result, error)) (sql.Result, error) {
	result, err := run()
	if isUniqueViolation(err) {
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

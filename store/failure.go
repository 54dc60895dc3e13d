package store

import (
	"crypto/x509"
	"database/sql"
	"errors"
	"net"
	"strings"

	"github.com/uptrace/bun/driver/pgdriver"
	"modernc.org/sqlite"

	"healthgraph/tokens"
)

// SQLSTATE codes, see PostgreSQL's appendix A.
const (
	stateUniqueViolation = "23505"
	stateDeadlock        = "40P01"
	stateSyntaxError     = "42601"
	stateNoDatabase      = "3D000"
	classDataException   = "22"
	classAuthorization   = "28"
)

// Result codes of SQLite.
const (
	sqlitePrimary  = 0xff // the bits of a code without its details
	sqliteGeneric  = 1    // SQLITE_ERROR, in whose text SQLite may quote the statement
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteCantOpen = 14
	sqliteUnique   = 2067 // SQLITE_CONSTRAINT_UNIQUE, with its details
)

// mustBeWritable is what SQLite does not say: it puts files of its own beside the database.
const mustBeWritable = "the file and its directory must be writable"

// failure is an error of the database, told without the values that the database may have quoted, and without addresses.
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
		if strings.HasPrefix(state, classAuthorization) || state == stateNoDatabase {
			return f.doing + ": PostgreSQL refused the user, the password or the database (SQLSTATE=" + state + ")"
		}
	}
	if reason := networkReason(f.cause); reason != "" {
		return f.doing + ": the connection to PostgreSQL failed: " + reason
	}
	var file *sqlite.Error
	if errors.As(f.cause, &file) {
		switch file.Code() & sqlitePrimary {
		case sqliteGeneric:
			return f.doing + ": SQLite refused the statement"
		case sqliteReadOnly, sqliteCantOpen:
			return f.doing + ": the SQLite file can't be written to: " + mustBeWritable
		}
	}
	return f.doing + ": " + f.cause.Error()
}

// networkReason says what the network said, short of where; "" when it was not the network.
func networkReason(err error) string {
	var network *net.OpError
	var name *net.DNSError
	var certificate x509.HostnameError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		return "there is no such host"
	case errors.As(err, &name):
		return "the host's name could not be looked up"
	case errors.As(err, &certificate):
		return "the server's certificate names another host"
	case errors.As(err, &network):
		return network.Op + ": " + network.Err.Error()
	}
	return ""
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

// isDeadlock says whether PostgreSQL ended the transaction so that another could go on.
func isDeadlock(err error) bool {
	var server pgdriver.Error
	return errors.As(err, &server) && server.Field('C') == stateDeadlock
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

package main

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stall stops whoever writes a certain change in the middle of that very statement, and tells when somebody is
// there. It is a trigger: on PostgreSQL one that waits for an advisory lock that the test has; on SQLite, where the
// statement is a loop in the process itself, one that never ends, which shows by the file's lock.
type stall struct {
	t      *testing.T
	f      *fleet
	table  string
	locked *sql.Conn // PostgreSQL
	file   *sql.DB   // SQLite
}

// The changes of a grant that can be stalled.
const (
	takingTheLease    = "OLD.lease = '' AND NEW.lease <> ''"
	storingTheRenewed = "OLD.lease <> '' AND NEW.lease = ''"
)

// stall begins it: of the kind of statement ("UPDATE ON grants"), at the first row that is such a change.
func (f *fleet) stall(kind, change string) *stall {
	f.t.Helper()
	s := &stall{t: f.t, f: f}
	_, s.table, _ = strings.Cut(kind, " ON ")
	if file, ok := strings.CutPrefix(f.url, "sqlite://"); ok {
		s.execute(`CREATE TRIGGER stall BEFORE ` + kind + ` WHEN ` + change + ` BEGIN
			SELECT (SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n));
		END`)
		var err error
		s.file, err = sql.Open("sqlite", file+"?_pragma=busy_timeout(0)&_txlock=immediate")
		require.NoError(f.t, err)
		f.t.Cleanup(func() { assert.NoError(f.t, s.file.Close()) })
		return s
	}
	var err error
	s.locked, err = f.db.DB.Conn(f.t.Context())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { assert.NoError(f.t, s.locked.Close()) })
	_, err = s.locked.ExecContext(f.t.Context(), "SELECT pg_advisory_lock(1)")
	require.NoError(f.t, err)
	s.execute(`CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$`)
	s.execute(`CREATE TRIGGER stall BEFORE ` + kind + ` FOR EACH ROW WHEN (` + change + `) EXECUTE FUNCTION stall()`)
	return s
}

func (s *stall) execute(statement string) {
	s.t.Helper()
	_, err := s.f.db.ExecContext(s.t.Context(), statement)
	require.NoError(s.t, err)
}

// reached waits until a process is in the middle of the statement.
func (s *stall) reached() {
	s.t.Helper()
	eventually(s.t, "the statement is under way", func() bool {
		if s.locked != nil {
			return s.waiting() == 1
		}
		tx, err := s.file.BeginTx(s.t.Context(), nil)
		if err != nil {
			require.ErrorContains(s.t, err, "SQLITE_BUSY")
			return true
		}
		require.NoError(s.t, tx.Rollback())
		return false
	})
}

// waiting counts the statements that are stalled on PostgreSQL.
func (s *stall) waiting() (n int) {
	s.t.Helper()
	require.NoError(s.t, s.f.db.NewRaw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'").
		Scan(s.t.Context(), &n))
	return n
}

// lift ends the stall. PostgreSQL does not notice that a client has gone: unless it is told to give the client's statement
// up, it finishes it.
func (s *stall) lift(finish bool) {
	s.t.Helper()
	if s.locked != nil {
		if !finish {
			s.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'")
			eventually(s.t, "the statement is given up", func() bool { return s.waiting() == 0 })
		}
		_, err := s.locked.ExecContext(s.t.Context(), "SELECT pg_advisory_unlock(1)")
		require.NoError(s.t, err)
	}
	s.execute("DROP TRIGGER stall" + map[bool]string{true: " ON " + s.table}[s.locked != nil]) // waits for the statement to end
}

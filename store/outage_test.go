package store_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// patience bounds every wait for something that is sure to come.
const patience = 20 * time.Second

// use makes so many calls at once, reads and writes, and gives what failed.
func use(ctx context.Context, s *store.Store, calls int, name string) []error {
	errs := make([]error, calls)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			if i%2 == 0 {
				_, errs[i] = s.LinkKey(ctx)
				return
			}
			first, err := s.SpendState(ctx, fmt.Sprint(name, i), time.Now().Add(time.Hour), time.Now())
			if err == nil && !first {
				err = fmt.Errorf("the state %d was spent twice", i)
			}
			errs[i] = err
		})
	}
	all.Wait()
	var failed []error
	for _, err := range errs {
		if err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// givesNothingAway checks that an error tells neither where the database is nor who logs in, nor a statement.
func givesNothingAway(t *testing.T, err error, at string) {
	t.Helper()
	u, parseErr := url.Parse(at)
	require.NoError(t, parseErr)
	password, _ := u.User.Password()
	for _, secret := range []string{password, u.Port(), u.Hostname(), "127.0.0.1", "::1", u.User.Username(), "spent_states", "INSERT"} {
		assert.NotContains(t, err.Error(), secret)
	}
}

// A server that was restarted while nobody looked costs no call: its dead connections are found before they are used.
func TestARestartOfPostgresCostsNoLaterCall(t *testing.T) {
	t.Parallel()
	server := storetest.OwnPostgres(t)
	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: server.URL}, nil))
	for name, at := range map[string]string{
		"plain": server.URL,
		"TLS":   strings.Replace(server.URL, "sslmode=disable", "sslrootcert="+server.Authority, 1),
	} {
		s, err := store.Open(t.Context(), store.Config{URL: at, MaxConns: 5})
		require.NoError(t, err)
		for _, mode := range []storetest.Mode{storetest.Fast, storetest.Immediate} {
			require.Empty(t, use(t.Context(), s, 40, name+string(mode)+"before"), "all of the pool is connected")
			require.NoError(t, server.Restart(mode))
			for i := range 6 { // one by one first: each would meet another dead connection
				_, err := s.LinkKey(t.Context())
				require.NoError(t, err, "%s %s %d", name, mode, i)
			}
			require.Empty(t, use(t.Context(), s, 40, name+string(mode)+"after"), "%s %s", name, mode)
		}
		require.NoError(t, s.Close())
	}
}

// A connection stays good when the deadline of the statement that it ran last has passed.
func TestAConnectionOutlivesTheDeadlineOfItsLastStatement(t *testing.T) {
	t.Parallel()
	at := storetest.Postgres(t)
	s := storetest.Open(t, store.Config{URL: at, MaxConns: 1})
	db := storetest.DB(t, at)
	connection := func() (pid int) {
		require.NoError(t, db.NewRaw("SELECT pid FROM pg_stat_activity WHERE application_name = 'healthgraph' AND datname = current_database()").Scan(t.Context(), &pid))
		return pid
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := s.SpendState(ctx, "nonce", time.Now(), time.Now())
	require.NoError(t, err)
	before := connection()
	<-ctx.Done()
	_, err = s.LinkKey(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before, connection())
}

func TestWhilePostgresIsDownEachCallFailsAndTheNextOneAfterWorks(t *testing.T) {
	t.Parallel()
	server := storetest.OwnPostgres(t)
	s := storetest.Open(t, store.Config{URL: server.URL, MaxConns: 5})
	grant := tokens.Record{User: "person-1", Connector: "rook", Sealed: []byte("sealed")}
	require.NoError(t, s.PutGrant(t.Context(), grant))
	require.Empty(t, use(t.Context(), s, 20, "before"))
	require.NoError(t, server.Stop(storetest.Immediate))
	failed := use(t.Context(), s, 20, "during")
	assert.Len(t, failed, 20)
	for _, err := range failed {
		assert.Contains(t, err.Error(), "the connection to PostgreSQL failed: dial: connect: connection refused")
		givesNothingAway(t, err, server.URL)
	}
	_, err := store.Open(t.Context(), store.Config{URL: server.URL})
	require.ErrorContains(t, err, "connection refused")
	givesNothingAway(t, err, server.URL)
	require.NoError(t, server.Start())
	require.Empty(t, use(t.Context(), s, 20, "during"), "what failed was not done")
	kept, err := s.CountGrants(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, kept, "what was confirmed before the crash")
}

// A network that swallows everything holds a call until its deadline, and no longer.
func TestADeadLineHoldsACallUntilItsDeadline(t *testing.T) {
	t.Parallel()
	at := storetest.Postgres(t)
	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: at}, nil))
	line := storetest.NewLine(t, at)
	s, err := store.Open(t.Context(), store.Config{URL: line.URL, MaxConns: 3})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	require.Empty(t, use(t.Context(), s, 20, "before"))
	line.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	ended := make(chan []error, 1)
	go func() { ended <- use(ctx, s, 12, "during") }()
	select {
	case failed := <-ended:
		assert.Len(t, failed, 12, "those that wait for a connection too")
		for _, err := range failed {
			givesNothingAway(t, err, line.URL)
		}
	case <-time.After(patience):
		t.Fatal("calls hang beyond their deadline")
	}
	line.Mend()
	require.Empty(t, use(t.Context(), s, 20, "after"))
	assert.Eventually(t, func() bool { return line.Open() <= 3 }, patience, 10*time.Millisecond, "connections are left behind")
}

func TestAStatementThatWaitsForARowIsEnded(t *testing.T) {
	t.Parallel()
	at := storetest.Postgres(t)
	s := storetest.Open(t, store.Config{URL: at, MaxConns: 2, StatementTimeout: 200 * time.Millisecond})
	grant := tokens.Record{User: "person-1", Connector: "rook", Sealed: []byte("old")}
	require.NoError(t, s.PutGrant(t.Context(), grant))
	lock, err := storetest.DB(t, at).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), "SELECT 1 FROM grants FOR UPDATE")
	require.NoError(t, err)
	grant.Sealed = []byte("new")
	for range 5 { // more often than there are connections
		err = s.PutGrant(t.Context(), grant)
		require.ErrorContains(t, err, "57014")
		givesNothingAway(t, err, at)
		_, err = s.CountGrants(t.Context())
		require.NoError(t, err, "what is not locked can be had")
	}
	require.NoError(t, lock.Rollback())
	require.NoError(t, s.PutGrant(t.Context(), grant))
	require.Empty(t, use(t.Context(), s, 20, "after"))
}

func TestAServerWithoutTLSIsToldAsSuch(t *testing.T) {
	t.Parallel()
	server := storetest.OwnPostgres(t, "ssl = off")
	line := storetest.NewLine(t, server.URL)
	for _, mode := range []string{"", "?sslmode=require", "?sslmode=prefer"} {
		_, err := store.Open(t.Context(), store.Config{URL: strings.TrimSuffix(line.URL, "?sslmode=disable") + mode})
		require.ErrorContains(t, err, "the PostgreSQL server offers no TLS: sslmode=disable in the database URL allows a connection without it")
		givesNothingAway(t, err, line.URL)
	}
	assert.Eventually(t, func() bool { return line.Open() == 0 }, patience, 10*time.Millisecond, "an attempt that failed leaves nothing open")
	s := storetest.Open(t, store.Config{URL: line.URL})
	_, err := s.LinkKey(t.Context())
	require.NoError(t, err)
	assert.Positive(t, line.Open())
}

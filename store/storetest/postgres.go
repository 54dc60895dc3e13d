package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun/driver/pgdriver"
)

// ServerVariable names the environment variable with the URL of a PostgreSQL server to use, whose user may make databases.
// Without it the tests start a server of their own.
const ServerVariable = "HEALTHGRAPH_TEST_POSTGRES_URL"

// adminTimeout bounds making or dropping a database.
const adminTimeout = 30 * time.Second

var own struct {
	sync.Mutex

	mainRuns bool
	server   *server
	err      error // why there is no server; every test tells it
}

// Main runs the tests and stops the server that they started, if any. It gives the exit code.
func Main(m *testing.M) int {
	own.Lock()
	own.mainRuns = true
	own.Unlock()
	code := m.Run()
	own.Lock()
	defer own.Unlock()
	if own.server != nil {
		own.server.stop()
	}
	return code
}

// ownServer starts the server at the first call.
func ownServer() (*server, error) {
	own.Lock()
	defer own.Unlock()
	switch {
	case !own.mainRuns:
		return nil, errors.New("tests that use PostgreSQL need a TestMain that calls storetest.Main")
	case own.server == nil && own.err == nil:
		own.server, own.err = startServer()
	}
	return own.server, own.err
}

// Postgres gives the URL of a fresh, empty database on a real PostgreSQL, dropped when the test ends. Where there is no
// PostgreSQL the test fails.
func Postgres(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(ServerVariable); given != "" {
		return database(t, given)
	}
	s, err := ownServer()
	if err != nil {
		t.Fatal(err)
	}
	return database(t, s.url+"?sslmode=disable")
}

// PostgresTLS gives the URL of a fresh, empty database on a server of our own that speaks TLS, without parameters, and the
// PEM file of the authority behind its certificate. The certificate names localhost, as does the URL, and not 127.0.0.1,
// where the server listens, too.
func PostgresTLS(t *testing.T) (at, authority string) {
	t.Helper()
	s, err := ownServer()
	if err != nil {
		t.Fatal(err)
	}
	plain := database(t, s.url+"?sslmode=disable")
	return strings.TrimSuffix(plain, "?sslmode=disable"), s.authority
}

// database makes a database for the test on the server of the URL.
func database(t testing.TB, serverURL string) string {
	t.Helper()
	name := "healthgraph_test_" + strings.ToLower(rand.Text())
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatalf("%s is not a URL", ServerVariable)
	}
	if err := administer(serverURL, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	t.Cleanup(func() {
		if err := administer(serverURL, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop a database: %v", err)
		}
	})
	u.Path = "/" + name
	return u.String()
}

func administer(serverURL, statement string) (err error) {
	db := sql.OpenDB(pgdriver.NewConnector(pgdriver.WithDSN(serverURL), pgdriver.WithReadTimeout(adminTimeout)))
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	return nil
}

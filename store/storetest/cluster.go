package storetest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Mode is how a PostgreSQL goes down.
type Mode string

// Fast ends sessions and writes a checkpoint; Immediate crashes, so that the next start has to recover.
const (
	Fast      Mode = "fast"
	Immediate Mode = "immediate"
)

// Cluster is a PostgreSQL of one test's own, which can be taken down.
type Cluster struct {
	// URL is that of a fresh, empty database, which says sslmode=disable.
	URL string
	// Authority is the PEM file of the authority behind the certificate, which names localhost.
	Authority string

	server *server
}

// OwnPostgres starts a PostgreSQL for this test alone, gone when the test ends. A commit that it confirms is kept over
// every kind of restart, as it is where nobody has changed PostgreSQL's defaults. settings are lines of postgresql.conf.
func OwnPostgres(t *testing.T, settings ...string) *Cluster {
	t.Helper()
	s, err := startServer(append([]string{"synchronous_commit = on"}, settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	if err := administer(s.url+"?sslmode=disable", "CREATE DATABASE healthgraph TEMPLATE template0"); err != nil {
		t.Fatalf("make a database: %v", err)
	}
	url := s.url[:len(s.url)-len("postgres")] + "healthgraph?sslmode=disable"
	return &Cluster{URL: url, Authority: s.authority, server: s}
}

// Stop takes the server down, and waits until it is.
func (c *Cluster) Stop(mode Mode) error { return c.control("stop", "-m", string(mode)) }

// Start brings the server up, and waits until it takes connections.
func (c *Cluster) Start() (err error) {
	for range startAttempts { // another program may hold the port for a moment
		if err = c.control("start"); err == nil {
			return nil
		}
	}
	return err
}

// Restart is Stop and Start at once.
func (c *Cluster) Restart(mode Mode) error { return c.control("restart", "-m", string(mode)) }

func (c *Cluster) control(words ...string) error {
	s := c.server
	command := append([]string{filepath.Join(s.programs, "pg_ctl"), "-D", filepath.Join(s.dir, "data"), "-l", filepath.Join(s.dir, "log"), "-w"}, words...)
	// Without a pipe: the server would hold it open.
	if err := postgresCommand(s.dir, command...).Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("pg_ctl %s: %w\n%s", words[0], err, log)
	}
	return nil
}

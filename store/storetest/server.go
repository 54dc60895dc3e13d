package storetest

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// errMissing is what a developer without PostgreSQL reads.
var errMissing = errors.New("PostgreSQL is missing: install the package postgresql (initdb and pg_ctl), or set " + ServerVariable)

const (
	administrator = "healthgraph" // of the temporary server
	startAttempts = 3             // another program may take the free port first
)

// keeper starts a server and stands by it until its standard input ends, which happens however this process does: a panic,
// a time-out or a kill leave no server behind. $1 has PostgreSQL's programs, $2 is the server's directory.
const keeper = `
trap '' HUP INT TERM
"$1/initdb" -D "$2/data" -U ` + administrator + ` --pwfile="$2/password" --auth=scram-sha-256 \
	--encoding=UTF8 --locale=C --no-sync >>"$2/log" 2>&1 &&
cat "$2/settings" >>"$2/data/postgresql.conf" &&
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w start >>"$2/log" 2>&1 && echo up || echo down
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -w stop >>"$2/log" 2>&1
rm -rf "$2"
`

// server is a temporary PostgreSQL, on a loopback port alone.
type server struct {
	url       string // without parameters
	authority string // PEM file

	programs, dir string // of PostgreSQL, and the server's own

	keeper *exec.Cmd
	input  io.Closer
}

// startServer starts a server; settings are lines of postgresql.conf, put after ours.
func startServer(settings ...string) (*server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := tryServer(programs, settings)
		if err == nil || attempt == startAttempts {
			return s, err
		}
	}
}

func tryServer(programs string, settings []string) (_ *server, err error) {
	dir, err := os.MkdirTemp("", "healthgraph-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	password := rand.Text()
	authority, err := writeFiles(dir, port, password, settings)
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 {
		if err := handOver(dir); err != nil {
			return nil, err
		}
	}
	cmd := postgresCommand(dir, "sh", "-c", keeper, "sh", programs, dir)
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s := &server{
		url:       fmt.Sprintf("postgres://%s:%s@localhost:%s/postgres", administrator, password, port),
		authority: authority,
		programs:  programs,
		dir:       dir,
		keeper:    cmd,
		input:     input,
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "up\n" {
		log, _ := os.ReadFile(filepath.Join(dir, "log")) //nolint:gosec // ours
		s.stop()
		return nil, fmt.Errorf("PostgreSQL did not start:\n%s", log)
	}
	return s, nil
}

// postgresCommand is a command of PostgreSQL's in the server's directory. It refuses to run as root.
func postgresCommand(dir string, command ...string) *exec.Cmd {
	if os.Geteuid() == 0 {
		command = append([]string{"runuser", "-u", "postgres", "--"}, command...)
	}
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...) //nolint:gosec // all of it is ours
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	return cmd
}

// stop ends the server and removes its directory.
func (s *server) stop() {
	_ = s.input.Close()
	_ = s.keeper.Wait() // the exit code is of rm
}

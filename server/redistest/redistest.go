// Package redistest runs a real Redis for a test: on a loopback port alone, with a password, keeping nothing, gone with the test
// however that ends.
package redistest

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keeper starts a server and ends it when its own input ends, which happens however the test's process does.
const keeper = `
trap '' HUP INT TERM
"$@" >&2 & server=$!
echo $server
cat >/dev/null
kill -9 $server
wait
`

const (
	startAttempts = 5 // another program may take the free port first
	readyWithin   = 20 * time.Second
)

// Server is a Redis.
type Server struct {
	// URL has its password.
	URL string

	t        *testing.T
	port     string
	password string
	keeper   *exec.Cmd
	input    io.Closer
	pid      int
}

// Start starts a Redis. Without the program the test fails.
func Start(t *testing.T) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is missing: install the package redis-server, or put the program into PATH")
	}
	s := &Server{t: t, password: rand.Text()}
	for attempt := 1; ; attempt++ {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, s.port, _ = net.SplitHostPort(listener.Addr().String())
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.begin(); err == nil {
			break
		} else if attempt == startAttempts {
			t.Fatal(err)
		}
	}
	s.URL = "redis://:" + s.password + "@127.0.0.1:" + s.port + "/0"
	t.Cleanup(s.Kill)
	return s
}

// begin starts the program and waits until it answers.
func (s *Server) begin() error {
	s.keeper = exec.CommandContext(context.Background(), "sh", "-c", keeper, "sh", "redis-server", //nolint:gosec // all of it is ours
		"--port", s.port, "--bind", "127.0.0.1", "--requirepass", s.password, "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	log := &strings.Builder{}
	s.keeper.Stderr = log
	input, err := s.keeper.StdinPipe()
	if err != nil {
		return err
	}
	s.input = input
	output, err := s.keeper.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.keeper.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err == nil {
		s.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	for deadline := time.Now().Add(readyWithin); err == nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if s.answers() {
			return nil
		}
		if syscall.Kill(s.pid, 0) != nil { // it has ended, such as when the port was taken
			break
		}
	}
	s.Kill()
	return fmt.Errorf("redis-server did not start:\n%s", log)
}

// answers says whether it takes the password.
func (s *Server) answers() bool {
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", "127.0.0.1:"+s.port)
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	if _, err := connection.Write([]byte("AUTH " + s.password + "\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	return err == nil && line == "+OK\r\n"
}

// Kill ends it at once, and with it all that it holds. A second time does nothing.
func (s *Server) Kill() {
	_ = s.input.Close()
	_ = s.keeper.Wait() // the exit code is of wait
}

// Restart starts it again where it was, empty.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.begin(); err != nil {
		s.t.Fatal(err)
	}
}

// Hang stops it without an end: it takes connections and answers nothing, until Resume.
func (s *Server) Hang() { s.signal(syscall.SIGSTOP) }

// Resume ends Hang.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.pid, signal); err != nil {
		s.t.Fatal(err)
	}
}

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"healthgraph/logtest"
	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/simulators/rook"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// beTheProgram is the environment variable by which a test starts its own binary as the program: a process of its own, that
// can be killed, and that has the race detector where the tests have it.
const beTheProgram = "HEALTHGRAPH_TEST_BE_THE_PROGRAM"

// theProgram ends with the tests that started it, however they end: its input then does.
func theProgram() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	main()
	os.Exit(0)
}

// processTimeout is what the processes are given for one upstream call. An abandoned lease ends four seconds later.
const processTimeout = 3 * time.Second

// fleet is two processes of the program on one database, in front of both simulated upstreams. The embedded world asks the
// first one, until others are asked for.
type fleet struct {
	*world

	db            *bun.DB
	url           string // of the database
	settings      []string
	first, second *process
	seen          *tokensSeen
}

// newFleet begins with the upstream's clock on time: processes have no other. More settings take the place of its own.
func newFleet(t *testing.T, databaseURL string, more ...string) *fleet {
	t.Helper()
	w := &world{t: t, clock: simulators.NewClock(), statements: &counter{}}
	w.rook = rook.New(rook.Config{Clock: w.clock})
	w.oneTwentyOne = onetwentyone.New(onetwentyone.Config{
		ClientID: "test-client", ClientSecret: "test-client-secret", Clock: w.clock, RedirectURIs: []string{testReturnURL},
	})
	require.NoError(t, store.Migrate(t.Context(), store.Config{URL: databaseURL}, nil))
	f := &fleet{world: w, db: storetest.DB(t, databaseURL), url: databaseURL, seen: &tokensSeen{}}
	w.database = f.db.DB
	f.settings = append([]string{
		"LISTEN=127.0.0.1:0", "RATE_LIMIT_MODE=off", "KEEP_DAYS=off", "CACHE_BYTES=0", "JWT_SECRET=" + testSecret, "KEYSET_FILE=" + keyset(t), "DATABASE_URL=" + databaseURL,
		"UPSTREAM_TIMEOUT=" + processTimeout.String(),
		"ROOK_BASE_URL=" + w.serve(w.rook.Handler()), "ROOK_CLIENT_UUID=" + rook.DummyClientUUID, "ROOK_SECRET_KEY=" + rook.DummySecret,
		"ONETWENTYONE_BASE_URL=" + w.serve(f.seen.watch(w.oneTwentyOne.Handler())), "ONETWENTYONE_CLIENT_ID=test-client",
		"ONETWENTYONE_CLIENT_SECRET=test-client-secret", "ONETWENTYONE_REDIRECT_URI=" + testReturnURL,
	}, more...)
	f.first, f.second = begin(t, f.settings), begin(t, f.settings)
	f.first.ready()
	f.second.ready()
	w.graphql = f.first.graphql
	return f
}

// at is the world as it is asked through one of the processes.
func (f *fleet) at(p *process) *world {
	w := *f.world
	w.graphql = p.graphql
	return &w
}

// process is one serving process.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	input    io.Closer
	out, log logtest.Log
	graphql  string // URL
	ended    chan struct{}
	waited   error // how it ended, once it has
	isOver   bool  // the test has seen it end
}

// begin starts a process, by another command if before has one. Unless it is killed, or ended of itself with its failure
// looked at, it is ended when the test is, and has to end well.
func begin(t *testing.T, settings []string, before ...string) *process {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	p := &process{t: t, ended: make(chan struct{})}
	words := slices.Concat(before, []string{binary, "serve"})
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), words[0], words[1:]...)
	p.cmd.Dir = t.TempDir()
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HEALTHGRAPH_") {
			p.cmd.Env = append(p.cmd.Env, variable)
		}
	}
	for _, setting := range settings {
		p.cmd.Env = append(p.cmd.Env, "HEALTHGRAPH_"+setting)
	}
	p.cmd.Env = append(p.cmd.Env, beTheProgram+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	p.input, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		p.waited = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		if !p.isOver {
			assert.NoError(t, p.cmd.Process.Signal(os.Interrupt))
			assert.NoError(t, p.end(), p.log.String())
		}
		assert.NotContains(t, p.log.String(), "DATA RACE")
	})
	return p
}

// ready waits until the process serves.
func (p *process) ready() {
	p.t.Helper()
	address := regexp.MustCompile(`"graphql":"([^"]+)"`)
	eventually(p.t, "the process serves", func() bool {
		found := address.FindStringSubmatch(p.log.String())
		if found == nil {
			select {
			case <-p.ended:
				require.Fail(p.t, "the process ended", p.log.String())
			default:
			}
			return false
		}
		p.graphql = found[1]
		return true
	})
}

// kill ends the process as kill -9 does: it is told nothing, and does nothing more.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	require.Error(p.t, p.end())
	require.False(p.t, p.cmd.ProcessState.Exited(), "it was ended by the signal")
}

// end waits until it is over, and gives its failure.
func (p *process) end() error {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		require.Fail(p.t, "the process does not end", p.log.String())
	}
	_ = p.input.Close() // its reader has gone
	p.isOver = true
	return p.waited
}

// eventually polls a fact that can be observed.
func eventually(t *testing.T, fact string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.FailNow(t, "it never came about that "+fact)
		}
	}
}

// tokensSeen collects what a OneTwentyOne receives and hands out that nobody else may ever see.
type tokensSeen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *tokensSeen) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(text + "\n")
}

func (s *tokensSeen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tokensIn(s.text.Bytes())
}

// watch notes credentials on their way to h, and those that it answers.
func (s *tokensSeen) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller has gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.note(r.Header.Get("Authorization") + "\n" + string(body))
		h.ServeHTTP(&noting{w, s}, r)
	})
}

type noting struct {
	http.ResponseWriter

	seen *tokensSeen
}

// Write passes on what it has noted.
func (n *noting) Write(p []byte) (int, error) {
	n.seen.note(string(p))
	return n.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// asProgram makes this test's executable behave as healthgraph itself: see TestMain.
const asProgram = "HEALTHGRAPH_TEST_AS_PROGRAM"

// program is healthgraph serve in a process of its own, which can be killed or kept from writing.
type program struct {
	started

	file    string // of its SQLite database
	process *os.Process
	waited  chan error
}

// program starts the program in front of the world's simulators, on the file; before is a command to start it by, if any.
// From then on the world asks it, at the time of the machine's clock.
func (w *world) program(file, keysetFile string, before ...string) *program {
	w.t.Helper()
	executable, err := os.Executable()
	require.NoError(w.t, err)
	words := slices.Concat(before, []string{executable, "serve"})
	command := exec.CommandContext(w.t.Context(), words[0], words[1:]...)
	command.Dir = w.t.TempDir()
	for name, value := range map[string]string{
		"TEST_AS_PROGRAM": "1", "LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": "sqlite:" + file, "KEYSET_FILE": keysetFile,
		"ROOK_BASE_URL": w.settings.RookBaseURL, "ROOK_CLIENT_UUID": w.settings.RookClientUUID, "ROOK_SECRET_KEY": w.settings.RookSecretKey,
		"ONETWENTYONE_BASE_URL": w.settings.OneTwentyOneBaseURL, "ONETWENTYONE_CLIENT_ID": w.settings.OneTwentyOneClientID,
		"ONETWENTYONE_CLIENT_SECRET": w.settings.OneTwentyOneClientSecret, "ONETWENTYONE_REDIRECT_URI": testReturnURL, "SHARE_ACCOUNTS": "true",
	} {
		command.Env = append(command.Env, "HEALTHGRAPH_"+name+"="+value)
	}
	p := &program{file: file, waited: make(chan error, 1)}
	p.t, p.ended = w.t, p.waited
	command.Stderr, command.Stdout = &p.log, &p.out
	require.NoError(w.t, command.Start())
	p.process = command.Process
	go func() { p.waited <- command.Wait() }()
	w.t.Cleanup(func() { _ = p.process.Kill() }) // it may be over
	return p
}

// serving waits until it can be asked.
func (w *world) serving(p *program) {
	w.t.Helper()
	w.clock.Set(time.Now())
	w.log = &p.log
	w.graphql = p.until(&p.log, `"graphql":"(http://127\.0\.0\.1:\d+/graphql)"`)
}

// end waits until the program is over.
func (p *program) end() error {
	p.t.Helper()
	select {
	case err := <-p.waited:
		return err
	case <-time.After(30 * time.Second):
		require.Fail(p.t, "the program does not end")
		return nil
	}
}

// kill ends it as kill -9 does.
func (p *program) kill() {
	p.t.Helper()
	require.NoError(p.t, p.process.Kill())
	require.Error(p.t, p.end())
}

// mayWrite bounds the length in bytes to which it can write any file, "unlimited" for none: past it the disk is as if full.
func (p *program) mayWrite(bytes string) {
	p.t.Helper()
	out, err := exec.CommandContext(p.t.Context(), "prlimit", "--pid", strconv.Itoa(p.process.Pid), "--fsize="+bytes+":unlimited").CombinedOutput()
	require.NoError(p.t, err, "prlimit of util-linux is needed: %s", out)
}

// isWhole checks the database, which may still be in use.
func (p *program) isWhole() {
	p.t.Helper()
	var says string
	row := storetest.DB(p.t, "sqlite://"+filepath.ToSlash(p.file)).QueryRowContext(p.t.Context(), "PRAGMA integrity_check")
	require.NoError(p.t, row.Scan(&says))
	assert.Equal(p.t, "ok", says)
}

// newProgram makes a world whose program is on its way, on a new file.
func newProgram(t *testing.T) (*world, *program, func() *program) {
	t.Helper()
	keysetFile := keyset(t)
	file := filepath.Join(t.TempDir(), "program.db")
	w := newWorld(t, worldOptions{})
	w.database = storetest.DB(t, "sqlite://"+filepath.ToSlash(file)).DB
	again := func() *program {
		p := w.program(file, keysetFile)
		w.serving(p)
		return p
	}
	return w, again(), again
}

// withoutPrivileges is the command by which root obeys the modes of files like anybody; nothing for anybody else.
func withoutPrivileges() []string {
	if os.Geteuid() != 0 {
		return nil
	}
	const privileges = "-dac_override,-dac_read_search"
	return []string{"setpriv", "--bounding-set", privileges, "--inh-caps", privileges, "--"}
}

// copied is a copy of a file.
func copied(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, content, 0o600))
}

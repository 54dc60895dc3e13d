package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// program is a process on a SQLite file of its own.
type program struct {
	*process

	file string
}

// program starts the program in front of the world's simulators, on the file; before is a command to start it by, if any.
func (w *world) program(file, keysetFile string, before ...string) *program {
	w.t.Helper()
	s := w.settings
	return &program{begin(w.t, []string{
		"LISTEN=127.0.0.1:0", "RATE_LIMIT_MODE=off", "JWT_SECRET=" + testSecret, "DATABASE_URL=sqlite:" + file, "KEYSET_FILE=" + keysetFile, "SHARE_ACCOUNTS=true",
		"ROOK_BASE_URL=" + s.RookBaseURL, "ROOK_CLIENT_UUID=" + s.RookClientUUID, "ROOK_SECRET_KEY=" + s.RookSecretKey,
		"ONETWENTYONE_BASE_URL=" + s.OneTwentyOneBaseURL, "ONETWENTYONE_CLIENT_ID=" + s.OneTwentyOneClientID,
		"ONETWENTYONE_CLIENT_SECRET=" + s.OneTwentyOneClientSecret, "ONETWENTYONE_REDIRECT_URI=" + testReturnURL,
	}, before...), file}
}

// serving waits until it can be asked. From then on the world asks it, at the time of the machine's clock.
func (w *world) serving(p *program) {
	w.t.Helper()
	w.clock.Set(time.Now())
	p.ready()
	w.log, w.graphql = &p.log, p.graphql
}

// mayWrite bounds the length in bytes to which it can write any file, "unlimited" for none: past it the disk is as if full.
func (p *program) mayWrite(bytes string) {
	p.t.Helper()
	out, err := exec.CommandContext(p.t.Context(), "prlimit", "--pid", strconv.Itoa(p.cmd.Process.Pid), "--fsize="+bytes+":unlimited").CombinedOutput()
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

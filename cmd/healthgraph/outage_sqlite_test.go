package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store"
)

const endIt = `mutation { revoke(input: {dataSource: "onetwentyone"}) { outcome link { status } } }`

func TestALockedSQLiteFileFailsWritesAloneAndForNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{change: func(s *settings) { s.ShareAccounts = true }})
	w.link("demo", "demo")
	good := w.everything()
	before := w.statuses([]string{"demo"})
	lock, err := w.database.BeginTx(t.Context(), nil) // takes the file's lock: see storetest.DB
	require.NoError(t, err)
	assert.Empty(t, w.onlyInternal(w.ask(w.token("demo"), endIt, nil)))
	assert.Equal(t, good.lines()[:2], w.everything().lines()[:2], "reads go on")
	require.NoError(t, lock.Rollback())
	assert.Equal(t, before, w.statuses([]string{"demo"}))
	assert.Contains(t, w.log.String(), "database is locked")
	assert.Equal(t, "REVOKED_LOCALLY_ONLY", w.revoke("demo", "onetwentyone").Outcome)
}

func TestAFullDiskFailsWritesAloneAndForNow(t *testing.T) {
	t.Parallel()
	w, p, again := newProgram(t)
	w.link("demo", "demo")
	good := w.everything()
	before := w.statuses([]string{"demo"})
	d := w.prepare(12, "full")
	for range 3 {
		d.doOne()
	}
	require.Len(t, d.done, 6)
	written, err := os.Stat(p.file + "-wal")
	require.NoError(t, err)
	p.mayWrite(fmt.Sprint(written.Size() + 5000)) // room for a page, and not for a whole change
	for range 3 {
		d.doOne()
		assert.Equal(t, text(good.StepCount), text(w.steps("demo", `from: "2026-04-06", to: "2026-04-14"`)), "reads go on")
	}
	assert.Empty(t, d.wrong)
	assert.Len(t, d.done, 6, "nothing more can be kept, and nothing more is acknowledged")
	assert.Contains(t, p.log.String(), "an operation failed inside the gateway")
	p.mayWrite("unlimited")
	for d.doOne() {
		require.Empty(t, d.wrong)
	}
	assert.Len(t, d.done, 18, "all that came after, without a restart")
	d.check()
	assert.Equal(t, before, w.statuses([]string{"demo"}))
	p.isWhole()
	assert.Empty(t, contains(p.log.String(), p.file, "coming-", "going-", "SELECT", "INSERT", "UPDATE", "DELETE"))
	p.kill()
	p = again()
	d.check()
	p.kill()
}

func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 6
	w, p, again := newProgram(t)
	w.link("demo", "demo")
	w.everything()
	before := w.statuses([]string{"demo"})
	storm := make([]*deeds, writers)
	for i := range storm {
		storm[i] = w.prepare(each, fmt.Sprint("killed", i, "-"))
	}
	var all sync.WaitGroup
	under := make(chan struct{}, 2*writers*each)
	for _, d := range storm {
		all.Go(func() {
			for d.doOne() {
				under <- struct{}{}
			}
		})
	}
	for range writers * each / 3 { // all of them are at it
		<-under
	}
	p.kill()
	all.Wait()
	p = again()
	p.isWhole()
	acknowledged := 0
	for _, d := range storm {
		d.wrong = nil // connections that the kill cut
		acknowledged += len(d.done)
		d.check()
	}
	assert.Positive(t, acknowledged)
	assert.Less(t, acknowledged, 2*writers*each, "else nobody was writing when it was killed")
	assert.Equal(t, before, w.statuses([]string{"demo"}))
	p.kill()
}

func TestADatabaseThatCannotBeWrittenToIsToldAtTheStart(t *testing.T) {
	const says = "the file and its directory must be writable"
	w := newWorld(t, worldOptions{}) // for its simulators
	made := filepath.Join(t.TempDir(), "made.db")
	s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + made})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for name, modes := range map[string]struct{ file, directory os.FileMode }{
		"a file that is read-only":                    {0o400, 0o700},
		"a directory that is read-only":               {0o600, 0o500},
		"a directory that is read-only, without file": {0, 0o500},
		"a file and directory that can be written to": {0o600, 0o700},
	} {
		t.Run(name, func(t *testing.T) {
			keysetFile := keyset(t)
			directory := t.TempDir()
			file := filepath.Join(directory, "canary.db")
			if modes.file != 0 {
				copied(t, made, file)
				require.NoError(t, os.Chmod(file, modes.file))
			}
			require.NoError(t, os.Chmod(directory, modes.directory))
			t.Cleanup(func() { _ = os.Chmod(directory, os.FileMode(0o700)) })
			p := w.program(file, keysetFile, withoutPrivileges()...)
			if modes.file == 0o600 && modes.directory == 0o700 {
				w.serving(p)
				p.kill()
				return
			}
			require.Error(t, p.end())
			log := p.log.String()
			assert.Contains(t, log, says)
			assert.Equal(t, 1, strings.Count(log, "healthgraph: "), log)
			assert.NotContains(t, log, "canary", "the setting is not repeated")
		})
	}
}

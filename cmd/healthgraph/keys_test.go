package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/logtest"
	"healthgraph/store/storetest"
)

// keysCommandOf runs a command on a keyset that works.
func keysCommandOf(t *testing.T, args ...string) (out, log string) {
	t.Helper()
	out, log, err := command(t, append([]string{"keys"}, args...)...)
	require.NoError(t, err)
	return out, log
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// material is the keys themselves.
func material(t *testing.T, path string) []string {
	t.Helper()
	var file struct {
		Key []struct{ KeyData struct{ Value string } }
	}
	require.NoError(t, json.Unmarshal([]byte(content(t, path)), &file))
	var values []string
	for _, key := range file.Key {
		require.NotEmpty(t, key.KeyData.Value)
		values = append(values, key.KeyData.Value)
	}
	return values
}

func TestARotationTakesTwoStepsAndTellsNoKey(t *testing.T) {
	path := keyset(t)
	before := material(t, path)
	_, _, err := command(t, "keys", "rotate", "use", path)
	require.ErrorContains(t, err, "healthgraph keys rotate add")
	out, log := keysCommandOf(t, "list", path)
	assert.Regexp(t, `^\d+\tenabled\tprimary\n$`, out+log)

	var told strings.Builder
	for _, step := range []struct{ command, next, list string }{
		{"add", "keys rotate use", `^\d+\tenabled\tprimary\n\d+\tenabled\twaiting to be used\n$`},
		{"use", "keys reseal", `^\d+\tenabled\topens what it sealed\n\d+\tenabled\tprimary\n$`},
	} {
		out, log := keysCommandOf(t, "rotate", step.command, path)
		assert.Contains(t, log, step.next)
		assert.Contains(t, log, "within 10 seconds")
		list, _ := keysCommandOf(t, "list", path)
		assert.Regexp(t, step.list, list)
		told.WriteString(out + log + list)
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
	keys := material(t, path)
	require.Len(t, keys, 2)
	assert.Equal(t, before[0], keys[0], "which stored grants need")

	list, _ := keysCommandOf(t, "list", path)
	ids := regexp.MustCompile(`(?m)^\d+`).FindAllString(list, -1)
	_, _, err = command(t, "keys", "retire", path, "--key", ids[1])
	require.ErrorContains(t, err, "primary")
	_, _, err = command(t, "keys", "retire", path)
	require.Error(t, err, "no key is named")
	_, log = keysCommandOf(t, "retire", path, "--key", ids[0])
	assert.Equal(t, keys[1:], material(t, path))
	assert.Empty(t, contains(told.String()+log, keys...))
	there, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, there, 1, "nothing is left beside it")
}

func TestAFileThatIsNoKeysetIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, bad := range []string{"", "canary", content(t, keyset(t))[:40]} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		for _, args := range [][]string{{"list"}, {"rotate", "add"}, {"rotate", "use"}, {"retire", "--key", "1"}} {
			_, _, err := command(t, append(append([]string{"keys"}, args...), path)...)
			require.ErrorContains(t, err, "left alone")
			assert.NotContains(t, err.Error(), "canary")
			assert.Equal(t, bad, content(t, path))
		}
	}
	_, _, err := command(t, "keys", "rotate", "add", path+"-none")
	require.Error(t, err)
	assert.NoFileExists(t, path+"-none")
}

func TestAChangedKeysetBehindALinkTakesThePlaceOfTheOldOneAtOnce(t *testing.T) {
	path := keyset(t)
	old, err := os.Open(path)
	require.NoError(t, err)
	defer old.Close()
	size := len(content(t, path))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(path, link))
	keysCommandOf(t, "rotate", "add", link)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink)
	assert.Len(t, material(t, path), 2)
	was, err := old.Stat()
	require.NoError(t, err)
	assert.EqualValues(t, size, was.Size(), "whoever reads the old file reads all of it")
}

func TestPeopleStayLinkedWhileKeysAreRotatedAndGrantsResealed(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		path := keyset(t)
		w := newWorld(t, worldOptions{
			databaseURL: url,
			change:      func(s *settings) { s.KeysetFile, s.ShareAccounts = path, true },
			options:     func(o *options) { o.keyset = nil },
		})
		w.link("person-1", "demo")
		page := w.authorizationURL("person-2")
		linked := func(user string) {
			t.Helper()
			assert.Equal(t, "CONNECTED", w.links(user)["onetwentyone"].Status)
			var steps struct{ StepCount struct{ Problems []any } }
			w.ask(w.token(user), `{ stepCount(from: "2026-04-14", to: "2026-04-14", dataSources: ["onetwentyone"]) { problems { code } } }`, nil).into(&steps)
			assert.Empty(t, steps.StepCount.Problems)
		}
		for _, step := range []string{"add", "use"} {
			keysCommandOf(t, "rotate", step, path)
			w.app.keyset.look(t.Context())
			linked("person-1")
		}
		assert.Equal(t, 2, strings.Count(w.log.String(), `"level":"INFO","msg":"the keyset was reloaded","keys":2`))

		reseal := []string{"reseal", "--keyset-file", path, "--database-url", url}
		out, log := keysCommandOf(t, reseal...)
		assert.Equal(t, "1 of 1 grants: 1 resealed, 0 skipped, 0 unopenable\n", out)
		assert.Equal(t, out, log)
		out, _ = keysCommandOf(t, reseal...)
		assert.Equal(t, "1 of 1 grants: 0 resealed, 1 skipped, 0 unopenable\n", out)
		linked("person-1")

		returned := w.consent(page, "demo", "allow", "profile", "quantity")
		w.ask(w.token("person-2"), `mutation($url: URL!) { completeAuthorization(input: {url: $url}) { link { status } } }`, map[string]any{"url": returned}).into(&struct{}{})
		linked("person-2")

		list, _ := keysCommandOf(t, "list", path)
		id, _, _ := strings.Cut(list, "\t")
		keysCommandOf(t, "retire", path, "--key", id)
		w.app.keyset.look(t.Context())
		linked("person-1")

		out, _, err := command(t, "keys", "reseal", "--keyset-file", keyset(t), "--database-url", url)
		require.ErrorContains(t, err, "2 grants do not open under this keyset")
		assert.Equal(t, "2 of 2 grants: 0 resealed, 0 skipped, 2 unopenable\n", out)
		linked("person-1")
		_, _, err = command(t, "keys", "reseal", "--database-url", url)
		require.ErrorContains(t, err, "HEALTHGRAPH_KEYSET_FILE must be set")
		assert.Empty(t, contains(w.log.String(), material(t, path)...))
	})
}

func TestABrokenKeysetFileIsToldOnceAndTheOneReadBeforeStaysInUse(t *testing.T) {
	path := keyset(t)
	w := newWorld(t, worldOptions{
		change:  func(s *settings) { s.KeysetFile = path },
		options: func(o *options) { o.keyset = nil },
	})
	w.link("person-1", "demo")
	good := content(t, path)
	errors := func() int { return strings.Count(w.log.String(), `"level":"ERROR"`) }
	w.app.keyset.look(t.Context())
	require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
	w.app.keyset.look(t.Context())
	assert.NotContains(t, w.log.String(), "keyset", "nothing changed")
	breaks := []func() error{
		func() error { return os.WriteFile(path, []byte(good[:len(good)/2]), 0o600) },
		func() error { return os.WriteFile(path, []byte("canary"), 0o600) },
		func() error { return os.WriteFile(path, []byte(content(t, keyset(t))), 0o600) },
		func() error { return os.Remove(path) },
	}
	for i, broken := range breaks {
		require.NoError(t, broken())
		for range 3 {
			w.app.keyset.look(t.Context())
		}
		assert.Equal(t, i+1, errors(), w.log.String())
		assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
	}
	require.NoError(t, os.WriteFile(path, []byte(good), 0o600))
	w.app.keyset.look(t.Context())
	assert.Contains(t, w.log.String(), `"msg":"the keyset was reloaded","keys":1`)
	assert.Empty(t, contains(w.log.String(), append(material(t, path), "canary", path)...))
}

func TestServeReloadsTheKeysetByItselfAndLeavesNothingBehind(t *testing.T) {
	path := keyset(t)
	environment(t, map[string]string{
		"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": storetest.SQLite(t), "KEYSET_FILE": path,
		"ROOK_BASE_URL": "http://127.0.0.1:1", "ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "secret",
	})
	nothingLeft(t, func() {
		s := start(t, "serve")
		s.until(&s.log, `(healthgraph is ready)`)
		keysCommandOf(t, "rotate", "add", path)
		s.until(&s.log, `("level":"INFO","msg":"the keyset was reloaded","keys":2)`)
		s.stop()
	})
}

func TestWatchingTheKeysetLooksAgainAndAgainUntilItEnds(t *testing.T) {
	path := keyset(t)
	var log logtest.Log
	_, file, err := newSealer(gatewaySettings{KeysetFile: path}, options{}, slog.New(slog.NewJSONHandler(&log, nil)))
	require.NoError(t, err)
	nothingLeft(t, func() {
		ctx, cancel := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() { file.watch(ctx, time.Millisecond) })
		for _, keys := range []string{"2", "3"} {
			keysCommandOf(t, "rotate", "add", path)
			require.Eventually(t, func() bool { return strings.Contains(log.String(), `"keys":`+keys) }, 10*time.Second, time.Millisecond)
		}
		cancel()
		watch.Wait()
	})
	assert.NotContains(t, log.String(), "ERROR", "a reader never finds the file half written")
}

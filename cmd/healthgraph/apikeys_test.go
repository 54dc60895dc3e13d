package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store"
	"healthgraph/store/storetest"
)

// apiKeys runs a command on API keys that works, and gives the one line that it prints.
func apiKeys(t *testing.T, args ...string) string {
	t.Helper()
	out, log, err := command(t, append([]string{"apikeys"}, args...)...)
	require.NoError(t, err)
	if line := strings.TrimSpace(out); strings.HasPrefix(line, "hgk_") {
		assert.NotContains(t, log, line, "it is printed once")
		return line
	}
	return strings.TrimSpace(out)
}

func TestAServiceCallsWithAKeyFromItsMakingToItsEnd(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.clock.Freeze(time.Now()) // which the commands use
		environment(t, map[string]string{"DATABASE_URL": url})
		const person = `{ user(id: "person-1") { id } }`
		status := func(key string) int { return w.ask(key, person, nil).Status }

		key := apiKeys(t, "create", "--name", "batch-job", "--scope", "users:any,connections:read,connections:write", "--expires", "90d")
		require.Regexp(t, `^hgk_[a-z2-7]{10}_[a-z2-7]{59}$`, key)
		id := strings.Split(key, "_")[1]
		assert.Regexp(t, `^`+id+`\tbatch-job\tusers:any,connections:read,connections:write\tlive\tcreated \S+Z\texpires \S+Z\tlast used never$`, apiKeys(t, "list"))
		w.ask(key, person, nil).into(&struct{}{})
		assert.Equal(t, "BAD_USER_INPUT", w.ask(key, `{ connections { status } }`, nil).code(), "a service is nobody itself")
		assert.Regexp(t, `last used \d\S+Z$`, apiKeys(t, "list"))
		w.ask(key, `mutation { revoke(input: {userId: "demo", dataSource: "garmin"}) { outcome } }`, nil).into(&struct{}{})
		assert.Contains(t, string(w.ask(w.token("demo"), `{ accessLog(first: 5) { nodes { actor actorName } } }`, nil).Data), `{"actor":"SERVICE","actorName":"batch-job"}`)

		fresh := apiKeys(t, "rotate", id)
		assert.Equal(t, http.StatusUnauthorized, status(fresh), "not yet known")
		w.clock.Advance(10 * time.Second)
		assert.Equal(t, http.StatusOK, status(fresh))
		assert.Equal(t, http.StatusOK, status(key))
		assert.Contains(t, apiKeys(t, "list"), "\trotating until ")
		_, _, err := command(t, "apikeys", "rotate", id)
		require.ErrorContains(t, err, "end it with --grace 0s")
		last := apiKeys(t, "rotate", id, "--grace", "0s", "--expires", "1d")
		w.clock.Advance(10 * time.Second)
		for text, want := range map[string]int{key: http.StatusUnauthorized, fresh: http.StatusUnauthorized, last: http.StatusOK} {
			assert.Equal(t, want, status(text))
		}

		assert.Empty(t, apiKeys(t, "revoke", id))
		assert.Empty(t, apiKeys(t, "revoke", id), "twice is once")
		w.clock.Advance(10 * time.Second)
		refused := w.ask(last, person, nil)
		assert.Equal(t, http.StatusUnauthorized, refused.Status)
		assert.Equal(t, "UNAUTHENTICATED", refused.code())
		assert.Contains(t, apiKeys(t, "list"), "\trevoked ")
		for _, args := range [][]string{{"rotate", id}, {"rotate", "canary"}, {"revoke", "canary"}} {
			_, _, err := command(t, append([]string{"apikeys"}, args...)...)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "canary")
		}
		for _, text := range []string{key, fresh, last} {
			assert.Empty(t, contains(w.log.String()+refused.Raw+apiKeys(t, "list"), text, text[15:]))
		}
		var hash string
		require.NoError(t, w.database.QueryRowContext(t.Context(), "SELECT CAST(hash AS TEXT) FROM api_keys").Scan(&hash))
		assert.NotContains(t, w.log.String(), hash)
		assert.NotContains(t, hash, "hgk_")
	})
}

func TestOfSeveralRotationsAtOnceOneCounts(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		require.NoError(t, store.Migrate(t.Context(), store.Config{URL: url}, nil))
		environment(t, map[string]string{"DATABASE_URL": url})
		id := strings.Split(apiKeys(t, "create", "--name", "batch-job", "--scope", "users:any"), "_")[1]
		var mu sync.Mutex
		var shown []string
		var wait sync.WaitGroup
		for range 6 {
			wait.Go(func() {
				out, _, err := command(t, "apikeys", "rotate", id)
				if err != nil {
					assert.Regexp(t, "rotated already|at the same time", err.Error())
					return
				}
				mu.Lock()
				defer mu.Unlock()
				shown = append(shown, out)
			})
		}
		wait.Wait()
		assert.Len(t, shown, 1)
	})
}

func TestAKeyIsNotMadeFromWhatCannotBeUsed(t *testing.T) {
	environment(t, map[string]string{"DATABASE_URL": storetest.SQLite(t)})
	good := []string{"--name", "batch-job", "--scope", "users:any", "--expires", "12h"}
	for says, change := range map[string][]string{
		"the name can't be used":          {"--name", "link_canary"},
		"the scopes are connections:read": {"--scope", "canary"},
		"a time such as 90d or 12h":       {"--expires", "canary"},
		"a time such as 90d":              {"--expires=-1d"},
		"such as 90d or 12h is needed":    {"--expires", "99999d"},
		"must be more than nothing":       {"--expires", "0d"},
	} {
		out, log, err := command(t, append([]string{"apikeys", "create"}, append(good, change...)...)...)
		require.ErrorContains(t, err, says)
		assert.Empty(t, contains(out+log+err.Error(), "canary", "hgk_"))
	}
	_, _, err := command(t, "apikeys", "create", "--name", "batch-job", "--scope", "quantities:read")
	require.ErrorContains(t, err, "users:any is missing")
	assert.Empty(t, apiKeys(t, "list"))
	apiKeys(t, append([]string{"create"}, good...)...)
	assert.Regexp(t, `^\S+\tbatch-job\tusers:any\tlive\t`, apiKeys(t, "list"))
}

func TestKeysThatWorkAreBoundedInNumber(t *testing.T) {
	url := storetest.SQLite(t)
	environment(t, map[string]string{"DATABASE_URL": url})
	create := []string{"apikeys", "create", "--name", "batch-job", "--scope", "users:any"}
	_, _, err := command(t, create...)
	require.NoError(t, err)
	_, err = storetest.DB(t, url).ExecContext(t.Context(), `INSERT INTO api_keys (id, name, scopes, hash, created_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) SELECT 'key ' || i, name, scopes, hash, created_at FROM n, api_keys`)
	require.NoError(t, err)
	out, _, err := command(t, create...)
	require.ErrorContains(t, err, "there are 1000 keys that work already")
	assert.Empty(t, out)
	apiKeys(t, "revoke", "key 7")
	_, _, err = command(t, create...)
	require.NoError(t, err)
}

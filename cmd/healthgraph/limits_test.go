package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const goodManifest = `{"me": "{ viewer { id } }"}`

func TestServeRefusesLimitsThatCannotBe(t *testing.T) {
	good := map[string]string{
		"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "not-made.db"), "JWT_SECRET": testSecret, "KEYSET_FILE": keyset(t),
		"ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "key",
	}
	const number = " must be a number of at least 1"
	for _, test := range []struct{ variable, value, says string }{
		{"LIMITS", "canary", "HEALTHGRAPH_LIMITS must be enforce or measure"},
		{"MAX_DEPTH", "0", "HEALTHGRAPH_MAX_DEPTH" + number},
		{"MAX_ALIASES", "canary", "HEALTHGRAPH_MAX_ALIASES" + number},
		{"MAX_ROOT_FIELDS", "-1", "HEALTHGRAPH_MAX_ROOT_FIELDS" + number},
		{"MAX_DIRECTIVES", "1.5", "HEALTHGRAPH_MAX_DIRECTIVES" + number},
		{"MAX_FIELDS", "0", "HEALTHGRAPH_MAX_FIELDS" + number},
		{"MAX_TOKENS", "0", "HEALTHGRAPH_MAX_TOKENS" + number},
		{"MAX_QUERY_BYTES", "0", "HEALTHGRAPH_MAX_QUERY_BYTES" + number},
		{"MAX_BODY_BYTES", "0", "HEALTHGRAPH_MAX_BODY_BYTES" + number},
		{"MAX_COST", "0", "HEALTHGRAPH_MAX_COST" + number},
		{"DOCUMENT_CACHE_BYTES", "0", "HEALTHGRAPH_DOCUMENT_CACHE_BYTES" + number},
		{"PERSISTED_QUERIES", "canary", "HEALTHGRAPH_PERSISTED_QUERIES must be on or off"},
		{"PERSISTED_QUERIES_BYTES", "0", "HEALTHGRAPH_PERSISTED_QUERIES_BYTES" + number},
		{"TRUSTED_DOCUMENTS", filepath.Join(t.TempDir(), "canary"), "HEALTHGRAPH_TRUSTED_DOCUMENTS: no such file or directory"},
		{"TRUSTED_DOCUMENTS", written(t, `{"a": "{ a }", "canary": "{ canary"}`), "HEALTHGRAPH_TRUSTED_DOCUMENTS: entry 2 of the manifest: its document is no GraphQL document with an operation"},
		{"TRUSTED_DOCUMENTS_MODE", "canary", "HEALTHGRAPH_TRUSTED_DOCUMENTS_MODE must be off, log-unknown or enforce"},
		{"TRUSTED_DOCUMENTS_MODE", "enforce", "HEALTHGRAPH_TRUSTED_DOCUMENTS must name a manifest where HEALTHGRAPH_TRUSTED_DOCUMENTS_MODE is enforce"},
	} {
		t.Run(test.variable+" "+filepath.Base(test.value), func(t *testing.T) {
			environment(t, good)
			environment(t, map[string]string{test.variable: test.value})
			out, log, err := command(t, "serve")
			require.EqualError(t, err, "the configuration is not good:\n"+test.says)
			assert.Empty(t, contains(out+log+err.Error(), "canary"))
		})
	}
	t.Run("all at once", func(t *testing.T) {
		environment(t, good)
		environment(t, map[string]string{"JWT_SECRET": "short", "MAX_COST": "0", "TRUSTED_DOCUMENTS": written(t, "canary")})
		_, _, err := command(t, "serve")
		require.Error(t, err)
		assert.Len(t, strings.Split(err.Error(), "\n"), 4)
	})
}

func TestServeTakesTheLimitsThatItIsGiven(t *testing.T) {
	w := newWorld(t, worldOptions{}) // for its simulators
	path := written(t, goodManifest)
	environment(t, map[string]string{
		"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "test.db"), "KEYSET_FILE": keyset(t),
		"ROOK_BASE_URL": w.settings.RookBaseURL, "ROOK_CLIENT_UUID": w.settings.RookClientUUID, "ROOK_SECRET_KEY": w.settings.RookSecretKey,
		"MAX_DEPTH": "3", "MAX_ALIASES": "2", "MAX_ROOT_FIELDS": "2", "MAX_DIRECTIVES": "2", "MAX_FIELDS": "8", "MAX_TOKENS": "60", "MAX_QUERY_BYTES": "200", "MAX_BODY_BYTES": "500", "MAX_COST": "140",
		"TRUSTED_DOCUMENTS": path, "TRUSTED_DOCUMENTS_MODE": "log-unknown", "PERSISTED_QUERIES": "off",
	})
	w.clock.Set(time.Now())
	s := start(t, "serve")
	w.graphql = s.until(&s.log, `"graphql":"(http://127\.0\.0\.1:\d+/graphql)"`)
	for limit, document := range map[string]string{
		"depth":      `{ viewer { connections { dataSource { id } } } }`,
		"aliases":    `{ viewer { a: id b: id c: id } }`,
		"rootFields": `{ viewer { id } __typename a: __typename }`,
		"directives": `{ viewer { id @skip(if: false) __typename @skip(if: false) } __typename @skip(if: false) }`,
		"fields":     `{ viewer { ...F ...F ...F ...F } } fragment F on User { id __typename }`,
		"tokens":     `{` + strings.Repeat(" id", 60) + `}`,
	} {
		a := w.ask(w.token("demo"), document, nil)
		assert.Equal(t, "OPERATION_TOO_LARGE", a.code(), limit)
		assert.Equal(t, limit, a.Errors[0].Extensions["limit"])
	}
	assert.Equal(t, "OPERATION_TOO_EXPENSIVE", w.ask(w.token("demo"), `{ connections { id status checkedAt } }`, nil).code())
	assert.Contains(t, w.ask(w.token("demo"), `{ viewer { id } } #`+strings.Repeat("x", 200), nil).Raw, "more than 200 bytes")
	assert.Contains(t, w.ask(w.token("demo"), `{ viewer { id } } #`+strings.Repeat("x", 500), nil).Raw, "more than 500 bytes")
	named, err := w.post("Bearer "+w.token("demo"), `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}`)
	require.NoError(t, err)
	assert.Equal(t, "PERSISTED_QUERY_NOT_SUPPORTED", named.code())
	trusted, err := w.post("Bearer "+w.token("demo"), `{"documentId":"me"}`)
	require.NoError(t, err)
	trusted.into(&struct{}{})
	s.until(&s.log, `(a document is not in the manifest of trusted documents)`)
	s.stop()
}

func TestTheManifestIsReadAgainWhenItsFileChanges(t *testing.T) {
	path := written(t, goodManifest)
	w := newWorld(t, worldOptions{change: func(s *settings) { s.TrustedDocuments, s.TrustedDocumentsMode = path, "enforce" }})
	const other = `{ dataSources { id } }`
	replace := func(content string) {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		w.app.trusted.look(t.Context())
	}
	w.ask(w.token("demo"), `{ viewer { id } }`, nil).into(&struct{}{})
	assert.Equal(t, "DOCUMENT_NOT_TRUSTED", w.ask(w.token("demo"), other, nil).code())

	replace(`{"others": "{ dataSources { id } }"}`)
	w.ask(w.token("demo"), other, nil).into(&struct{}{})
	assert.Equal(t, "DOCUMENT_NOT_TRUSTED", w.ask(w.token("demo"), `{ viewer { id } }`, nil).code())
	assert.Contains(t, w.log.String(), `"msg":"the manifest was reloaded","documents":1`)

	for range 2 {
		replace(`{"canary": "canary"}`)
	}
	w.ask(w.token("demo"), other, nil).into(&struct{}{})
	assert.Equal(t, 1, strings.Count(w.log.String(), "the changed manifest file can't be used"), "told once, and the one before stays")
	assert.NotContains(t, w.log.String(), "canary")
}

func TestServeWatchesTheManifest(t *testing.T) {
	path := written(t, goodManifest)
	w := newWorld(t, worldOptions{change: func(s *settings) { s.TrustedDocuments = path }})
	nothingLeft(t, func() {
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); w.app.trusted.watch(ctx, time.Millisecond) }()
		require.NoError(t, os.WriteFile(path, []byte(`{"a": "{ a }", "b": "{ b }"}`), 0o600))
		require.Eventually(t, func() bool { return strings.Contains(w.log.String(), `"documents":2`) }, 10*time.Second, time.Millisecond)
		stop()
		<-done
	})
}

func TestTheCallsThatAnOperationMadeAreTold(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	for _, test := range []struct{ name, query string }{
		{"none", `{ viewer { id } dataSources { id } }`},
		{"a list", `{ connections { status } }`},
		{"aliases", `{ a: connections { status } b: connections { status } }`},
		{"with pages", `{ connections { status authorizationUrl } }`},
		{"days", `{ stepCount(from: "2026-04-01", to: "2026-04-10") { total } }`},
		{"a revocation", `mutation { revoke(input: {dataSource: "garmin"}) { outcome } }`},
		{"an hour later", `{ stepCount(from: "2026-04-01", to: "2026-04-02") { total } }`},
		{"another one then", `{ stepCount(from: "2026-04-01", to: "2026-04-02") { total } }`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "an hour later" {
				w.clock.Freeze(w.clock.Now().Add(61 * time.Minute))
			}
			w.forgetCalls()
			body, err := json.Marshal(map[string]any{"query": test.query, "extensions": map[string]bool{"cost": true}})
			require.NoError(t, err)
			a, err := w.post("Bearer "+w.token("demo"), string(body))
			require.NoError(t, err)
			a.into(&struct{}{})
			var told struct {
				Extensions struct {
					Cost struct{ Requested, Budget, Remaining, UpstreamCalls int }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(a.Raw), &told))
			made := 0
			for n := range maps.Values(w.calls()) {
				made += n
			}
			cost := told.Extensions.Cost
			assert.Equal(t, made, cost.UpstreamCalls, "%v", w.calls())
			assert.GreaterOrEqual(t, cost.Requested, 100*made, "the price is not below what is done")
			assert.Equal(t, 1_000_000, cost.Budget)
			assert.Equal(t, cost.Budget-cost.Requested, cost.Remaining)
		})
	}
}

func TestABudgetIsForOneOperation(t *testing.T) {
	w := newWorld(t, worldOptions{})
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprint("person-", i)
	}
	flood := `query($ids: [ID!]!) { users(ids: $ids) {`
	for i := range 20 {
		flood += fmt.Sprintf(` a%d: stepCount(from: "2025-04-15", to: "2026-04-14") { total }`, i)
	}
	refused := w.ask(w.service(), flood+` } }`, map[string]any{"ids": ids})
	assert.Equal(t, "OPERATION_TOO_EXPENSIVE", refused.code())
	assert.Empty(t, w.calls(), "before anybody was asked")

	w.ask(w.service(), `query($ids: [ID!]!) { users(ids: $ids) { id connections { status dataSource { id name } } stepCount(from: "2026-03-15", to: "2026-04-14") { total days { steps presence } } } }`, map[string]any{"ids": ids}).into(&struct{}{})
	year := slices.Repeat([]string{`: stepCount(from: "2025-04-15", to: "2026-04-14") { total days { date steps presence candidates { connector steps } } }`}, 5)
	for i := range year {
		year[i] = fmt.Sprintf(" a%d", i) + year[i]
	}
	w.ask(w.token("demo"), `{`+strings.Join(year, "")+` }`, nil).into(&struct{}{})
}

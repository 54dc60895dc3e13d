package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/store/storetest"
)

// environment sets HEALTHGRAPH_ variables, by their names without it.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for name, value := range variables {
		t.Setenv("HEALTHGRAPH_"+name, value)
	}
}

func keyset(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyset.json")
	_, _, err := command(t, "keys", "create", path)
	require.NoError(t, err)
	return path
}

func TestServeTellsAllMistakesAtOnceAndRepeatsNoValue(t *testing.T) {
	environment(t, map[string]string{
		"LISTEN": "canary-listen", "DATABASE_MAX_CONNS": "canary-many", "JWT_SECRET": "canary-short", "ROOK_SECRET_KEY": "canary-rook", "ONETWENTYONE_CLIENT_SECRET": "canary-client",
		"ONETWENTYONE_REDIRECT_URI": "canary-redirect", "ONETWENTYONE_TOKEN_ENCODING": "canary-encoding", "RETURN_URLS": "https://app.example/ok,canary-return",
		"CORS_ORIGINS": "https://app.example/path,https://*.canary.example,null", "TRUSTED_PROXIES": "10.0.0.0/8,canary", "HSTS_MAX_AGE": "canary-long",
		"MAX_CONNECTIONS": "canary", "TLS_KEY_FILE": "canary", "RATE_LIMIT_MODE": "canary", "RATE_LIMIT_PERSON": "canary/1", "RATE_LIMIT_SERVICE": "0/1", "RATE_LIMIT_FAILURES": "1", "REDIS_URL": "canary://canary:canary@canary", "OPERATION_TIMEOUT": "canary-timeout", "UPSTREAM_TIMEOUT": "-1s", "UPSTREAM_RETRIES": "canary", "UPSTREAM_MAX_CALLS": "0", "UPSTREAM_MAX_WAITING": "canary", "UPSTREAM_BREAK_AFTER": "-1", "UPSTREAM_BREAK_FOR": "canary", "ONETWENTYONE_DAILY_LIMIT": "canary", "ONETWENTYONE_DAILY_RESERVE": "-1", "STALE_AFTER": "canary-stale", "RECONCILE_PER_HOUR": "-1", "RECONCILE_AFTER": "canary-after", "ACCESS_LOG_KEEP": "canary-keep", "DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "not-made.db"),
	})
	out, log, err := command(t, "serve")
	require.Error(t, err)
	assert.Equal(t, `the configuration is not good:
HEALTHGRAPH_LISTEN must be host:port, such as 127.0.0.1:8080
HEALTHGRAPH_JWT_SECRET needs at least 32 bytes
HEALTHGRAPH_RETURN_URLS: number 2 is not an absolute URL
HEALTHGRAPH_CORS_ORIGINS: number 1 is not an origin such as https://app.example: it ends before the path, without a slash
HEALTHGRAPH_CORS_ORIGINS: number 2 has a wildcard: origins are named one by one
HEALTHGRAPH_CORS_ORIGINS: number 3 is not an origin such as https://app.example
HEALTHGRAPH_TRUSTED_PROXIES: number 2 is not an address or a network such as 10.0.0.0/8
HEALTHGRAPH_RATE_LIMIT_MODE must be enforce, measure or off
HEALTHGRAPH_RATE_LIMIT_PERSON must be requests a minute and requests at once, such as 600/100
HEALTHGRAPH_RATE_LIMIT_SERVICE must be requests a minute and requests at once, such as 600/100
HEALTHGRAPH_RATE_LIMIT_FAILURES must be requests a minute and requests at once, such as 600/100
HEALTHGRAPH_REDIS_URL must be redis://user:password@host:port/number, or rediss:// with TLS
HEALTHGRAPH_TLS_CERT_FILE and HEALTHGRAPH_TLS_KEY_FILE are set together, or not at all
HEALTHGRAPH_MAX_CONNECTIONS must be a number of at least 1
HEALTHGRAPH_HSTS_MAX_AGE must be a time of whole seconds such as 8760h, or 0s
HEALTHGRAPH_OPERATION_TIMEOUT must be a time of more than nothing, such as 20s
HEALTHGRAPH_ACCESS_LOG_KEEP must be a time such as 8760h, or 0s
HEALTHGRAPH_DATABASE_MAX_CONNS must be a number of at least 1
HEALTHGRAPH_KEYSET_FILE must be set: people's grants are sealed under a keyset; make one with healthgraph keys create FILE
HEALTHGRAPH_ROOK_CLIENT_UUID is missing beside HEALTHGRAPH_ROOK_SECRET_KEY
HEALTHGRAPH_ONETWENTYONE_CLIENT_ID is missing beside HEALTHGRAPH_ONETWENTYONE_CLIENT_SECRET
HEALTHGRAPH_ONETWENTYONE_REDIRECT_URI must be an absolute URL
HEALTHGRAPH_ONETWENTYONE_TOKEN_ENCODING must be json or form
HEALTHGRAPH_UPSTREAM_TIMEOUT must be a time of more than nothing, such as 8s
HEALTHGRAPH_UPSTREAM_RETRIES must be from 0 to 5
HEALTHGRAPH_UPSTREAM_MAX_CALLS must be a number of at least 1
HEALTHGRAPH_UPSTREAM_MAX_WAITING must be a number of at least 1
HEALTHGRAPH_UPSTREAM_BREAK_AFTER must be a number, or 0
HEALTHGRAPH_UPSTREAM_BREAK_FOR must be a time of more than nothing, such as 5s
HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT must be a number, or 0
HEALTHGRAPH_ONETWENTYONE_DAILY_RESERVE must be less than HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT
HEALTHGRAPH_STALE_AFTER must be a time such as 72h, or 0s
HEALTHGRAPH_RECONCILE_PER_HOUR must be from 0 to 3600000
HEALTHGRAPH_RECONCILE_AFTER must be at least 1h, such as 24h`, err.Error())
	assert.Empty(t, contains(out+log+err.Error(), "canary"))
	assert.NoFileExists(t, strings.TrimPrefix(os.Getenv("HEALTHGRAPH_DATABASE_URL"), "sqlite:"))

	t.Run("nothing is set at all", func(t *testing.T) {
		for _, variable := range os.Environ() {
			if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "HEALTHGRAPH_") {
				t.Setenv(name, "")
				require.NoError(t, os.Unsetenv(name))
			}
		}
		_, _, err := command(t, "serve")
		require.ErrorContains(t, err, "HEALTHGRAPH_JWT_SECRET, HEALTHGRAPH_JWKS_FILE, HEALTHGRAPH_JWKS_URL or HEALTHGRAPH_OIDC_ISSUERS must be set")
		require.ErrorContains(t, err, "no upstream has credentials")
		require.ErrorContains(t, err, "make one with healthgraph keys create FILE")
	})
}

func TestServeRunsOnBothDatabasesWithTheUpstreamsThatHaveCredentials(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		path := keyset(t)
		w := newWorld(t, worldOptions{}) // for its simulators
		environment(t, map[string]string{
			"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": databaseURL, "KEYSET_FILE": path,
			"ROOK_BASE_URL": w.settings.RookBaseURL, "ROOK_CLIENT_UUID": w.settings.RookClientUUID, "ROOK_SECRET_KEY": w.settings.RookSecretKey,
		})
		if strings.HasPrefix(databaseURL, "postgres") {
			_, _, err := command(t, "serve")
			require.ErrorContains(t, err, "healthgraph migrate up", "several processes may share it, so none migrates it by the way")
			_, log, err := command(t, "migrate", "up")
			require.NoError(t, err)
			assert.Contains(t, log, "the tables are up to date")
		}
		w.clock.Set(time.Now()) // the program's own clock, which serve uses
		for round, want := range []string{`{"garmin":"CONNECTED"}`, `{"garmin":"CONNECTED","onetwentyone":"NOT_CONNECTED"}`} {
			s := start(t, "serve")
			w.graphql = s.until(&s.log, `"graphql":"(http://127\.0\.0\.1:\d+/graphql)"`)
			found := map[string]string{}
			for id, l := range w.links("demo") {
				if id == "garmin" || id == "onetwentyone" {
					found[id] = l.Status
				}
			}
			assert.Equal(t, want, text(found))
			assert.Equal(t, round == 0, strings.Contains(s.log.String(), "OneTwentyOne has no credentials and is left out"))
			s.stop()
			environment(t, map[string]string{"ONETWENTYONE_CLIENT_ID": "id", "ONETWENTYONE_CLIENT_SECRET": "canary-secret", "ONETWENTYONE_REDIRECT_URI": testReturnURL})
			assert.Empty(t, contains(s.log.String(), "canary", testSecret, w.settings.RookSecretKey))
		}
	})
}

func TestMigrateGoesUpAndDownAndTellsWhereItStands(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		environment(t, map[string]string{"DATABASE_URL": databaseURL})
		states := func() string {
			out, _, err := command(t, "migrate", "status")
			require.NoError(t, err)
			return out
		}
		require.Contains(t, states(), "not applied")
		for range 2 { // the second time there is nothing to do
			_, log, err := command(t, "migrate")
			require.NoError(t, err)
			assert.Contains(t, log, "the tables are up to date")
			assert.NotContains(t, states(), "not applied")
			assert.Regexp(t, `applied \d{4}-\d\d-\d\dT`, states())
		}
		_, _, err := command(t, "migrate", "down")
		require.Error(t, err, "not without --yes")
		assert.NotContains(t, states(), "not applied")
		_, _, err = command(t, "migrate", "down", "--yes")
		require.NoError(t, err)
		assert.Contains(t, states(), "not applied")
	})
}

func TestATokenIsTakenByTheGatewayThatKnowsItsSecret(t *testing.T) {
	environment(t, map[string]string{"JWT_SECRET": testSecret})
	verifier, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(testSecret), Now: time.Now})
	require.NoError(t, err)
	out, _, err := command(t, "token", "somebody")
	require.NoError(t, err)
	caller, err := verifier.Verify(t.Context(), "Bearer "+strings.TrimSpace(out))
	require.NoError(t, err)
	assert.Equal(t, health.UserID("somebody"), caller.Subject)
	assert.False(t, caller.IsService())
	assert.True(t, caller.May(callers.ScopeConnectionsWrite))
	assert.WithinDuration(t, time.Now().Add(time.Hour), caller.ExpiresAt, time.Minute)
	out, _, err = command(t, "token", "a-service", "--scope", callers.ScopeAnyUser)
	require.NoError(t, err)
	caller, err = verifier.Verify(t.Context(), "Bearer "+strings.TrimSpace(out))
	require.NoError(t, err)
	assert.True(t, caller.IsService())
	for says, args := range map[string][]string{
		"can't begin with link_": {"token", "link_somebody"}, "more than nothing": {"token", "somebody", "--lifetime", "0s"}, "<subject>": {"token"},
	} {
		_, _, err := command(t, args...)
		require.ErrorContains(t, err, says)
	}
	t.Setenv("HEALTHGRAPH_JWT_SECRET", "canary-short")
	_, log, err := command(t, "token", "somebody")
	require.ErrorContains(t, err, "32 bytes")
	assert.NotContains(t, log+err.Error(), "canary")
}

func TestAKeysetIsNeverOverwrittenAndItsOwnersAlone(t *testing.T) {
	path := keyset(t)
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	out, log, err := command(t, "keys", "create", path)
	require.ErrorContains(t, err, "exists")
	assert.Empty(t, out+log)
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	other, err := os.ReadFile(keyset(t))
	require.NoError(t, err)
	assert.False(t, bytes.Equal(first, other), "each is another")
}

func TestThePrintedSchemaIsThatOfTheSchemaFiles(t *testing.T) {
	out, log, err := command(t, "schema")
	require.NoError(t, err)
	assert.Empty(t, log)
	printed, parseErr := gqlparser.LoadSchema(&ast.Source{Name: "printed", Input: out})
	require.NoError(t, parseErr)
	paths, err := filepath.Glob("../../schema/*.graphqls")
	require.NoError(t, err)
	var sources []*ast.Source
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		sources = append(sources, &ast.Source{Name: path, Input: string(content)})
	}
	written, parseErr := gqlparser.LoadSchema(sources...)
	require.NoError(t, parseErr)
	assert.Equal(t, describe(written), describe(printed))
	assert.Greater(t, len(describe(printed)), 100)
}

// describe lists a schema's types, fields, arguments and values with their descriptions, introspection aside.
func describe(s *ast.Schema) []string {
	var lines []string
	for _, d := range s.Types {
		if strings.HasPrefix(d.Name, "__") || d.BuiltIn {
			continue
		}
		lines = append(lines, string(d.Kind)+" "+d.Name+" "+strings.Join(d.Interfaces, " ")+" "+d.Description)
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			lines = append(lines, d.Name+"."+f.Name+": "+f.Type.String()+" "+f.Description)
			for _, a := range f.Arguments {
				lines = append(lines, d.Name+"."+f.Name+"("+a.Name+": "+a.Type.String()+") "+a.Description)
			}
		}
		for _, v := range d.EnumValues {
			lines = append(lines, d.Name+"."+v.Name+" "+v.Description)
		}
	}
	slices.Sort(lines)
	return lines
}

func TestEveryCommandExplainsItselfAndTheVariablesThatItTakes(t *testing.T) {
	environment(t, map[string]string{"JWT_SECRET": "canary-secret", "ROOK_SECRET_KEY": "canary-rook", "KEYSET_KMS_URI": "hcvault://canary"})
	database, kms, all := []string{"DATABASE_URL"}, []string{"KEYSET_KMS_URI"}, []string{
		"DATABASE_URL", "DATABASE_MAX_CONNS", "LISTEN", "JWT_SECRET", "JWKS_FILE", "KEYSET_FILE", "KEYSET_KMS_URI", "RETURN_URLS", "CORS_ORIGINS", "PLAYGROUND", "ROOK_BASE_URL", "ROOK_CLIENT_UUID", "ROOK_SECRET_KEY",
		"ONETWENTYONE_BASE_URL", "ONETWENTYONE_CLIENT_ID", "ONETWENTYONE_CLIENT_SECRET", "ONETWENTYONE_REDIRECT_URI", "ONETWENTYONE_TOKEN_ENCODING", "OPERATION_TIMEOUT", "UPSTREAM_TIMEOUT", "UPSTREAM_RETRIES", "UPSTREAM_MAX_CALLS", "UPSTREAM_MAX_WAITING", "UPSTREAM_BREAK_AFTER", "UPSTREAM_BREAK_FOR", "ONETWENTYONE_DAILY_LIMIT", "ONETWENTYONE_DAILY_RESERVE", "SHARE_ACCOUNTS", "STALE_AFTER", "RECONCILE_PER_HOUR", "RECONCILE_AFTER", "ACCESS_LOG_KEEP",
		"JWT_AUDIENCE", "REQUIRE_SCOPES", "OIDC_ISSUERS", "JWKS_URL", "JWT_ISSUER",
		"TRUSTED_PROXIES", "HSTS_MAX_AGE", "RATE_LIMIT_MODE", "RATE_LIMIT_PERSON", "RATE_LIMIT_SERVICE", "RATE_LIMIT_FAILURES", "REDIS_URL", "MAX_CONNECTIONS", "TLS_CERT_FILE", "TLS_KEY_FILE",
	}
	for words, variables := range map[string][]string{
		"": nil, "serve": all, "demo": {"LISTEN"}, "migrate": nil, "migrate up": database, "migrate down": database, "migrate status": database, "simulate": nil, "simulate rook": nil,
		"simulate onetwentyone": nil, "token": {"JWT_SECRET", "JWT_AUDIENCE"}, "keys": nil, "reconcile": {"RECONCILE_PER_HOUR", "KEYSET_FILE", "KEYSET_KMS_URI", "DATABASE_URL"}, "keys create": kms, "keys wrap": kms, "keys list": kms, "keys rotate add": kms, "keys rotate use": kms, "keys retire": kms,
		"links": nil, "links import": {"DATABASE_URL", "KEYSET_FILE", "KEYSET_KMS_URI", "SHARE_ACCOUNTS"}, "keys reseal": {"DATABASE_URL", "KEYSET_FILE", "KEYSET_KMS_URI"}, "apikeys": nil, "apikeys create": database, "apikeys list": database, "apikeys rotate": database, "apikeys revoke": database, "schema": nil, "version": nil,
	} {
		t.Run(words, func(t *testing.T) {
			out, log, err := command(t, append(strings.Fields(words), "--help")...)
			require.NoError(t, err)
			assert.Empty(t, log)
			assert.Contains(t, out, "Usage: healthgraph "+words)
			for _, name := range variables {
				assert.Contains(t, out, "$HEALTHGRAPH_"+name+")")
			}
			assert.NotContains(t, out, "canary")
		})
	}
	out, _, err := command(t, "version")
	require.NoError(t, err)
	assert.Regexp(t, `^healthgraph \S+( [0-9a-f]{40})?\n$`, out)
	for _, args := range [][]string{{"serv"}, {"keys"}, {"serve", "--no-such-flag"}, {"version", "extra"}} {
		_, _, err := command(t, args...)
		require.Error(t, err, args)
	}
}

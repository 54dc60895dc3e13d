package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written is a file with the content; its name would be seen in an error that repeats it.
func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "canary-file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestServeTellsAllThatCannotBeUsedAtOnce(t *testing.T) {
	environment(t, map[string]string{
		"DATABASE_URL": "mysql://canary-user:canary-password@canary.example/canary", "JWT_SECRET": "canary-short",
		"JWKS_FILE": written(t, `{"keys": [{"kty": "canary"}]}`), "KEYSET_FILE": filepath.Join(t.TempDir(), "canary-keyset.json"),
		"ROOK_BASE_URL": "https://canary@rook.example/?canary=1", "ROOK_CLIENT_UUID": "canary-client", "ROOK_SECRET_KEY": "canary-rook",
		"ONETWENTYONE_CLIENT_ID": "canary-id", "ONETWENTYONE_CLIENT_SECRET": "canary-client-secret", "ONETWENTYONE_REDIRECT_URI": "https://app.example/canary#fragment",
		"UPSTREAM_TIMEOUT": "canary-soon", "TLS_CERT_FILE": written(t, "canary"), "TLS_KEY_FILE": written(t, "canary"),
	})
	out, log, err := command(t, "serve")
	require.Error(t, err)
	assert.Equal(t, []string{
		"the configuration is not good:",
		"HEALTHGRAPH_JWT_SECRET needs at least 32 bytes",
		"HEALTHGRAPH_TLS_*: tls: failed to find any PEM data in certificate input",
		"HEALTHGRAPH_JWKS_FILE: the JWKS file is not a JSON Web Key Set",
		"HEALTHGRAPH_DATABASE_URL: the database URL begins with postgres:// or sqlite:, or is a path that ends in .db, .sqlite or .sqlite3",
		"HEALTHGRAPH_KEYSET_FILE: no such file or directory",
		"HEALTHGRAPH_ROOK_*: the base URL of ROOK must be http:// or https:// with a host, and without a user or query",
		"HEALTHGRAPH_ONETWENTYONE_*: the redirect URI of OneTwentyOne: OneTwentyOne takes absolute return URLs without a fragment",
		"HEALTHGRAPH_UPSTREAM_TIMEOUT must be a time of more than nothing, such as 8s",
	}, strings.Split(err.Error(), "\n"))
	assert.Empty(t, out+log, "nothing was begun")
	assert.Empty(t, contains(err.Error(), "canary"), "no value is repeated")
}

func TestServeRefusesEachFileAndAddressThatCannotBeUsed(t *testing.T) {
	good := map[string]string{
		"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "not-made.db"), "JWT_SECRET": testSecret, "KEYSET_FILE": keyset(t),
		"ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "key", "ONETWENTYONE_CLIENT_ID": "id", "ONETWENTYONE_CLIENT_SECRET": "secret", "ONETWENTYONE_REDIRECT_URI": testReturnURL,
	}
	for name, test := range map[string]struct{ variable, value, says string }{
		"a JWKS that is none":               {"JWKS_FILE", written(t, "canary"), "HEALTHGRAPH_JWKS_FILE: the JWKS file is not a JSON Web Key Set"},
		"a JWKS with a secret":              {"JWKS_FILE", written(t, `{"keys": [{"kty": "oct", "k": "Y2FuYXJ5"}]}`), "HEALTHGRAPH_JWKS_FILE: key 1 of the JWKS file: only RSA, EC and Ed25519 keys are taken"},
		"a JWKS that there is not":          {"JWKS_FILE", filepath.Join(t.TempDir(), "canary"), "HEALTHGRAPH_JWKS_FILE: no such file or directory"},
		"a keyset that is none":             {"KEYSET_FILE", written(t, "canary"), "HEALTHGRAPH_KEYSET_FILE: "},
		"a keyset that is a directory":      {"KEYSET_FILE", t.TempDir(), "HEALTHGRAPH_KEYSET_FILE: is a directory"},
		"another kind of database":          {"DATABASE_URL", "mysql://canary", "HEALTHGRAPH_DATABASE_URL: the database URL begins with"},
		"a database in memory":              {"DATABASE_URL", "sqlite::memory:", "HEALTHGRAPH_DATABASE_URL: a SQLite URL names a file"},
		"authorities that there are not":    {"DATABASE_URL", "postgres://canary:canary@canary.example/canary?sslrootcert=/canary.pem", "HEALTHGRAPH_DATABASE_URL: read sslrootcert: no such file"},
		"a base URL without a scheme":       {"ONETWENTYONE_BASE_URL", "canary.example", "HEALTHGRAPH_ONETWENTYONE_*: the base URL of OneTwentyOne must be"},
		"a name for ROOK that there is not": {"ROOK_BASE_URL", "canary", "HEALTHGRAPH_ROOK_*: the base URL of ROOK must be"},
		"a time in words":                   {"OPERATION_TIMEOUT", "canary", "HEALTHGRAPH_OPERATION_TIMEOUT must be a time"},
		"streams of nothing":                {"STREAMS_PING", "0s", "HEALTHGRAPH_STREAMS_LIFETIME, "},
		"no streams":                        {"STREAMS_MAX", "0", "HEALTHGRAPH_STREAMS_MAX, "},
		"messages without end":              {"STREAMS_MAX_MESSAGE", "99999999", "HEALTHGRAPH_STREAMS_MAX_MESSAGE must be from 1024 to 1048576"},
		"no connections":                    {"DATABASE_MAX_CONNS", "0", "HEALTHGRAPH_DATABASE_MAX_CONNS must be a number of at least 1"},
		"a reserve of everything":           {"ONETWENTYONE_DAILY_RESERVE", "10000", "HEALTHGRAPH_ONETWENTYONE_DAILY_RESERVE must be less than HEALTHGRAPH_ONETWENTYONE_DAILY_LIMIT"},
		"repetitions without end":           {"UPSTREAM_RETRIES", "6", "HEALTHGRAPH_UPSTREAM_RETRIES must be from 0 to 5"},
		"a time without a unit":             {"UPSTREAM_TIMEOUT", "8", "HEALTHGRAPH_UPSTREAM_TIMEOUT must be a time"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, good)
			environment(t, map[string]string{test.variable: test.value})
			out, log, err := command(t, "serve")
			require.Error(t, err)
			first, says, _ := strings.Cut(err.Error(), "\n")
			assert.Equal(t, "the configuration is not good:", first)
			assert.NotContains(t, says, "\n", "that alone")
			assert.True(t, strings.HasPrefix(says, test.says), says)
			assert.Empty(t, contains(out+log+err.Error(), "canary", "TestServe"))
			assert.NoFileExists(t, strings.TrimPrefix(good["DATABASE_URL"], "sqlite:"))
		})
	}
}

func TestTheDemoThatListensEverywhereIsReachedOnThisMachine(t *testing.T) {
	s := start(t, "demo", "--listen", "0.0.0.0:0", "--json")
	var d demo
	require.NoError(t, json.Unmarshal([]byte(s.until(&s.out, `(?s)^(.+)\n`)), &d))
	for _, address := range []string{d.GraphQL, d.Playground, d.Rook, d.OneTwentyOne} {
		assert.Regexp(t, `^http://127\.0\.0\.1:\d+(/|$)`, address)
	}
	assert.NotContains(t, s.out.String(), "0.0.0.0")
	var data struct{ Connections []link }
	askDemo(t, d, `{ connections(dataSources: ["onetwentyone"]) `+linkFields+` }`, &data)
	require.Len(t, data.Connections, 1)
	assert.Equal(t, "CONNECTED", data.Connections[0].Status)
	s.stop()
	for address, want := range map[string]string{
		"0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "127.0.0.1:80": "127.0.0.1:80", "[::1]:80": "[::1]:80", "192.0.2.1:80": "192.0.2.1:80", "demo.example:80": "demo.example:80",
	} {
		assert.Equal(t, want, reachable(address))
	}
}

func TestIntrospectionFollowsThePlaygroundSetting(t *testing.T) {
	const schema, names = `{ __schema { queryType { name } } }`, `{ __typename viewer { __typename } }`
	w := newWorld(t, worldOptions{})
	for _, on := range []bool{false, true} {
		w.restart(func(s *settings) { s.Playground = on })
		a := w.ask(w.token("demo"), schema, nil)
		if on {
			a.into(&struct{}{})
		} else {
			assert.Equal(t, "INTROSPECTION_DISABLED", a.code())
		}
		w.ask(w.token("demo"), names, nil).into(&struct{}{})
	}
	assert.Empty(t, w.log.String())
}

func TestTheAnswerOfALongOperationIsStillWritten(t *testing.T) {
	path := keyset(t)
	w := newWorld(t, worldOptions{}) // for its simulators
	environment(t, map[string]string{
		"LISTEN": "127.0.0.1:0", "JWT_SECRET": testSecret, "DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "test.db"), "KEYSET_FILE": path, "OPERATION_TIMEOUT": "1s",
		"ROOK_BASE_URL": w.settings.RookBaseURL, "ROOK_CLIENT_UUID": w.settings.RookClientUUID, "ROOK_SECRET_KEY": w.settings.RookSecretKey,
	})
	w.clock.Set(time.Now())
	s := start(t, "serve")
	w.graphql = s.until(&s.log, `"graphql":"(http://127\.0\.0\.1:\d+/graphql)"`)
	w.fault(w.rook.Control(), slowness)
	assert.Equal(t, "UNKNOWN", w.links("demo")["garmin"].Status, "the whole of its time is up, and it answers")
	s.stop()
}

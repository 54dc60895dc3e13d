package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signer is an issuer's key, with the JWKS that shows it.
type signer struct {
	key  jwk.Key
	jwks []byte
}

func newSigner(t *testing.T, kid string) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := jwk.Import(private)
	require.NoError(t, err)
	require.NoError(t, key.Set(jwk.KeyIDKey, kid))
	public, err := key.PublicKey()
	require.NoError(t, err)
	jwks, err := json.Marshal(map[string]any{"keys": []any{public}})
	require.NoError(t, err)
	return signer{key, jwks}
}

// token is a person's, for an hour, with further claims.
func (s signer) token(t *testing.T, at time.Time, claims map[string]any) string {
	t.Helper()
	builder := jwt.NewBuilder().Subject("person-1").Expiration(at.Add(time.Hour))
	for name, value := range claims {
		builder = builder.Claim(name, value)
	}
	token, err := builder.Build()
	require.NoError(t, err)
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), s.key))
	require.NoError(t, err)
	return string(signed)
}

func TestAChangedJWKSFileIsTakenUpWhileServing(t *testing.T) {
	first, second := newSigner(t, "first"), newSigner(t, "second")
	path := written(t, string(first.jwks))
	w := newWorld(t, worldOptions{change: func(s *settings) { s.JWKSFile = path }})
	status := func(s signer) int { return w.ask(s.token(t, w.clock.Now(), nil), `{ viewer { id } }`, nil).Status }
	assert.Equal(t, http.StatusOK, status(first))
	assert.Equal(t, http.StatusUnauthorized, status(second))
	for _, step := range []struct {
		content       string
		first, second int
		log           string
	}{
		{"canary", http.StatusOK, http.StatusUnauthorized, `"level":"ERROR","msg":"the changed JWKS file can't be used: the JWKS read before stays in use"`},
		{string(second.jwks), http.StatusUnauthorized, http.StatusOK, `"level":"INFO","msg":"the JWKS was reloaded","keys":1`},
	} {
		require.NoError(t, os.WriteFile(path, []byte(step.content), 0o600))
		for range 3 {
			w.app.jwks.look(t.Context())
		}
		assert.Equal(t, step.first, status(first))
		assert.Equal(t, step.second, status(second))
		assert.Equal(t, 1, strings.Count(w.log.String(), step.log), w.log.String())
	}
	assert.Empty(t, contains(w.log.String(), "canary"))
}

func TestServeReloadsTheJWKSByItself(t *testing.T) {
	path := written(t, string(newSigner(t, "first").jwks))
	environment(t, map[string]string{
		"LISTEN": "127.0.0.1:0", "JWKS_FILE": path, "DATABASE_URL": "sqlite:" + t.TempDir() + "/test.db", "KEYSET_FILE": keyset(t),
		"ROOK_BASE_URL": "http://127.0.0.1:1", "ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "secret",
	})
	nothingLeft(t, func() {
		s := start(t, "serve")
		s.until(&s.log, `(healthgraph is ready)`)
		require.NoError(t, os.WriteFile(path, newSigner(t, "second").jwks, 0o600))
		s.until(&s.log, `("level":"INFO","msg":"the JWKS was reloaded","keys":1)`)
		s.stop()
	})
}

func TestATokenIsForTheConfiguredAudienceAlone(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(s *settings) { s.JWTAudience = "healthgraph" }})
	w.clock.Set(time.Now()) // which healthgraph token uses
	environment(t, map[string]string{"JWT_SECRET": testSecret})
	viewer := `{ viewer { id } }`
	refused := w.ask(w.token("person-1"), viewer, nil)
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
	assert.Equal(t, "UNAUTHENTICATED", refused.code())
	for audience, status := range map[string]int{"": http.StatusUnauthorized, "other": http.StatusUnauthorized, "healthgraph": http.StatusOK} {
		environment(t, map[string]string{"JWT_AUDIENCE": audience})
		out, _, err := command(t, "token", "person-1")
		require.NoError(t, err)
		assert.Equal(t, status, w.ask(strings.TrimSpace(out), viewer, nil).Status, audience)
	}
}

func TestATokenWithoutScopesHoldsNoneWhereTheyAreRequired(t *testing.T) {
	for _, required := range []bool{false, true} {
		s := settings{JWTSecret: testSecret, callerSettings: callerSettings{RequireScopes: required}}
		verifier, _, err := newVerifier(s, options{now: time.Now}, nil, nil)
		require.NoError(t, err)
		environment(t, map[string]string{"JWT_SECRET": testSecret})
		for _, scopes := range [][]string{nil, {"--scope", "quantities:read"}} {
			out, _, err := command(t, append([]string{"token", "person-1"}, scopes...)...)
			require.NoError(t, err)
			caller, err := verifier.Verify(context.Background(), "Bearer "+strings.TrimSpace(out))
			require.NoError(t, err)
			assert.Equal(t, !required || scopes != nil, caller.May("quantities:read"))
			assert.Equal(t, !required && scopes == nil, caller.May("connections:read"))
		}
	}
}

func TestServeTellsWhatIsWrongWithTheIssuers(t *testing.T) {
	good := map[string]string{
		"DATABASE_URL": "sqlite:" + t.TempDir() + "/not-made.db", "KEYSET_FILE": keyset(t), "ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "key", "LISTEN": "canary",
		"JWT_AUDIENCE": "healthgraph", "OIDC_ISSUERS": "https://id.example,http://127.0.0.1:1/realms/a", "JWKS_URL": "https://id.example/keys", "JWT_ISSUER": "another",
	}
	const (
		listen  = "\nHEALTHGRAPH_LISTEN must be host:port, such as 127.0.0.1:8080" // so that nothing begins
		address = "it must be an https:// URL without a user"
	)
	for name, test := range map[string]struct {
		change map[string]string
		says   []string
	}{
		"nothing":                 {nil, nil},
		"no audience":             {map[string]string{"JWT_AUDIENCE": ""}, []string{"HEALTHGRAPH_JWT_AUDIENCE must be set: an issuer signs for others too"}},
		"two wrong issuers":       {map[string]string{"OIDC_ISSUERS": "http://canary.example,https://id.example,canary"}, []string{"HEALTHGRAPH_OIDC_ISSUERS: number 1: " + address, "HEALTHGRAPH_OIDC_ISSUERS: number 3: " + address}},
		"one twice":               {map[string]string{"OIDC_ISSUERS": "https://canary.example,https://canary.example"}, []string{"HEALTHGRAPH_OIDC_ISSUERS: number 2 stands there twice"}},
		"no issuer beside JWKS":   {map[string]string{"JWT_ISSUER": ""}, []string{"HEALTHGRAPH_JWT_ISSUER is missing beside HEALTHGRAPH_JWKS_URL"}},
		"an issuer without JWKS":  {map[string]string{"JWKS_URL": ""}, []string{"HEALTHGRAPH_JWT_ISSUER is for HEALTHGRAPH_JWKS_URL, which is missing"}},
		"a JWKS over http":        {map[string]string{"JWKS_URL": "http://canary.example/keys"}, []string{"HEALTHGRAPH_JWKS_URL: " + address}},
		"an issuer in both":       {map[string]string{"JWT_ISSUER": "https://id.example"}, []string{"HEALTHGRAPH_JWT_ISSUER is one of HEALTHGRAPH_OIDC_ISSUERS"}},
		"neither key nor issuers": {map[string]string{"OIDC_ISSUERS": "", "JWKS_URL": "", "JWT_ISSUER": ""}, []string{"HEALTHGRAPH_JWT_SECRET, HEALTHGRAPH_JWKS_FILE, HEALTHGRAPH_JWKS_URL or HEALTHGRAPH_OIDC_ISSUERS must be set"}},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, good)
			environment(t, test.change)
			out, log, err := command(t, "serve")
			require.ErrorContains(t, err, listen)
			for _, says := range test.says {
				assert.ErrorContains(t, err, "\n"+says)
			}
			assert.Len(t, strings.Split(err.Error(), "\n"), 2+len(test.says), err.Error())
			assert.Empty(t, contains(out+log+err.Error(), "canary"))
		})
	}
}

// issuer is an identity provider on loopback that can be switched off.
type issuer struct {
	url  string
	off  atomic.Bool
	jwks atomic.Value
}

func newIssuer(t *testing.T, jwks []byte) *issuer {
	t.Helper()
	i := &issuer{}
	i.jwks.Store(jwks)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case i.off.Load():
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.url, "jwks_uri": i.url + "/keys"})
		default:
			_, _ = w.Write(i.jwks.Load().([]byte))
		}
	}))
	t.Cleanup(s.Close)
	i.url = s.URL
	return i
}

func TestServeTakesTheTokensOfIssuersAndStartsWithoutThem(t *testing.T) {
	first, second := newSigner(t, "first"), newSigner(t, "second")
	discovered, direct := newIssuer(t, first.jwks), newIssuer(t, second.jwks)
	discovered.off.Store(true)
	environment(t, map[string]string{
		"LISTEN": "127.0.0.1:0", "DATABASE_URL": "sqlite:" + t.TempDir() + "/test.db", "KEYSET_FILE": keyset(t),
		"ROOK_BASE_URL": "http://127.0.0.1:1", "ROOK_CLIENT_UUID": "id", "ROOK_SECRET_KEY": "secret",
		"OIDC_ISSUERS": discovered.url, "JWT_AUDIENCE": "healthgraph", "JWKS_URL": direct.url + "/keys", "JWT_ISSUER": "the second",
	})
	claims := func(issuer string) map[string]any {
		return map[string]any{"iss": issuer, "aud": []string{"healthgraph"}}
	}
	mine, theirs := first.token(t, time.Now(), claims(discovered.url)), second.token(t, time.Now(), claims("the second"))
	w := &world{t: t}
	viewer := `{ viewer { id } }`
	nothingLeft(t, func() {
		s := start(t, "serve")
		w.graphql = s.until(&s.log, `"graphql":"(http://127\.0\.0\.1:\d+/graphql)"`)
		s.until(&s.log, `("the keys of an issuer can't be read: its tokens are answered with ISSUER_UNAVAILABLE","issuer":1)`)
		down := w.ask(mine, viewer, nil)
		assert.Equal(t, http.StatusServiceUnavailable, down.Status)
		assert.Equal(t, "ISSUER_UNAVAILABLE", down.code())
		assert.Equal(t, http.StatusOK, w.ask(theirs, viewer, nil).Status)
		assert.Equal(t, http.StatusUnauthorized, w.ask(second.token(t, time.Now(), nil), viewer, nil).Status, "whose iss is missing")
		discovered.off.Store(false)
		s.until(&s.log, `("the keys of an issuer were read","issuer":1,"keys":1)`)
		assert.Equal(t, http.StatusOK, w.ask(mine, viewer, nil).Status)
		s.stop()
		assert.Empty(t, contains(s.log.String(), mine, theirs, discovered.url, direct.url))
		http.DefaultClient.CloseIdleConnections()
	})
}

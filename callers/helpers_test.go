package callers_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

var now = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

const sharedSecret = "canary-secret-of-at-least-32-bytes"

// keys of each kind, made once: RSA keys take a while.
var keys = sync.OnceValue(func() map[string]any {
	made := map[string]any{}
	keep := func(name string, key any, err error) {
		if err != nil {
			panic(err)
		}
		made[name] = key
	}
	for _, name := range []string{"rsa", "other rsa"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		keep(name, key, err)
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		keep(name, key, err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	keep("ed25519", key, err)
	return made
})

// document makes a JWKS of the named keys. Each entry is the key's name, its kid ("" for none) and its alg ("" for none).
func document(t testing.TB, entries ...[3]string) []byte {
	t.Helper()
	set := jwk.NewSet()
	for _, entry := range entries {
		private, err := jwk.Import(keys()[entry[0]])
		require.NoError(t, err)
		public, err := private.PublicKey()
		require.NoError(t, err)
		if entry[1] != "" {
			require.NoError(t, public.Set(jwk.KeyIDKey, entry[1]))
		}
		if entry[2] != "" {
			require.NoError(t, public.Set(jwk.AlgorithmKey, entry[2]))
		}
		require.NoError(t, set.AddKey(public))
	}
	encoded, err := json.Marshal(set)
	require.NoError(t, err)
	return encoded
}

type claims map[string]any

// good are the claims of a token that is taken, with those given put over them; nil takes one away.
func good(change claims) claims {
	all := claims{"sub": "person-1", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}
	for name, value := range change {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	return all
}

// sign makes a token. kid is "" for none.
func sign(t testing.TB, algorithm jwa.SignatureAlgorithm, key any, kid string, c claims) string {
	t.Helper()
	payload, err := json.Marshal(c)
	require.NoError(t, err)
	headers := jws.NewHeaders()
	require.NoError(t, headers.Set("typ", "JWT"))
	if kid != "" {
		require.NoError(t, headers.Set(jws.KeyIDKey, kid))
	}
	signed, err := jws.Sign(payload, jws.WithKey(algorithm, key, jws.WithProtectedHeaders(headers)))
	require.NoError(t, err)
	return string(signed)
}

func signHS256(t testing.TB, c claims) string {
	t.Helper()
	return sign(t, jwa.HS256(), []byte(sharedSecret), "", c)
}

func verifier(t testing.TB, secret string, jwks []byte) *callers.Verifier {
	t.Helper()
	v, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), JWKS: jwks, Now: clock})
	require.NoError(t, err)
	return v
}

// requireRefused says that a token is refused without a byte of it being repeated.
func requireRefused(t *testing.T, v *callers.Verifier, token string) {
	t.Helper()
	caller, err := v.Verify(t.Context(), "Bearer "+token)
	require.Error(t, err)
	require.Zero(t, caller)
	failure := health.AsError(err)
	require.Equal(t, health.Unauthenticated, failure.Code)
	require.NoError(t, failure.Unwrap(), "a library's error may quote the token")
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 {
			require.NotContains(t, err.Error(), part)
		}
	}
}

// signWithHeader makes an RS256 token whose header holds more than an algorithm.
func signWithHeader(t *testing.T, key any, header claims) string {
	t.Helper()
	payload, err := json.Marshal(good(nil))
	require.NoError(t, err)
	headers := jws.NewHeaders()
	for name, value := range header {
		require.NoError(t, headers.Set(name, value))
	}
	signed, err := jws.Sign(payload, jws.WithKey(jwa.RS256(), key, jws.WithProtectedHeaders(headers)))
	require.NoError(t, err)
	return string(signed)
}

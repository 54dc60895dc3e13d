package callers_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

func TestEveryKindOfPublicKeyIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		key, named string // named: the key's own alg
		algorithm  jwa.SignatureAlgorithm
		others     []jwa.SignatureAlgorithm // that the same key could sign with
	}{
		"RS256 by default":             {"rsa", "", jwa.RS256(), []jwa.SignatureAlgorithm{jwa.RS384(), jwa.RS512(), jwa.PS256()}},
		"PS256 where the key says":     {"rsa", "PS256", jwa.PS256(), []jwa.SignatureAlgorithm{jwa.RS256()}},
		"RS512 where the key says":     {"rsa", "RS512", jwa.RS512(), []jwa.SignatureAlgorithm{jwa.RS256()}},
		"ES256 for P-256":              {"p256", "", jwa.ES256(), nil},
		"ES384 for P-384":              {"p384", "", jwa.ES384(), nil},
		"ES512 for P-521":              {"p521", "", jwa.ES512(), nil},
		"ES256 where the key says":     {"p256", "ES256", jwa.ES256(), nil},
		"EdDSA for Ed25519":            {"ed25519", "", jwa.EdDSA(), nil},
		"EdDSA as the key itself says": {"ed25519", "EdDSA", jwa.EdDSA(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, "", document(t, [3]string{c.key, "k1", c.named}))
			for _, kid := range []string{"k1", ""} {
				caller, err := v.Verify(t.Context(), "Bearer "+sign(t, c.algorithm, keys()[c.key], kid, good(nil)))
				require.NoError(t, err, "kid %q", kid)
				assert.Equal(t, health.UserID("person-1"), caller.Subject)
			}
			for _, other := range c.others {
				requireRefused(t, v, sign(t, other, keys()[c.key], "k1", good(nil)))
			}
			requireRefused(t, v, sign(t, jwa.RS256(), keys()["other rsa"], "k1", good(nil)))
			requireRefused(t, v, sign(t, jwa.RS256(), keys()["other rsa"], "", good(nil)))
		})
	}
}

func TestTheKeyIsFoundByItsIDOrByTrying(t *testing.T) {
	v := verifier(t, sharedSecret, document(t, [3]string{"rsa", "k1", ""}, [3]string{"p256", "k2", ""}, [3]string{"ed25519", "", ""}))
	for name, c := range map[string]struct {
		algorithm jwa.SignatureAlgorithm
		key       any
		kid       string
		taken     bool
	}{
		"first key by id":           {jwa.RS256(), keys()["rsa"], "k1", true},
		"second key by id":          {jwa.ES256(), keys()["p256"], "k2", true},
		"second key without id":     {jwa.ES256(), keys()["p256"], "", true},
		"key that has no id":        {jwa.EdDSA(), keys()["ed25519"], "", true},
		"the shared secret":         {jwa.HS256(), []byte(sharedSecret), "", true},
		"the id of another key":     {jwa.ES256(), keys()["p256"], "k1", true}, // an id is a hint, the signature decides
		"a key that nobody has":     {jwa.RS256(), keys()["other rsa"], "k9", false},
		"another key under that id": {jwa.RS256(), keys()["other rsa"], "k1", false},
	} {
		t.Run(name, func(t *testing.T) {
			token := sign(t, c.algorithm, c.key, c.kid, good(nil))
			if !c.taken {
				requireRefused(t, v, token)
				return
			}
			_, err := v.Verify(t.Context(), "Bearer "+token)
			assert.NoError(t, err)
		})
	}
}

func TestAPublicKeyIsNoSharedSecret(t *testing.T) {
	private := keys()["rsa"].(*rsa.PrivateKey)
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwks := document(t, [3]string{"rsa", "k1", ""})
	for name, v := range map[string]*callers.Verifier{"JWKS alone": verifier(t, "", jwks), "beside a secret": verifier(t, sharedSecret, jwks)} {
		for form, secret := range map[string][]byte{"PEM": text, "DER": der, "PKCS #1": x509.MarshalPKCS1PublicKey(&private.PublicKey), "modulus": private.N.Bytes(), "JWKS": jwks} {
			t.Run(name+", "+form, func(t *testing.T) {
				requireRefused(t, v, sign(t, jwa.HS256(), secret, "k1", good(nil)))
				requireRefused(t, v, sign(t, jwa.HS256(), secret, "", good(nil)))
			})
		}
	}
}

func TestAKeyInTheTokenItselfIsNotBelieved(t *testing.T) {
	v := verifier(t, "", document(t, [3]string{"rsa", "k1", ""}))
	public, err := jwk.Import(&keys()["other rsa"].(*rsa.PrivateKey).PublicKey)
	require.NoError(t, err)
	for _, header := range []claims{{"jwk": public}, {"jwk": public, "kid": "k1"}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/cert"}} {
		requireRefused(t, v, signWithHeader(t, keys()["other rsa"], header))
	}
	_, err = v.Verify(t.Context(), "Bearer "+signWithHeader(t, keys()["rsa"], claims{"kid": "k1"}))
	assert.NoError(t, err)
}

func TestAKeySetFileHoldsPublicKeysThatCanCheckTokens(t *testing.T) {
	secret, err := jwk.Import([]byte("canary-of-a-symmetric-key-in-a-file"))
	require.NoError(t, err)
	symmetric, err := json.Marshal(map[string]any{"keys": []any{secret}})
	require.NoError(t, err)
	require.NoError(t, secret.Set(jwk.AlgorithmKey, jwa.HS256()))
	forHS256, err := json.Marshal(map[string]any{"keys": []any{secret}})
	require.NoError(t, err)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	short, err := json.Marshal(claims{"keys": []any{claims{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(weak.N.Bytes())}}})
	require.NoError(t, err)
	encryption := alone(t, &keys()["rsa"].(*rsa.PrivateKey).PublicKey, "enc")
	for name, jwks := range map[string][]byte{
		"empty":                {},
		"no JSON":              []byte("canary"),
		"an empty set":         []byte(`{"keys":[]}`),
		"a symmetric key":      symmetric,
		"one for HS256":        forHS256,
		"a foreign algorithm":  document(t, [3]string{"rsa", "k1", "HS256"}),
		"alg none":             document(t, [3]string{"rsa", "k1", "none"}),
		"an encryption key":    document(t, [3]string{"rsa", "k1", "RSA-OAEP"}),
		"another kind's":       document(t, [3]string{"p256", "k1", "RS256"}),
		"an RSA key too short": short,
		"for encryption":       encryption,
		"half a key":           []byte(`{"keys":[{"kty":"RSA","n":"canary"}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := callers.NewVerifier(callers.Config{JWKS: jwks, Now: clock})
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
	_, err = callers.NewVerifier(callers.Config{JWKS: alone(t, &keys()["rsa"].(*rsa.PrivateKey).PublicKey, "sig"), Now: clock})
	assert.NoError(t, err)
	private, err := jwk.Import(keys()["rsa"])
	require.NoError(t, err)
	whole, err := json.Marshal(map[string]any{"keys": []any{private}})
	require.NoError(t, err)
	_, err = callers.NewVerifier(callers.Config{JWKS: whole, Now: clock})
	assert.NoError(t, err, "of a private key the public half is used")
}

// alone is a JWKS of one key with a use, "" for none.
func alone(t *testing.T, key any, use string) []byte {
	t.Helper()
	public, err := jwk.Import(key)
	require.NoError(t, err)
	if use != "" {
		require.NoError(t, public.Set(jwk.KeyUsageKey, use))
	}
	encoded, err := json.Marshal(map[string]any{"keys": []any{public}})
	require.NoError(t, err)
	return encoded
}

func TestAnotherFileTakesThePlaceOfTheFirst(t *testing.T) {
	v := verifier(t, sharedSecret, document(t, [3]string{"rsa", "k1", ""}))
	old, fresh := sign(t, jwa.RS256(), keys()["rsa"], "k1", good(nil)), sign(t, jwa.ES256(), keys()["p256"], "k2", good(nil))
	requireRefused(t, v, fresh)
	_, err := v.ReplaceJWKS([]byte("canary"))
	require.Error(t, err)
	_, err = v.Verify(t.Context(), "Bearer "+old)
	require.NoError(t, err, "what can't be used changes nothing")
	n, err := v.ReplaceJWKS(document(t, [3]string{"p256", "k2", ""}))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireRefused(t, v, old)
	for _, token := range []string{fresh, signHS256(t, good(nil))} {
		_, err = v.Verify(t.Context(), "Bearer "+token)
		assert.NoError(t, err)
	}
}

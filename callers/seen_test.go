package callers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

func TestASignatureIsCheckedOnce(t *testing.T) {
	at := now
	v, err := callers.NewVerifier(callers.Config{
		JWKS: document(t, [3]string{"p256", "k1", ""}), Secret: health.NewSecret(sharedSecret), Audience: "here", Now: func() time.Time { return at },
	})
	require.NoError(t, err)
	checks := callers.CountChecks(v)
	one := sign(t, jwa.ES256(), keys()["p256"], "k1", good(claims{"aud": "here"}))
	two := sign(t, jwa.ES256(), keys()["p256"], "k1", good(claims{"aud": "here", "sub": "person-2"}))
	taken := func(token string, whose health.UserID, more int64) {
		t.Helper()
		before := checks.Load()
		caller, err := v.Verify(t.Context(), "Bearer "+token)
		require.NoError(t, err)
		assert.Equal(t, whose, caller.Subject)
		assert.Equal(t, more, checks.Load()-before)
	}
	taken(one, "person-1", 2) // the secret is tried before the file's key
	taken(one, "person-1", 0)
	taken(two, "person-2", 2)
	taken(two, "person-2", 0)
	taken(one, "person-1", 0)

	header, rest, _ := strings.Cut(one, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	_, others, _ := strings.Cut(two, ".")
	othersPayload, othersSignature, _ := strings.Cut(others, ".")
	for name, forged := range map[string]string{
		"another's claims":    header + "." + othersPayload + "." + signature,
		"another's signature": header + "." + payload + "." + othersSignature,
		"no signature":        header + "." + payload + ".",
		"another audience":    sign(t, jwa.ES256(), keys()["p256"], "k1", good(claims{"aud": "there"})),
	} {
		for range 2 {
			_, err := v.Verify(t.Context(), "Bearer "+forged)
			assert.Error(t, err, name)
		}
	}

	at = now.Add(2 * time.Hour)
	requireRefused(t, v, one)
	at = now
	taken(one, "person-1", 0)

	_, err = v.ReplaceJWKS(document(t, [3]string{"p256", "k1", ""}))
	require.NoError(t, err)
	taken(one, "person-1", 2) // a key that was read again remembers nothing
	_, err = v.ReplaceJWKS(document(t, [3]string{"p384", "k1", ""}))
	require.NoError(t, err)
	requireRefused(t, v, one)
}

func TestTwoPeoplesTokensAtTheSameInstant(t *testing.T) {
	v := verifier(t, "", document(t, [3]string{"ed25519", "", ""}))
	var all sync.WaitGroup
	for i := range 2 {
		whose := health.UserID(fmt.Sprint("person-", i))
		token := "Bearer " + sign(t, jwa.EdDSA(), keys()["ed25519"], "", good(claims{"sub": whose}))
		for range 8 {
			all.Go(func() {
				for range 200 {
					caller, err := v.Verify(t.Context(), token)
					assert.NoError(t, err)
					assert.Equal(t, whose, caller.Subject)
				}
			})
		}
	}
	all.Wait()
	assert.Equal(t, 2, callers.Seen(v))
}

func TestRememberedTokensAreBounded(t *testing.T) {
	v := verifier(t, "", document(t, [3]string{"ed25519", "", ""}))
	used := "Bearer " + sign(t, jwa.EdDSA(), keys()["ed25519"], "", good(nil))
	for i := range callers.MaxSeen + callers.MaxSeen/2 {
		_, err := v.Verify(t.Context(), "Bearer "+sign(t, jwa.EdDSA(), keys()["ed25519"], "", good(claims{"sub": fmt.Sprint("person-", i)})))
		require.NoError(t, err)
		if i%1000 == 0 {
			_, err = v.Verify(t.Context(), used)
			require.NoError(t, err)
		}
	}
	assert.LessOrEqual(t, callers.Seen(v), callers.MaxSeen)
	checks := callers.CountChecks(v)
	_, err := v.Verify(t.Context(), used)
	require.NoError(t, err)
	assert.Zero(t, checks.Load(), "what is in use stays")

	requireRefused(t, v, strings.TrimPrefix(used, "Bearer ")+"A")
}

func BenchmarkVerifyAgain(b *testing.B) {
	v := verifier(b, "", document(b, [3]string{"rsa", "k1", ""}))
	token := "Bearer " + sign(b, jwa.RS256(), keys()["rsa"], "k1", good(nil))
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

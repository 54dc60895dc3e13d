package callers_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/growth"
)

// liveKeys is a store of API keys that nobody changes.
type liveKeys []callers.APIKey

// LiveAPIKeys implements callers.APIKeyStore.
func (k liveKeys) LiveAPIKeys(context.Context, time.Time) ([]callers.APIKey, error) { return k, nil }

// NoteAPIKeyUse implements callers.APIKeyStore.
func (k liveKeys) NoteAPIKeyUse(context.Context, string, time.Time, time.Time) error { return nil }

// verifying is a caller that is let in, or not, where so many keys are good.
func verifying(setUp func(testing.TB, int) (*callers.Verifier, string), good bool) func(testing.TB, *growth.Meter, int) func() {
	return func(tb testing.TB, _ *growth.Meter, keys int) func() {
		tb.Helper()
		v, token := setUp(tb, keys)
		return func() {
			_, err := v.Verify(tb.Context(), "Bearer "+token)
			require.Equal(tb, good, err == nil)
		}
	}
}

// publicKeys has a file of so many keys, and a token of the last one.
func publicKeys(tb testing.TB, n int) (*callers.Verifier, string) {
	tb.Helper()
	var token string
	list := make([]string, n)
	for i := range list {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(tb, err)
		list[i] = fmt.Sprintf(`{"kty": "OKP", "crv": "Ed25519", "x": %q}`, base64.RawURLEncoding.EncodeToString(public))
		token = sign(tb, jwa.EdDSA(), private, "", good(nil))
	}
	return verifier(tb, "", []byte(`{"keys": [`+strings.Join(list, ",")+`]}`)), token
}

func forged(setUp func(testing.TB, int) (*callers.Verifier, string)) func(testing.TB, int) (*callers.Verifier, string) {
	return func(tb testing.TB, n int) (*callers.Verifier, string) {
		tb.Helper()
		v, token := setUp(tb, n)
		signature := strings.LastIndex(token, ".") + 1
		return v, token[:signature] + strings.Repeat("A", len(token)-signature)
	}
}

// apiKeys has so many keys of services, and the text of the last one.
func apiKeys(tb testing.TB, n int) (*callers.Verifier, string) {
	tb.Helper()
	live := make(liveKeys, n)
	var text string
	for i := range live {
		key, secret, err := callers.NewAPIKey("a service", []string{callers.ScopeAnyUser}, now)
		require.NoError(tb, err)
		live[i], text = key, secret.Reveal()
	}
	v, err := callers.NewVerifier(callers.Config{JWKS: document(tb, [3]string{"p256", "", ""}), APIKeys: live, Now: clock, Log: slog.New(slog.DiscardHandler)})
	require.NoError(tb, err)
	return v, text
}

func verifications() []growth.Path {
	return []growth.Path{
		{Name: "a known token, public keys", From: 10, To: 80, Prepare: verifying(publicKeys, true)},
		{Name: "a forged token, public keys", From: 10, To: 80, Prepare: verifying(forged(publicKeys), false)},
		{Name: "an API key", From: 125, To: callers.MaxLiveAPIKeys, Flat: true, Prepare: verifying(apiKeys, true)},
	}
}

// Who is asking costs no more than the keys that may have signed.
func TestGrowth(t *testing.T) { growth.Test(t, verifications()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, verifications()...) }

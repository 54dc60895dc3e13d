package callers_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/logtest"
)

// panicking stands for code of others that does not stand what an issuer or a database answers.
type panicking struct{}

// RoundTrip implements http.RoundTripper.
func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("canary") }

// LiveAPIKeys implements callers.APIKeyStore.
func (panicking) LiveAPIKeys(context.Context, time.Time) ([]callers.APIKey, error) { panic("canary") }

// NoteAPIKeyUse implements callers.APIKeyStore.
func (panicking) NoteAPIKeyUse(context.Context, string, time.Time, time.Time) error { panic("canary") }

// TestAPanicInAGoroutineOfItsOwnDoesNotEndTheProcess ends the test's process where it does.
func TestAPanicInAGoroutineOfItsOwnDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	log := &logtest.Log{}
	v, err := callers.NewVerifier(callers.Config{
		Secret: health.NewSecret(sharedSecret), Audience: audience, Now: time.Now, Log: slog.New(slog.NewJSONHandler(log, nil)),
		Issuers: []callers.IssuerConfig{{Issuer: "https://issuer.example"}}, Transport: panicking{}, APIKeys: panicking{},
	})
	require.NoError(t, err)
	v.Refresh(t.Context())
	assert.Contains(t, log.String(), "the keys of an issuer can't be read")
	_, key, err := callers.NewAPIKey("a-service", []string{callers.ScopeAnyUser}, time.Now())
	require.NoError(t, err)
	_, err = v.Verify(t.Context(), "Bearer "+key.Reveal())
	assert.Equal(t, health.Internal, health.AsError(err).Code)
	assert.NotContains(t, log.String(), "canary")
}

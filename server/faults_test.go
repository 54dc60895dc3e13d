package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
	"healthgraph/server/limits"
)

// awayStore is a database of API keys that is away.
type awayStore struct{}

// LiveAPIKeys implements callers.APIKeyStore.
func (awayStore) LiveAPIKeys(context.Context, time.Time) ([]callers.APIKey, error) {
	return nil, errors.New("the database is away")
}

// NoteAPIKeyUse implements callers.APIKeyStore.
func (awayStore) NoteAPIKeyUse(context.Context, string, time.Time, time.Time) error { return nil }

// TestWhateverFailsInsideNamesItsLineOfTheLog breaks the gateway in front of an operation, in its making, and where nobody can say
// who calls.
func TestWhateverFailsInsideNamesItsLineOfTheLog(t *testing.T) {
	t.Parallel()
	_, key, err := callers.NewAPIKey("backend", []string{callers.ScopeAnyUser}, time.Now())
	require.NoError(t, err)
	for name, each := range map[string]struct {
		broken  func(*server.Config)
		headers map[string]string
	}{
		"a panic before the endpoint": {func(c *server.Config) { c.Verifier = nil }, nil},
		"a panic before execution":    {func(c *server.Config) { c.Limits = limits.New(limits.Config{}, nil) }, nil},
		"API keys that can't be read": {func(c *server.Config) {
			c.Verifier, err = callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), APIKeys: awayStore{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
		}, map[string]string{"Authorization": "Bearer " + key.Reveal()}},
	} {
		s := newSite(t, each.broken)
		w := s.send(http.MethodPost, "/graphql", `{"query": "{ viewer { id } }"}`, each.headers)
		assert.Equal(t, http.StatusInternalServerError, w.Code, name)
		answer := read(t, w)
		require.Len(t, answer.Errors, 1, name)
		assert.Equal(t, "INTERNAL", answer.Errors[0].Extensions["code"], name)
		id, _ := answer.Errors[0].Extensions["correlationId"].(string)
		require.NotEmpty(t, id, name)
		assert.Contains(t, s.log.String(), id, name)
	}
}

func TestOneAuthorizationHeaderOnAnyTransport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, headers := range map[string]map[string]string{
		"HTTP":        {},
		"a WebSocket": {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
	} {
		w := s.sendTwoTokens(headers)
		assert.Equal(t, http.StatusBadRequest, w.Code, name)
		assert.Equal(t, []any{"BAD_REQUEST"}, codes(read(t, w)), name)
	}
}

// sendTwoTokens makes a request with two tokens, both of them good.
func (s *site) sendTwoTokens(headers map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/graphql?query={viewer{id}}", nil)
	r.Header["Authorization"] = []string{"Bearer " + s.token, "Bearer " + s.token}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

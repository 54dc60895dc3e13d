package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/server"
)

func TestACallerWhoseIssuerIsDownIsToldWhenToAskAgain(t *testing.T) {
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(down.Close)
	s := limited(t, func(c *server.Config) {
		var err error
		c.Verifier, err = callers.NewVerifier(callers.Config{
			Secret: health.NewSecret(secret), Issuers: []callers.IssuerConfig{{Issuer: down.URL}}, Audience: "healthgraph", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
	})
	signed := func(issuer string) map[string]string {
		token, err := jwt.NewBuilder().Subject("person-1").Expiration(time.Now().Add(time.Hour)).Audience([]string{"healthgraph"}).Issuer(issuer).Build()
		require.NoError(t, err)
		encoded, err := jwt.Sign(token, jwt.WithKey(jwa.HS256(), []byte(secret)))
		require.NoError(t, err)
		return map[string]string{"Authorization": "Bearer " + string(encoded)}
	}
	w := s.send(http.MethodPost, "/graphql", viewer, signed(down.URL))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Equal(t, []any{"ISSUER_UNAVAILABLE"}, codes(read(t, w)))
	assert.Empty(t, w.Header().Get("WWW-Authenticate"), "another token would not help")
	wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
	require.NoError(t, err)
	assert.Positive(t, wait)
	assert.LessOrEqual(t, wait, 10)

	url := s.listen()
	for range 5 { // it is no bad token
		l, _ := dial(t, url, dialing{})
		l.send(`{"type":"connection_init","payload":{"Authorization":"` + signed(down.URL)["Authorization"] + `"}}`)
		assert.Equal(t, websocket.StatusTryAgainLater, l.closed())
	}
	s.open(url, strings.TrimPrefix(signed("another")["Authorization"], "Bearer "))

	assert.Equal(t, http.StatusOK, s.send(http.MethodPost, "/graphql", viewer, signed("another")).Code)
	w = s.send(http.MethodPost, "/graphql", viewer, nil)
	assert.Equal(t, http.StatusUnauthorized, w.Code, "which is for no audience")
	assert.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
	assert.Empty(t, w.Header().Get("Retry-After"))
}

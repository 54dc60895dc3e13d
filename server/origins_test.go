package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
)

func TestAnOriginIsWrittenAsBrowsersSendIt(t *testing.T) {
	for _, origin := range []string{
		"https://app.example", "http://localhost:3000", "https://app.example:8443", "http://127.0.0.1:5173", "http://[::1]:5173", "https://xn--bcher-kva.example", "https://a-b.c.app.example", "http://app.example:443", "capacitor://localhost",
	} {
		assert.NoError(t, server.CheckOrigin(origin), origin)
	}
	for origin, says := range map[string]string{
		"*": "wildcard", "https://*": "wildcard", "https://*.app.example": "wildcard", "https://app.example:*": "wildcard",
		"null": "such as", "": "such as", "app.example": "such as", "//app.example": "such as", "https://": "such as", "https:app.example": "such as", "file:///": "such as",
		"https://user@app.example": "such as", "https://app.example:": "such as", "https://app.example:x": "such as", "https://app example": "such as",
		"https://app.example/": "without a slash", "https://app.example/canary": "without a slash", "https://app.example?x": "without a slash", "https://app.example?": "without a slash", "https://app.example#": "without a slash",
		"https://App.example": "capital", "HTTPS://app.example": "capital",
		"https://app.example:443": "port", "http://app.example:80": "port",
		"https://bücher.example": "xn--", "https://app..example": "another way", "http://[0:0::1]": "another way", "https://app.example,https://b.example": "such as", "https://app_1.example": "another way",
	} {
		err := server.CheckOrigin(origin)
		require.Error(t, err, origin)
		assert.Contains(t, err.Error(), says, origin)
		assert.NotContains(t, err.Error(), "canary")
	}
}

// strangers are origins that look like one that may call.
var strangers = []string{
	"null", "", "*", "https://app.example.evil.com", "https://evil.com/https://app.example", "https://evilapp.example", "https://x.app.example", "https://app.example:8443", "https://app.example:443", "https://app.example.",
	"https://app.example/", "https://APP.example", "HTTPS://app.example", "http://app.example", "https://app.example@evil.com", "https://user@app.example", "https://app.example%2eevil.com", "https://app.example\x00.evil.com",
	"https://app.exampl", "app.example", "//app.example", "https://app.example https://evil.com", "file://", "http://localhost:3001", "https://localhost:3000", "http://127.0.0.1:3000",
}

func TestOnlyPagesOfTheVeryOriginMayCall(t *testing.T) {
	allowed := []string{"https://app.example", "http://localhost:3000", "null", ""}
	s := newSite(t, func(c *server.Config) {
		c.AllowOrigin = func(origin string) bool { return slices.Contains(allowed, origin) }
	})
	mayCall := append([]string{}, allowed[:2]...)
	for _, origin := range append(mayCall, strangers...) {
		may := slices.Contains(mayCall, origin)
		headers := func(more map[string]string) map[string]string {
			all := map[string]string{"Origin": origin}
			for name, value := range more {
				all[name] = value
			}
			return all
		}
		want := map[bool]string{true: origin}[may]
		for _, asked := range []string{"authorization,content-type", "content-type,x-apollo-operation-name", "apollo-require-preflight", "graphql-preflight"} {
			w := s.send(http.MethodOptions, "/graphql", "", headers(map[string]string{"Authorization": "", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": sorted(asked)}))
			assert.Equal(t, http.StatusNoContent, w.Code, "%q: a preflight carries no token", origin)
			assert.Equal(t, want, w.Header().Get("Access-Control-Allow-Origin"), "%q asks for %s", origin, asked)
			assert.Equal(t, may, w.Header().Get("Access-Control-Allow-Headers") != "", origin)
			assert.Contains(t, strings.Join(w.Header().Values("Vary"), ","), "Origin")
		}
		for _, token := range []string{"", "Bearer " + s.token, "Bearer canary"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				w := s.send(method, "/graphql", viewer, headers(map[string]string{"Authorization": token}))
				assert.Equal(t, want, w.Header().Get("Access-Control-Allow-Origin"), "%q", origin)
				assert.Equal(t, may, strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "Retry-After"), "%q", origin)
				assert.Equal(t, may, strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "Ratelimit"), "%q", origin)
				assert.Contains(t, w.Header().Values("Vary"), "Origin", "%q", origin)
				assert.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"))
				assert.NotEqual(t, "*", w.Header().Get("Access-Control-Allow-Origin"))
			}
		}
	}
	w := s.send(http.MethodOptions, "/graphql", "", map[string]string{"Authorization": "", "Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-other"})
	assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), "a header that we do not know")
}

// sorted is how browsers send the names.
func sorted(names string) string {
	all := strings.Split(names, ",")
	slices.Sort(all)
	return strings.Join(all, ",")
}

func TestOptionsThatIsNoPreflightIsToldWhatGoes(t *testing.T) {
	without := newSite(t)
	with := newSite(t, func(c *server.Config) { c.AllowOrigin = func(string) bool { return true } })
	for name, c := range map[string]struct {
		site    *site
		headers map[string]string
	}{
		"no pages may call":                {without, map[string]string{"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}},
		"no pages may call, no preflight":  {without, nil},
		"pages may call, but no preflight": {with, nil},
		"with an origin all the same":      {with, map[string]string{"Origin": "https://app.example"}},
	} {
		for _, token := range []string{"", "Bearer " + c.site.token} {
			headers := map[string]string{"Authorization": token}
			for header, value := range c.headers {
				headers[header] = value
			}
			w := c.site.send(http.MethodOptions, "/graphql", "", headers)
			assert.Equal(t, http.StatusMethodNotAllowed, w.Code, name)
			assert.Equal(t, "GET, POST", w.Header().Get("Allow"), name)
			assert.Equal(t, []any{"METHOD_NOT_ALLOWED"}, codes(read(t, w)), name)
		}
	}
}

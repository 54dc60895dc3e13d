package server_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server"
	"healthgraph/server/limits"
	"healthgraph/web"
)

// assertHardened says that an answer has the headers that all have.
func assertHardened(t *testing.T, h http.Header, name string) {
	t.Helper()
	for header, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		assert.Equal(t, []string{want}, h.Values(header), "%s: %s", name, header)
	}
	policy := h.Get("Content-Security-Policy")
	assert.Len(t, h.Values("Content-Security-Policy"), 1, name)
	assert.True(t, strings.HasPrefix(policy, "default-src 'none'; "), "%s: %s", name, policy)
	assert.Contains(t, policy, "frame-ancestors 'none'", name)
	assert.NotContains(t, policy, "unsafe-eval", name)
	assert.Contains(t, h.Get("Permissions-Policy"), "geolocation=()", name)
	for _, banner := range []string{"Server", "X-Powered-By", "Via"} {
		assert.Empty(t, h.Values(banner), "%s: %s", name, banner)
	}
}

// TestEveryAnswerIsHardened walks every route by every method, with and without a token, and every way to be refused.
func TestEveryAnswerIsHardened(t *testing.T) {
	s := newSite(t, func(c *server.Config) {
		c.AllowOrigin = func(origin string) bool { return origin == "https://app.example" }
		c.Playground = &web.PlaygroundConfig{Endpoint: "/graphql", Token: "canary"}
		c.ReturnPage = &web.ReturnConfig{Endpoint: "/graphql", Token: "canary"}
	})
	seen := map[int]bool{}
	check := func(name string, w *httptest.ResponseRecorder) {
		t.Helper()
		seen[w.Code] = true
		assertHardened(t, w.Header(), name)
		if cache := w.Header().Get("Cache-Control"); cache != "no-store" {
			assert.Regexp(t, `/(assets|return)/\S+`, name, "only what is nobody's data may be kept: %s", cache)
			assert.Equal(t, http.StatusOK, w.Code, name)
		}
	}
	targets := []string{
		"/", "/graphql", "/graphql?query=%7Bviewer%7Bid%7D%7D", "/livez", "/playground", "/playground/", "/playground/assets/x.js", "/demo/return", "/demo/return?code=x", "/demo/return/", "/demo/return/return.js", "/demo/return/return.css",
		"/graphql/", "//graphql", "/./graphql", "/x/../graphql", "/%67raphql", "/graphql%2F", "/graphql%00", "/GRAPHQL", "/nothing", "/.git/config", "/metrics",
	}
	for _, target := range targets {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PROPFIND"} {
			for _, token := range []string{"", "Bearer " + s.token} {
				check(method+" "+target, s.send(method, target, viewer, map[string]string{"Authorization": token}))
			}
		}
	}
	for name, headers := range map[string]map[string]string{
		"a preflight":             {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
		"a preflight of stranger": {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
	} {
		check(name, s.send(http.MethodOptions, "/graphql", "", headers))
	}
	for name, headers := range map[string]map[string]string{
		"401": {"Authorization": "Bearer canary"}, "403": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, "406": {"Accept": "text/html"}, "415": {"Content-Type": "text/plain"},
		"415, gzip": {"Content-Encoding": "gzip"},
	} {
		check(name, s.send(http.MethodPost, "/graphql", viewer, headers))
	}
	check("400", s.send(http.MethodPost, "/graphql", "{", nil))
	check("413", s.send(http.MethodPost, "/graphql", strings.Repeat(" ", limits.Defaults().BodyBytes+1), nil))
	broken := newSite(t, func(c *server.Config) { c.Verifier = nil }) // panics when it is asked
	check("500", broken.send(http.MethodPost, "/graphql", viewer, nil))
	assert.Contains(t, broken.log.String(), `"msg":"a panic was caught"`)
	for _, status := range []int{200, 204, 302, 400, 401, 403, 404, 405, 406, 413, 415, 500} {
		assert.True(t, seen[status], "%d was among them", status)
	}
}

func TestAPathIsWrittenInOneWay(t *testing.T) {
	s := newSite(t)
	for _, target := range []string{"/graphql/", "//graphql", "///graphql", "/./graphql", "/x/../graphql", "/graphql/.", "/%67raphql", "/graphq%6c", "/%2e/graphql", "/%2Fgraphql", "/graphql%2f", "/graphql%00", "/graphql%20", "/graphql;x", "/Graphql"} {
		w := s.send(http.MethodPost, target, viewer, nil)
		assert.Equal(t, http.StatusNotFound, w.Code, target)
		assert.Empty(t, w.Header().Get("Location"), target)
	}
	assert.Equal(t, http.StatusOK, s.send(http.MethodPost, "/graphql", viewer, nil).Code)
	assert.Equal(t, http.StatusOK, s.send(http.MethodGet, "/graphql?query=%7b%76iewer%7Bid%7D%7D&x=//..%2F", "", nil).Code, "a query may be written as one likes")
}

func TestBrowsersThatCameByTLSAreToldToComeBackByIt(t *testing.T) {
	proxies := server.Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]struct {
		peer, proto string
		tls         bool
		keep        time.Duration
		want        string
	}{
		"by TLS":                         {"192.0.2.1:5000", "", true, time.Hour, "max-age=3600"},
		"a proxy that is trusted":        {"10.1.2.3:5000", "https", false, time.Hour, "max-age=3600"},
		"the same, in capitals":          {"[::ffff:10.1.2.3]:5000", "HTTPS", false, time.Hour, "max-age=3600"},
		"the last one's word counts":     {"10.1.2.3:5000", "https, http", false, time.Hour, ""},
		"a proxy that came without":      {"10.1.2.3:5000", "http", false, time.Hour, ""},
		"a proxy that says nothing":      {"10.1.2.3:5000", "", false, time.Hour, ""},
		"somebody who says so":           {"192.0.2.1:5000", "https", false, time.Hour, ""},
		"plain":                          {"192.0.2.1:5000", "", false, time.Hour, ""},
		"switched off":                   {"192.0.2.1:5000", "", true, 0, ""},
		"nobody knows where it is from":  {"", "https", false, time.Hour, ""},
		"switched off, behind the proxy": {"10.1.2.3:5000", "https", false, 0, ""},
	} {
		s := newSite(t, func(c2 *server.Config) { c2.TrustedProxies, c2.HSTS = proxies, c.keep })
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", nil)
		r.RemoteAddr = c.peer
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		assert.Equal(t, c.want, w.Header().Get("Strict-Transport-Security"), name)
	}
}

func TestProxiesAreNamedByAddressOrNetwork(t *testing.T) {
	for text, want := range map[string]string{"192.0.2.1": "192.0.2.1/32", "10.0.0.0/8": "10.0.0.0/8", "fd00::/8": "fd00::/8", "::1": "::1/128", "::ffff:192.0.2.1": "192.0.2.1/32"} {
		network, err := server.ParseProxy(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, network.String())
	}
	for _, text := range []string{"", "*", "canary", "10.0.0.1/8", "10.0.0.0/33", "0.0.0.0/0", "::/0", "fe80::1%canary", "10.0.0.0-10.0.0.9", "proxy.canary"} {
		_, err := server.ParseProxy(text)
		require.Error(t, err, text)
		assert.NotContains(t, err.Error(), "canary")
	}
}

package server

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/rs/cors"
)

// CheckOrigin refuses what no browser ever sends as the origin of a page, so that a setting that could never match, or would
// match more than it says, is found at start. Apps that are web pages inside have schemes of their own, such as
// capacitor://localhost. Its errors do not repeat the origin.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case strings.Contains(origin, "*"):
		return errors.New("has a wildcard: origins are named one by one")
	case err != nil, u.Scheme == "", u.Host == "", u.User != nil, strings.HasSuffix(u.Host, ":"):
		return errors.New("is not an origin such as https://app.example")
	case u.Path != "", u.RawQuery != "", u.ForceQuery, strings.Contains(origin, "#"):
		return errors.New("is not an origin such as https://app.example: it ends before the path, without a slash")
	case origin != strings.ToLower(origin):
		return errors.New("has capital letters, which browsers do not send in an origin")
	case u.Port() != "" && u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme]:
		return errors.New("names the port that its scheme has anyway, which browsers leave out")
	case !isHost(u.Hostname()):
		return errors.New("has a host that browsers write in another way: letters, digits, hyphens and dots (a name with other letters in its xn-- form)")
	}
	return nil
}

func isHost(host string) bool {
	if address, err := netip.ParseAddr(host); err == nil {
		return address.String() == host
	}
	return strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && !strings.Contains(host, "..")
}

// crossOrigin answers preflights, without a token, and tells browsers which pages may read the answers. No cookie is ever asked
// for (Access-Control-Allow-Credentials is never sent), and `null`, which every sandboxed page has for an origin, is nobody's.
func crossOrigin(allow func(origin string) bool, next http.Handler) http.Handler {
	return cors.New(cors.Options{
		AllowOriginFunc: allow,
		AllowedMethods:  []string{http.MethodGet, http.MethodPost},
		AllowedHeaders:  append([]string{"Content-Type", "Accept"}, preflightHeaders...),
		ExposedHeaders:  []string{"Allow", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate"},
		MaxAge:          int((10 * time.Minute).Seconds()),
	}).Handler(next)
}

// neverNull is allow without the origin `null`, whatever allow says of it.
func neverNull(allow func(origin string) bool) func(origin string) bool {
	if allow == nil {
		return nil
	}
	return func(origin string) bool { return origin != "" && origin != "null" && allow(origin) }
}

// withoutOptions answers OPTIONS that is no preflight, or that nobody's pages may send: it needs no token to be told so.
func withoutOptions(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", allowedMethods)
			refuse(w, r, http.StatusMethodNotAllowed, codeMethodNotAllowed, sendWith)
			return
		}
		next.ServeHTTP(w, r)
	})
}

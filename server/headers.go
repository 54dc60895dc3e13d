package server

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// everyAnswer are the headers of every answer that a handler of ours gives, errors included. Pages have a policy of their own in
// place of this one, under which nothing is loaded, and only assets, which are nobody's data, may be kept.
var everyAnswer = lists(map[string]string{
	"Cache-Control":                "no-store", // health data is nobody else's to keep: see mayKeep
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin", // what CORS allows is not touched by it
	"Permissions-Policy":           "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
})

// lists are headers as they stand in an http.Header, for all answers to share: whoever adds to one gets a list of its own.
func lists(headers map[string]string) http.Header {
	header := http.Header{}
	for name, value := range headers {
		header.Set(name, value)
		header[name] = slices.Clip(header[name])
	}
	return header
}

// mayKeep lets the client alone, and for this credential alone, keep an answer for a time in place of asking again.
func mayKeep(w http.ResponseWriter, lifetime time.Duration) {
	if seconds := int64(lifetime / time.Second); seconds > 0 {
		w.Header().Set("Cache-Control", "private, max-age="+strconv.FormatInt(seconds, 10))
		w.Header().Add("Vary", "Authorization")
	}
}

// hardened sets those headers, has one way to write a path, and answers what panics outside the fields of an
// operation.
type hardened struct {
	proxies Proxies
	hsts    time.Duration // 0 for none
	faults  *endpoint     // of what panics
	next    http.Handler
}

func (h hardened) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for name, values := range everyAnswer {
		header[name] = values
	}
	if h.hsts > 0 && h.proxies.overTLS(r) {
		w.Header().Set("Strict-Transport-Security", "max-age="+strconv.FormatInt(int64(h.hsts.Seconds()), 10))
	}
	if len(r.TransferEncoding) > 0 { // a proxy in front that read another length must not have its next request taken for more of this
		w.Header().Set("Connection", "close")
	}
	if !isPlain(r) {
		http.NotFound(w, r)
		return
	}
	defer h.faults.recovered(w, r)
	h.next.ServeHTTP(w, r)
}

// isPlain says whether the path is written as it is meant: a proxy in front that has rules for paths, and this server, must not
// read the same path in two ways.
func isPlain(r *http.Request) bool {
	p := r.URL.Path
	clean := path.Clean(p)
	if clean != "/" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	return r.URL.RawPath == "" && p == clean || p == "*"
}

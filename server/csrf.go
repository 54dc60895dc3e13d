package server

import (
	"mime"
	"net/http"
	"strings"
)

// preflightHeaders are those by which a request shows that it is no page's simple request. A browser sends none of them to
// another origin before that origin has agreed to it in a preflight. Authorization is what our callers send anyway, the others
// are what GraphQL clients send for this purpose.
var preflightHeaders = []string{"Authorization", "X-Apollo-Operation-Name", "Apollo-Require-Preflight", "GraphQL-Preflight"}

// simpleTypes are the types of content that a page may send to any origin without a preflight.
var simpleTypes = map[string]bool{"application/x-www-form-urlencoded": true, "multipart/form-data": true, "text/plain": true}

// preflighted lets no operation run that a page of another site made the browser send with whatever credentials it adds by
// itself (cross-site request forgery, CSRF). Today the only credential is a bearer token, which no browser adds by itself. The
// rule stands all the same, for GET as for POST, so that one that a browser does add can't be taken by mistake.
type preflighted struct {
	allowOrigin func(origin string) bool // nil lets none
	next        http.Handler
}

func (p preflighted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !wasPreflighted(r.Header) || p.fromElsewhere(r.Header) {
		refuse(w, r, http.StatusForbidden, codeCrossSite, "a page of another site may have sent this: send Content-Type: application/json, or one of the headers "+strings.Join(preflightHeaders, ", ")+", from an origin that is allowed to call")
		return
	}
	p.next.ServeHTTP(w, r)
}

// wasPreflighted says whether a browser would have asked first before it sent this to another origin. What can't be read counts
// as simple.
func wasPreflighted(h http.Header) bool {
	for _, name := range preflightHeaders {
		if h.Get(name) != "" {
			return true
		}
	}
	types := h.Values("Content-Type")
	for _, contentType := range types {
		mediaType, _, err := mime.ParseMediaType(contentType)
		if err != nil || simpleTypes[mediaType] {
			return false
		}
	}
	return len(types) > 0
}

// fromElsewhere says whether a browser itself tells that a page of an origin that may not call sent this. Programs tell
// nothing, and are not meant.
func (p preflighted) fromElsewhere(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	if site != "cross-site" && site != "same-site" {
		return false
	}
	return p.allowOrigin == nil || !p.allowOrigin(h.Get("Origin"))
}

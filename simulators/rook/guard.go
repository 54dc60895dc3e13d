package rook

import (
	"crypto/subtle"
	"encoding/json"
	"html"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"healthgraph/simulators"
)

// userIDPattern is documented in the OpenAPI description 2.0.1 and in support article 8725741.
var userIDPattern = regexp.MustCompile(`^[a-zA-Z0-9-]{1,50}$`)

type endpoint func(w http.ResponseWriter, r *http.Request, sw Switches)

// api routes one endpoint of the API behind what all of them ask for: a User-Agent, which is refused first because it
// is said to be a web application firewall that wants it, then Basic authentication, then a well-formed user id.
func (s *Simulator) api(name, pattern string, h endpoint) {
	s.control.Route(s.mux, name, pattern, func(w http.ResponseWriter, r *http.Request) {
		sw := s.switches()
		w.Header().Set("Access-Control-Allow-Origin", "*") // documented, with keep-alive, for every success
		user, hasUser := r.PathValue("user_id"), strings.Contains(pattern, "{user_id}")
		switch {
		case sw.RequireUserAgent && refusedAgent(r.UserAgent()):
			fail(w, r, sw, http.StatusForbidden, "a User-Agent of your own is required")
		case !s.authentic(r):
			fail(w, r, sw, http.StatusUnauthorized, "client_uuid or secret is wrong")
		case hasUser && sw.EnforceUserID && !userIDPattern.MatchString(user):
			fail(w, r, sw, http.StatusUnprocessableEntity, "user_id must match "+userIDPattern.String())
		default:
			h(w, r, sw)
		}
	})
}

func refusedAgent(agent string) bool {
	return strings.TrimSpace(agent) == "" || strings.HasPrefix(agent, "Go-http-client")
}

func (s *Simulator) authentic(r *http.Request) bool {
	user, secret, ok := r.BasicAuth()
	sameUser := subtle.ConstantTimeCompare([]byte(user), []byte(s.clientUUID))
	sameSecret := subtle.ConstantTimeCompare([]byte(secret), []byte(s.secret))
	return ok && sameUser&sameSecret == 1
}

// fail answers with the error envelope, or what the switch errorFormat has instead.
func fail(w http.ResponseWriter, r *http.Request, sw Switches, status int, why string) {
	contentType, body := errorBody(r, sw, status, why)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return // the caller has gone
	}
}

func errorBody(r *http.Request, sw Switches, status int, why string) (contentType string, body []byte) {
	title := http.StatusText(status)
	switch sw.ErrorFormat {
	case "text":
		return "text/plain; charset=utf-8", []byte(title)
	case "html":
		title = html.EscapeString(title)
		return "text/html; charset=utf-8", []byte("<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>")
	}
	path := r.URL.Path
	if _, template, ok := strings.Cut(r.Pattern, " "); ok && sw.ErrorPath == "template" {
		path = template
	}
	body, err := json.Marshal(struct {
		Error     string `json:"error"`
		Exception string `json:"exception"`
		Path      string `json:"path"`
		Method    string `json:"method"`
	}{title, why, path, r.Method})
	if err != nil {
		panic("rook: strings always marshal: " + err.Error())
	}
	return "application/json", body
}

// readBody decodes a JSON body with exactly the known fields, or answers 400 as documented for revoke_auth.
func readBody(w http.ResponseWriter, r *http.Request, sw Switches, v any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		fail(w, r, sw, http.StatusBadRequest, "the content type must be application/json")
		return false
	}
	if err := simulators.ReadJSON(w, r, v); err != nil {
		fail(w, r, sw, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

// base is how a browser reaches the simulator.
func (s *Simulator) base(r *http.Request) string {
	switch {
	case s.publicURL != "":
		return s.publicURL
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

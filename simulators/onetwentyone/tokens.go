package onetwentyone

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxParams is the longest body that a token endpoint reads.
const maxParams = 64 << 10

// tokenAnswer has expires_in and refresh_token where the documentation or a switch has them. There is no token_type.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresIn    int    `json:"expires_in,omitempty"` // seconds
}

func (sw Switches) lifetime() time.Duration { return time.Duration(sw.AccessTokenLifetime) }

// exchange is POST /api/token (api.onetwentyone.ai/authentication).
func (s *Simulator) exchange(w http.ResponseWriter, r *http.Request) {
	sw, now := s.now(), s.control.Clock.Now()
	params, ok := s.tokenParams(w, r, sw, "code", "client_id", "client_secret", "redirect_uri")
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants.codes[params["code"]]
	if g == nil || g.used || g.revoked || g.redirect != params["redirect_uri"] || now.Sub(g.issued) >= time.Duration(sw.CodeLifetime) {
		sw.failToken(w, sw.InvalidGrantStatus, "invalid_grant")
		return
	}
	if !s.spendTokenCall(w, sw, g.person, now) {
		return
	}
	if sw.ReauthorizeRevokes {
		s.grants.revoke(g.person)
		g.revoked = false
	}
	g.used = true
	answer := tokenAnswer{AccessToken: s.grants.issueAccess(g, now, sw.lifetime()), RefreshToken: s.grants.issueRefresh(g)}
	if sw.TokenExpiresIn {
		answer.ExpiresIn = int(sw.lifetime().Seconds())
	}
	writeTokens(w, answer)
}

// refresh is POST /api/refresh (api.onetwentyone.ai/authentication).
func (s *Simulator) refresh(w http.ResponseWriter, r *http.Request) {
	sw, now := s.now(), s.control.Clock.Now()
	params, ok := s.tokenParams(w, r, sw, "refresh_token", "client_id", "client_secret", "user_id")
	if !ok {
		return
	}
	if !isUUID(params["user_id"]) {
		sw.failToken(w, http.StatusBadRequest, "invalid_request")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.grants.refresh[params["refresh_token"]]
	if g == nil || g.revoked || !strings.EqualFold(s.people[g.person].userID, params["user_id"]) {
		sw.failToken(w, sw.InvalidGrantStatus, "invalid_grant")
		return
	}
	if !s.spendTokenCall(w, sw, g.person, now) {
		return
	}
	answer := tokenAnswer{AccessToken: s.grants.issueAccess(g, now, sw.lifetime()), ExpiresIn: int(sw.lifetime().Seconds())}
	if sw.RotateRefreshTokens {
		answer.RefreshToken = s.grants.issueRefresh(g)
	}
	writeTokens(w, answer)
}

func writeTokens(w http.ResponseWriter, answer tokenAnswer) {
	w.Header().Set("Cache-Control", "no-store")
	write(w, http.StatusOK, "application/json", marshal(answer))
}

// spendTokenCall is for the switch that lets token calls count. The caller holds s.mu.
func (s *Simulator) spendTokenCall(w http.ResponseWriter, sw Switches, name string, now time.Time) bool {
	if !sw.CountTokenCalls {
		return true
	}
	l, ok := s.budget.spend(s.budgetKey(sw, name, false), sw.DailyLimit, now)
	if !ok {
		sw.refuse(w, l, now)
	}
	return ok
}

// tokenParams reads exactly the wanted parameters and checks the client. Otherwise it answers and returns false.
func (s *Simulator) tokenParams(w http.ResponseWriter, r *http.Request, sw Switches, want ...string) (map[string]string, bool) {
	params, encoding, err := readParams(r)
	bad := err != nil || (sw.TokenEncoding != "both" && sw.TokenEncoding != encoding)
	for _, name := range want {
		bad = bad || params[name] == "" || r.URL.Query().Has(name) // a secret has no place in a URL
	}
	if sw.RejectExtraParams {
		for name := range params {
			bad = bad || !slices.Contains(want, name)
		}
	}
	if bad {
		sw.failToken(w, http.StatusBadRequest, "invalid_request")
		return nil, false
	}
	id := subtle.ConstantTimeCompare([]byte(params["client_id"]), []byte(s.config.ClientID))
	password := subtle.ConstantTimeCompare([]byte(params["client_secret"]), []byte(s.config.ClientSecret))
	if id&password == 0 {
		sw.failToken(w, sw.InvalidClientStatus, "invalid_client")
		return nil, false
	}
	return params, true
}

// readParams reads a body of JSON strings or of a form, and puts it back for whoever reads it next.
func readParams(r *http.Request) (params map[string]string, encoding string, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxParams+1))
	if err != nil {
		return nil, "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) > maxParams {
		return nil, "", errors.New("the body is too long")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, "", err
	}
	params = map[string]string{}
	switch kind {
	case "application/json":
		return params, "json", json.Unmarshal(body, &params)
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		for name, values := range form {
			if len(values) != 1 {
				return nil, "", errors.New("a parameter is given twice")
			}
			params[name] = values[0]
		}
		return params, "form", err
	default:
		return nil, "", errors.New("the body is neither JSON nor a form")
	}
}

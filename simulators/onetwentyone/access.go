package onetwentyone

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// asked is a request to a data route that may be answered.
type asked struct {
	sw     Switches
	now    time.Time
	person *person
	scopes []string // of the token
	limit  limit
}

// admit checks the bearer token, spends one request of the day, and checks whose data is asked for. Otherwise it
// answers and returns false. The documentation knows only the good case; order and statuses are inventions.
// The caller holds s.mu.
func (s *Simulator) admit(w http.ResponseWriter, r *http.Request, scope string) (asked, bool) {
	a := asked{sw: s.now(), now: s.control.Clock.Now()}
	sw := a.sw
	token := s.grants.valid(bearer(r), a.now)
	if token == nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		sw.fail(w, sw.UnauthorizedStatus, "the bearer token is missing, unknown, expired or revoked", nil)
		return a, false
	}
	var left bool
	if a.limit, left = s.budget.spend(s.budgetKey(sw, token.person, token.grant == nil), sw.DailyLimit, a.now); !left {
		sw.refuse(w, a.limit, a.now)
		return a, false
	}
	sw.tellLimit(w.Header(), a.limit)
	id := r.PathValue("user_id")
	if !isUUID(id) {
		sw.fail(w, sw.MalformedStatus, "user_id must be a UUID", &a.limit)
		return a, false
	}
	if a.person = s.byUserID(id); a.person == nil {
		sw.fail(w, sw.UnknownUserStatus, "no such user", &a.limit)
		return a, false
	}
	if a.person.name != token.person {
		sw.fail(w, sw.OtherUserStatus, "the token is another user's", &a.limit)
		return a, false
	}
	if a.scopes = s.scopes(token); !slices.Contains(a.scopes, scope) {
		sw.fail(w, sw.MissingScopeStatus, "the scope "+scope+" is missing", &a.limit)
		return a, false
	}
	return a, true
}

// scopes are those of the token that its person still allows.
func (s *Simulator) scopes(token *access) []string {
	if token.grant == nil {
		return Scopes()
	}
	allowed := s.people[token.person].scopes
	return slices.DeleteFunc(slices.Clone(token.grant.scopes), func(scope string) bool { return !slices.Contains(allowed, scope) })
}

// budgetKey is whose requests are counted together. A personal access token belongs to no client.
func (s *Simulator) budgetKey(sw Switches, name string, personal bool) string {
	if sw.LimitPer == "client" && !personal {
		return "client"
	}
	return "user " + name
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// userOf tells whom a request is about by its token, so that faults can be limited to one user id.
func (s *Simulator) userOf(r *http.Request) string {
	token, name := bearer(r), ""
	var params map[string]string
	if token == "" && r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/api/") {
		var err error
		if params, _, err = readParams(r); err != nil {
			return ""
		}
		if id := params["user_id"]; id != "" {
			return id
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.grants.access[token]; a != nil {
		name = a.person
	} else if g := s.grants.codes[params["code"]]; g != nil {
		name = g.person
	}
	if p := s.people[name]; p != nil {
		return p.userID
	}
	return ""
}

// isUUID accepts the usual form with hyphens, in either case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)):
			return false
		}
	}
	return true
}

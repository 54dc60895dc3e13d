package onetwentyone

import (
	"bytes"
	_ "embed" // the pages
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("").Parse(pagesHTML))

// scopeLabels is what the consent page calls the scopes.
var scopeLabels = map[string]string{
	"profile": "Profile", "quantity": "Quantities, such as steps", "sleep": "Sleep", "workout": "Workouts",
}

type consentPage struct {
	ClientID, RedirectURI, State string
	People                       []consentPerson
	Scopes                       []consentScope
}

type consentPerson struct {
	Name, Zone string
	Chosen     bool
}

type consentScope struct{ Name, Label string }

// client checks the parameters that tell where to go back to (api.onetwentyone.ai/oauth). With those wrong, no browser
// is sent anywhere: it gets a page with status 400 and what is wrong. PKCE and scope parameters are not documented and
// ignored.
func (s *Simulator) client(w http.ResponseWriter, in url.Values) bool {
	problem := ""
	switch {
	case in.Get("client_id") != s.config.ClientID:
		problem = "client_id is not that of a registered client."
	case !slices.Contains(s.config.RedirectURIs, in.Get("redirect_uri")):
		problem = "redirect_uri is not one that the client registered."
	case in.Get("response_type") != "code":
		problem = "response_type must be code."
	}
	if problem != "" {
		showPage(w, http.StatusBadRequest, "message", "This link is not valid: "+problem)
	}
	return problem == ""
}

// showConsent is GET /authorize.
func (s *Simulator) showConsent(w http.ResponseWriter, r *http.Request) {
	in := r.URL.Query()
	if !s.client(w, in) {
		return
	}
	page := consentPage{ClientID: in.Get("client_id"), RedirectURI: in.Get("redirect_uri"), State: in.Get("state")}
	for _, scope := range s.config.Scopes {
		label := scopeLabels[scope]
		if label == "" {
			label = scope
		}
		page.Scopes = append(page.Scopes, consentScope{scope, label})
	}
	s.mu.Lock()
	for _, p := range s.people {
		page.People = append(page.People, consentPerson{Name: p.name, Zone: p.zone.String()})
	}
	s.mu.Unlock()
	slices.SortFunc(page.People, func(a, b consentPerson) int { return strings.Compare(a.Name, b.Name) })
	chosen := max(0, slices.IndexFunc(page.People, func(p consentPerson) bool { return p.Name == "demo" }))
	if len(page.People) > 0 {
		page.People[chosen].Chosen = true
	}
	showPage(w, http.StatusOK, "consent", page)
}

// takeConsent is POST /authorize, the form of the consent page.
func (s *Simulator) takeConsent(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxParams)
	if err := r.ParseForm(); err != nil {
		showPage(w, http.StatusBadRequest, "message", "The form cannot be read.")
		return
	}
	in := r.PostForm
	if !s.client(w, in) {
		return
	}
	sw := s.now()
	var scopes []string
	for _, scope := range s.config.Scopes {
		if slices.Contains(in["scope"], scope) {
			scopes = append(scopes, scope)
		}
	}
	back := url.Values{}
	switch decision := in.Get("decision"); {
	case decision != "allow" && decision != "deny":
		showPage(w, http.StatusBadRequest, "message", "decision must be allow or deny.")
		return
	case decision == "deny", len(scopes) == 0 && sw.NoScopes == "deny":
		if sw.DenyAs == "page" {
			showPage(w, http.StatusOK, "message", "Access was denied. You can close this window.")
			return
		}
		back.Set("error", sw.DenyError)
	default:
		s.mu.Lock()
		p := s.people[in.Get("user")]
		if p != nil {
			g := &grant{person: p.name, scopes: scopes, redirect: in.Get("redirect_uri"), issued: s.control.Clock.Now()}
			back.Set("code", s.grants.issueCode(g))
			back.Set("user_id", p.userID)
		}
		s.mu.Unlock()
		if p == nil {
			showPage(w, http.StatusBadRequest, "message", "user is not somebody who can sign in.")
			return
		}
	}
	if in.Has("state") {
		back.Set("state", in.Get("state"))
	}
	separator := "?"
	if strings.Contains(in.Get("redirect_uri"), "?") {
		separator = "&"
	}
	w.Header().Set("Location", in.Get("redirect_uri")+separator+back.Encode())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

func showPage(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		panic("onetwentyone: " + err.Error()) // the templates are part of the program
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address holds the state
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	write(w, status, "text/html; charset=utf-8", b.Bytes())
}

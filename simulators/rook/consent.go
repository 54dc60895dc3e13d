package rook

import (
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed pages.html
var pagesText string

var pages = template.Must(template.New("pages").Parse(pagesText))

// ticket is what an authorization_url carries, signed, so that the simulator need not remember those it handed out.
type ticket struct {
	User     string    `json:"u"`
	Source   string    `json:"s"`
	Redirect string    `json:"r,omitempty"`
	Issued   time.Time `json:"i"`
}

func (s *Simulator) consentURL(r *http.Request, t ticket) string {
	payload, err := json.Marshal(t)
	if err != nil {
		panic("rook: a ticket always marshals: " + err.Error())
	}
	encode := base64.RawURLEncoding.EncodeToString
	return s.base(r) + "/consent?state=" + url.QueryEscape(encode(payload)+"."+encode(s.sign(payload)))
}

func (s *Simulator) sign(payload []byte) []byte {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write(payload) // a hash never fails to write
	return mac.Sum(nil)
}

func (s *Simulator) openTicket(state string, sw Switches) (t ticket, err error) {
	first, second, _ := strings.Cut(state, ".")
	payload, err1 := base64.RawURLEncoding.DecodeString(first)
	signature, err2 := base64.RawURLEncoding.DecodeString(second)
	if err := errors.Join(err1, err2); err != nil || !hmac.Equal(signature, s.sign(payload)) {
		return t, errors.New("this link is not one that was handed out")
	}
	if err := json.Unmarshal(payload, &t); err != nil {
		return t, errors.New("this link is not one that was handed out")
	}
	if lifetime := time.Duration(sw.ConsentLifetime); lifetime > 0 && !s.control.Clock.Now().Before(t.Issued.Add(lifetime)) {
		return t, errors.New("this link has expired")
	}
	return t, nil
}

// consentPage stands for the page of the provider, where a person lets ROOK read their data or not.
func (s *Simulator) consentPage(w http.ResponseWriter, r *http.Request) {
	state := r.URL.Query().Get("state")
	t, err := s.openTicket(state, s.switches())
	if err != nil {
		showPage(w, http.StatusBadRequest, "message", object{"Title": "That did not work", "Text": err.Error()})
		return
	}
	showPage(w, http.StatusOK, "consent", object{"Source": t.Source, "User": t.User, "State": state})
}

// consentDecision takes the form of that page: state, and decision "allow" or "deny".
func (s *Simulator) consentDecision(w http.ResponseWriter, r *http.Request) {
	const maxForm = 1 << 16
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		showPage(w, http.StatusBadRequest, "message", object{"Title": "That did not work", "Text": "The form cannot be read."})
		return
	}
	sw := s.switches()
	t, err := s.openTicket(r.PostForm.Get("state"), sw)
	if err != nil {
		showPage(w, http.StatusBadRequest, "message", object{"Title": "That did not work", "Text": err.Error()})
		return
	}
	switch r.PostForm.Get("decision") {
	case "allow":
		from := s.control.Clock.Now().Add(time.Duration(sw.ConnectDelay))
		s.change(t.User, func(p *person) { p.links[t.Source] = link{from: from} })
	case "deny":
		if sw.DenyRedirect == "stay" {
			showPage(w, http.StatusOK, "message", object{"Title": "Not linked", "Text": t.Source + " was not linked. You can close this page."})
			return
		}
	default:
		showPage(w, http.StatusBadRequest, "message", object{"Title": "That did not work", "Text": `The decision must be "allow" or "deny".`})
		return
	}
	// Not http.Redirect: that would tidy up a redirect_url, and what is simulated does not.
	w.Header().Set("Location", s.afterConsent(r, t, sw))
	w.WriteHeader(http.StatusSeeOther)
}

// connectionsPage lists the browser sources of a person, with a link to the consent page of each that is not linked.
func (s *Simulator) connectionsPage(w http.ResponseWriter, r *http.Request) {
	user, sw := r.PathValue("user_id"), s.switches()
	if r.PathValue("client_uuid") != s.clientUUID || !userIDPattern.MatchString(user) {
		showPage(w, http.StatusNotFound, "message", object{"Title": "There is no such page", "Text": "The address names an unknown client, or no possible user."})
		return
	}
	type row struct{ Name, Image, Connect string }
	var rows []row
	list, _ := s.states(user, sw)
	for _, st := range list {
		if src, ok := findSource(st.name, false); !ok || !src.browser || st.authorized == nil {
			continue
		}
		line := row{Name: st.name, Image: s.imageURL(r, st.name)}
		if !*st.authorized {
			line.Connect = s.consentURL(r, ticket{User: user, Source: st.name, Issued: s.control.Clock.Now()})
		}
		rows = append(rows, line)
	}
	showPage(w, http.StatusOK, "connections", object{"User": user, "Rows": rows})
}

func showPage(w http.ResponseWriter, status int, name string, data object) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // going back must show what is linked now
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, name, data); err != nil {
		return // the browser has gone
	}
}

package rook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"healthgraph/simulators"
)

// maxRedirectURL is the documented length of redirect_url (data-authorization guide), in characters.
const maxRedirectURL = 50

// authorizer answers {"data_source":…,"authorized":true}, or false with the authorization_url to open in a browser
// (data-authorization guide). Asking makes an unknown person known, as integrators assume.
func (s *Simulator) authorizer(w http.ResponseWriter, r *http.Request, sw Switches) {
	src, ok := findSource(r.PathValue("data_source"), sw.CaseInsensitiveSources)
	if !ok || !src.browser {
		fail(w, r, sw, sw.UnknownSourceStatus, "data_source must be one of "+strings.Join(browserNames(), ", "))
		return
	}
	redirect := r.URL.Query().Get("redirect_url")
	if err := checkRedirect(redirect, r.URL.Query().Has("redirect_url")); err != nil && sw.EnforceRedirectURL {
		fail(w, r, sw, sw.RedirectURLStatus, err.Error())
		return
	}
	user, now := r.PathValue("user_id"), s.control.Clock.Now()
	var authorized bool
	s.change(user, func(p *person) {
		l, linked := p.links[src.name]
		authorized = linked && l.listed(now)
	})
	answer := object{"data_source": styled(src.name, sw.NameStyle), "authorized": authorized}
	switch {
	case !authorized:
		answer["authorization_url"] = s.consentURL(r, ticket{User: user, Source: src.name, Redirect: redirect, Issued: now})
	case sw.AuthorizationURLWhenAuthorized == "null":
		answer["authorization_url"] = nil
	}
	simulators.WriteJSON(w, http.StatusOK, answer)
}

func checkRedirect(redirect string, given bool) error {
	if !given {
		return nil
	}
	u, err := url.Parse(redirect)
	switch {
	case err != nil || u.Host == "" || !strings.HasPrefix(redirect, "https://"):
		return errors.New("redirect_url must be a URI that starts with https://")
	case utf8.RuneCountInString(redirect) > maxRedirectURL:
		return fmt.Errorf("redirect_url must have at most %d characters", maxRedirectURL)
	}
	return nil
}

// afterConsent is where the browser goes once the person has decided.
func (s *Simulator) afterConsent(r *http.Request, t ticket, sw Switches) string {
	suffix := "/client_uuid/" + url.PathEscape(s.clientUUID) + "/user_id/" + url.PathEscape(t.User)
	if t.Redirect == "" {
		return s.base(r) + suffix
	}
	switch sw.AppendPath {
	case "beforeQuery":
		before, query, has := strings.Cut(t.Redirect, "?")
		before = strings.TrimSuffix(before, "/") + suffix
		if has {
			before += "?" + query
		}
		return before
	case "afterQuery":
		return t.Redirect + suffix
	}
	return t.Redirect
}

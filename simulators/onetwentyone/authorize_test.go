package onetwentyone_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators/onetwentyone"
)

func TestConsentPageIsAFormForABrowser(t *testing.T) {
	h := start(t, nil)
	query := url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirect}, "state": {`"><script>`}}
	r := h.get("/authorize?"+query.Encode(), "")
	h.want(r, http.StatusOK, nil)
	for _, want := range []string{
		`<form method="post" action="/authorize">`, `name="user" value="demo" required checked`, `value="person-2" required>`,
		`name="scope" value="profile" checked`, `value="quantity" checked`, `value="sleep" checked`, `value="workout" checked`,
		`name="decision" value="deny"`, `name="decision" value="allow"`, `value="&#34;&gt;&lt;script&gt;"`, "Europe/Paris",
	} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(r.body, "<script") || strings.Contains(r.body, "http://") {
		t.Error("the page has a script or loads something")
	}
}

func TestAllowSendsBackCodeUserAndState(t *testing.T) {
	h := start(t, nil)
	back := h.consent("demo")
	if back.Get("code") == "" || back.Get("user_id") != h.sim.UserID("demo") || back.Get("state") != "s t&te" || back.Get("from") != "121" {
		t.Errorf("the browser comes back with %v", back)
	}
	form := consentForm("demo", "profile")
	form.Del("state")
	u, err := url.Parse(h.form("/authorize", form).header.Get("Location"))
	if err != nil || u.Query().Has("state") || !u.Query().Has("code") {
		t.Errorf("without state: %v, %v", u, err)
	}
}

func TestDeny(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*onetwentyone.Switches)
		form     url.Values
		location string
	}{
		"by default":       {nil, with(consentForm("demo", "profile"), "decision", "deny"), redirect + "&error=access_denied&state=s+t%26te"},
		"without scopes":   {nil, consentForm("demo"), redirect + "&error=access_denied&state=s+t%26te"},
		"by another name":  {func(s *onetwentyone.Switches) { s.DenyError = "denied" }, with(consentForm("demo"), "decision", "deny"), redirect + "&error=denied&state=s+t%26te"},
		"on a plain page":  {func(s *onetwentyone.Switches) { s.DenyAs = "page" }, with(consentForm("demo"), "decision", "deny"), ""},
		"unknown scope":    {nil, consentForm("demo", "everything"), redirect + "&error=access_denied&state=s+t%26te"},
		"scopes not asked": {nil, with(consentForm("demo"), "scope", "labs"), redirect + "&error=access_denied&state=s+t%26te"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, c.change)
			r := h.form("/authorize", c.form)
			want := http.StatusSeeOther
			if c.location == "" {
				want = http.StatusOK
			}
			if r.status != want || r.header.Get("Location") != c.location {
				t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
			}
		})
	}
	h := start(t, func(s *onetwentyone.Switches) { s.NoScopes = "grant" })
	back, err := url.Parse(h.form("/authorize", consentForm("demo")).header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		t.Errorf("nothing at all can be granted: %v %v", back, err)
	}
}

func with(form url.Values, name, value string) url.Values {
	form.Set(name, value)
	return form
}

func TestBadAuthorizeRequestsGoNowhere(t *testing.T) {
	for name, change := range map[string]func(url.Values){
		"unknown client":          func(f url.Values) { f.Set("client_id", "x") },
		"no client":               func(f url.Values) { f.Del("client_id") },
		"unregistered redirect":   func(f url.Values) { f.Set("redirect_uri", "https://evil.example/") },
		"redirect with more path": func(f url.Values) { f.Set("redirect_uri", redirect+"/x") },
		"no redirect":             func(f url.Values) { f.Del("redirect_uri") },
		"implicit flow":           func(f url.Values) { f.Set("response_type", "token") },
		"no response type":        func(f url.Values) { f.Del("response_type") },
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, nil)
			form := consentForm("demo", "profile")
			change(form)
			for _, r := range []reply{h.get("/authorize?"+form.Encode(), ""), h.form("/authorize", form)} {
				if r.status != http.StatusBadRequest || r.header.Get("Location") != "" || !strings.Contains(r.body, "not valid") {
					t.Errorf("status %d, Location %q", r.status, r.header.Get("Location"))
				}
			}
		})
	}
	for name, form := range map[string]url.Values{
		"nobody":      with(consentForm("demo", "profile"), "user", "nobody"),
		"no decision": with(consentForm("demo", "profile"), "decision", ""),
	} {
		if r := start(t, nil).form("/authorize", form); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("%s: status %d", name, r.status)
		}
	}
	if r := start(t, nil).call(http.MethodPost, "/authorize", "", "application/x-www-form-urlencoded", "a=%zz"); r.status != http.StatusBadRequest {
		t.Errorf("a broken form: status %d", r.status)
	}
}

func TestCodesAreGoodOnceAndNotForLong(t *testing.T) {
	h := start(t, nil)
	code := h.consent("demo").Get("code")
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(code)), http.StatusOK, nil)
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(code)), http.StatusBadRequest, nil)

	code = h.consent("demo").Get("code")
	h.sim.Control().Clock.Advance(10*time.Minute - time.Second)
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(code)), http.StatusOK, nil)
	code = h.consent("demo").Get("code")
	h.sim.Control().Clock.Advance(10 * time.Minute)
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(code)), http.StatusBadRequest, nil)
}

package onetwentyone_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
)

func asForm(params map[string]string) url.Values {
	form := url.Values{}
	for name, value := range params {
		form.Set(name, value)
	}
	return form
}

func TestTokensAsDocumented(t *testing.T) {
	h := start(t, nil)
	first, id := h.link("demo")
	if first.Expires != nil {
		t.Error("/api/token answers expires_in, which is not documented")
	}
	var second tokens
	h.want(h.form("/api/refresh", asForm(refreshParams(first.Refresh, id))), http.StatusOK, &second)
	if second.Refresh != "" || second.Expires == nil || *second.Expires != 3600 || second.Access == first.Access {
		t.Errorf("/api/refresh answers a refresh token, no expiry or the same access token")
	}
	profile := "/api/v1/profile/" + id
	h.want(h.get(profile, first.Access), http.StatusOK, nil)
	h.sim.Control().Clock.Advance(time.Hour)
	h.want(h.get(profile, first.Access), http.StatusUnauthorized, nil)
	h.want(h.get(profile, second.Access), http.StatusUnauthorized, nil)
	h.sim.Control().Clock.Advance(10 * 365 * 24 * time.Hour)
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(first.Refresh, strings.ToUpper(id))), http.StatusOK, &second)
	h.want(h.get(profile, second.Access), http.StatusOK, nil)
}

func TestTokenSwitches(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) {
		s.TokenExpiresIn, s.RotateRefreshTokens = true, true
		s.AccessTokenLifetime = simulators.Duration(time.Minute)
	})
	first, id := h.link("demo")
	if first.Expires == nil || *first.Expires != 60 {
		t.Error("no expires_in of a minute on /api/token")
	}
	var second tokens
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(first.Refresh, id)), http.StatusOK, &second)
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(first.Refresh, id)), http.StatusBadRequest, nil)
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(second.Refresh, id)), http.StatusOK, nil)

	h = start(t, func(s *onetwentyone.Switches) { s.ReauthorizeRevokes = true })
	first, id = h.link("demo")
	second, _ = h.link("demo")
	h.want(h.get("/api/v1/profile/"+id, first.Access), http.StatusUnauthorized, nil)
	h.want(h.get("/api/v1/profile/"+id, second.Access), http.StatusOK, nil)
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(first.Refresh, id)), http.StatusBadRequest, nil)
}

func TestTokenEncodings(t *testing.T) {
	for encoding, allowed := range map[string][2]bool{"both": {true, true}, "json": {true, false}, "form": {false, true}} {
		h := start(t, func(s *onetwentyone.Switches) { s.TokenEncoding = encoding })
		inJSON := h.json(http.MethodPost, "/api/token", exchangeParams(h.consent("demo").Get("code")))
		inForm := h.form("/api/token", asForm(exchangeParams(h.consent("demo").Get("code"))))
		for i, r := range []reply{inJSON, inForm} {
			if (r.status == http.StatusOK) != allowed[i] {
				t.Errorf("%s: status %d for encoding %d", encoding, r.status, i)
			}
		}
	}
}

func TestTokenErrors(t *testing.T) {
	h := start(t, nil)
	grant, id := h.link("demo")
	other := h.sim.UserID("person-2")
	change := func(params map[string]string, name, value string) map[string]string {
		params = maps.Clone(params)
		params[name] = value
		return params
	}
	code := exchangeParams(h.consent("demo").Get("code"))
	refresh := refreshParams(grant.Refresh, id)
	for name, c := range map[string]struct {
		path   string
		params map[string]string
		status int
		code   string
	}{
		"wrong secret":            {"/api/token", change(code, "client_secret", "x"), 401, "invalid_client"},
		"wrong client":            {"/api/refresh", change(refresh, "client_id", "x"), 401, "invalid_client"},
		"unknown code":            {"/api/token", change(code, "code", "x"), 400, "invalid_grant"},
		"another redirect":        {"/api/token", change(code, "redirect_uri", "https://app.example/other"), 400, "invalid_grant"},
		"no redirect":             {"/api/token", change(code, "redirect_uri", ""), 400, "invalid_request"},
		"no code":                 {"/api/token", change(code, "code", ""), 400, "invalid_request"},
		"unknown refresh token":   {"/api/refresh", change(refresh, "refresh_token", "x"), 400, "invalid_grant"},
		"another's refresh token": {"/api/refresh", change(refresh, "user_id", other), 400, "invalid_grant"},
		"user_id not a UUID":      {"/api/refresh", change(refresh, "user_id", "demo"), 400, "invalid_request"},
		"no user_id":              {"/api/refresh", change(refresh, "user_id", ""), 400, "invalid_request"},
		"access token to refresh": {"/api/refresh", change(refresh, "refresh_token", grant.Access), 400, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := h.json(http.MethodPost, c.path, c.params); r.status != c.status || r.body != `{"error":"`+c.code+`"}` {
				t.Errorf("status %d, body %s", r.status, r.body)
			}
		})
	}
	for name, r := range map[string]reply{
		"secret in the URL": h.json(http.MethodPost, "/api/refresh?client_secret=x", refresh),
		"nested JSON":       h.json(http.MethodPost, "/api/refresh", map[string]any{"refresh_token": []string{"x"}}),
		"broken JSON":       h.call(http.MethodPost, "/api/token", "", "application/json", "{"),
		"null":              h.call(http.MethodPost, "/api/token", "", "application/json", "null"),
		"broken form":       h.call(http.MethodPost, "/api/token", "", "application/x-www-form-urlencoded", "code=%zz"),
		"doubled parameter": h.call(http.MethodPost, "/api/token", "", "application/x-www-form-urlencoded", asForm(code).Encode()+"&code=x"),
		"no content type":   h.call(http.MethodPost, "/api/token", "", "", asForm(code).Encode()),
		"XML":               h.call(http.MethodPost, "/api/token", "", "text/xml", "<code/>"),
		"too long":          h.call(http.MethodPost, "/api/token", "", "application/json", strings.Repeat(" ", 100_000)),
	} {
		if r.status != http.StatusBadRequest || r.body != `{"error":"invalid_request"}` {
			t.Errorf("%s: status %d, body %s", name, r.status, r.body)
		}
	}
	if r := h.get("/api/token", ""); r.status != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d", r.status)
	}
	h.want(h.json(http.MethodPost, "/api/token", code), http.StatusOK, nil) // none of these used up the code
}

func TestTokenErrorSwitches(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) {
		s.InvalidGrantStatus, s.InvalidClientStatus, s.TokenErrors, s.RejectExtraParams = 403, 404, "plain", true
	})
	params := exchangeParams("x")
	if r := h.json(http.MethodPost, "/api/token", params); r.status != 403 || r.body != "Forbidden\n" {
		t.Errorf("status %d, body %q", r.status, r.body)
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.TokenErrors = "empty" })
	params["client_secret"] = "x"
	if r := h.json(http.MethodPost, "/api/token", params); r.status != 404 || r.body != "" {
		t.Errorf("status %d, body %q", r.status, r.body)
	}
	params = exchangeParams(h.consent("demo").Get("code"))
	params["grant_type"] = "authorization_code"
	h.want(h.json(http.MethodPost, "/api/token", params), http.StatusBadRequest, nil)
	h.want(h.call(http.MethodPatch, "/_control/switches", "", "", `{"rejectExtraParams":false}`), http.StatusOK, nil)
	h.want(h.json(http.MethodPost, "/api/token", params), http.StatusOK, nil)
}

func TestControlEndsGrants(t *testing.T) {
	h := start(t, nil)
	grant, id := h.link("demo")
	_, otherID := h.link("person-2")
	profile := "/api/v1/profile/" + id
	pat := h.pat("demo")

	h.want(h.call(http.MethodPost, "/_control/grants/demo/expire", "", "", ""), http.StatusOK, nil)
	h.want(h.get(profile, grant.Access), http.StatusUnauthorized, nil)
	var fresh tokens
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(grant.Refresh, id)), http.StatusOK, &fresh)
	h.want(h.get(profile, fresh.Access), http.StatusOK, nil)

	code := h.consent("demo").Get("code")
	h.want(h.call(http.MethodPost, "/_control/grants/demo/revoke", "", "", ""), http.StatusOK, nil)
	h.want(h.get(profile, fresh.Access), http.StatusUnauthorized, nil)
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(grant.Refresh, id)), http.StatusBadRequest, nil)
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(code)), http.StatusBadRequest, nil)
	again, _ := h.link("demo")
	h.want(h.get(profile, again.Access), http.StatusOK, nil)

	h.want(h.get(profile, pat), http.StatusOK, nil)
	h.want(h.get("/api/v1/profile/"+otherID, pat), http.StatusForbidden, nil)
	h.want(h.call(http.MethodDelete, "/_control/pats/demo", "", "", ""), http.StatusOK, nil)
	h.want(h.get(profile, pat), http.StatusUnauthorized, nil)
	for _, path := range []string{"/_control/grants/nobody/expire", "/_control/grants/nobody/revoke", "/_control/pats/nobody"} {
		h.want(h.call(http.MethodPost, path, "", "", ""), http.StatusNotFound, nil)
	}
}

package rook_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const callback = "https://app.example/linked"

// authorize asks for an authorization_url, as the path and query that a browser would ask this simulator for.
func (u *upstream) authorize(user, source, redirect string) string {
	u.t.Helper()
	path := "/api/v1/user_id/" + user + "/data_source/" + source + "/authorizer"
	if redirect != "" {
		path += "?redirect_url=" + url.QueryEscape(redirect)
	}
	var got struct {
		DataSource       string `json:"data_source"`
		Authorized       bool   `json:"authorized"`
		AuthorizationURL string `json:"authorization_url"`
	}
	u.decode(u.want("GET", path, "", 200), &got)
	if got.DataSource != source || got.Authorized || !strings.HasPrefix(got.AuthorizationURL, u.URL+"/consent?") {
		u.t.Fatalf("got %+v", got)
	}
	return got.AuthorizationURL[len(u.URL):]
}

// browse asks without the API's credentials and agent.
func (u *upstream) browse(method, path, form string) reply {
	u.t.Helper()
	return u.send(method, path, form, func(r *http.Request) {
		r.Header = http.Header{"User-Agent": {"Go-http-client/1.1"}}
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	})
}

var hidden = regexp.MustCompile(`name="state" value="([^"]+)"`)

// decide opens the consent page and presses a button; it returns where the browser is sent.
func (u *upstream) decide(page, decision string) string {
	u.t.Helper()
	shown := u.browse("GET", page, "")
	u.check(shown, page, 200, ">Allow</button>", ">Deny</button>")
	state := hidden.FindStringSubmatch(shown.body)
	if state == nil {
		u.t.Fatalf("no state in %s", shown.body)
	}
	got := u.browse("POST", "/consent", "state="+url.QueryEscape(state[1])+"&decision="+decision)
	u.check(got, decision, 303)
	return got.header.Get("Location")
}

func TestLinkingASource(t *testing.T) {
	u := start(t)
	const appended = "/client_uuid/" + clientUUID + "/user_id/person-2"
	if got := u.decide(u.authorize("person-2", "Oura", callback), "allow"); got != callback+appended {
		t.Errorf("the browser is sent to %s", got)
	}
	u.wantLinked("person-2", "Oura")
	got := u.want("GET", "/api/v1/user_id/person-2/data_source/Oura/authorizer", "", 200)
	if got.body != `{"authorized":true,"data_source":"Oura"}` {
		t.Errorf("once authorized: %s", got.body)
	}
	u.set(`{"authorizationUrlWhenAuthorized":"null"}`)
	u.want("GET", "/api/v1/user_id/person-2/data_source/Oura/authorizer", "", 200, `"authorization_url":null`)
	if got := u.decide(u.authorize("person-2", "Polar", ""), "allow"); got != u.URL+appended {
		t.Errorf("without a redirect_url the browser is sent to %s", got)
	}
	u.wantLinked("person-2", "Oura", "Polar")
}

func TestDenying(t *testing.T) {
	u := start(t)
	if got := u.decide(u.authorize("demo", "Oura", callback), "deny"); !strings.HasPrefix(got, callback+"/client_uuid/") {
		t.Errorf("the browser is sent to %s", got)
	}
	u.set(`{"denyRedirect":"stay"}`)
	page := u.authorize("demo", "Oura", callback)
	got := u.browse("POST", "/consent", strings.TrimPrefix(page, "/consent?")+"&decision=deny")
	u.check(got, "deny", 200, "Oura was not linked")
	u.wantLinked("demo", "Garmin", "Apple Health")
}

func TestAppendPath(t *testing.T) {
	u := start(t)
	const suffix = "/client_uuid/" + clientUUID + "/user_id/demo"
	for _, c := range []struct{ how, redirect, want string }{
		{"beforeQuery", "https://a.example/b/?c=d", "https://a.example/b" + suffix + "?c=d"},
		{"afterQuery", "https://a.example/b?c=d", "https://a.example/b?c=d" + suffix},
		{"off", "https://a.example/b?c=d", "https://a.example/b?c=d"},
	} {
		u.set(`{"appendPath":"` + c.how + `"}`)
		if got := u.decide(u.authorize("demo", "Oura", c.redirect), "deny"); got != c.want {
			t.Errorf("%s: %s, want %s", c.how, got, c.want)
		}
	}
}

func TestRedirectURLRules(t *testing.T) {
	u := start(t)
	ask := func(redirect string, status int) {
		t.Helper()
		u.want("GET", "/api/v1/user_id/demo/data_source/Oura/authorizer?redirect_url="+url.QueryEscape(redirect), "", status)
	}
	fifty := "https://a.example/" + strings.Repeat("x", 32)
	ask(fifty, 200)
	bad := []string{fifty + "x", "http://a.example", "https://", "HTTPS://a.example", "a.example", "", "https://a b.example", "myapp://back"}
	for _, redirect := range bad {
		ask(redirect, 422)
	}
	u.set(`{"redirectUrlStatus":400}`)
	ask(bad[0], 400)
	u.set(`{"enforceRedirectUrl":false}`)
	ask(bad[0], 200)
	ask("http://localhost:8080/back", 200)
}

func TestSourcesOfTheAuthorizer(t *testing.T) {
	u := start(t)
	ask := func(source string, status int) {
		t.Helper()
		u.want("GET", "/api/v1/user_id/demo/data_source/"+source+"/authorizer", "", status)
	}
	for _, source := range []string{"Garmin", "Oura", "Polar", "Fitbit", "Withings", "Whoop", "Dexcom"} {
		ask(source, 200)
	}
	for _, source := range []string{"garmin", "GARMIN", "Strava", "Apple%20Health", "apple_health", "Android"} {
		ask(source, 422)
	}
	u.set(`{"unknownSourceStatus":404}`)
	ask("Strava", 404)
	u.set(`{"caseInsensitiveSources":true}`)
	u.want("GET", "/api/v1/user_id/demo/data_source/gArMiN/authorizer", "", 200, `"data_source":"Garmin"`)
}

func TestPendingLinks(t *testing.T) {
	u := start(t)
	u.set(`{"connectDelay":"30s"}`)
	u.decide(u.authorize("demo", "Oura", callback), "allow")
	u.wantLinked("demo", "Garmin", "Apple Health")
	u.authorize("demo", "Oura", callback) // still says that it is not authorized
	u.advance("30s")
	u.wantLinked("demo", "Garmin", "Oura", "Apple Health")
}

func TestConsentRefusesWhatItDidNotHandOut(t *testing.T) {
	u := start(t)
	page := u.authorize("demo", "Oura", "")
	form := strings.TrimPrefix(page, "/consent?")
	other := strings.TrimPrefix(u.authorize("demo", "Polar", ""), "/consent?state=")
	swapped := strings.Split(strings.TrimPrefix(form, "state="), ".")[0] + "." + strings.Split(other, ".")[1]
	for _, state := range []string{"", "x", "x.y", "!.!", swapped} {
		u.check(u.browse("GET", "/consent?state="+url.QueryEscape(state), ""), state, 400, "not one that was handed out")
		u.check(u.browse("POST", "/consent", "decision=allow&state="+url.QueryEscape(state)), state, 400, "not one")
	}
	u.check(u.browse("POST", "/consent", form), "no decision", 400, "allow")
	u.check(u.browse("POST", "/consent", form+"&decision=maybe"), "maybe", 400, "allow")
	u.check(u.browse("POST", "/consent", form+"&decision=%zz"), "no form", 400, "form cannot be read")
	u.wantLinked("demo", "Garmin", "Apple Health")
	u.set(`{"consentLifetime":"10m"}`)
	u.advance("9m59s")
	u.check(u.browse("GET", page, ""), "in time", 200)
	u.advance("1s")
	u.check(u.browse("GET", page, ""), "too late", 400, "has expired")
	u.check(u.browse("POST", "/consent", form+"&decision=allow"), "too late", 400, "has expired")
}

func TestConnectionsPage(t *testing.T) {
	u := start(t)
	const page = "/client_uuid/" + clientUUID + "/user_id/demo"
	shown := u.browse("GET", page+"/", "")
	u.check(shown, page, 200, "Garmin</span><span class=\"linked\">Connected", "Oura", "Dexcom")
	connect := regexp.MustCompile(`href="([^"]+)" aria-label="Connect (\w+)"`).FindAllStringSubmatch(shown.body, -1)
	if len(connect) != 6 || connect[0][2] != "Oura" || strings.Contains(shown.body, "Android") {
		t.Fatalf("links %q in %s", connect, shown.body)
	}
	if got := u.decide(connect[0][1][len(u.URL):], "allow"); got != u.URL+page {
		t.Errorf("the browser is sent to %s", got)
	}
	u.check(u.browse("GET", page, ""), page, 200, "Oura</span><span class=\"linked\">Connected")
	u.check(u.browse("GET", "/client_uuid/other/user_id/demo", ""), "another client", 404, "There is no such page")
	u.check(u.browse("GET", "/client_uuid/"+clientUUID+"/user_id/a_b", ""), "an impossible user", 404)
}

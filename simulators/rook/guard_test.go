package rook_test

import (
	"net/http"
	"strings"
	"testing"

	"healthgraph/simulators/rook"
)

var api = []struct{ route, method, path string }{
	{rook.RouteAuthorizedV1, "GET", "/api/v1/user_id/u-1/data_sources/authorized"},
	{rook.RouteAuthorizedV2, "GET", "/api/v2/user_id/u-1/data_sources/authorized"},
	{rook.RouteAuthorizer, "GET", "/api/v1/user_id/u-1/data_source/Oura/authorizer"},
	{rook.RouteRevoke, "POST", "/api/v1/user_id/u-1/data_sources/revoke_auth"},
	{rook.RouteTimeZone, "POST", "/api/v1/user_id/u-1/time_zone"},
	{rook.RouteUserInfo, "GET", "/v2/processed_data/user/info?user_id=u-1&date=2026-04-01"},
	{rook.RoutePhysicalSummary, "GET", "/v2/processed_data/physical_health/summary?user_id=u-1&date=2026-04-01"},
	{rook.RouteSleepSummary, "GET", "/v2/processed_data/sleep_health/summary?user_id=u-1&date=2026-04-01"},
	{rook.RouteBodySummary, "GET", "/v2/processed_data/body_health/summary?user_id=u-1&date=2026-04-01"},
	{rook.RouteUnknown, "GET", "/api/v3/anything"},
}

func TestEveryEndpointAsksForBasicAuthentication(t *testing.T) {
	u := start(t)
	for _, e := range api {
		for name, edit := range map[string]func(*http.Request){
			"none":         func(r *http.Request) { r.Header.Del("Authorization") },
			"wrong secret": func(r *http.Request) { r.SetBasicAuth(clientUUID, "guess") },
			"wrong client": func(r *http.Request) { r.SetBasicAuth("guess", secret) },
			"bearer":       func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") },
		} {
			path, _, _ := strings.Cut(e.path, "?")
			u.check(u.send(e.method, e.path, "", edit), e.path+" with "+name, 401,
				`"error":"Unauthorized"`, `"exception":"`, `"path":"`+path+`"`, `"method":"`+e.method+`"`)
		}
	}
}

func TestEveryEndpointAsksForAUserAgent(t *testing.T) {
	u := start(t)
	for _, e := range api {
		for _, agent := range []string{"", " ", "Go-http-client/1.1"} {
			edit := func(r *http.Request) { r.Header.Set("User-Agent", agent) }
			u.check(u.send(e.method, e.path, "", edit), e.path, 403, `"error":"Forbidden"`)
		}
	}
	u.set(`{"requireUserAgent":false}`)
	got := u.send("GET", api[0].path, "", func(r *http.Request) { r.Header.Set("User-Agent", "Go-http-client/1.1") })
	u.check(got, "with the switch off", 200)
	if got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", got.header)
	}
}

func TestRoutesAreCountedByName(t *testing.T) {
	u := start(t)
	for _, e := range api {
		u.send(e.method, e.path, "", nil)
	}
	for _, e := range api {
		if got := u.sim.Control().Calls().Routes[e.route].Calls; got != 1 {
			t.Errorf("%s was called %d times", e.route, got)
		}
	}
	u.want("GET", "/api/v1/user_id/u-1/data_sources/revoke_auth", "", 404, `"error":"Not Found"`)
}

func TestErrorFormats(t *testing.T) {
	u := start(t)
	const path = "/api/v1/user_id/u-1/data_source/Strava/authorizer"
	u.set(`{"errorPath":"template"}`)
	u.want("GET", path, "", 422, `"path":"/api/v1/user_id/{user_id}/data_source/{data_source}/authorizer"`)
	u.want("PUT", "/_control/faults", `[{"route":"authorizer","kind":"status","status":429,"retryAfter":"7"}]`, 204)
	if got := u.want("GET", path, "", 429, `"error":"Too Many Requests"`, `"method":"GET"`, `{user_id}`); got.header.Get("Retry-After") != "7" {
		t.Errorf("headers %v", got.header)
	}
	for format, contentType := range map[string]string{"text": "text/plain; charset=utf-8", "html": "text/html; charset=utf-8"} {
		u.set(`{"errorFormat":"` + format + `"}`)
		got := u.want("GET", path, "", 429, "Too Many Requests")
		if got.header.Get("Content-Type") != contentType || strings.Contains(got.body, "{") {
			t.Errorf("%s: %s %s", format, got.header.Get("Content-Type"), got.body)
		}
	}
}

func TestFaultsForOnePerson(t *testing.T) {
	u := start(t)
	u.want("PUT", "/_control/faults", `[{"route":"*","user":"demo","kind":"status","status":503}]`, 204)
	u.want("GET", "/api/v2/user_id/demo/data_sources/authorized", "", 503)
	u.want("GET", "/v2/processed_data/physical_health/summary?user_id=demo&date=2026-04-01", "", 503)
	u.wantLinked("person-2")
}

func TestUserIDs(t *testing.T) {
	u := start(t)
	long := strings.Repeat("a", 50)
	for id, status := range map[string]int{"A-9": 200, long: 200, long + "a": 422, "a_b": 422, "a@b.example": 422, "%20": 422, "%C3%A9": 422} {
		u.want("GET", "/api/v2/user_id/"+id+"/data_sources/authorized", "", status)
	}
	u.want("GET", "/v2/processed_data/user/info?user_id=a_b&date=2026-04-01", "", 422)
	u.set(`{"enforceUserId":false}`)
	u.want("GET", "/api/v2/user_id/a@b.example/data_sources/authorized", "", 200)
	u.want("GET", "/v2/processed_data/user/info?user_id=a_b&date=2026-04-01", "", 204)
}

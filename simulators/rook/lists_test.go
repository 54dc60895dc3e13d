package rook_test

import (
	"slices"
	"testing"
)

type listV2 struct {
	DataSources []map[string]any `json:"data_sources"`
}

func (l listV2) names() (names []string) {
	for _, s := range l.DataSources {
		name, _ := s["data_source"].(string)
		names = append(names, name)
	}
	return names
}

func (u *upstream) v2(user string) (l listV2) {
	u.t.Helper()
	u.decode(u.want("GET", "/api/v2/user_id/"+user+"/data_sources/authorized", "", 200), &l)
	return l
}

func (u *upstream) v1(user string) (sources map[string]*bool) {
	u.t.Helper()
	var l struct {
		UserID  string           `json:"user_id"`
		Sources map[string]*bool `json:"sources"`
	}
	u.decode(u.want("GET", "/api/v1/user_id/"+user+"/data_sources/authorized", "", 200), &l)
	if l.UserID != user {
		u.t.Errorf("the list of %s is about %q", user, l.UserID)
	}
	return l.Sources
}

func TestTheListsOfDemo(t *testing.T) {
	u := start(t)
	u.wantLinked("demo", "Garmin", "Apple Health")
	want := []string{"Garmin", "Oura", "Polar", "Fitbit", "Withings", "Whoop", "Dexcom", "Apple Health", "Health Connect", "Samsung Health", "Android"}
	l := u.v2("demo")
	if got := l.names(); !slices.Equal(got, want) {
		t.Errorf("v2 lists %q", got)
	}
	u.check(u.send("GET", l.DataSources[0]["image"].(string)[len(u.URL):], "", nil), "image", 200, "<svg", ">G<")
	v1 := u.v1("demo")
	if len(v1) != 10 || !*v1["garmin"] || !*v1["apple_health"] || *v1["oura"] || v1["dexcom"] == nil {
		t.Errorf("v1 lists %v", v1)
	}
	u.wantLinked("never-seen")
}

func TestUnknownUserStatus(t *testing.T) {
	u := start(t)
	const v1, v2 = "/api/v1/user_id/new/data_sources/authorized", "/api/v2/user_id/new/data_sources/authorized"
	u.set(`{"unknownUserStatus":204}`)
	u.want("GET", v1, "", 204)
	u.want("GET", v2, "", 204)
	u.noSummary("new", "2026-04-01")
	u.set(`{"unknownUserStatus":404}`)
	u.want("GET", v1, "", 404, `"error":"Not Found"`)
	u.want("GET", v2, "", 404)
	u.want("GET", "/v2/processed_data/physical_health/summary?user_id=new&date=2026-04-01", "", 404)
	u.wantLinked("demo", "Garmin", "Apple Health")
	u.want("GET", "/api/v1/user_id/new/data_source/Oura/authorizer", "", 200) // which makes the user known
	u.wantLinked("new")
}

func TestV2Switches(t *testing.T) {
	u := start(t)
	u.set(`{"flagName":"status"}`)
	if first := u.v2("demo").DataSources[0]; first["status"] != true || len(first) != 3 {
		t.Errorf("got %v", first)
	}
	u.set(`{"flagName":null,"extraSources":["Garmin Beta"]}`)
	l := u.v2("demo")
	if last := l.DataSources[len(l.DataSources)-1]; last["data_source"] != "Garmin Beta" || last["authorized"] != false {
		t.Errorf("got %v", last)
	}
	if beta := u.v1("demo")["garmin_beta"]; beta == nil || *beta {
		t.Errorf("v1 has %v", beta)
	}
	u.set(`{"v2List":false}`)
	u.want("GET", "/api/v2/user_id/demo/data_sources/authorized", "", 404, `"error":"Not Found"`)
	u.v1("demo")
}

func TestNullSources(t *testing.T) {
	u := start(t)
	u.set(`{"nullSources":["Dexcom"]}`)
	u.person("demo", `{"sources":{"Garmin":null}}`)
	v1 := u.v1("demo")
	for _, key := range []string{"dexcom", "garmin"} {
		if flag, there := v1[key]; !there || flag != nil {
			t.Errorf("%s is %v, there: %v", key, flag, there)
		}
	}
	if got := u.v2("demo").names(); slices.Contains(got, "Dexcom") || slices.Contains(got, "Garmin") {
		t.Errorf("v2 lists %q", got)
	}
	u.set(`{"v2NullSources":"null"}`)
	if first := u.v2("demo").DataSources[0]; first["data_source"] != "Garmin" || first["authorized"] != nil {
		t.Errorf("got %v", first)
	}
}

func TestSpellings(t *testing.T) {
	u := start(t)
	for style, want := range map[string]string{
		"display": "Apple Health", "lower": "apple health", "upper": "APPLE HEALTH",
		"snake": "apple_health", "kebab": "apple-health", "joined": "AppleHealth",
	} {
		u.set(`{"nameStyle":"` + style + `","v1KeyStyle":"` + style + `","v1SamsungHealth":true}`)
		u.wantLinked("demo", u.v2("demo").names()[0], want)
		if v1 := u.v1("demo"); len(v1) != 11 || v1[want] == nil || !*v1[want] {
			t.Errorf("%s: v1 lists %v", style, v1)
		}
	}
}

func TestBadSwitchesAreRefused(t *testing.T) {
	u := start(t)
	before := u.want("GET", "/_control/switches", "", 200).body
	for patch, say := range map[string]string{
		`{"flagName":"on"}`:          "allowed are authorized, status",
		`{"unknownUserStatus":500}`:  "allowed are 200, 204, 404",
		`{"nameStyle":"shouting"}`:   "allowed are display, lower, upper, snake, kebab, joined",
		`{"nullSources":["Strava"]}`: "allowed are Garmin, Oura",
		`{"revokeDelay":"-1s"}`:      "cannot be negative",
		`{"historyDays":-1}`:         "cannot be negative",
		`{"revokeDelay":60}`:         "error",
		`{"appendpath":"off"}`:       "known are requireUserAgent",
		`{"summaryInstant":"noon"}`:  "localMidnightInUTC",
		`{"appendPath":true}`:        "appendPath",
	} {
		u.want("PATCH", "/_control/switches", patch, 400, say)
	}
	u.want("GET", "/_control/switches", "", 200, before)
}

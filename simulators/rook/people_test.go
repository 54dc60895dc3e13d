package rook_test

import (
	"fmt"
	"testing"

	"healthgraph/simulators/rook"
)

func TestOverridingDays(t *testing.T) {
	u := start(t)
	u.person("demo", `{"sources":{"Oura":true},"days":{
		"2026-03-29":{"steps":1234,"sources":["Garmin","Oura"],"documentVersion":2},
		"2026-03-30":{"steps":null},"2026-03-31":null,
		"2026-03-27":{"steps":5},"2026-03-26":{"documentVersion":3},"2026-03-25":{"steps":9,"sources":["Polar"]}}}`)
	doc, steps := u.summary("demo", "2026-03-29")
	if steps != 1234.0 || doc["document_version"] != 2.0 || sources(doc) != "[Garmin Oura]" {
		t.Errorf("%v steps, version %v, %s", steps, doc["document_version"], sources(doc))
	}
	if doc, steps := u.summary("demo", "2026-03-30"); steps != nil || at(doc, body+"distance") == nil {
		t.Errorf("%v steps of a day that has null", steps)
	}
	u.noSummary("demo", "2026-03-31")
	if _, steps := u.summary("demo", "2026-03-27"); steps != 5.0 {
		t.Errorf("%v steps on a missing day with a figure", steps)
	}
	if doc, steps := u.summary("demo", "2026-03-26"); steps == nil || doc["document_version"] != 3.0 {
		t.Errorf("%v steps, version %v of a day with another version only", steps, doc["document_version"])
	}
	u.noSummary("demo", "2026-03-25") // Polar is not linked
	u.wantLinked("demo", "Garmin", "Oura", "Apple Health")
	u.want("POST", "/_control/reset", "", 204)
	u.summary("demo", "2026-03-31")
	u.wantLinked("demo", "Garmin", "Apple Health")
}

func TestShowingAPerson(t *testing.T) {
	u := start(t)
	u.person("person-3", `{"sources":{"Dexcom":null,"Apple Health":true}}`)
	u.person("person-3", `{"timeZone":"Asia/Tokyo"}`)
	u.person("person-3", `{"days":{"2026-03-30":{"steps":null,"sources":["Oura"]},"2026-03-31":null,"2026-03-29":{"steps":7}}}`)
	got := u.want("GET", "/_control/people/person-3", "", 200, `"timeZone":"Asia/Tokyo"`, `"Dexcom":null`, `"Apple Health":true`, `"Garmin":false`,
		`"2026-03-29":{"steps":7}`, `"2026-03-30":{"steps":null,"sources":["Oura"]}`, `"2026-03-31":null`)
	u.want("PUT", "/_control/people/person-3", got.body, 200, got.body) // what is shown can be put back
	u.person("person-3", `{"sources":{"Dexcom":true,"Apple Health":false}}`)
	u.wantLinked("person-3", "Dexcom")
	u.want("GET", "/_control/people/new", "", 200, `"Garmin":false`)
}

func TestBadOverrides(t *testing.T) {
	u := start(t)
	before := u.want("GET", "/_control/people/demo", "", 200).body
	for change, say := range map[string]string{
		``:                            "want {",
		`[]`:                          "want {",
		`{"source":{}}`:               "want {",
		`{"sources":{"garmin":true}}`: "known are Garmin, Oura",
		`{"sources":{"Oura":true},"days":{"2026-3-1":null}}`:    "2026-3-1",
		`{"days":{"2026-03-01":{"steps":"many"}}}`:              "whole number or null",
		`{"days":{"2026-03-01":{"steps":1.5}}}`:                 "whole number or null",
		`{"days":{"2026-03-01":{"sources":["Strava"]}}}`:        "known are Garmin",
		`{"days":{"2026-03-01":{"documentVersion":-1}}}`:        "documentVersion",
		`{"days":{"2026-03-01":{"step":1}}}`:                    "want {",
		`{"sources":{"Oura":true},"timeZone":"Europe/Nowhere"}`: "IANA",
		`{"timeZone":""}`: "IANA",
	} {
		u.want("PUT", "/_control/people/demo", change, 400, `{"error":`, say)
	}
	u.want("PUT", "/_control/people/a_b", `{}`, 400, "must match")
	u.want("GET", "/_control/people/demo", "", 200, before)
}

func TestUserInfoAndTimeZone(t *testing.T) {
	u := start(t)
	const info = "/v2/processed_data/user/info?date=2026-04-01&user_id="
	zone := func(user string) any {
		t.Helper()
		var doc map[string]any
		u.decode(u.want("GET", info+user, "", 200, `"data_structure":"user_info"`), &doc)
		return at(doc, "user_information.user_demographics.time_zone_string")
	}
	if got := zone("demo"); got != "Europe/Paris" {
		t.Errorf("demo lives in %v", got)
	}
	u.want("GET", info+"new", "", 204)
	const set = "/api/v1/user_id/new/time_zone"
	u.want("POST", set, `{"time_zone":"America/Bogota","offset":"-05:00"}`, 200, `"message":"`)
	if got := zone("new"); got != "America/Bogota" {
		t.Errorf("new lives in %v", got)
	}
	for _, bad := range []string{`{"time_zone":"Bogota","offset":"-05:00"}`, `{"time_zone":"America/Bogota","offset":"-5"}`, `{"offset":"-05:00"}`,
		`{"time_zone":"America/Bogota"}`, `{"time_zone":"Local","offset":"+00:00"}`, `{"time_zone":"America/Bogota","offset":"+15:00"}`, `{}`} {
		u.want("POST", set, bad, 422, `"error":"Unprocessable Entity"`)
	}
	for _, bad := range []string{``, `x`, `{"timezone":"America/Bogota"}`, `{"time_zone":5}`} {
		u.want("POST", set, bad, 400, `"error":"Bad Request"`)
	}
	for _, status := range []int{201, 204} {
		u.set(fmt.Sprintf(`{"timeZoneStatus":%d}`, status))
		u.want("POST", set, `{"time_zone":"Asia/Tokyo","offset":"+09:00"}`, status)
	}
	if got := zone("new"); got != "Asia/Tokyo" {
		t.Errorf("new lives in %v", got)
	}
}

func TestConfiguringFromGo(t *testing.T) {
	u := start(t)
	u.sim.Configure(func(sw *rook.Switches) { sw.NoDataStatus = 404 })
	u.want("GET", physical+"?user_id=demo&date=2026-03-27", "", 404)
	u.want("POST", "/_control/reset", "", 204)
	u.want("POST", "/_control/clock", `{"now":"2026-04-02T10:00:00Z"}`, 200)
	u.noSummary("demo", "2026-03-27")
	defaults := rook.DefaultSwitches()
	if err := defaults.Validate(); err != nil {
		t.Error(err)
	}
}

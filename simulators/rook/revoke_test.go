package rook_test

import (
	"net/http"
	"testing"
)

const revokeDemo = "/api/v1/user_id/demo/data_sources/revoke_auth"

func TestRevokingOneSource(t *testing.T) {
	u := start(t)
	u.want("POST", revokeDemo, `{"data_source":"Garmin"}`, 200, `"message":"`)
	u.wantLinked("demo", "Apple Health")
	u.want("POST", revokeDemo, `{"data_source":"Apple Health"}`, 200)
	u.wantLinked("demo")
	u.noSummary("demo", "2026-04-01")
	u.decide(u.authorize("demo", "Garmin", callback), "allow")
	u.wantLinked("demo", "Garmin")
	u.summary("demo", "2026-04-01")
}

func TestRevokingWhatIsNotLinked(t *testing.T) {
	u := start(t)
	const body = `{"data_source":"Oura"}`
	u.want("POST", revokeDemo, body, 422, `"error":"Unprocessable Entity"`, "not authorized")
	u.set(`{"revokeNotConnectedStatus":204}`)
	u.want("POST", revokeDemo, body, 204)
	u.set(`{"revokeNotConnectedStatus":200}`)
	u.want("POST", revokeDemo, body, 200, `"message":"`)
	u.want("POST", "/api/v1/user_id/new/data_sources/revoke_auth", body, 200)
}

func TestRevokingAPendingLink(t *testing.T) {
	u := start(t)
	u.set(`{"connectDelay":"1h"}`)
	u.decide(u.authorize("demo", "Oura", callback), "allow")
	u.want("POST", revokeDemo, `{"data_source":"Oura"}`, 200)
	u.advance("2h")
	u.wantLinked("demo", "Garmin", "Apple Health")
}

func TestBadRevocations(t *testing.T) {
	u := start(t)
	for _, body := range []string{"", "{", "null null", `"Garmin"`, `{"data_source":7}`, `{"data_source":"Garmin","all":true}`, `{"data_source":"Garmin"} x`} {
		got := u.send("POST", revokeDemo, body, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		u.check(got, body, 400, `"error":"Bad Request"`, `"method":"POST"`)
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", ";"} {
		got := u.send("POST", revokeDemo, `{"data_source":"Garmin"}`, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		u.check(got, kind, 400, "application/json")
	}
	for _, body := range []string{`{}`, `{"data_source":""}`, `{"data_source":"garmin"}`, `{"data_source":"Strava"}`} {
		u.want("POST", revokeDemo, body, 422, "Garmin, Oura, Polar", "Withings", "Android")
	}
	u.wantLinked("demo", "Garmin", "Apple Health")
}

func TestRevokeSwitches(t *testing.T) {
	u := start(t)
	u.person("demo", `{"sources":{"Withings":true}}`)
	u.set(`{"revokableSources":"listed2024","caseInsensitiveSources":true}`)
	u.want("POST", revokeDemo, `{"data_source":"Withings"}`, 422, "Garmin, Oura, Apple Health, Health Connect, Polar, Fitbit, Whoop")
	u.want("POST", revokeDemo, `{"data_source":"apple health"}`, 200)
	u.wantLinked("demo", "Garmin", "Withings")
	u.set(`{"emptyRevoke":"revokeAll"}`)
	u.want("POST", revokeDemo, "", 200, `"message":"`)
	u.wantLinked("demo")
}

func TestRevocationTakesItsTime(t *testing.T) {
	u := start(t)
	u.person("demo", `{"sources":{"Apple Health":false}}`)
	u.set(`{"revokeDelay":"30m","lateDataFor":"2h"}`)
	u.want("POST", revokeDemo, `{"data_source":"Garmin"}`, 200)
	u.wantLinked("demo", "Garmin")
	u.advance("29m")
	u.want("POST", revokeDemo, `{"data_source":"Garmin"}`, 200) // does not begin the delay again
	u.wantLinked("demo", "Garmin")
	u.advance("1m")
	u.wantLinked("demo")
	u.summary("demo", "2026-04-01")
	u.want("POST", revokeDemo, `{"data_source":"Garmin"}`, 422)
	u.advance("89m")
	u.summary("demo", "2026-04-01")
	u.advance("1m")
	u.noSummary("demo", "2026-04-01")
}

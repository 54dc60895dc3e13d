package rook_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"healthgraph/simulators/people"
)

const (
	physical = "/v2/processed_data/physical_health/summary"
	body     = "physical_health.summary.physical_summary."
)

func sources(doc map[string]any) string {
	return fmt.Sprint(at(doc, body+"metadata.sources_of_data_array"))
}

func TestPhysicalSummary(t *testing.T) {
	u := start(t)
	doc, steps := u.summary("demo", "2026-04-01")
	date, err := people.ParseDate("2026-04-01")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := people.New("healthgraph").DailySteps("demo", date, "Garmin")
	if steps != float64(want) || want == 0 {
		t.Errorf("%v steps, want %d", steps, want)
	}
	for path, want := range map[string]any{
		"version": 2.0, "document_version": 1.0, "client_uuid": clientUUID, "user_id": "demo", "data_structure": "physical_summary",
		body + "metadata.datetime_string": "2026-04-01T00:00:00.000000+02:00",
		body + "metadata.user_id_string":  "demo",
	} {
		if got := at(doc, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	sum := 0.0
	items, _ := at(doc, body+"distance.steps_granular_data_array").([]any)
	for _, item := range items {
		sum += at(item, "steps_int").(float64)
	}
	if sum != steps || at(items[0], "interval_duration_seconds_float") != 900.0 || at(items[0], "datetime_string") != "2026-04-01T07:00:00.000000+02:00" {
		t.Errorf("%d granular items hold %v steps, first %v", len(items), sum, items[0])
	}
	for _, group := range []string{"distance", "activity", "calories", "heart_rate", "oxygenation", "stress", "non_structured_data_array"} {
		if at(doc, body+group) == nil {
			t.Errorf("%s is not there", group)
		}
	}
	if got := len(at(doc, body+"distance").(map[string]any)); got != 21 {
		t.Errorf("distance has %d fields", got)
	}
}

func TestWhichDaysHaveASummary(t *testing.T) {
	u := start(t)
	if _, steps := u.summary("demo", "2026-03-24"); steps != 0.0 { // 20536 modulo 12 is 4
		t.Errorf("the zero day has %v steps", steps)
	}
	u.noSummary("demo", "2026-03-27") // 20539 modulo 12 is 7
	u.noSummary("demo", "2026-04-02")
	u.noSummary("demo", "2026-04-03")
	u.noSummary("person-2", "2026-04-01")
	u.summary("demo", "2016-01-01")
	u.set(`{"noDataStatus":404,"futureDateStatus":422}`)
	u.want("GET", physical+"?user_id=demo&date=2026-03-27", "", 404, `"error":"Not Found"`)
	u.want("GET", physical+"?user_id=demo&date=2026-04-03", "", 422)
	u.set(`{"noDataStatus":null,"serveToday":true}`)
	_, steps := u.summary("demo", "2026-04-02")
	u.advance("11h58m")
	_, later := u.summary("demo", "2026-04-02")
	u.advance("2m") // midnight in Paris: the day is over, its summary comes a minute later
	u.set(`{"serveToday":false}`)
	u.noSummary("demo", "2026-04-02")
	u.advance("1m")
	_, whole := u.summary("demo", "2026-04-02")
	if a, b, c := steps.(float64), later.(float64), whole.(float64); a <= 0 || a > 0.51*c || b <= a || b > c {
		t.Errorf("at noon %v steps, before midnight %v, in the end %v", a, b, c)
	}
}

func TestTheDayIsThePersons(t *testing.T) {
	u := start(t)
	u.person("person-2", `{"sources":{"Oura":true}}`)
	u.want("POST", "/_control/clock", `{"now":"2026-04-02T04:00:59Z","frozen":true}`, 200) // a minute before 00:01 in New York
	u.noSummary("person-2", "2026-04-01")
	u.advance("1s")
	u.summary("person-2", "2026-04-01")
	u.want("POST", "/api/v1/user_id/person-2/time_zone", `{"time_zone":"America/Los_Angeles","offset":"-07:00"}`, 200)
	u.noSummary("person-2", "2026-04-01")
	u.advance("3h")
	u.summary("person-2", "2026-04-01")
}

func TestBadQueries(t *testing.T) {
	u := start(t)
	for _, path := range []string{"physical_health/summary", "sleep_health/summary", "body_health/summary", "user/info"} {
		for _, query := range []string{"", "?user_id=demo", "?date=2026-04-01", "?user_id=demo&date=", "?user_id=demo&date=2026-4-1",
			"?user_id=demo&date=2026-02-30", "?user_id=demo&date=01.04.2026", "?user_id=&date=2026-04-01", "?user_id=demo&date=2026-04-01T00:00:00Z"} {
			u.want("GET", "/v2/processed_data/"+path+query, "", 422, `"error":"Unprocessable Entity"`)
		}
	}
	u.set(`{"badQueryStatus":400}`)
	u.want("GET", physical, "", 400)
	u.set(`{"badQueryStatus":204}`)
	u.want("GET", physical, "", 204)
}

func TestSourcesOfADocument(t *testing.T) {
	u := start(t)
	for _, c := range []struct{ how, date, want string }{
		{"mixed", "2026-04-01", "[Garmin Apple Health]"}, // 20544 divides by three
		{"mixed", "2026-03-31", "[Garmin]"},
		{"one", "2026-04-01", "[Garmin]"},
		{"all", "2026-03-31", "[Garmin Apple Health]"},
	} {
		u.set(`{"sourcesPerDocument":"` + c.how + `"}`)
		if doc, _ := u.summary("demo", c.date); sources(doc) != c.want {
			t.Errorf("%s, %s: %s, want %s", c.how, c.date, sources(doc), c.want)
		}
	}
	u.set(`{"nameStyle":"snake"}`)
	if doc, _ := u.summary("demo", "2026-04-01"); sources(doc) != "[garmin apple_health]" {
		t.Errorf("spelled %s", sources(doc))
	}
}

func TestHistoryDays(t *testing.T) {
	u := start(t)
	u.set(`{"historyDays":7}`)
	u.decide(u.authorize("person-3", "Oura", callback), "allow") // on 2 April, in Kolkata too
	u.summary("person-3", "2026-03-26")
	u.noSummary("person-3", "2026-03-25")
	u.summary("demo", "2026-03-25") // links from the beginning are older than any limit
	u.set(`{"historyDays":0}`)
	u.summary("person-3", "2026-03-25")
}

func TestShapesOfAPhysicalSummary(t *testing.T) {
	u := start(t)
	u.set(`{"granularData":false}`)
	doc, _ := u.summary("demo", "2026-04-01")
	if got := at(doc, body+"distance.steps_granular_data_array"); len(got.([]any)) != 0 {
		t.Errorf("granular data: %v", got)
	}
	for _, field := range []string{"active_steps_int", "steps_int"} {
		u.set(`{"granularData":true,"activeStepsItem":"` + field + `"}`)
		doc, _ = u.summary("demo", "2026-04-01")
		if item := at(doc, body+"distance.active_steps_granular_data_array").([]any)[0]; at(item, field) == nil {
			t.Errorf("%s is not in %v", field, item)
		}
	}
	for instant, want := range map[string]string{
		"utcMidnight":        "2026-04-01T00:00:00.000000Z",
		"localMidnightInUTC": "2026-03-31T22:00:00.000000Z",
		"extraction":         "2026-04-02T00:01:00.000000+02:00",
	} {
		u.set(`{"summaryInstant":"` + instant + `"}`)
		if doc, _ := u.summary("demo", "2026-04-01"); at(doc, body+"metadata.datetime_string") != want {
			t.Errorf("%s: %v", instant, at(doc, body+"metadata.datetime_string"))
		}
	}
	u.set(`{"omitDistance":true}`)
	if doc, _ := u.summary("demo", "2026-04-01"); strings.Contains(fmt.Sprint(at(doc, "physical_health")), "steps_int") {
		t.Error("distance is still there")
	}
}

func TestSleepAndBodySummaries(t *testing.T) {
	u := start(t)
	const sleep, weight = "/v2/processed_data/sleep_health/summary?user_id=demo&date=", "/v2/processed_data/body_health/summary?user_id=demo&date="
	var doc map[string]any
	u.decode(u.want("GET", sleep+"2026-04-02", "", 200), &doc) // it is noon
	night := at(doc, "sleep_health.summary.sleep_summary.duration")
	if at(night, "sleep_date_string") != "2026-04-02" || at(night, "sleep_duration_seconds_int").(float64) < 15_000 {
		t.Errorf("duration %v", night)
	}
	u.advance("-1s")
	u.want("GET", sleep+"2026-04-02", "", 204)
	u.set(`{"serveToday":true}`)
	u.want("GET", sleep+"2026-04-02", "", 200)
	var morning, evening map[string]any
	u.decode(u.want("GET", sleep+"2026-04-01", "", 200), &morning)
	u.set(`{"nightDate":"evening"}`)
	u.decode(u.want("GET", sleep+"2026-03-31", "", 200), &evening)
	const end = "sleep_health.summary.sleep_summary.duration.sleep_end_datetime_string"
	if at(evening, "sleep_health.summary.sleep_summary.duration.sleep_date_string") != "2026-03-31" || at(evening, end) != at(morning, end) {
		t.Errorf("by its evening: %v", at(evening, end))
	}
	u.set(`{"nightDate":"morning"}`)
	for told, want := range map[string]any{"25200": 25_200.0, "null": nil} {
		u.person("demo", `{"days":{"2026-03-30":{"sleep":`+told+`}}}`)
		doc = nil
		u.decode(u.want("GET", sleep+"2026-03-30", "", 200), &doc)
		if got := at(doc, "sleep_health.summary.sleep_summary.duration.sleep_duration_seconds_int"); got != want {
			t.Errorf("sleep is %v, want %v", got, want)
		}
	}
	u.want("GET", sleep+"2026-03-27", "", 204)
	doc = nil
	u.decode(u.want("GET", weight+"2026-04-01", "", 200), &doc)
	if kg := at(doc, "body_health.summary.body_summary.body_metrics.weight_kg_float").(float64); kg < 50 || kg > 95 {
		t.Errorf("weight %v", kg)
	}
	u.set(`{"serveToday":false}`)
	u.want("GET", weight+"2026-04-02", "", 204)
	u.want("GET", weight+"2026-03-27", "", 204)
}

func TestDocumentsStayTheSame(t *testing.T) {
	u, again := start(t), start(t)
	const path = physical + "?user_id=demo&date=2026-03-30"
	first := u.want("GET", path, "", 200).body
	again.advance("9000h")
	if got := again.want("GET", path, "", 200).body; got != first || !json.Valid([]byte(got)) {
		t.Errorf("once %s, then %s", first, got)
	}
}

package onetwentyone_test

import (
	"net/http"
	"strings"
	"testing"

	"healthgraph/simulators/onetwentyone"
)

const aNight = `{"sleep":[
	{"start":"2026-03-28T22:00:00Z","end":"2026-03-29T06:00:00Z","stage":"inBed","device":"phone"},
	{"start":"2026-03-28T22:30:00Z","end":"2026-03-29T02:30:00Z","stage":"core","device":"watch"},
	{"start":"2026-03-29T02:30:00Z","end":"2026-03-29T05:30:00Z","stage":"rem","device":"watch"}]}`

func sleepPath(id, query string) string { return "/api/v1/sleep/" + id + "?" + query }

func TestSleepAsAssumed(t *testing.T) {
	h := start(t, nil)
	id, pat := h.sim.UserID("demo"), h.pat("demo")
	h.want(h.call(http.MethodPut, "/_control/people/demo", "", "application/json", aNight), http.StatusOK, nil)
	for name, c := range map[string]struct {
		change func(*onetwentyone.Switches)
		query  string
		has    []string
		lacks  string
	}{
		"sessions": {nil, "include_stages=true&sort=asc", []string{
			`"data":[{"end_date":"2026-03-29T06:00:00Z"`, `"source_name":"phone"`, `"stages":[{"end_date":"2026-03-29T02:30:00Z","stage":"core","start_date":"2026-03-28T22:30:00Z"}`,
			`"has_more":false`, `"limit":{`,
		}, "value"},
		"newest first":      {nil, "", []string{`"data":[{"end_date":"2026-03-29T05:30:00Z"`}, "stages"},
		"one a page":        {nil, "pageSize=1&page=2&sort=asc", []string{`"current_page":2`, `"has_more":false`, `watch`}, "phone"},
		"of another day":    {nil, "startDate=2026-03-29", []string{`"data":[]`}, "watch"},
		"by overlap":        {func(s *onetwentyone.Switches) { s.RangeBy = "overlap" }, "startDate=2026-03-29", []string{`watch`, `phone`}, "stages"},
		"samples":           {func(s *onetwentyone.Switches) { s.SleepItems = "samples" }, "", []string{`"value":"core"`, `"value":"inBed"`}, "stages"},
		"HealthKit's names": {func(s *onetwentyone.Switches) { s.SleepItems, s.SleepStageNames = "samples", "identifier" }, "", []string{`"value":"HKCategoryValueSleepAnalysisAsleepREM"`}, "core"},
		"its numbers":       {func(s *onetwentyone.Switches) { s.SleepItems, s.SleepStageNames = "samples", "number" }, "", []string{`"value":3`, `"value":0`, `"value":5`}, "core"},
		"totals":            {func(s *onetwentyone.Switches) { s.SleepItems = "totals" }, "", []string{`"core_sleep_seconds":14400`, `"time_in_bed_seconds":28800`}, "stages"},
		"minutes in camel case": {func(s *onetwentyone.Switches) {
			s.SleepItems, s.SleepUnits, s.ItemNames, s.SleepEnds = "totals", "minutes", "camel", "duration"
		}, "", []string{`"coreSleepMinutes":240`, `"startDate":"2026-03-28T22:30:00Z"`, `"duration":25200`}, "end_date"},
	} {
		h.sim.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches() })
		if c.change != nil {
			h.sim.Switch(c.change)
		}
		r := h.get(sleepPath(id, c.query), pat)
		for _, part := range c.has {
			if r.status != http.StatusOK || !strings.Contains(r.body, part) {
				t.Errorf("%s: status %d, no %s in %s", name, r.status, part, r.body)
			}
		}
		if strings.Contains(r.body, c.lacks) {
			t.Errorf("%s: %s in %s", name, c.lacks, r.body)
		}
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches() })
	h.want(h.get(sleepPath(id, "include_stages=perhaps"), pat), http.StatusBadRequest, nil)
	h.want(h.get(sleepPath(id, "page=0"), pat), http.StatusBadRequest, nil)
	h.want(h.call(http.MethodPut, "/_control/people/demo", "", "application/json", `{"sleep":[{"start":"2026-03-29T06:00:00Z","end":"2026-03-29T05:00:00Z","stage":"rem"}]}`), http.StatusBadRequest, nil)
	h.want(h.call(http.MethodPut, "/_control/people/demo", "", "application/json", `{"sleep":[{"start":"2026-03-29T05:00:00Z","end":"2026-03-29T06:00:00Z","stage":"nap"}]}`), http.StatusBadRequest, nil)
	h.want(h.call(http.MethodPut, "/_control/people/demo", "", "application/json", `{"sleep":[]}`), http.StatusOK, nil)
	if r := h.get(sleepPath(id, ""), pat); !strings.Contains(r.body, `"data":[]`) {
		t.Errorf("sleep that was taken away is still there: %s", r.body)
	}
}

func TestSleepIsInventedUpToNowAndNeedsItsScope(t *testing.T) {
	h := start(t, nil)
	id := h.sim.UserID("demo")
	if r := h.get(sleepPath(id, "startDate=2026-03-20&pageSize=1"), h.pat("demo")); !strings.Contains(r.body, `"end_date":"2026-03-29`) || !strings.Contains(r.body, `"has_more":true`) {
		t.Errorf("the newest is not last night's: %s", r.body)
	}
	h.want(h.call(http.MethodPut, "/_control/people/demo", "", "application/json", `{"scopes":["quantity"]}`), http.StatusOK, nil)
	grant, _ := h.link("demo")
	h.want(h.get(sleepPath(id, ""), grant.Access), http.StatusForbidden, nil)
}

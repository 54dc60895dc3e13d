package onetwentyone_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators/onetwentyone"
)

// three puts three samples before demo: on the evening of the 28th in UTC, which is the 29th at home in summer time
// that begins in that very night, and around noon of the 29th.
func (h *harness) three() (pat string) {
	h.Helper()
	h.put("stepCount",
		sample("b", "2026-03-29T10:00:00Z", "2026-03-29T10:05:00Z", 20.5),
		sample("a", "2026-03-28T23:30:00Z", "2026-03-29T00:10:00Z", 10),
		sample("c", "2026-03-29T22:30:00Z", "2026-03-29T22:40:00Z", 30))
	return h.pat("demo")
}

func TestQuantityAsDocumented(t *testing.T) {
	h := start(t, nil)
	pat, id := h.three(), h.sim.UserID("demo")
	r := h.get(quantityPath(id, "stepCount", "startDate=2026-03-28&endDate=2026-03-29&sort=asc&page=1&pageSize=2"), pat)
	want := `{"pagination":{"current_page":1,"has_more":true,"next_page":"/api/v1/quantity/` + id +
		`/stepCount?startDate=2026-03-28\u0026endDate=2026-03-29\u0026page=2\u0026pageSize=2","prev_page":null},` +
		`"limit":{"X-RateLimit-Limit":10000,"X-RateLimit-Remaining":9999,"X-RateLimit-Reset":1774828800},"data":[` +
		`{"id":"a","user_id":"` + id + `","metric":"stepCount","value":10,"unit":"count","start_date":"2026-03-28T23:30:00Z",` +
		`"end_date":"2026-03-29T00:10:00Z","source_name":"phone","source_device":null},` +
		`{"id":"b","user_id":"` + id + `","metric":"stepCount","value":20.5,"unit":"count","start_date":"2026-03-29T10:00:00Z",` +
		`"end_date":"2026-03-29T10:05:00Z","source_name":"phone","source_device":null}]}`
	if r.status != http.StatusOK || r.body != want || r.header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("status %d, body\n%s\nwant\n%s", r.status, r.body, want)
	}
	if p := h.samples(pat, ""); p.ids() != "c b a" || p.Pagination.More || p.Pagination.Next != nil || p.Pagination.Prev != nil {
		t.Errorf("by default: %+v", p)
	}
	last := h.samples(pat, "page=2&pageSize=2&sort=desc")
	if last.ids() != "a" || last.Pagination.More || last.Pagination.Prev == nil || !strings.Contains(*last.Pagination.Prev, "page=1") {
		t.Errorf("the last page: %+v", last)
	}
	if p := h.samples(pat, "page=9"); p.ids() != "" || p.Pagination.More || !strings.Contains(h.get(quantityPath(id, "stepCount", "page=9"), pat).body, `"data":[]`) {
		t.Errorf("beyond the last page: %+v", p)
	}
}

func TestRanges(t *testing.T) {
	type sw = onetwentyone.Switches
	for name, c := range map[string]struct {
		change func(*sw)
		query  string
		want   string
	}{
		"plain dates in UTC, all of the end":   {nil, "startDate=2026-03-29&endDate=2026-03-29", "b c"},
		"plain dates in UTC, end excluded":     {func(s *sw) { s.EndDate = "exclusive" }, "startDate=2026-03-28&endDate=2026-03-29", "a"},
		"plain dates at home":                  {func(s *sw) { s.PlainDates = "home" }, "startDate=2026-03-29&endDate=2026-03-29", "a b"},
		"plain dates at home, end excluded":    {func(s *sw) { s.PlainDates, s.EndDate = "home", "exclusive" }, "endDate=2026-03-30", "a b"},
		"times without offset at home":         {func(s *sw) { s.PlainDates = "home" }, "startDate=2026-03-29T12:00:00", "b c"},
		"times without offset in UTC":          {nil, "startDate=2026-03-29T12:00:00", "c"},
		"a moment is included":                 {nil, "startDate=2026-03-29T10:00:00Z&endDate=2026-03-29T10:00:00Z", "b"},
		"a moment is excluded":                 {func(s *sw) { s.EndDate = "exclusive" }, "endDate=2026-03-29T10:00:00Z", "a"},
		"an offset":                            {nil, "startDate=" + url.QueryEscape("2026-03-29T12:00:00.000+02:00"), "b c"},
		"by start":                             {nil, "startDate=2026-03-29T00:00:00Z", "b c"},
		"by overlap":                           {func(s *sw) { s.RangeBy = "overlap" }, "startDate=2026-03-29T00:00:00Z", "a b c"},
		"by overlap, touching":                 {func(s *sw) { s.RangeBy = "overlap" }, "startDate=2026-03-29T00:10:00Z&endDate=2026-03-29", "a b c"},
		"by overlap, over":                     {func(s *sw) { s.RangeBy = "overlap" }, "startDate=2026-03-29T00:10:01Z&endDate=2026-03-29T09:00:00Z", ""},
		"start after end":                      {nil, "startDate=2026-03-30&endDate=2026-03-28", ""},
		"overlap, start after end":             {func(s *sw) { s.RangeBy = "overlap" }, "startDate=2026-03-30&endDate=2026-03-01", ""},
		"unknown parameters are not looked at": {nil, "startDate=2026-03-29&date=2020-01-01", "b c"},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, c.change)
			pat := h.three()
			if got := h.samples(pat, "sort=asc&"+c.query).ids(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			backwards := strings.Join(reversed(strings.Fields(c.want)), " ")
			if got := h.samples(pat, c.query).ids(); got != backwards {
				t.Errorf("descending %q, want %q", got, backwards)
			}
		})
	}
}

func reversed(in []string) (out []string) {
	for i := len(in) - 1; i >= 0; i-- {
		out = append(out, in[i])
	}
	return out
}

func TestMalformedQueries(t *testing.T) {
	h := start(t, nil)
	pat, id := h.three(), h.sim.UserID("demo")
	for _, query := range []string{
		"startDate=", "startDate=yesterday", "endDate=2026-02-30", "endDate=2026-3-1", "endDate=20260301", "startDate=2026-03-29T25:00:00Z",
		"startDate=2026-03-29T10:00:00+02:00", "endDate=2026-03-29Z", "startDate=1774828800", "sort=", "sort=up", "sort=ASC",
		"page=0", "page=-1", "page=", "page=x", "page=1.5", "page=99999999999999999999", "pageSize=0", "pageSize=10001", "pageSize=1e3",
		"page=1&page=2", "sort=asc&sort=desc", "startDate=2026-03-01&startDate=2026-03-02",
	} {
		if r := h.get(quantityPath(id, "stepCount", query), pat); r.status != http.StatusBadRequest || !strings.Contains(r.body, `{"error":"`) {
			t.Errorf("%s: status %d, body %s", query, r.status, r.body)
		}
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.OutOfRange, s.Offsets = "clamp", "reject" })
	for _, query := range []string{"page=0", "page=-1", "pageSize=10001", "pageSize=99999999999999999999"} {
		if p := h.samples(pat, query); p.ids() != "c b a" {
			t.Errorf("%s: %s", query, p.ids())
		}
	}
	if p := h.samples(pat, "pageSize=0"); p.ids() != "c" {
		t.Errorf("pageSize=0 is clamped to %d", len(p.Data))
	}
	for _, query := range []string{"page=x", "startDate=2026-03-29T10:00:00%2B02:00"} {
		h.want(h.get(quantityPath(id, "stepCount", query), pat), http.StatusBadRequest, nil)
	}
}

func TestPaginationSwitches(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) {
		s.DefaultPageSize, s.NoPage, s.NextPageSort, s.BeyondLast = 2, "absent", "keep", "notFound"
	})
	pat, id := h.three(), h.sim.UserID("demo")
	r := h.get(quantityPath(id, "stepCount", "sort=asc"), pat)
	if !strings.Contains(r.body, `stepCount?sort=asc\u0026page=2\u0026pageSize=2"`) || strings.Contains(r.body, "prev_page") {
		t.Errorf("the first page: %s", r.body)
	}
	if r = h.get(quantityPath(id, "stepCount", "page=2"), pat); strings.Contains(r.body, "next_page") {
		t.Errorf("the last page: %s", r.body)
	}
	h.want(h.get(quantityPath(id, "stepCount", "page=3"), pat), http.StatusNotFound, nil)
	for word, host := range map[string]string{"absolute": h.base, "foreign": "https://foreign.example"} {
		h.sim.Switch(func(s *onetwentyone.Switches) { s.NextPage = word })
		if p := h.samples(pat, ""); p.Pagination.Next == nil || !strings.HasPrefix(*p.Pagination.Next, host+"/api/v1/quantity/") {
			t.Errorf("%s: %v", word, p.Pagination.Next)
		}
	}
}

func TestItemSwitches(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) {
		s.ItemNames, s.Numbers, s.Times, s.ItemIDs, s.ItemDevices = "camel", "string", "local", false, false
	})
	pat, id := h.three(), h.sim.UserID("demo")
	want := `"data":[{"userId":"` + id + `","metric":"stepCount","value":"20.5","unit":"count",` +
		`"startDate":"2026-03-29T12:00:00+02:00","endDate":"2026-03-29T12:05:00+02:00"}]`
	if r := h.get(quantityPath(id, "stepCount", "page=2&pageSize=1"), pat); !strings.Contains(r.body, want) {
		t.Errorf("body %s\nlacks %s", r.body, want)
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches(); s.Times = "offset" })
	if p := h.samples(pat, ""); p.Data[0].Start != "2026-03-29T22:30:00+00:00" {
		t.Errorf("start %s", p.Data[0].Start)
	}
}

func TestMisbehaviour(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) { s.RepeatPage = true })
	pat := h.three()
	for _, page := range []string{"1", "2", "77"} {
		if p := h.samples(pat, "pageSize=2&page="+page); p.ids() != "c b" || !p.Pagination.More || p.Pagination.Next == nil {
			t.Errorf("page %s repeats as %s", page, p.ids())
		}
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.RepeatPage, s.NeverEnding = false, true })
	if p := h.samples(pat, "page=5"); p.ids() != "" || !p.Pagination.More {
		t.Errorf("page 5 ends or has %s", p.ids())
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.NeverEnding, s.ExtraSamples = false, 1 })
	if p := h.samples(pat, "pageSize=2"); p.ids() != "c b" {
		t.Errorf("the first page is %s", p.ids())
	}
	if p := h.samples(pat, "pageSize=2&page=2"); p.ids() != "b a" {
		t.Errorf("descending, the second page is %s: nothing moved", p.ids())
	}
	if p := h.samples(pat, "pageSize=2&page=2&sort=asc&endDate=2026-03-29"); !strings.HasPrefix(p.ids(), "c ") {
		t.Errorf("ascending, the second page is %s: something moved", p.ids())
	}
}

func TestSeededHistoryFollowsTheClock(t *testing.T) {
	h := start(t, nil)
	pat := h.pat("demo")
	all := func() (p pageOf) { return h.samples(pat, "pageSize=10000&sort=asc") }
	first := all()
	if len(first.Data) < 2000 || first.Pagination.More {
		t.Fatalf("%d samples in three months", len(first.Data))
	}
	devices, previous := map[string]bool{}, ""
	for _, item := range first.Data {
		end, err := time.Parse(time.RFC3339, item.End)
		if err != nil || end.After(h.now) || item.Start < previous || item.ID == "" || item.Device == nil {
			t.Fatalf("a sample out of order, without id or device, or in the future: %+v, %v", item, err)
		}
		devices[*item.Source], previous = true, item.Start
	}
	if !devices["phone"] || !devices["watch"] {
		t.Errorf("devices %v", devices)
	}
	h.sim.Control().Clock.Advance(72 * time.Hour)
	second := all()
	if len(second.Data) <= len(first.Data) || !strings.HasPrefix(second.ids(), first.ids()) {
		t.Error("after three days the past is another, or nothing was added")
	}
	h.sim.Control().Clock.Freeze(h.now)
	if back := all(); back.ids() != first.ids() {
		t.Error("with the clock turned back, the history is another")
	}
	var exercise pageOf
	h.want(h.get(quantityPath(h.sim.UserID("demo"), "appleExerciseTime", ""), pat), http.StatusOK, &exercise)
	if len(exercise.Data) < 20 || exercise.Data[0].Value < 10 {
		t.Errorf("%d stretches of exercise", len(exercise.Data))
	}
}

func TestHistoryIsTheSameHoweverOftenItGrows(t *testing.T) {
	slow, fast := start(t, nil), start(t, nil)
	end := h30(slow.now)
	for at := slow.now; !at.After(end); at = at.Add(24 * time.Hour) {
		slow.sim.Control().Clock.Freeze(at)
		slow.samples(slow.pat("demo"), "pageSize=1")
	}
	fast.sim.Control().Clock.Freeze(end)
	const query = "pageSize=10000&startDate=2026-03-20"
	if a, b := slow.samples(slow.pat("demo"), query), fast.samples(fast.pat("demo"), query); a.ids() != b.ids() {
		t.Errorf("%d samples day by day, %d at once", len(a.Data), len(b.Data))
	}
}

// h30 is thirty days later: enough for walks across midnight.
func h30(from time.Time) time.Time { return from.Add(30 * 24 * time.Hour) }

func TestWhatArrivesWhilePagingStays(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) { s.ExtraSamples = 2 })
	pat := h.pat("demo")
	before := h.samples(pat, "pageSize=1")
	h.samples(pat, "pageSize=1&page=2")
	after := h.samples(pat, "pageSize=3")
	if after.Data[2].ID != before.Data[0].ID {
		t.Errorf("no two samples arrived after the newest: %s", after.ids())
	}
	h.sim.Control().Clock.Advance(5 * 24 * time.Hour)
	grown := h.samples(pat, "pageSize=10000")
	if !strings.Contains(grown.ids(), after.ids()) || grown.Data[0].ID == after.Data[0].ID {
		t.Error("five days later what arrived is gone, or nothing else came")
	}
}

func TestValidatesSwitches(t *testing.T) {
	h := start(t, nil)
	for _, patch := range []string{
		`{"endDate":"maybe"}`, `{"limitStatus":200}`, `{"defaultPageSize":0}`, `{"defaultPageSize":10001}`, `{"codeLifetime":"0s"}`,
		`{"dailyLimit":-1}`, `{"denyError":""}`, `{"nope":1}`, `{"times":3}`, `{"units":"metric"}`, `{"percent":"ten"}`,
	} {
		h.want(h.call(http.MethodPatch, "/_control/switches", "", "", patch), http.StatusBadRequest, nil)
	}
	var shown onetwentyone.Switches
	h.want(h.get("/_control/switches", ""), http.StatusOK, &shown)
	if shown != onetwentyone.DefaultSwitches() {
		t.Errorf("a refused change was made: %+v", shown)
	}
	if b, err := json.Marshal(shown); err != nil || !strings.Contains(string(b), `"codeLifetime":"10m0s"`) {
		t.Errorf("%s, %v", b, err)
	}
}

package onetwentyone_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"healthgraph/simulators/applehealth"
	"healthgraph/simulators/onetwentyone"
)

func TestProfileAsDocumented(t *testing.T) {
	h := start(t, nil)
	grant, id := h.link("demo", "quantity", "profile")
	want := `{"limit":{"X-RateLimit-Limit":10000,"X-RateLimit-Remaining":9999,"X-RateLimit-Reset":1774828800},"data":{"user_id":"` + id +
		`","created_at":"2026-01-01T00:00:00Z","home_timezone":"Europe/Paris","scopes":["profile","quantity"]}}`
	if r := h.get("/api/v1/profile/"+id, grant.Access); r.status != http.StatusOK || r.body != want {
		t.Errorf("status %d, body %s", r.status, r.body)
	}
	if r := h.get("/api/v1/profile/"+id, h.pat("demo")); !strings.Contains(r.body, `"scopes":["profile","quantity","sleep","workout"]`) {
		t.Errorf("a personal access token has %s", r.body)
	}
}

func TestWhoMaySeeWhat(t *testing.T) {
	h := start(t, nil)
	grant, id := h.link("demo", "profile")
	unknown, other := "00000000-0000-4000-8000-000000000000", h.sim.UserID("person-2")
	pat := h.pat("demo")
	for name, c := range map[string]struct {
		path, token string
		status      int
	}{
		"no token":              {"/api/v1/profile/" + id, "", 401},
		"unknown token":         {quantityPath(id, "stepCount", ""), "x", 401},
		"refresh token":         {"/api/v1/profile/" + id, grant.Refresh, 401},
		"missing scope":         {quantityPath(id, "stepCount", ""), grant.Access, 403},
		"another's profile":     {"/api/v1/profile/" + other, grant.Access, 403},
		"another's steps":       {quantityPath(other, "stepCount", ""), pat, 403},
		"unknown user":          {quantityPath(unknown, "stepCount", ""), pat, 404},
		"unknown metric":        {quantityPath(id, "steps", ""), pat, 404},
		"not a UUID":            {"/api/v1/profile/demo", pat, 400},
		"a UUID in braces":      {"/api/v1/profile/%7B" + id[:34] + "%7D", pat, 400},
		"capitals":              {"/api/v1/profile/" + strings.ToUpper(id), pat, 200},
		"metric of nothing":     {quantityPath(id, "bodyMass", ""), pat, 200},
		"workouts are left out": {"/api/v1/workout/user/" + id, pat, 404},
	} {
		t.Run(name, func(*testing.T) { h.want(h.get(c.path, c.token), c.status, nil) })
	}
	h.sim.Switch(func(s *onetwentyone.Switches) {
		s.UnauthorizedStatus, s.MissingScopeStatus, s.OtherUserStatus, s.UnknownUserStatus, s.UnknownMetricStatus, s.MalformedStatus = 410, 411, 412, 413, 414, 415
		s.ErrorBody = "html"
	})
	for status, r := range map[int]reply{
		410: h.get("/api/v1/profile/"+id, ""), 411: h.get(quantityPath(id, "stepCount", ""), grant.Access),
		412: h.get("/api/v1/profile/"+other, pat), 413: h.get("/api/v1/profile/"+unknown, pat),
		414: h.get(quantityPath(id, "steps", ""), pat), 415: h.get(quantityPath(id, "stepCount", "page=x"), pat),
	} {
		if r.status != status || !strings.HasPrefix(r.body, "<!doctype html>") {
			t.Errorf("status %d, want %d: %s", r.status, status, r.body)
		}
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.ErrorBody = "empty" })
	if r := h.get("/api/v1/profile/"+id, ""); r.body != "" {
		t.Errorf("body %q", r.body)
	}
}

func TestDailyLimit(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) { s.DailyLimit, s.LimitIn = 2, "both" })
	grant, id := h.link("demo")
	profile := "/api/v1/profile/" + id
	h.want(h.get(profile, "unknown"), http.StatusUnauthorized, nil) // costs nothing
	if r := h.get(profile, grant.Access); r.header.Get("X-RateLimit-Remaining") != "1" || !strings.Contains(r.body, `"X-RateLimit-Remaining":1`) {
		t.Errorf("header %v, body %s", r.header, r.body)
	}
	if r := h.get("/api/v1/profile/x", grant.Access); r.status != 400 || !strings.Contains(r.body, `"X-RateLimit-Remaining":0`) {
		t.Errorf("a malformed request is free: %s", r.body)
	}
	r := h.get(profile, grant.Access)
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "43201" || r.header.Get("X-RateLimit-Reset") != "1774828800" ||
		!strings.Contains(r.body, `"limit":{"X-RateLimit-Limit":2,"X-RateLimit-Remaining":0,"X-RateLimit-Reset":1774828800}`) {
		t.Errorf("status %d, header %v, body %s", r.status, r.header, r.body)
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.RetryAfter, s.LimitIn = "date", "none" })
	if r = h.get(profile, grant.Access); r.header.Get("Retry-After") != "Mon, 30 Mar 2026 00:00:00 GMT" || r.header.Get("X-RateLimit-Limit") != "" ||
		strings.Contains(r.body, "limit\":") {
		t.Errorf("header %v, body %s", r.header, r.body)
	}
	h.sim.Switch(func(s *onetwentyone.Switches) { s.RetryAfter, s.LimitIn, s.LimitStatus = "none", "headers", 403 })
	if r = h.get(profile, grant.Access); r.status != 403 || r.header.Get("Retry-After") != "" || r.header.Get("X-RateLimit-Limit") != "2" {
		t.Errorf("status %d, header %v", r.status, r.header)
	}
	second, otherID := h.link("person-2")
	h.want(h.get("/api/v1/profile/"+otherID, second.Access), http.StatusOK, nil)
	h.sim.Control().Clock.Freeze(time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC))
	fresh, _ := h.link("demo")
	h.want(h.get(profile, fresh.Access), http.StatusOK, nil)
}

func TestLimitPerClientAndTokenCalls(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) { s.DailyLimit, s.LimitPer, s.CountTokenCalls = 3, "client", true })
	first, id := h.link("demo")
	second, otherID := h.link("person-2")
	h.want(h.get("/api/v1/profile/"+id, first.Access), http.StatusOK, nil)
	h.want(h.get("/api/v1/profile/"+otherID, second.Access), http.StatusTooManyRequests, nil)
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(first.Refresh, id)), http.StatusTooManyRequests, nil)
	h.want(h.get("/api/v1/profile/"+id, h.pat("demo")), http.StatusOK, nil) // belongs to no client

	h.want(h.call(http.MethodPut, "/_control/budget", "", "", `{"remaining":1}`), http.StatusNoContent, nil)
	h.want(h.get("/api/v1/profile/"+id, first.Access), http.StatusOK, nil)
	h.want(h.get("/api/v1/profile/"+id, first.Access), http.StatusTooManyRequests, nil)
	for _, body := range []string{`{}`, `{"remaining":-1}`, `{"remaining":4}`, `{"remaining":"1"}`, `[`} {
		h.want(h.call(http.MethodPut, "/_control/budget", "", "", body), http.StatusBadRequest, nil)
	}
}

func TestPeopleOverControl(t *testing.T) {
	h := start(t, nil)
	grant, id := h.link("demo")
	h.want(h.json(http.MethodPut, "/_control/people/demo", map[string]any{"scopes": []string{"profile"}, "homeTimezone": "Asia/Tokyo"}), http.StatusOK, nil)
	h.want(h.get(quantityPath(id, "stepCount", ""), grant.Access), http.StatusForbidden, nil)
	if r := h.get("/api/v1/profile/"+id, grant.Access); !strings.Contains(r.body, `"home_timezone":"Asia/Tokyo","scopes":["profile"]`) {
		t.Errorf("profile %s", r.body)
	}
	const given = "11111111-2222-4333-8444-555555555555"
	var person onetwentyone.PersonOutput
	h.want(h.json(http.MethodPut, "/_control/people/person-9", map[string]any{"userId": given}), http.StatusOK, &person)
	if _, id := h.link("person-9"); person.UserID != given || id != given {
		t.Errorf("user id %s", id)
	}
	var everybody []onetwentyone.PersonOutput
	h.want(h.get("/_control/people", ""), http.StatusOK, &everybody)
	if len(everybody) != 4 || everybody[0].Name != "demo" || everybody[0].HomeTimezone != "Asia/Tokyo" || everybody[3].Name != "person-9" {
		t.Errorf("people %+v", everybody)
	}
	for _, body := range []string{
		`{"userId":"x"}`, `{"userId":"` + given + `"}`, `{"homeTimezone":"Nowhere/None"}`, `{"homeTimezone":""}`, `{"scopes":["labs"]}`, `{"unknown":1}`, `{`,
		`{"samples":{"steps":[]}}`, `{"samples":{"stepCount":[{"start":"2026-03-02T00:00:00Z","end":"2026-03-01T00:00:00Z"}]}}`,
		`{"samples":{"stepCount":[{"start":"1066-03-02T00:00:00Z","end":"2026-03-01T00:00:00Z"}]}}`,
		`{"samples":{"stepCount":[{"start":"noon"}]}}`,
	} {
		h.want(h.call(http.MethodPut, "/_control/people/demo", "", "", body), http.StatusBadRequest, nil)
	}
	h.put("stepCount")
	if p := h.samples(h.pat("demo"), ""); len(p.Data) != 0 {
		t.Errorf("%d samples after putting none", len(p.Data))
	}
	h.want(h.call(http.MethodPost, "/_control/reset", "", "", ""), http.StatusNoContent, nil)
	h.want(h.get("/_control/people", ""), http.StatusOK, &everybody)
	if len(everybody) != 3 || everybody[0].HomeTimezone != "Europe/Paris" {
		t.Errorf("after a reset: %+v", everybody)
	}
	h.want(h.get("/api/v1/profile/"+id, grant.Access), http.StatusUnauthorized, nil)
	h.sim.Control().Clock.Freeze(h.now)
	if p := h.samples(h.pat("demo"), ""); len(p.Data) != 1000 {
		t.Errorf("%d samples on the first page after a reset", len(p.Data))
	}
}

func TestLoadedStepsAreServedAndSurviveAReset(t *testing.T) {
	h := start(t, nil)
	const many = 200_000
	begin := time.Date(2016, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
	n, err := h.sim.LoadSteps("demo", func(add func(onetwentyone.Step) error) error {
		for i := range many { // backwards, and each one twice
			at := begin.Add(time.Duration(many-i/2) * time.Minute)
			if err := add(onetwentyone.Step{Start: at, End: at.Add(time.Minute), Value: float64(i / 2), Source: `A "phone"`, Product: "iPhone14,5"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || n != many {
		t.Fatalf("%d loaded, %v", n, err)
	}
	if _, err = h.sim.LoadSteps("demo", func(func(onetwentyone.Step) error) error { return errors.New("cut short") }); err == nil {
		t.Error("a failure to read is no error")
	}
	if _, err = h.sim.LoadSteps("demo", func(add func(onetwentyone.Step) error) error { return add(onetwentyone.Step{}) }); err == nil {
		t.Error("a sample of the year 1 is no error")
	}
	h.sim.Control().Reset()
	pat := h.pat("demo")
	p := h.samples(pat, "sort=asc&pageSize=10000&page=20")
	if len(p.Data) != 10_000 || p.Pagination.More || *p.Data[0].Source != `A "phone"` || p.Data[9_999].Value != 0 {
		t.Errorf("the last page has %d samples", len(p.Data))
	}
	seen := map[string]bool{}
	for _, item := range p.Data {
		seen[item.ID] = true
	}
	if len(seen) != len(p.Data) || h.samples(pat, "pageSize=1").Data[0].ID != p.Data[9_999].ID {
		t.Error("made ids are not unique or not stable")
	}
	if n, err = h.sim.LoadSteps("person-9", func(func(onetwentyone.Step) error) error { return nil }); n != 0 || err != nil || h.sim.UserID("person-9") == "" {
		t.Errorf("a new person: %d, %v", n, err)
	}
}

func TestServesAnAppleHealthExport(t *testing.T) {
	h := start(t, nil)
	path := filepath.Join("..", "applehealth", "testdata", "export.xml")
	n, err := h.sim.LoadSteps("demo", func(add func(onetwentyone.Step) error) error {
		_, err := applehealth.Read(t.Context(), path, applehealth.Options{}, func(s applehealth.Sample) error {
			return add(onetwentyone.Step{Start: s.Start, End: s.End, Value: s.Value, Source: s.Source, Product: s.Product})
		})
		return err
	})
	if err != nil || n != 3 {
		t.Fatalf("%d samples, %v", n, err)
	}
	p := h.samples(h.pat("demo"), "sort=asc")
	if len(p.Data) != 3 || p.Data[0].Start != "2024-03-01T07:01:02Z" || *p.Data[1].Device != "Watch6,2" || p.Data[2].Device != nil {
		t.Errorf("served as %+v", p.Data)
	}
}

func TestFaultsAreForOnePersonAndCallsAreCounted(t *testing.T) {
	h := start(t, nil)
	first, id := h.link("demo")
	second, otherID := h.link("person-2")
	fault := []map[string]any{{"route": "*", "user": id, "kind": "status", "status": 503, "retryAfter": "7"}}
	h.want(h.json(http.MethodPut, "/_control/faults", fault), http.StatusNoContent, nil)
	if r := h.get("/api/v1/profile/"+id, first.Access); r.status != 503 || r.body != `{"error":"Service Unavailable"}` || r.header.Get("Retry-After") != "7" {
		t.Errorf("status %d, body %s", r.status, r.body)
	}
	h.want(h.json(http.MethodPost, "/api/refresh", refreshParams(first.Refresh, id)), http.StatusServiceUnavailable, nil)
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(h.consent("demo").Get("code"))), http.StatusServiceUnavailable, nil)
	h.want(h.get("/api/v1/profile/"+otherID, second.Access), http.StatusOK, nil)
	h.want(h.form("/api/refresh", asForm(refreshParams(second.Refresh, otherID))), http.StatusOK, nil)
	calls := h.sim.Control().Calls()
	for route, want := range map[string]int{"authorize": 3, "token": 3, "refresh": 2, "profile": 2, "quantity": 0} {
		if got, known := calls.Routes[route]; got.Calls != want || !known {
			t.Errorf("%d calls of %s, want %d", got.Calls, route, want)
		}
	}
	log := h.get("/_control/calls", "").body
	for _, token := range []string{first.Access, first.Refresh, second.Access, password} {
		if strings.Contains(log, token) {
			t.Error("a credential is in the log of calls")
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) { s.ExtraSamples = 1 })
	id, pat := h.sim.UserID("demo"), h.pat("demo")
	var beats []map[string]any
	for i := range 500 {
		at := h.now.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
		beats = append(beats, sample("", at, at, 60))
	}
	h.put("heartRate", beats...)
	paths := []string{
		quantityPath(id, "stepCount", "page=2&pageSize=5000"),
		quantityPath(id, "stepCount", "page=2&pageSize=1000&endDate=2026-03-01"), // what arrives goes into the middle
		quantityPath(id, "heartRate", "page=2&pageSize=100&endDate="+h.now.Add(4*time.Minute).Format(time.RFC3339)),
		quantityPath(id, "stepCount", "pageSize=10000"), quantityPath(id, "heartRate", "pageSize=10000"), // and is read there
		quantityPath(id, "restingHeartRate", ""), "/api/v1/profile/" + id,
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 6 {
				for _, path := range paths {
					if r := h.get(path, pat); r.status != http.StatusOK {
						t.Errorf("status %d: %s", r.status, r.body)
					}
				}
				if i == 0 { // histories grow, and samples arrive, while pages are written
					h.sim.Control().Clock.Advance(30 * time.Hour)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkPageOfTenThousand(b *testing.B) {
	sim := onetwentyone.New(onetwentyone.Config{})
	begin := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := sim.LoadSteps("demo", func(add func(onetwentyone.Step) error) error {
		for i := range 2_000_000 {
			at := begin.Add(time.Duration(i) * time.Minute)
			if err := add(onetwentyone.Step{Start: at, End: at.Add(time.Minute), Value: float64(i % 200), Source: "phone", Product: "iPhone15,4"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	handler := sim.Handler()
	made := httptest.NewRecorder()
	handler.ServeHTTP(made, httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/_control/pats/demo", nil))
	var pat struct{ Token string }
	if err := json.Unmarshal(made.Body.Bytes(), &pat); err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, quantityPath(sim.UserID("demo"), "stepCount", "page=100&pageSize=10000"), nil)
	r.Header.Set("Authorization", "Bearer "+pat.Token)
	sim.Switch(func(s *onetwentyone.Switches) { s.DailyLimit = 1 << 30 })
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
		b.SetBytes(int64(w.Body.Len()))
	}
}

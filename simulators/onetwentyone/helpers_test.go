package onetwentyone_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators/onetwentyone"
)

const (
	clientID = "0a6f7b7e-0000-4000-8000-000000000001"
	password = "client secret of the test"
	redirect = "https://app.example/back?from=121"
)

// harness is a simulator served over HTTP, with its clock standing still.
type harness struct {
	*testing.T
	sim  *onetwentyone.Simulator
	base string
	http *http.Client
	now  time.Time
}

func start(t *testing.T, change func(*onetwentyone.Switches)) *harness {
	t.Helper()
	switches := onetwentyone.DefaultSwitches()
	if change != nil {
		change(&switches)
	}
	sim := onetwentyone.New(onetwentyone.Config{
		ClientID: clientID, ClientSecret: password, RedirectURIs: []string{"https://app.example/other", redirect}, Switches: &switches,
		HistoryStart: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h := &harness{T: t, sim: sim, base: server.URL, http: client, now: time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)}
	sim.Control().Clock.Freeze(h.now)
	return h
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

func (h *harness) call(method, path, token, contentType, body string) reply {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, h.base+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := h.http.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

func (h *harness) get(path, token string) reply {
	h.Helper()
	return h.call(http.MethodGet, path, token, "", "")
}

func (h *harness) form(path string, values url.Values) reply {
	h.Helper()
	return h.call(http.MethodPost, path, "", "application/x-www-form-urlencoded", values.Encode())
}

func (h *harness) json(method, path string, body any) reply {
	h.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		h.Fatal(err)
	}
	return h.call(method, path, "", "application/json", string(b))
}

// want reads a JSON answer of the wanted status into v, which may be nil.
func (h *harness) want(r reply, status int, v any) {
	h.Helper()
	if r.status != status {
		h.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(r.body), v); err != nil {
			h.Fatalf("%v: %s", err, r.body)
		}
	}
}

func consentForm(user string, scopes ...string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirect}, "state": {"s t&te"},
		"user": {user}, "decision": {"allow"}, "scope": scopes,
	}
}

// consent allows scopes, all if none are given, and answers the query that the browser would bring back.
func (h *harness) consent(user string, scopes ...string) url.Values {
	h.Helper()
	if len(scopes) == 0 {
		scopes = onetwentyone.Scopes()
	}
	r := h.form("/authorize", consentForm(user, scopes...))
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), redirect+"&") {
		h.Fatalf("status %d, Location %q: %s", r.status, r.header.Get("Location"), r.body)
	}
	u, err := url.Parse(r.header.Get("Location"))
	if err != nil {
		h.Fatal(err)
	}
	return u.Query()
}

func exchangeParams(code string) map[string]string {
	return map[string]string{"code": code, "client_id": clientID, "client_secret": password, "redirect_uri": redirect}
}

func refreshParams(token, userID string) map[string]string {
	return map[string]string{"refresh_token": token, "client_id": clientID, "client_secret": password, "user_id": userID}
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires *int   `json:"expires_in"`
}

// link goes through consent and exchange.
func (h *harness) link(user string, scopes ...string) (tokens, string) {
	h.Helper()
	back := h.consent(user, scopes...)
	var out tokens
	h.want(h.json(http.MethodPost, "/api/token", exchangeParams(back.Get("code"))), http.StatusOK, &out)
	if out.Access == "" || out.Refresh == "" {
		h.Fatal("a token is missing")
	}
	return out, back.Get("user_id")
}

// pat makes a personal access token over the control endpoint.
func (h *harness) pat(name string) string {
	h.Helper()
	var out struct{ Token string }
	h.want(h.call(http.MethodPost, "/_control/pats/"+name, "", "", ""), http.StatusOK, &out)
	return out.Token
}

type pageOf struct {
	Pagination struct {
		Page int     `json:"current_page"`
		More bool    `json:"has_more"`
		Next *string `json:"next_page"`
		Prev *string `json:"prev_page"`
	}
	Limit *struct {
		Limit     int   `json:"X-RateLimit-Limit"`
		Remaining int   `json:"X-RateLimit-Remaining"`
		Reset     int64 `json:"X-RateLimit-Reset"`
	}
	Data []struct {
		ID     string
		Value  float64
		Start  string  `json:"start_date"`
		End    string  `json:"end_date"`
		Source *string `json:"source_name"`
		Device *string `json:"source_device"`
	}
}

// ids is what a page holds, in order.
func (p pageOf) ids() string {
	var ids []string
	for _, item := range p.Data {
		ids = append(ids, item.ID)
	}
	return strings.Join(ids, " ")
}

func quantityPath(userID, metric, query string) string {
	return "/api/v1/quantity/" + userID + "/" + metric + "?" + query
}

func sample(id, start, end string, value float64) map[string]any {
	return map[string]any{"id": id, "start": start, "end": end, "value": value, "device": "phone"}
}

// put replaces what demo has of a metric.
func (h *harness) put(metric string, samples ...map[string]any) {
	h.Helper()
	h.want(h.json(http.MethodPut, "/_control/people/demo", map[string]any{"samples": map[string]any{metric: samples}}), http.StatusOK, nil)
}

func (h *harness) samples(token, query string) (p pageOf) {
	h.Helper()
	h.want(h.get(quantityPath(h.sim.UserID("demo"), "stepCount", query), token), http.StatusOK, &p)
	return p
}

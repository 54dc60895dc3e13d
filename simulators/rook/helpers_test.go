package rook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
)

const (
	clientUUID = "0b7f3f0e-6f0a-4a54-9d53-2a1f5c0d9a11"
	secret     = "a secret of this test"
)

// upstream is a simulator on a port of its own, whose clock stands at noon in Paris on 2 April 2026.
type upstream struct {
	*httptest.Server
	t   *testing.T
	sim *rook.Simulator
}

func start(t *testing.T) *upstream {
	t.Helper()
	clock := simulators.NewClock()
	clock.Freeze(time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC))
	sim := rook.New(rook.Config{ClientUUID: clientUUID, Secret: secret, Clock: clock})
	u := &upstream{httptest.NewServer(sim.Handler()), t, sim}
	u.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(u.Close)
	return u
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send asks as a proper client of the API does, unless edit changes the request.
func (u *upstream) send(method, path, body string, edit func(*http.Request)) reply {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.URL+path, strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	req.SetBasicAuth(clientUUID, secret)
	req.Header.Set("User-Agent", "simulator-test/1")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if edit != nil {
		edit(req)
	}
	res, err := u.Client().Do(req)
	if err != nil {
		u.t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		u.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

func (u *upstream) want(method, path, body string, status int, contains ...string) reply {
	u.t.Helper()
	got := u.send(method, path, body, nil)
	u.check(got, method+" "+path, status, contains...)
	return got
}

func (u *upstream) check(got reply, what string, status int, contains ...string) {
	u.t.Helper()
	if got.status != status {
		u.t.Fatalf("%s: %d %s, want %d", what, got.status, got.body, status)
	}
	for _, part := range contains {
		if !strings.Contains(got.body, part) {
			u.t.Errorf("%s: %s does not have %q", what, got.body, part)
		}
	}
}

// set changes switches over HTTP.
func (u *upstream) set(patch string) {
	u.t.Helper()
	u.want("PATCH", "/_control/switches", patch, 200)
}

// person overrides somebody over HTTP.
func (u *upstream) person(user, change string) {
	u.t.Helper()
	u.want("PUT", "/_control/people/"+user, change, 200)
}

func (u *upstream) advance(d string) {
	u.t.Helper()
	u.want("POST", "/_control/clock", `{"advance":"`+d+`"}`, 200)
}

// linked are the sources that the v2 list shows as authorized.
func (u *upstream) linked(user string) []string {
	u.t.Helper()
	var list struct {
		DataSources []struct {
			DataSource string `json:"data_source"`
			Authorized bool   `json:"authorized"`
		} `json:"data_sources"`
	}
	u.decode(u.want("GET", "/api/v2/user_id/"+user+"/data_sources/authorized", "", 200), &list)
	names := []string{}
	for _, s := range list.DataSources {
		if s.Authorized {
			names = append(names, s.DataSource)
		}
	}
	return names
}

func (u *upstream) wantLinked(user string, want ...string) {
	u.t.Helper()
	if got := u.linked(user); !slices.Equal(got, want) {
		u.t.Errorf("%s has linked %q, want %q", user, got, want)
	}
}

func (u *upstream) decode(got reply, v any) {
	u.t.Helper()
	if err := json.Unmarshal([]byte(got.body), v); err != nil {
		u.t.Fatalf("%s: %v", got.body, err)
	}
}

// at goes down an object by a dotted path.
func at(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		o, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = o[key]
	}
	return v
}

// summary is the physical summary document, and its steps.
func (u *upstream) summary(user, date string) (doc map[string]any, steps any) {
	u.t.Helper()
	u.decode(u.want("GET", "/v2/processed_data/physical_health/summary?user_id="+user+"&date="+date, "", 200), &doc)
	return doc, at(doc, "physical_health.summary.physical_summary.distance.steps_int")
}

func (u *upstream) noSummary(user, date string) {
	u.t.Helper()
	if got := u.want("GET", "/v2/processed_data/physical_health/summary?user_id="+user+"&date="+date, "", 204); got.body != "" {
		u.t.Errorf("204 with a body: %s", got.body)
	}
}

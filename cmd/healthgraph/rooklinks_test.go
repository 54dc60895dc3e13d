package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// rookConsent begins at authorizationUrl and decides on the simulated provider's page; it gives where the browser ends.
func (w *world) rookConsent(user, dataSource, decision string) string {
	w.t.Helper()
	var data struct {
		AuthorizationURL page `json:"authorizationUrl"`
	}
	w.ask(w.token(user), `query($s: ID!) { authorizationUrl(dataSource: $s, redirectUrl: "https://app.example/rook") `+pageFields+` }`, map[string]any{"s": dataSource}).into(&data)
	require.Nil(w.t, data.AuthorizationURL.Problem)
	u, err := url.Parse(data.AuthorizationURL.URL)
	require.NoError(w.t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(u.Scheme+"://"+u.Host+u.Path, url.Values{"state": {u.Query().Get("state")}, "decision": {decision}})
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	require.Equal(w.t, http.StatusSeeOther, response.StatusCode)
	return response.Header.Get("Location")
}

func TestARookLinkIsPendingUntilRookShowsIt(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := newWorld(t, worldOptions{databaseURL: databaseURL})
		w.rook.Configure(func(s *rook.Switches) { s.ConnectDelay = simulators.Duration(5 * time.Minute) })
		id := w.links("p")["fitbit"].ID
		returned := w.rookConsent("p", "fitbit", "allow")
		assert.True(t, strings.HasPrefix(returned, "https://app.example/rook/client_uuid/"), "what ROOK makes of the return URL")
		w.forgetCalls()
		done := w.complete("p", returned, "fitbit").completed()
		assert.Equal(t, map[string]int{"rook.authorized_v2": 1}, w.calls())
		assert.Equal(t, []string{id, "PENDING", "NOT_CONNECTED"}, []string{done.Link.ID, done.Link.Status, done.Problem.Code})
		assert.Equal(t, "PENDING", w.links("p")["fitbit"].Status)
		assert.Equal(t, "NOT_CONNECTED", w.links("p")["oura"].Status, "its neighbour")
		w.clock.Advance(5 * time.Minute)
		l := w.links("p")["fitbit"]
		assert.Equal(t, []string{id, "CONNECTED", w.clock.Now().Format(time.RFC3339)}, []string{l.ID, l.Status, l.ConnectedAt})
		assert.Equal(t, "CONNECTED", w.complete("p", returned, "fitbit").completed().Link.Status, "again: nothing is spent here")
	})
}

func TestPendingGivesWayToWhatRookGoesOnSaying(t *testing.T) {
	w := newWorld(t, worldOptions{})
	done := w.complete("p", w.rookConsent("p", "fitbit", "deny"), "fitbit").completed()
	assert.Equal(t, "PENDING", done.Link.Status, "nobody can tell a no from a yes that is late")
	w.clock.Advance(16 * time.Minute)
	assert.Equal(t, "NOT_CONNECTED", w.links("p")["fitbit"].Status)
}

func TestAPersonInTheReturnedURLIsNeverBelieved(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.forgetCalls()
	done := w.complete("p", "https://app.example/rook/client_uuid/demoClientUUID/user_id/demo", "garmin").completed() // demo has Garmin
	assert.Equal(t, "PENDING", done.Link.Status)
	for _, call := range w.rook.Control().Calls().Log {
		assert.Contains(t, call.Path, "/user_id/p/")
	}
	a := w.ask(w.service(), completion, map[string]any{"url": "https://app.example/rook/client_uuid/x/user_id/demo", "s": "garmin"})
	assert.Equal(t, "BAD_USER_INPUT", a.code())
	assert.Equal(t, "input.userId", a.Errors[0].Extensions["argument"])
}

func TestARevocationSaysWhatRookConfirmed(t *testing.T) {
	for _, test := range []struct {
		name           string
		switches       func(*rook.Switches)
		user           string
		outcome, after string
		problem        string
		late           bool
	}{
		{"linked, and ended at once", func(*rook.Switches) {}, "demo", "REVOKED_UPSTREAM", "REVOKED", "", true},
		{"it takes hours", func(s *rook.Switches) { s.RevokeDelay = simulators.Duration(2 * time.Hour) }, "demo", "REVOKED_UPSTREAM_PENDING", "REVOKING", "", true},
		{"never linked, 422", func(*rook.Switches) {}, "stranger", "ALREADY_REVOKED", "NOT_CONNECTED", "", false},
		{"never linked, 204", func(s *rook.Switches) { s.RevokeNotConnectedStatus = 204 }, "stranger", "ALREADY_REVOKED", "NOT_CONNECTED", "", false},
		{"never linked, 200", func(s *rook.Switches) { s.RevokeNotConnectedStatus = 200 }, "stranger", "REVOKED_UPSTREAM", "REVOKED", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.rook.Configure(test.switches)
			before := w.links(test.user)["garmin"]
			w.forgetCalls()
			got := w.revoke(test.user, "garmin")
			lists := map[bool]int{true: 1, false: 2}[test.user == "demo"] // nothing is kept of a stranger: their list is read before as well
			assert.Equal(t, map[string]int{"rook.revoke_auth": 1, "rook.authorized_v2": lists}, w.calls())
			assert.Equal(t, []string{test.outcome, before.ID}, []string{got.Outcome, got.Link.ID})
			if test.after != "" {
				assert.Equal(t, test.after, got.Link.Status)
			}
			assert.Equal(t, test.late, got.LateDataUntil != "")
			assert.Nil(t, got.Problem)
			if test.user == "demo" {
				assert.Equal(t, "CONNECTED", w.links("demo")["apple_health"].Status, "other links are left alone")
			}
			if test.outcome == "REVOKED_UPSTREAM_PENDING" {
				assert.Equal(t, "REVOKING", w.links("demo")["garmin"].Status)
				assert.Contains(t, []string{"REVOKED_UPSTREAM_PENDING"}, w.revoke("demo", "garmin").Outcome, "again")
				w.clock.Advance(2 * time.Hour)
				assert.Equal(t, "REVOKED", w.links("demo")["garmin"].Status)
			}
			again := w.revoke(test.user, "garmin")
			if test.name != "never linked, 200" { // ROOK took it again, and there is no telling that it had nothing to do
				assert.Equal(t, "ALREADY_REVOKED", again.Outcome)
			}
			w.rookPerson(test.user, `{"sources": {"Garmin": true}}`)
			w.clock.Advance(7 * time.Hour) // beyond the time in which a link may linger
			l := w.links(test.user)["garmin"]
			assert.Equal(t, []string{before.ID, "CONNECTED"}, []string{l.ID, l.Status}, "linked again: the same link")
		})
	}
}

func TestASourceThatRookDoesNotLetUsRevokeIsToldSo(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rook.Configure(func(s *rook.Switches) { s.RevokableSources = "listed2024" }) // without Withings
	w.rookPerson("p", `{"sources": {"Withings": true}}`)
	got := w.revoke("p", "withings")
	assert.Equal(t, []string{"FAILED", "CONNECTED", "UNSUPPORTED"}, []string{got.Outcome, got.Link.Status, got.Problem.Code})
	assert.Equal(t, "CONNECTED", w.links("p")["withings"].Status)
}

func TestTheOlderListIsReadWhereTheNewerOneIsMissing(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rook.Configure(func(s *rook.Switches) { s.V2List, s.NullSources = false, []string{"Dexcom"} })
	w.forgetCalls()
	links := w.links("demo")
	assert.Equal(t, map[string]int{"rook.authorized_v2": 1, "rook.authorized_v1": 1}, w.calls())
	assert.Equal(t, []string{"CONNECTED", "CONNECTED", "NOT_CONNECTED"}, []string{links["garmin"].Status, links["apple_health"].Status, links["oura"].Status})
	assert.NotContains(t, links, "dexcom", "null: not offered to this client")
}

func TestASourceThatTheCatalogueLacksIsShownFilteredRevokedAndRemembered(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := newWorld(t, worldOptions{databaseURL: databaseURL})
		unknown := w.ask(w.token("demo"), `{ connections(dataSources: ["garmin_beta"]) { id } }`, nil)
		assert.Equal(t, "BAD_USER_INPUT", unknown.code(), "not yet seen")
		w.rook.Configure(func(s *rook.Switches) { s.ExtraSources = []string{"Garmin Beta"} })
		first := w.links("demo")["garmin_beta"]
		assert.Equal(t, source{"garmin_beta", "Garmin Beta", "rook"}, first.DataSource)
		for _, again := range []string{"the same process", "another process on the same database"} {
			t.Run(again, func(t *testing.T) {
				var data struct {
					Connections []link
					DataSources []source
				}
				w.ask(w.token("demo"), `{ connections(dataSources: ["garmin_beta"]) `+linkFields+` dataSources { id name connector } }`, nil).into(&data)
				assert.Equal(t, []link{first}, data.Connections)
				assert.Equal(t, first.DataSource, data.DataSources[len(data.DataSources)-1], "after the catalogue")
				assert.Equal(t, "ALREADY_REVOKED", w.revoke("demo", "garmin_beta").Outcome)
			})
			w.restart(nil)
		}
		w.rook.Configure(func(s *rook.Switches) { s.ExtraSources = nil })
		assert.NotContains(t, w.links("demo"), "garmin_beta", "no longer offered")
	})
}

func TestNothingOfAnEMailAddressReachesRook(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := newWorld(t, worldOptions{databaseURL: databaseURL})
		const person = "rosalind.franklin@kings.example"
		first := w.links(person)
		w.restart(nil)
		assert.Equal(t, first, w.links(person), "the same id after a restart")
		w.steps(person, someDays)
		w.revoke(person, "garmin")
		w.rookConsent(person, "fitbit", "allow")
		assert.Equal(t, "CONNECTED", w.complete(person, "https://app.example/rook", "fitbit").completed().Link.Status)
		ids := map[string]bool{}
		for _, call := range w.rook.Control().Calls().Log {
			seen, _ := url.QueryUnescape(call.Path + "?" + call.Query)
			assert.Empty(t, contains(strings.ToLower(seen), "rosalind", "franklin", "kings", "example@", "%40", "@"))
			if _, rest, ok := strings.Cut(call.Path, "/user_id/"); ok {
				id, _, _ := strings.Cut(rest, "/")
				ids[id] = true
			}
		}
		assert.Len(t, ids, 1)
		for id := range ids {
			assert.Regexp(t, "^hg-[0-9a-f]{32}$", id)
		}
	})
}

func TestNobodysGeneratedIDCanBeTakenByNamingOneselfSo(t *testing.T) {
	w := newWorld(t, worldOptions{})
	const victim = "hg-0123456789abcdef0123456789abcdef"
	w.rookPerson(victim, `{"sources": {"Garmin": true}}`)
	assert.Equal(t, "NOT_CONNECTED", w.links(victim)["garmin"].Status)
}

func TestPeopleAndLinksAreFoundByTheirIDsAlone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	mine, theirs := w.links("demo")["garmin"].ID, w.links("other")["garmin"].ID
	const query = `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on DataSourceLink { status } ... on User { connections(dataSources: ["garmin"]) { id } } } }`
	a := w.ask(w.token("demo"), query, map[string]any{"ids": []string{mine, theirs, "demo", "other", "link_nobodys", "link_" + strings.Repeat("x", 300), mine}})
	assert.JSONEq(t, `{"nodes": [{"__typename": "DataSourceLink", "id": "`+mine+`", "status": "CONNECTED"}, null,
		{"__typename": "User", "id": "demo", "connections": [{"id": "`+mine+`"}]}, null, null, null, {"__typename": "DataSourceLink", "id": "`+mine+`", "status": "CONNECTED"}]}`, string(a.Data))
	var paths []any
	for _, e := range a.Errors {
		assert.Equal(t, "FORBIDDEN", e.Extensions["code"])
		paths = append(paths, e.Path[1])
	}
	assert.Equal(t, []any{1.0, 3.0}, paths, "one error for each place")
	assert.True(t, strings.HasPrefix(mine, health.LinkIDPrefix))

	service := w.ask(w.service(), query, map[string]any{"ids": []string{theirs, "other"}})
	assert.Empty(t, service.Errors)
	one := w.ask(w.token("demo"), `query($id: ID!) { node(id: $id) { id } missing: node(id: "link_nobodys") { id } }`, map[string]any{"id": theirs})
	assert.Equal(t, "FORBIDDEN", one.code())
	assert.JSONEq(t, `{"node": null, "missing": null}`, string(one.Data))
}

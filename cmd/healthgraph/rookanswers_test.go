package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

const (
	rookReturn = "https://app.example/rook"
	forTheLog  = "an upstream's answer needs the operator"
)

func TestAWrongAddressOfRookDisconnectsNobody(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := newWorld(t, worldOptions{databaseURL: databaseURL})
		w.steps("demo", someDays) // finds out how new the newest data is
		before, good := w.links("demo"), w.steps("demo", someDays)
		require.Equal(t, "CONNECTED", before["garmin"].Status)
		rows, address := w.rowsOf("links"), w.settings.RookBaseURL
		w.clock.Advance(50 * time.Minute)

		w.restart(func(s *settings) { s.RookBaseURL += "/elsewhere" }) // ROOK's own 404, in its envelope, to everything
		require.Empty(t, contains(w.log.String(), forTheLog))
		for id, l := range w.links("demo") {
			if id == "onetwentyone" {
				continue
			}
			require.NotNil(t, l.Problem, id)
			assert.Equal(t, []string{before[id].ID, "UNKNOWN", before[id].Status, invalid, before[id].ConnectedAt}, []string{l.ID, l.Status, l.LastKnownStatus, l.Problem.Code, l.ConnectedAt}, id)
		}
		assert.NotEmpty(t, contains(w.log.String(), `"level":"ERROR","msg":"`+forTheLog+`","connector":"rook","code":"UPSTREAM_INVALID"`))
		got := w.steps("demo", someDays)
		for _, d := range got.Days {
			assert.Equal(t, "- UNAVAILABLE", d.short(), d.Date)
			assert.Equal(t, "UNAVAILABLE", d.of("rook").Presence, d.Date)
		}
		assert.False(t, got.Complete)
		require.Len(t, got.Problems, 1)
		assert.Equal(t, invalid, got.Problems[0].Code)
		assert.ElementsMatch(t, rows, w.rowsOf("links"), "what is remembered")
		stranger := w.links("stranger")["garmin"]
		assert.Equal(t, "NOT_CONNECTED", stranger.Status, "whom nobody ever knew")
		assert.Nil(t, stranger.Problem)

		w.restart(func(s *settings) { s.RookBaseURL = address })
		after := w.links("demo")
		for id, l := range before {
			assert.Equal(t, []any{l.ID, l.Status, l.ConnectedAt, l.Problem}, []any{after[id].ID, after[id].Status, after[id].ConnectedAt, after[id].Problem}, id)
		}
		assert.Equal(t, good.short(), w.steps("demo", someDays).short())
	})
}

func TestAStrangerToRookIsSimplyNotConnected(t *testing.T) {
	for _, answers := range []int{http.StatusOK, http.StatusNoContent, http.StatusNotFound} {
		t.Run(http.StatusText(answers), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.rook.Configure(func(s *rook.Switches) { s.UnknownUserStatus = answers })
			for range 2 { // also once their links are remembered
				links := w.links("stranger")
				assert.Len(t, links, 12)
				for id, l := range links {
					assert.Equal(t, "NOT_CONNECTED", l.Status, id)
					assert.Nil(t, l.Problem, id)
				}
				assert.Equal(t, "NOT_CONNECTED", w.steps("stranger", someDays).Days[0].Presence)
			}
			assert.Empty(t, w.log.String())
		})
	}
}

func TestALinkThatWasMadeBehindOurBackIsRevokedAsOne(t *testing.T) {
	w := newWorld(t, worldOptions{})
	require.Equal(t, "NOT_CONNECTED", w.links("p")["garmin"].Status)
	w.rookPerson("p", `{"sources": {"Garmin": true}}`)
	got := w.revoke("p", "garmin")
	assert.Equal(t, []string{"REVOKED_UPSTREAM", "REVOKED", today.Add(6 * time.Hour).Format(time.RFC3339)}, []string{got.Outcome, got.Link.Status, got.LateDataUntil})
	assert.Nil(t, got.Problem)
}

func TestRevokingWhatWasNeverLinkedLeavesItNotConnected(t *testing.T) {
	for _, answers := range []int{http.StatusNoContent, http.StatusUnprocessableEntity} {
		t.Run(http.StatusText(answers), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.rook.Configure(func(s *rook.Switches) { s.RevokeNotConnectedStatus = answers })
			w.links("stranger")
			for range 2 {
				got := w.revoke("stranger", "garmin")
				assert.Equal(t, []string{"ALREADY_REVOKED", "NOT_CONNECTED", ""}, []string{got.Outcome, got.Link.Status, got.LateDataUntil})
				assert.Equal(t, "NOT_CONNECTED", w.links("stranger")["garmin"].Status)
			}
		})
	}
}

func TestARevocationThatRookDidNotTakeHasFailed(t *testing.T) {
	for _, test := range []struct {
		name, user string
		fault      simulators.Fault
		code       string
		link, last string // the link's status in the answer, and the last known one
		linkCode   string
	}{
		{"down, at the first contact", "newcomer", status(503, "30"), unavailable, "UNKNOWN", "", unavailable},
		{"down, for a link that is known", "demo", status(503, "30"), unavailable, "UNKNOWN", "CONNECTED", unavailable},
		{"a page of HTML, at the first contact", "newcomer", kind(simulators.KindHTML), invalid, "UNKNOWN", "", invalid},
		{"a page of HTML", "demo", kind(simulators.KindHTML), invalid, "UNKNOWN", "CONNECTED", invalid},
		{"an empty 200", "demo", kind(simulators.KindEmpty), invalid, "UNKNOWN", "CONNECTED", invalid},
		{"a page of HTML to the revocation alone", "demo", simulators.Fault{Route: rook.RouteRevoke, Kind: simulators.KindHTML}, invalid, "CONNECTED", "", ""},
		{"an empty 200 to the revocation alone", "demo", simulators.Fault{Route: rook.RouteRevoke, Kind: simulators.KindEmpty}, invalid, "CONNECTED", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.links("demo")
			rows := w.rowsOf("links")
			w.fault(w.rook.Control(), test.fault)
			got := w.revoke(test.user, "garmin")
			require.NotNil(t, got.Problem)
			assert.Equal(t, []string{"FAILED", test.code, ""}, []string{got.Outcome, got.Problem.Code, got.LateDataUntil})
			assert.Equal(t, []string{test.link, test.last}, []string{got.Link.Status, got.Link.LastKnownStatus})
			if test.linkCode == "" {
				assert.Nil(t, got.Link.Problem)
			} else {
				require.NotNil(t, got.Link.Problem)
				assert.Equal(t, test.linkCode, got.Link.Problem.Code)
			}
			assert.Equal(t, rows, w.rowsOf("links"), "a failure changes no link")
			w.fault(w.rook.Control())
			assert.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
		})
	}
}

// Whether a revocation was done whose answer was lost, nobody knows; the list does.
func TestARevocationWhoseAnswerIsLostShowsHowTheLinkStands(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  simulators.Fault
		status string
	}{
		{"not done", status(503, ""), "CONNECTED"},
		{"done", kind(simulators.KindTruncated), "NOT_CONNECTED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			require.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
			test.fault.Route = rook.RouteRevoke
			w.fault(w.rook.Control(), test.fault)
			w.forgetCalls()
			got := w.revoke("demo", "garmin")
			assert.Equal(t, map[string]int{"rook.revoke_auth": 1, "rook.authorized_v2": 1}, w.calls())
			require.NotNil(t, got.Problem)
			assert.Equal(t, []string{"FAILED", unavailable}, []string{got.Outcome, got.Problem.Code})
			assert.Equal(t, [3]string{test.status, "", today.Format(time.RFC3339)}, got.Link.state())
			assert.Nil(t, got.Link.Problem)
		})
	}
}

func TestASourceThatRookNoLongerOffersIsNotSaidToBeConnected(t *testing.T) {
	for _, test := range []struct {
		name    string
		stop    func(w *world)
		outcome string
		status  string
	}{
		{"to this person", func(w *world) { w.rookPerson("demo", `{"sources": {"Garmin": null}}`) }, "ALREADY_REVOKED", "NOT_CONNECTED"},
		{"to this client, which may revoke it", func(w *world) {
			w.rook.Configure(func(s *rook.Switches) { s.NullSources = []string{"Garmin"} })
		}, "REVOKED_UPSTREAM", "REVOKED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			before := w.links("demo")["garmin"]
			require.Equal(t, "CONNECTED", before.Status)
			test.stop(w)
			done := w.complete("demo", rookReturn, "garmin").completed()
			assert.Equal(t, []string{before.ID, "NOT_CONNECTED", ""}, []string{done.Link.ID, done.Link.Status, done.Link.ConnectedAt})
			require.NotNil(t, done.Problem)
			assert.Equal(t, "NOT_CONNECTED", done.Problem.Code)
			got := w.revoke("demo", "garmin")
			assert.Equal(t, []string{test.outcome, test.status}, []string{got.Outcome, got.Link.Status})
			assert.Nil(t, got.Problem)
			assert.NotContains(t, w.links("demo"), "garmin")
		})
	}
}

func TestAReturnWhileRookIsDownHidesNoOtherLink(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.fault(w.rook.Control(), status(503, ""))
	done := w.complete("newcomer", rookReturn, "garmin").completed()
	require.NotNil(t, done.Problem)
	assert.Equal(t, []string{"UNKNOWN", unavailable}, []string{done.Link.Status, done.Problem.Code})
	links := w.links("newcomer")
	assert.Len(t, links, 12, "ROOK's eleven and OneTwentyOne's one")
	for id, l := range links {
		if l.DataSource.Connector == "rook" {
			assert.Equal(t, "UNKNOWN", l.Status, id)
		}
	}
	assert.Equal(t, done.Link.ID, links["garmin"].ID)
	w.fault(w.rook.Control())
	links = w.links("newcomer")
	assert.Len(t, links, 12)
	assert.Equal(t, []string{"PENDING", "NOT_CONNECTED"}, []string{links["garmin"].Status, links["oura"].Status}, "the return counts")
}

func TestAPhoneSourceIsNeverPending(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, id := range []string{"apple_health", "health_connect", "samsung_health", "android"} {
		done := w.complete("p", rookReturn, id).completed()
		require.NotNil(t, done.Problem, id)
		assert.Equal(t, []string{"NOT_CONNECTED", "NOT_CONNECTED"}, []string{done.Link.Status, done.Problem.Code}, id)
		assert.Contains(t, done.Problem.Message, "in a phone app", id)
		assert.Equal(t, "NOT_CONNECTED", w.links("p")[id].Status, id)
	}
	done := w.complete("demo", rookReturn, "apple_health").completed()
	assert.Equal(t, "CONNECTED", done.Link.Status)
	assert.Nil(t, done.Problem)
}

func TestASourceThatRookHasNoPageForIsUnsupportedAndNobodysFault(t *testing.T) {
	for _, answers := range []int{http.StatusUnprocessableEntity, http.StatusNotFound} {
		t.Run(http.StatusText(answers), func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.rook.Configure(func(s *rook.Switches) { s.ExtraSources, s.UnknownSourceStatus = []string{"Garmin Beta"}, answers })
			require.Contains(t, w.links("p"), "garmin_beta")
			var data struct {
				AuthorizationURL page `json:"authorizationUrl"`
				Connections      []map[string]any
			}
			w.ask(w.token("p"), `{ authorizationUrl(dataSource: "garmin_beta") `+pageFields+` connections(dataSources: ["garmin_beta"]) { status authorizationUrl } }`, nil).into(&data)
			require.NotNil(t, data.AuthorizationURL.Problem)
			assert.Equal(t, "UNSUPPORTED", data.AuthorizationURL.Problem.Code)
			assert.Equal(t, []map[string]any{{"status": "NOT_CONNECTED", "authorizationUrl": nil}}, data.Connections, "no browser flow is null, not an error")
			assert.Empty(t, strings.TrimSpace(w.log.String()))
		})
	}
}

// What the list would say of a source that it was last without is as unknown, while it can't be read, as what it would say of the others.
func TestASourceBeyondTheLastKnownSetIsUnknownWhileRookIsDown(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rook.Configure(func(s *rook.Switches) { s.NullSources = []string{"Oura", "Samsung Health"} })
	require.NotContains(t, w.links("demo"), "oura", "the set as it was last known")
	w.fault(w.rook.Control(), listDown)
	for _, user := range []string{"demo", "newcomer"} {
		was := map[string][3]string{"demo": {"UNKNOWN", "NOT_CONNECTED", today.Format(time.RFC3339)}, "newcomer": {"UNKNOWN", "", ""}}[user]
		done := w.complete(user, rookReturn, "samsung_health").completed()
		assert.Equal(t, was, done.Link.state())
		require.NotNil(t, done.Link.Problem)
		require.NotNil(t, done.Problem)
		assert.Equal(t, []string{unavailable, unavailable}, []string{done.Link.Problem.Code, done.Problem.Code})
		got := w.revoke(user, "oura") // ROOK takes it with a 422: there was nothing to end, or it can't be ended
		assert.Equal(t, "FAILED", got.Outcome)
		assert.Equal(t, was, got.Link.state())
	}
	w.fault(w.rook.Control())
	for _, user := range []string{"demo", "newcomer"} {
		done := w.complete(user, rookReturn, "samsung_health").completed()
		assert.Equal(t, []string{"NOT_CONNECTED", "NOT_CONNECTED"}, []string{done.Link.Status, done.Problem.Code})
		assert.Equal(t, "ALREADY_REVOKED", w.revoke(user, "oura").Outcome)
	}
}

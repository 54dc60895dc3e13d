package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

const someDays = `from: "2026-04-09", to: "2026-04-14"`

func TestWhileRookIsDownWhatItLastOfferedIsShown(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.rook.Configure(func(s *rook.Switches) {
			s.NullSources, s.ExtraSources = []string{"Dexcom"}, []string{"Garmin Beta"} // not offered; not in our catalogue
		})
		w.rookPerson("known", `{"sources": {"Garmin": true}}`)
		known := w.links("known")
		w.links("unlinked")
		assert.NotContains(t, known, "dexcom")
		w.fault(w.rook.Control(), status(503, ""))
		offered := []string{"garmin", "oura", "polar", "fitbit", "withings", "whoop", "apple_health", "health_connect", "samsung_health", "android", "onetwentyone", "garmin_beta"}
		for _, user := range []string{"known", "unlinked", "stranger"} {
			links := w.links(user)
			for _, id := range offered {
				want := "UNKNOWN"
				if id == "onetwentyone" {
					want = "NOT_CONNECTED"
				}
				assert.Equal(t, want, links[id].Status, "%s of %s", id, user)
			}
			assert.Len(t, links, len(offered), user)
		}
		w.fault(w.rook.Control())
		assert.Equal(t, known, w.links("known"), "a failure changes no link")
	})
}

func TestANotFoundInRooksOwnWordsMeansThatNothingIsLinked(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.rook.Configure(func(s *rook.Switches) { s.UnknownUserStatus = http.StatusNotFound })
	l := w.links("stranger")["garmin"]
	assert.Equal(t, "NOT_CONNECTED", l.Status)
	assert.Nil(t, l.Problem)
}

func TestAFailedLinkListCostsTheAddressesOfItsLinksAlone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.fault(w.rook.Control(), status(503, "30"))
	w.forgetCalls()
	a := w.ask(w.token("demo"), `{ connections(dataSources: ["fitbit", "onetwentyone"]) { status authorizationUrl } dataSources { id } }`, nil)
	assert.Empty(t, a.Errors, "the link's problem says it already")
	assert.Contains(t, string(a.Data), `{"status":"UNKNOWN","authorizationUrl":null},{"status":"NOT_CONNECTED","authorizationUrl":"http`)
	assert.Equal(t, map[string]int{"rook.authorized_v2": 1}, w.calls(), "what is known to be down is not asked again")
}

func TestDaysThatCouldBeReadStand(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault simulators.Fault
		code  string
	}{
		{"down for some", simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindStatus, Status: 502, Times: 2}, unavailable},
		{"nonsense for some", simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindHTML, Times: 2}, invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			good := w.steps("demo", someDays)
			w.fault(w.rook.Control(), test.fault)
			got := w.steps("demo", someDays)
			assert.False(t, got.Complete)
			require.Len(t, got.Problems, 1)
			assert.Equal(t, test.code, got.Problems[0].Code)
			assert.Contains(t, got.Problems[0].Message, "2 of 6 days")
			unread := 0
			for i, d := range got.Days {
				if d.Presence == "UNAVAILABLE" {
					assert.Nil(t, d.Steps)
					unread++
				} else {
					assert.Equal(t, good.Days[i].short(), d.short())
				}
			}
			assert.Equal(t, 2, unread)
		})
	}
}

func TestAnUnreadableListDoesNotCostTheSteps(t *testing.T) {
	w := newWorld(t, worldOptions{})
	good := w.steps("demo", someDays)
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteAuthorizedV2, Kind: simulators.KindHTML})
	assert.Equal(t, good.short(), w.steps("demo", someDays).short())
}

func TestOnceRateLimitedRookIsNotAskedForTheOtherDays(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindStatus, Status: 429, RetryAfter: "60"})
	w.forgetCalls()
	got := w.steps("demo", `from: "2026-01-01", to: "2026-03-31"`)
	assert.Equal(t, []string{limited, "PT1M"}, []string{got.Problems[0].Code, got.Problems[0].RetryAfter})
	assert.Nil(t, got.Total)
	assert.LessOrEqual(t, w.calls()["rook.physical_summary"], 16, "those in flight, of 90")
}

func TestAPersonsTokenIsRenewedOnceAfterA401(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("p", "person-2")
		good := w.steps("p", someDays)
		require.NotNil(t, good.Total)
		for _, test := range []struct {
			name          string
			before        func()
			calls         map[string]int
			code, status  string
			afterwards    string // once the cause is gone
			presence      string
			restoreByLink bool
		}{
			{
				name:   "ended before its time: the refresh mends it, nobody notices",
				before: func() { w.control(w.oneTwentyOne.Handler(), http.MethodPost, "/_control/grants/person-2/expire", "") },
				calls:  map[string]int{"onetwentyone.quantity": 2, "onetwentyone.refresh": 1}, status: "CONNECTED", presence: "VALUE",
			},
			{
				name: "the upstream is down while the token is renewed: nothing is known of the link",
				before: func() {
					w.control(w.oneTwentyOne.Handler(), http.MethodPost, "/_control/grants/person-2/expire", "")
					w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "refresh", Kind: simulators.KindStatus, Status: 503})
				},
				calls: map[string]int{"onetwentyone.quantity": 1, "onetwentyone.refresh": 1}, code: unavailable, status: "CONNECTED", presence: "UNAVAILABLE",
			},
			{
				name:   "the scope was withdrawn",
				before: func() { w.oneTwentyOnePerson("person-2", `{"scopes": ["profile"]}`) },
				calls:  map[string]int{"onetwentyone.quantity": 1}, code: relink, status: "CONNECTED", presence: "NO_PERMISSION",
			},
			{
				name: "refused again after the refresh",
				before: func() {
					w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "quantity", Kind: simulators.KindStatus, Status: 401})
				},
				calls: map[string]int{"onetwentyone.quantity": 2, "onetwentyone.refresh": 1}, code: relink, status: relink, presence: "UNAVAILABLE", restoreByLink: true,
			},
			{
				name:   "the refresh is refused: the person withdrew their permission there",
				before: func() { w.control(w.oneTwentyOne.Handler(), http.MethodPost, "/_control/grants/person-2/revoke", "") },
				calls:  map[string]int{"onetwentyone.quantity": 1, "onetwentyone.refresh": 1}, code: relink, status: relink, presence: "UNAVAILABLE", restoreByLink: true,
			},
		} {
			t.Run(test.name, func(t *testing.T) {
				id := w.links("p")["onetwentyone"].ID
				test.before()
				w.forgetCalls()
				got := w.steps("p", someDays+`, dataSources: ["onetwentyone"]`)
				assert.Equal(t, test.calls, w.calls())
				assert.Equal(t, test.presence, got.Days[0].Presence)
				l := w.links("p")["onetwentyone"]
				assert.Equal(t, []string{id, test.status}, []string{l.ID, l.Status})
				if test.code != "" {
					require.Len(t, got.Problems, 1)
					assert.Equal(t, test.code, got.Problems[0].Code)
				}
				if test.status == relink {
					require.NotNil(t, l.Problem)
					assert.Equal(t, relink, l.Problem.Code)
					assert.NotEmpty(t, l.Problem.AuthorizationURL, "where to mend it")
					w.forgetCalls()
					again := w.steps("p", someDays+`, dataSources: ["onetwentyone"]`)
					assert.Equal(t, relink, again.Problems[0].Code)
					assert.Empty(t, w.calls(), "it is not asked again in vain")
				}
				w.fault(w.oneTwentyOne.Control())
				w.oneTwentyOnePerson("person-2", `{"scopes": ["profile", "quantity", "sleep", "workout"]}`)
				if test.restoreByLink {
					w.link("p", "person-2")
				}
				assert.Equal(t, good.short(), w.steps("p", someDays).short(), "as before")
				l = w.links("p")["onetwentyone"]
				assert.Equal(t, []string{id, "CONNECTED"}, []string{l.ID, l.Status})
			})
		}
	})
}

func TestOurOwnRefusedCredentialNeverTouchesALink(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("p", "person-2")
	w.restart(func(s *settings) { s.OneTwentyOneClientSecret, s.RookSecretKey = "another-secret", "another-secret" })
	w.clock.Freeze(today.Add(2 * time.Hour)) // the access token has expired
	got := w.steps("p", someDays)
	assert.Equal(t, []string{invalid, invalid}, []string{got.Problems[0].Code, got.Problems[1].Code})
	l := w.links("p")
	assert.Equal(t, []string{"CONNECTED", "UNKNOWN"}, []string{l["onetwentyone"].Status, l["garmin"].Status})
	assert.Contains(t, w.log.String(), `"code":"UPSTREAM_INVALID"`, "the operator is told")
	assert.NotContains(t, w.log.String(), "another-secret")
	w.restart(func(s *settings) {
		s.OneTwentyOneClientSecret, s.RookSecretKey = "test-client-secret", rook.DummySecret
	})
	assert.Empty(t, w.steps("p", someDays).Problems)
	assert.Equal(t, "NOT_CONNECTED", w.links("p")["garmin"].Status)
}

func TestAnInternalFailureTellsACorrelationIDAndNothingElse(t *testing.T) {
	w := newWorld(t, worldOptions{})
	require.NoError(t, w.app.store.Close())
	a := w.ask(w.token("demo"), `{ connections { status } dataSources { id } }`, nil)
	assert.Equal(t, string(health.Internal), a.code())
	id, _ := a.Errors[0].Extensions["correlationId"].(string)
	assert.NotEmpty(t, id)
	assert.Contains(t, w.log.String(), fmt.Sprintf(`"correlationId":%q`, id))
	assert.Equal(t, "something went wrong inside the gateway", a.Errors[0].Message)
	assert.Contains(t, string(a.Data), `"connections":null,"dataSources":[{"id":"garmin"}`)
	w.start()
	assert.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
}

package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/simulators"
	"healthgraph/store/storetest"
)

// resilient is what serve has by default, but for a shorter peace.
func resilient(s *settings) {
	s.upstreamSettings = upstreamSettings{UpstreamTimeout: 8 * time.Second, UpstreamRetries: 2, UpstreamBreakAfter: 10, UpstreamBreakFor: peace}
}

const peace = time.Second

func once(route string, status int) simulators.Fault {
	return simulators.Fault{Route: route, Kind: simulators.KindStatus, Status: status, Times: 1}
}

func TestAFailureThatPassesIsNotSeen(t *testing.T) {
	w, good := failingWorld(t, resilient)
	w.fault(w.rook.Control(), once("authorized_v2", 503), once("physical_summary", 500), once("authorizer", 502))
	w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "quantity", Kind: simulators.KindTruncated, Times: 1})
	w.forgetCalls()
	assert.Equal(t, good.lines(), w.everything().lines())
	// everything asks twice; each fault cost one call more.
	assert.Equal(t, map[string]int{"rook.authorized_v2": 3, "rook.physical_summary": 19, "rook.authorizer": 3, "onetwentyone.quantity": 3}, w.calls())
}

func TestWhatChangesSomethingIsNeverSentTwice(t *testing.T) {
	w := newWorld(t, worldOptions{change: resilient})
	w.link("demo", "demo")
	w.links("demo")
	lost := func(route string) simulators.Fault {
		return simulators.Fault{Route: route, Kind: simulators.KindTruncated, Times: 1}
	}
	w.fault(w.rook.Control(), lost("revoke_auth"))
	w.forgetCalls()
	assert.Equal(t, "FAILED", w.revoke("demo", "garmin").Outcome, "nobody knows")
	assert.Equal(t, 1, w.calls()["rook.revoke_auth"])

	returned := w.begin("newcomer", "", "allow")
	w.fault(w.oneTwentyOne.Control(), lost("token"))
	w.forgetCalls()
	assert.Equal(t, unavailable, w.complete("newcomer", returned, nil).completed().Problem.Code)
	assert.Equal(t, map[string]int{"onetwentyone.token": 1}, w.calls(), "a code is good for once")

	w.clock.Advance(2 * time.Hour) // the access token has expired
	w.fault(w.oneTwentyOne.Control(), lost("refresh"))
	w.forgetCalls()
	assert.False(t, w.steps("demo", `from: "2026-04-06", to: "2026-04-07", timeZone: "UTC", dataSources: ["onetwentyone"]`).Complete)
	assert.Equal(t, map[string]int{"onetwentyone.refresh": 1}, w.calls(), "and a refresh token may be")
	assert.True(t, w.steps("demo", `from: "2026-04-06", to: "2026-04-07", timeZone: "UTC", dataSources: ["onetwentyone"]`).Complete, "the next one goes on")
}

// While an upstream is left in peace its links are the last known ones, UNKNOWN with what they were, a problem that says when to ask
// again and a checkedAt that says since when; nothing arrives at it; and a first call finds out that it is back.
func TestLinksOfAnUpstreamThatIsLeftInPeace(t *testing.T) {
	w, good := failingWorld(t, resilient)
	w.fault(w.rook.Control(), simulators.Fault{Route: "authorized_v2", Kind: simulators.KindStatus, Status: 500})
	for range 10 { // with what it failed before, at most
		w.links("demo")
		if w.calls()["rook.authorized_v2"] >= 10 {
			break
		}
	}
	w.forgetCalls()
	began := time.Now()
	var data everythingData
	w.ask(w.token("demo"), everything, nil).into(&data)
	require.Less(t, time.Since(began), peace, "otherwise it was asked again")
	assert.Equal(t, map[string]int{"rook.authorizer": 1, "onetwentyone.quantity": 1}, w.calls(), "what is well is asked, and nothing else")
	require.Len(t, data.Connections, len(good.Connections))
	for i, l := range data.Connections {
		if l.DataSource.ID == "onetwentyone" {
			assert.Equal(t, good.Connections[i], l)
			continue
		}
		require.NotNil(t, l.Problem)
		assert.Equal(t, []string{"UNKNOWN", good.Connections[i].Status, unavailable, good.Connections[i].CheckedAt}, []string{l.Status, l.LastKnownStatus, l.Problem.Code, l.CheckedAt}, l.DataSource.ID)
		assert.Contains(t, []string{"PT1S", "PT2S"}, l.Problem.RetryAfter)
		assert.Equal(t, "ROOK is not available: it failed too often, and is left in peace for a moment", l.Problem.Message)
	}
	assert.Equal(t, good.Fitbit, data.Fitbit)
	checkSteps(t, good.StepCount, data.StepCount, "rook", "onetwentyone", unavailable, data.StepCount.Problems[0].RetryAfter, "UNAVAILABLE")
	assert.Equal(t, []string{`rook`}, w.logLines("WARN")[:1])

	w.fault(w.rook.Control())
	time.Sleep(peace * 3 / 2)
	w.forgetCalls()
	assert.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
	assert.Equal(t, map[string]int{"rook.authorized_v2": 1}, w.calls(), "the probe is the answer")
	assert.Equal(t, good.lines(), w.everything().lines())
}

// ROOK hangs under a crowd: OneTwentyOne's answers neither wait nor lack anything.
func TestAnUpstreamThatHangsLeavesTheOtherAlone(t *testing.T) {
	w := newWorld(t, worldOptions{change: func(s *settings) {
		resilient(s)
		s.UpstreamMaxWaiting, s.UpstreamTimeout = 20, 3*time.Second
	}})
	w.link("demo", "demo")
	own := `{ connections(dataSources: ["onetwentyone"]) ` + linkFields + ` stepCount(from: "2026-04-06", to: "2026-04-07", dataSources: ["onetwentyone"]) ` + stepFields + ` }`
	w.ask(w.token("demo"), own, nil).into(&struct{}{})
	want := w.ask(w.token("demo"), own, nil).Raw // by now it is known how new the newest data is
	w.fault(w.rook.Control(), slowness)
	var crowded sync.WaitGroup
	answers := make(chan string, 60)
	for _, person := range crowd(60) {
		token := w.token(person)
		crowded.Go(func() {
			a, err := w.try(token, `{ connections(dataSources: ["garmin"]) { problem `+problemFields+` } }`, nil)
			if assert.NoError(t, err) {
				answers <- a.Raw
			}
		})
	}
	eventually(t, "ROOK is full", func() bool { return w.rook.Control().Calls().PeakInFlight == 16 })
	for range 20 {
		asked := time.Now()
		assert.Equal(t, want, w.ask(w.token("demo"), own, nil).Raw)
		assert.Less(t, time.Since(asked), 2*time.Second)
	}
	crowded.Wait()
	close(answers)
	told := map[string]int{}
	for raw := range answers {
		for _, why := range []string{"too many calls to ROOK wait for their turn already", "it has answered nobody for a while"} {
			if strings.Contains(raw, why) {
				told[why]++
				assert.Contains(t, raw, `"retryAfter":"PT1S"`)
			}
		}
	}
	assert.Equal(t, map[string]int{
		"too many calls to ROOK wait for their turn already": 60 - 16 - 20, // who found no place to wait, at once
		"it has answered nobody for a while":                 20,           // who waited, after a quarter of an attempt's time
	}, told)
}

func TestTheDailyLimitIsPlannedAndSharedBetweenReplicas(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("demo", "demo")
		w.steps("demo", `from: "2026-04-06", to: "2026-04-07"`)
		w.restart(func(s *settings) { s.OneTwentyOneDailyLimit, s.OneTwentyOneDailyReserve = 12, 5 })
		other := *w // a replica
		other.start()
		t.Cleanup(func() { require.NoError(t, other.app.close()) })
		w.forgetCalls()

		ask := func(w *world) steps {
			return w.steps("demo", `from: "2026-04-06", to: "2026-04-07", timeZone: "UTC", dataSources: ["onetwentyone"]`)
		}
		for range 4 {
			assert.True(t, ask(w).Complete)
			assert.True(t, ask(&other).Complete)
		}
		assert.Equal(t, map[string]int{"onetwentyone.quantity": 8}, w.calls())

		// Four are left, fewer than the reserve: background work waits for tomorrow, which its caller is told.
		w.aDayLaterToday()
		_, err := w.app.gateway.Reconcile(t.Context(), "onetwentyone", reconcileAll())
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"onetwentyone.quantity": 8}, w.calls())

		for range 2 {
			assert.True(t, ask(w).Complete)
			assert.True(t, ask(&other).Complete)
		}
		for _, replica := range []*world{w, &other} {
			refused := ask(replica)
			require.Len(t, refused.Problems, 1)
			assert.Equal(t, []string{limited, "PT14H", "onetwentyone"},
				[]string{refused.Problems[0].Code, refused.Problems[0].RetryAfter, refused.Problems[0].DataSource.ID}, "until midnight UTC")
		}
		assert.Equal(t, 12, w.calls()["onetwentyone.quantity"], "of both")
		assert.Equal(t, "CONNECTED", w.links("demo")["onetwentyone"].Status, "which says nothing of the link")

		w.restart(nil)
		assert.Len(t, ask(w).Problems, 1, "a new process knows what is spent")
		w.clock.Freeze(today.Add(15 * time.Hour))
		assert.True(t, ask(w).Complete, "a new day")
	})
}

// aDayLaterToday makes every link due without another day.
func (w *world) aDayLaterToday() {
	w.t.Helper()
	for _, statement := range []string{"UPDATE grants SET profile_read_at = NULL", "UPDATE links SET checked_at = NULL"} {
		_, err := w.database.ExecContext(w.t.Context(), statement)
		require.NoError(w.t, err)
	}
}

func reconcileAll() gateway.ReconcileOptions {
	return gateway.ReconcileOptions{CheckedBefore: time.Hour, PerHour: maxPerHour, Report: func(gateway.ReconcileProgress) {}}
}

// A retry-after of an upstream is waited for where it is short, and told where it is long.
func TestRetryAfterOfAnUpstream(t *testing.T) {
	w, _ := failingWorld(t, resilient)
	w.fault(w.rook.Control(), simulators.Fault{Route: "authorized_v2", Kind: simulators.KindStatus, Status: http.StatusServiceUnavailable, RetryAfter: "1", Times: 1})
	w.forgetCalls()
	began := time.Now()
	assert.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
	assert.GreaterOrEqual(t, time.Since(began), time.Second)
	assert.Equal(t, 2, w.calls()["rook.authorized_v2"])

	w.fault(w.rook.Control(), simulators.Fault{Route: "authorized_v2", Kind: simulators.KindStatus, Status: http.StatusServiceUnavailable, RetryAfter: "30", Times: 1})
	w.forgetCalls()
	assert.Equal(t, "PT30S", w.links("demo")["garmin"].Problem.RetryAfter)
	assert.Equal(t, 1, w.calls()["rook.authorized_v2"])
}

// Many clients who ask the same of the same person while the upstream takes its time are one call; another person is another.
func TestIdenticalReadsInFlightAreOneCall(t *testing.T) {
	w := newWorld(t, worldOptions{})
	people := []string{"demo", "somebody"}
	w.rookPerson("somebody", `{"sources": {"Fitbit": true}}`)
	const query = `{ connections { id dataSource { id } status } }`
	want := map[string]string{}
	for _, person := range people {
		w.ask(w.token(person), query, nil).into(&struct{}{})
		want[person] = w.ask(w.token(person), query, nil).Raw
	}
	require.NotEqual(t, want["demo"], want["somebody"])
	w.fault(w.rook.Control(), simulators.Fault{Route: "authorized_v2", Kind: simulators.KindSlow, DelayMs: 3000})
	w.forgetCalls()
	var all sync.WaitGroup
	for i := range 64 {
		person := people[i%2]
		token := w.token(person)
		all.Go(func() {
			a, err := w.try(token, query, nil)
			assert.NoError(t, err)
			assert.Equal(t, want[person], a.Raw)
		})
	}
	all.Wait()
	assert.Equal(t, map[string]int{"rook.authorized_v2": 2}, w.calls())
}

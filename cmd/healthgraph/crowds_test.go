package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// crowd names n people.
func crowd(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("person-%d-of-%d", i, n)
	}
	return ids
}

func TestWaitingForATurnIsNotHeldAgainstTheUpstream(t *testing.T) {
	const people, days, slow = 60, 12, 25 // milliseconds a call: 16 at a time, all of them take more than a second
	const patience = 500 * time.Millisecond
	w := newWorld(t, worldOptions{change: func(s *settings) { s.UpstreamTimeout = patience }})
	for _, id := range crowd(people) {
		w.rookPerson(id, `{"sources": {"Garmin": true}}`)
	}
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindSlow, DelayMs: slow})
	w.forgetCalls()
	began := time.Now()
	var data struct {
		Users []struct {
			ID        string
			StepCount steps
		}
	}
	w.ask(w.service(), `query($ids: [ID!]!) { users(ids: $ids) { id stepCount(from: "2026-04-01", to: "2026-04-12") `+stepFields+` } }`, map[string]any{"ids": crowd(people)}).into(&data)
	took := time.Since(began)
	assert.Less(t, took, 6*time.Second)
	require.Greater(t, took, 2*patience, "else nobody had to wait for a turn")
	require.Len(t, data.Users, people)
	for _, user := range data.Users {
		assert.Empty(t, user.StepCount.Problems, user.ID)
		assert.True(t, user.StepCount.Complete, user.ID)
	}
	assert.Equal(t, map[string]int{"rook.authorized_v2": people, "rook.user_info": people, "rook.physical_summary": people * days}, w.calls())
	assert.LessOrEqual(t, w.rook.Control().Calls().Routes[rook.RoutePhysicalSummary].PeakInFlight, 16)
}

func TestLinksAskedForByIDAreFoundAtOnceAndReadSideBySide(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := newWorld(t, worldOptions{databaseURL: databaseURL})
		statements := map[int]int{}
		for _, n := range []int{10, 50} {
			var users struct {
				Users []struct{ Connections []link }
			}
			w.ask(w.service(), `query($ids: [ID!]!) { users(ids: $ids) { connections(dataSources: ["garmin"]) `+linkFields+` } }`, map[string]any{"ids": crowd(n)}).into(&users)
			var ids []string
			for _, user := range users.Users {
				ids = append(ids, user.Connections[0].ID)
			}
			w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteAuthorizedV2, Kind: simulators.KindSlow, DelayMs: 40})
			w.forgetCalls()
			var found struct{ Nodes []link }
			w.ask(w.service(), `query($ids: [ID!]!) { nodes(ids: $ids) { ... on DataSourceLink `+linkFields+` } }`, map[string]any{"ids": ids}).into(&found)
			statements[n] = w.statements.count()
			assert.Equal(t, map[string]int{"rook.authorized_v2": n}, w.calls(), "one list for each person")
			peak := w.rook.Control().Calls().Routes[rook.RouteAuthorizedV2].PeakInFlight
			assert.Greater(t, peak, 1, "side by side")
			assert.LessOrEqual(t, peak, 16, "bounded in flight")
			w.fault(w.rook.Control())
			for i, l := range found.Nodes {
				assert.Equal(t, []string{ids[i], "garmin", "NOT_CONNECTED"}, []string{l.ID, l.DataSource.ID, l.Status})
			}
			assert.Len(t, found.Nodes, n)
		}
		assert.Equal(t, statements[10], statements[50], "SQL statements do not grow with the links")
		assert.LessOrEqual(t, statements[50], 4)
	})
}

func TestAnUnknownDataSourceIsLookedForOnceHoweverManyPeopleItIsAskedFor(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := newWorld(t, worldOptions{databaseURL: databaseURL})
		statements := map[int]int{}
		for _, n := range []int{1, 10, 50} {
			w.clock.Advance(time.Minute)
			w.forgetCalls()
			a := w.ask(w.service(), `query($ids: [ID!]!) { users(ids: $ids) { connections(dataSources: ["nope"]) { id } } }`, map[string]any{"ids": crowd(n)})
			statements[n] = w.statements.count()
			assert.Empty(t, w.calls())
			require.Len(t, a.Errors, n, "one for each place")
			for _, e := range a.Errors {
				assert.Equal(t, "BAD_USER_INPUT", e.Extensions["code"])
			}
		}
		assert.Equal(t, map[int]int{1: statements[1], 10: statements[1], 50: statements[1]}, statements, "SQL statements do not grow with people")
		assert.LessOrEqual(t, statements[1], 2)
	})
}

// logLines are the lines of the log that have the level, as the connectors that they name.
func (w *world) logLines(level string) (connectors []string) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var read struct{ Level, Connector string }
		require.NoError(w.t, json.Unmarshal([]byte(line), &read))
		if read.Level == level {
			connectors = append(connectors, read.Connector)
		}
	}
	return connectors
}

func TestAnOutageIsOneLineAMinuteForEachUpstream(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, user := range []string{"demo", "person-2", "person-3"} {
		w.link(user, user)
	}
	askAll := func() {
		for _, user := range []string{"demo", "person-2", "person-3"} {
			w.links(user)
			w.steps(user, someDays)
			w.revoke(user, "garmin")
			w.ask(w.token(user), `{ authorizationUrl(dataSource: "fitbit") { url } }`, nil).into(&struct{}{})
		}
	}
	askAll()
	require.Empty(t, w.log.String(), "all is well")
	w.fault(w.rook.Control(), status(503, ""))
	w.fault(w.oneTwentyOne.Control(), status(429, "5"))
	askAll()
	assert.ElementsMatch(t, []string{"rook", "onetwentyone"}, w.logLines("WARN"))
	w.clock.Advance(59 * time.Second)
	askAll()
	assert.Len(t, w.logLines("WARN"), 2, "within the minute")
	for minute := 2; minute <= 4; minute++ {
		w.clock.Advance(time.Minute)
		askAll()
		askAll()
		assert.Len(t, w.logLines("WARN"), 2*minute, "once a minute")
	}
	assert.Empty(t, w.logLines("ERROR"))
	w.fault(w.rook.Control())
	w.fault(w.oneTwentyOne.Control())
	before := w.log.String()
	w.clock.Advance(2 * time.Minute)
	askAll()
	assert.Equal(t, before, w.log.String(), "it is over")
}

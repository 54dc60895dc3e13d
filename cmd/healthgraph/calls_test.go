package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// The demo person of simulated ROOK has Garmin and Apple Health connected, six browser sources not.

func TestUpstreamCallsAreCountedExactly(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("demo", "demo")
		for _, test := range []struct {
			name, query string
			calls       map[string]int
		}{
			{"a field not asked for costs nothing", `{ viewer { id } dataSources { id } }`, map[string]int{}},
			{"connections: one list, nothing of OneTwentyOne", `{ connections { dataSource { id } status } }`, map[string]int{"rook.authorized_v2": 1}},
			{
				"three aliases are as one",
				`{ a: connections { status } b: connections { status } c: viewer { connections { status } } }`,
				map[string]int{"rook.authorized_v2": 1},
			},
			{"a filter spares the other upstream", `{ connections(dataSources: ["onetwentyone"]) { status } }`, map[string]int{}},
			{
				"with authorizationUrl: one authorizer for each of six unconnected browser sources",
				`{ connections { status authorizationUrl } }`,
				map[string]int{"rook.authorized_v2": 1, "rook.authorizer": 6},
			},
			{
				"the same address asked for twice is asked for once",
				`{ a: authorizationUrl(dataSource: "fitbit") { url } b: authorizationUrl(dataSource: "fitbit") { url } viewer { authorizationUrl(dataSource: "fitbit") { url } } }`,
				map[string]int{"rook.authorizer": 1},
			},
			{
				"overlapping ranges: one walk, each day once, one list",
				`{ a: stepCount(from: "2026-04-01", to: "2026-04-10") { total } b: stepCount(from: "2026-04-05", to: "2026-04-12") { total }
				   c: viewer { stepCount(from: "2026-04-02", to: "2026-04-03", timeZone: "Asia/Tokyo") { total } } connections { status } }`,
				map[string]int{"rook.authorized_v2": 1, "rook.physical_summary": 12, "onetwentyone.quantity": 1},
			},
			{
				"a day that has not begun anywhere is not asked for",
				`{ stepCount(from: "2026-04-15", to: "2026-04-30") { total } }`,
				map[string]int{"rook.authorized_v2": 1, "rook.physical_summary": 2, "onetwentyone.quantity": 1},
			},
			{
				"nothing is read from a data source that is not linked",
				`{ stepCount(from: "2026-04-01", to: "2026-04-10", dataSources: ["oura"]) { days { presence } } }`,
				map[string]int{"rook.authorized_v2": 1},
			},
			{
				"skipped by a directive",
				`query($no: Boolean = false) { connections @include(if: $no) { status } ... @skip(if: true) { stepCount(from: "2026-04-01", to: "2026-04-02") { total } } }`,
				map[string]int{},
			},
		} {
			t.Run(test.name, func(t *testing.T) {
				w.forgetCalls()
				w.ask(w.token("demo"), test.query, nil).into(&struct{}{})
				assert.Equal(t, test.calls, w.calls())
			})
		}
		t.Run("the profile is read again after an hour, once", func(t *testing.T) {
			w.clock.Freeze(today.Add(61 * 60e9))
			w.forgetCalls()
			w.ask(w.token("demo"), `{ a: stepCount(from: "2026-04-01", to: "2026-04-02") { total } b: stepCount(from: "2026-04-02", to: "2026-04-03") { total } }`, nil).into(&struct{}{})
			counted := w.calls()
			assert.Equal(t, 1, counted["onetwentyone.profile"])
			assert.Equal(t, 1, counted["onetwentyone.quantity"])
			assert.Equal(t, 1, counted["onetwentyone.refresh"], "the hour of the access token is over as well")
		})
	})
}

func TestFiftyPeopleCostFiftyListsAndNoMoreStatementsThanTen(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		people := func(n int) string {
			ids := make([]string, n)
			for i := range ids {
				ids[i] = fmt.Sprintf(`"p-%d-%d"`, n, i)
			}
			return strings.Join(ids, ",")
		}
		statements := map[int][2]int{}
		for _, n := range []int{10, 50} {
			query := fmt.Sprintf(`{ users(ids: [%s]) { connections { status } } again: user(id: "p-%d-0") { connections { status } } }`, people(n), n)
			w.forgetCalls()
			w.ask(w.service(), query, nil).into(&struct{}{})
			first := w.statements.count()
			assert.Equal(t, map[string]int{"rook.authorized_v2": n}, w.calls())
			peak := w.rook.Control().Calls().Routes[rook.RouteAuthorizedV2].PeakInFlight
			assert.LessOrEqual(t, peak, 16, "bounded in flight")
			w.forgetCalls()
			w.ask(w.service(), query, nil).into(&struct{}{})
			statements[n] = [2]int{first, w.statements.count()}
		}
		assert.Equal(t, statements[10], statements[50], "SQL statements, on a first and on a later visit, do not grow with people")
		require.LessOrEqual(t, statements[50][1], 3)
	})
}

func TestCallsOfAnOperationRunSideBySide(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.control(w.rook.Handler(), "PUT", "/_control/faults", `[{"route":"authorizer","kind":"slow","delayMs":150}]`)
	w.ask(w.token("demo"), `{ connections { authorizationUrl } }`, nil).into(&struct{}{})
	routes := w.rook.Control().Calls().Routes
	assert.Equal(t, 6, routes[rook.RouteAuthorizer].PeakInFlight, "%v", maps.Keys(routes))
}

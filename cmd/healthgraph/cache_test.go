package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/server/redistest"
	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// remembering turns the cache on, with its defaults.
func remembering(s *settings) {
	s.cacheSettings = cacheSettings{CacheBytes: 16 << 20, CacheLinks: 30 * time.Second, CacheRecent: time.Minute, CachePast: time.Hour}
}

const (
	askLinks = `{ connections { dataSource { id } status checkedAt } }`
	askSteps = `{ stepCount(from: "2026-04-12", to: "2026-04-15") { total fetchedAt complete days { steps } } }`
)

// known is a world with a cache where the demo person is linked and has been read once, so that what is known of them is stored.
func known(t *testing.T, url string) *world {
	t.Helper()
	w := newWorld(t, worldOptions{databaseURL: url, change: remembering})
	w.link("demo", "demo")
	w.ask(w.token("demo"), askSteps, nil).into(&struct{}{})
	w.forgetCalls()
	return w
}

// callsOf counts the calls that the operation costs now.
func (w *world) callsOf(query string) map[string]int {
	w.t.Helper()
	w.forgetCalls()
	w.ask(w.token("demo"), query, nil).into(&struct{}{})
	return w.calls()
}

func (w *world) later(d time.Duration) { w.clock.Freeze(w.clock.Now().Add(d)) }

func TestManyWhoAskTheSameOfOnePersonCostAHandfulOfCalls(t *testing.T) {
	const clients, rounds = 64, 10
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := known(t, databaseURL)
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range rounds {
					a, err := w.try(w.token("demo"), askLinks, nil)
					assert.NoError(t, err)
					assert.Empty(t, a.Errors)
				}
			})
		}
		all.Wait()
		assert.Equal(t, map[string]int{rook1: 1}, w.calls(), "of %d requests", clients*rounds)
		w.later(31 * time.Second)
		assert.Equal(t, map[string]int{rook1: 1}, w.callsOf(askLinks))
	})
}

const rook1 = "rook.authorized_v2"

func TestManyAtOnceShareACallWithoutACache(t *testing.T) {
	const clients = 64
	w := newWorld(t, worldOptions{})
	w.ask(w.token("demo"), askLinks, nil).into(&struct{}{})
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteAuthorizedV2, Kind: simulators.KindSlow, DelayMs: 3000})
	w.forgetCalls()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			a, err := w.try(w.token("demo"), askLinks, nil)
			assert.NoError(t, err)
			assert.Empty(t, a.Errors)
		})
	}
	assert.Eventually(t, func() bool { return w.app.answers.Waiting() == clients }, 3*time.Second, time.Millisecond)
	all.Wait()
	assert.Equal(t, map[string]int{rook1: 1}, w.calls())
}

func TestAnswersAreAsFreshAsTheirKindAndAsTheCallerSays(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := known(t, databaseURL)
		all := map[string]int{rook1: 1, "rook.physical_summary": 5, "onetwentyone.quantity": 1}
		none := map[string]int{}
		// The first read stored what it saw, so that this is the first that can be remembered.
		assert.Equal(t, map[string]int{rook1: 1}, w.callsOf(askLinks))
		w.callsOf(askSteps)
		began := w.clock.Now()
		assert.Equal(t, none, w.callsOf(askLinks))
		assert.Equal(t, none, w.callsOf(askSteps))

		w.later(10 * time.Second)
		var read struct {
			Connections []struct {
				DataSource struct{ ID string }
				CheckedAt  *time.Time
			}
			StepCount struct{ FetchedAt time.Time }
		}
		w.forgetCalls()
		w.ask(w.token("demo"), `{ connections { dataSource { id } checkedAt } stepCount(from: "2026-04-12", to: "2026-04-15") { fetchedAt } }`, nil).into(&read)
		assert.Equal(t, none, w.calls())
		assert.Equal(t, began, read.StepCount.FetchedAt, "the time of the upstream's answer, not of ours")
		require.NotNil(t, read.Connections[0].CheckedAt)
		assert.Equal(t, began, *read.Connections[0].CheckedAt)

		assert.Equal(t, none, w.callsOf(`{ connections(maxAge: "PT10S") { status } }`))
		assert.Equal(t, map[string]int{rook1: 1}, w.callsOf(`{ connections(maxAge: "PT9S") { status } }`))
		assert.Equal(t, map[string]int{rook1: 1}, w.callsOf(`{ a: connections { status } viewer { connections(maxAge: "PT0S") { status } } }`), "the smallest holds for the operation")
		assert.Equal(t, none, w.callsOf(`{ connections(maxAge: "P1D") { status } }`), "what was read afresh stands for others")
		assert.Equal(t, all, w.callsOf(`{ stepCount(from: "2026-04-11", to: "2026-04-15", maxAge: "PT0S") { total } }`))

		w.later(31 * time.Second)
		assert.Equal(t, map[string]int{rook1: 1}, w.callsOf(askSteps), "links are stale first")
		w.later(30 * time.Second)
		assert.Equal(t, map[string]int{rook1: 1, "rook.physical_summary": 3, "onetwentyone.quantity": 1}, w.callsOf(askSteps), "then what is recent; the 12th is past")
		w.later(time.Hour)
		assert.Equal(t, 4, w.callsOf(askSteps)["rook.physical_summary"])

		for _, bad := range []string{`"10"`, `"PT-1S"`, `"PT1.5S"`, `5`, `"P1Y"`} {
			a := w.ask(w.token("demo"), `{ connections(maxAge: `+bad+`) { status } }`, nil)
			assert.NotEmpty(t, a.Errors, bad)
		}
	})
}

func TestWhatTheGatewayDoesItselfIsSeenAtOnce(t *testing.T) {
	storetest.Both(t, func(t *testing.T, databaseURL string) {
		w := known(t, databaseURL)
		replica, err := newApp(t.Context(), w.settings, w.wiring, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, replica.close()) })
		first, second := w.graphql, w.serve(replica.handler)+"/graphql"
		statuses := func(source string) (seen []string) {
			for _, w.graphql = range []string{first, second} {
				seen = append(seen, w.links("demo")[source].Status)
			}
			w.graphql = first
			return seen
		}
		warm := func() {
			for range 2 {
				statuses("garmin")
				w.ask(w.token("demo"), askSteps, nil).into(&struct{}{})
			}
			assert.Equal(t, map[string]int{}, w.callsOf(askSteps+" "))
		}
		warm()
		w.revoke("demo", "garmin")
		assert.Equal(t, []string{"REVOKED", "REVOKED"}, statuses("garmin"))
		warm()
		w.revoke("demo", "onetwentyone")
		assert.Equal(t, []string{"REVOKED", "REVOKED"}, statuses("onetwentyone"))
		w.later(time.Second)
		w.link("demo", "demo")
		assert.Equal(t, []string{"CONNECTED", "CONNECTED"}, statuses("onetwentyone"))
		assert.Equal(t, 1, w.callsOf(askSteps)["onetwentyone.quantity"], "a new grant has answers of its own")
		warm()
		w.rookConsent("demo", "fitbit", "allow")
		assert.Equal(t, []string{"NOT_CONNECTED", "NOT_CONNECTED"}, statuses("fitbit"), "nobody told us")
		w.complete("demo", "https://app.example/rook", "fitbit").into(&struct{}{})
		assert.Equal(t, []string{"CONNECTED", "CONNECTED"}, statuses("fitbit"))
		warm()
		w.ask(w.token("demo"), `mutation { eraseUser { erased } }`, nil).into(&struct{}{})
		assert.Equal(t, []string{"NOT_CONNECTED", "NOT_CONNECTED"}, statuses("fitbit"))
	})
}

func TestFailuresAndPartsAreNotRemembered(t *testing.T) {
	w := known(t, storetest.SQLite(t))
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteAuthorizedV2, Kind: simulators.KindStatus, Status: 500})
	assert.Equal(t, "UNKNOWN", w.links("demo")["garmin"].Status)
	w.fault(w.rook.Control())
	assert.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RoutePhysicalSummary, Kind: simulators.KindStatus, Status: 500, Times: 1})
	w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "quantity", Kind: simulators.KindStatus, Status: 500})
	w.later(2 * time.Hour)
	w.callsOf(askSteps)
	w.fault(w.rook.Control())
	w.fault(w.oneTwentyOne.Control())
	assert.Equal(t, map[string]int{"rook.physical_summary": 1, "onetwentyone.quantity": 1}, w.callsOf(askSteps))
	assert.Equal(t, map[string]int{}, w.callsOf(askSteps))
}

func TestAServiceThatActsForOneAndThenForAnotherGetsEachTheirOwn(t *testing.T) {
	w := newWorld(t, worldOptions{change: remembering})
	for i, name := range []string{"a", "b"} {
		w.rookPerson(name, fmt.Sprintf(`{"sources": {"Garmin": %t, "Fitbit": %t}, "days": {"2026-04-12": {"steps": %d, "sources": ["Garmin"], "documentVersion": 1}}}`, i == 0, i == 1, 1000*(i+1)))
	}
	query := `query($who: ID!) { connections(userId: $who, dataSources: ["garmin", "fitbit"]) { status } stepCount(userId: $who, from: "2026-04-12", to: "2026-04-12") { total } }`
	for range 3 {
		for who, want := range map[string]string{
			"a": `{"connections":[{"status":"CONNECTED"},{"status":"NOT_CONNECTED"}],"stepCount":{"total":1000}}`,
			"b": `{"connections":[{"status":"NOT_CONNECTED"},{"status":"CONNECTED"}],"stepCount":{"total":null}}`,
		} {
			a := w.ask(w.service(), query, map[string]any{"who": who})
			if who == "a" {
				assert.JSONEq(t, want, string(a.Data))
			} else {
				assert.Contains(t, string(a.Data), `"connections":[{"status":"NOT_CONNECTED"},{"status":"CONNECTED"}]`)
			}
		}
	}
}

func TestTheClientMayKeepAnAnswerForAsLongAsItIsFresh(t *testing.T) {
	w := known(t, storetest.SQLite(t))
	w.callsOf(askLinks)
	w.callsOf(askSteps)
	get := func(query string) (cacheControl string, vary []string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.graphql+"?query="+url.QueryEscape(query), nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+w.token("demo"))
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.Header.Get("Cache-Control"), response.Header.Values("Vary")
	}
	kept, vary := get(askLinks)
	assert.Equal(t, "private, max-age=30", kept)
	assert.Contains(t, vary, "Authorization")
	w.later(12 * time.Second)
	for query, want := range map[string]string{
		askLinks: "private, max-age=18",
		askSteps: "private, max-age=18", // the links that say what to read
		`{ viewer { id connections { status } } }`:              "private, max-age=18",
		`{ connections { status } dataSources { id } }`:         "private, max-age=18",
		`{ connections { status } accessLog { nodes { at } } }`: "no-store",
		`{ connections { status authorizationUrl } }`:           "no-store",
		`{ authorizationUrl(dataSource: "fitbit") { url } }`:    "no-store",
		`{ viewer { id } }`: "no-store",
		`{ connections { status } user(id: "somebody-else") { id } }`: "no-store", // an error
		`{ connections(dataSources: ["nothing"]) { status } }`:        "no-store",
	} {
		got, _ := get(query)
		assert.Equal(t, want, got, query)
	}
	w.later(20 * time.Second)
	w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteAuthorizedV2, Kind: simulators.KindStatus, Status: 500})
	got, _ := get(askLinks)
	assert.Equal(t, "no-store", got, "a part")
}

func TestReplicasShareWhatUpstreamsAnswered(t *testing.T) {
	redis := redistest.Start(t)
	w := newWorld(t, worldOptions{
		databaseURL: storetest.SQLite(t),
		change:      func(s *settings) { remembering(s); s.RedisURL = redis.URL },
		options:     func(o *options) { o.redisTimeout = 10 * time.Second },
	})
	w.link("demo", "demo")
	for range 2 {
		w.ask(w.token("demo"), askSteps, nil).into(&struct{}{})
	}
	replica, err := newApp(t.Context(), w.settings, w.wiring, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, replica.close()) })
	w.graphql = w.serve(replica.handler) + "/graphql"
	assert.Eventually(t, func() bool { // it is written by and by
		calls := w.callsOf(`{ connections { status } stepCount(from: "2026-04-12", to: "2026-04-15") { total } }`)
		return len(calls) == 0 && replica.answers.Counters.Shared.Load() > 0
	}, 20*time.Second, 20*time.Millisecond)
}

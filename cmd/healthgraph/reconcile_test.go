package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// aDayLater is after links were checked that long ago that they are due.
func (w *world) aDayLater() { w.clock.Freeze(today.Add(25 * time.Hour)) }

// reconcileEnvironment is what an operator who runs serve for the world has in their environment.
func (w *world) reconcileEnvironment(keysetFile string) {
	w.t.Helper()
	s := w.settings
	environment(w.t, map[string]string{
		"DATABASE_URL": s.DatabaseURL, "KEYSET_FILE": keysetFile, "RECONCILE_PER_HOUR": "3600000",
		"ROOK_BASE_URL": s.RookBaseURL, "ROOK_CLIENT_UUID": s.RookClientUUID, "ROOK_SECRET_KEY": s.RookSecretKey,
		"ONETWENTYONE_BASE_URL": s.OneTwentyOneBaseURL, "ONETWENTYONE_CLIENT_ID": s.OneTwentyOneClientID, "ONETWENTYONE_CLIENT_SECRET": s.OneTwentyOneClientSecret,
	})
}

func TestReconcileRepairsWhatEndedBehindOurBack(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		path := keyset(t)
		w := newWorld(t, worldOptions{databaseURL: url, change: func(s *settings) { s.KeysetFile = path }, options: func(o *options) { o.keyset = nil }})
		w.clock.Freeze(time.Now().Add(-48 * time.Hour)) // the command has the clock on the wall
		w.link("demo", "demo")
		assert.Equal(t, "CONNECTED", w.links("demo")["garmin"].Status)
		assert.Equal(t, "CONNECTED", w.links("demo")["onetwentyone"].Status)
		w.rookPerson("demo", `{"sources": {"Garmin": false, "Fitbit": true}}`)
		w.control(w.oneTwentyOne.Handler(), http.MethodPost, "/_control/grants/demo/revoke", "")
		w.clock.Freeze(time.Now())
		w.forgetCalls()

		w.reconcileEnvironment(path)
		out, log, err := command(t, "reconcile")
		require.NoError(t, err)
		assert.Equal(t, "rook: 1 of 1 people checked: 0 as they were, 1 changed, 0 could not be asked about\n"+
			"onetwentyone: 1 of 1 people checked: 0 as they were, 1 changed, 0 could not be asked about\n", out)
		assert.Contains(t, log, "left at 3600000 people an hour")
		links := w.links("demo")
		assert.Equal(t, []string{"NOT_CONNECTED", "CONNECTED", "REAUTHORIZATION_REQUIRED"}, []string{links["garmin"].Status, links["fitbit"].Status, links["onetwentyone"].Status})
		assert.Empty(t, contains(out+log, w.settings.RookSecretKey, w.settings.OneTwentyOneClientSecret, "demo\""))

		out, _, err = command(t, "reconcile", "rook")
		require.NoError(t, err)
		assert.Equal(t, "rook: 0 of 0 people checked: 0 as they were, 0 changed, 0 could not be asked about\n", out, "again")
		_, _, err = command(t, "reconcile", "no_such_upstream")
		require.ErrorContains(t, err, "rook, onetwentyone")
	})
}

func TestReconcileTellsAnUpstreamThatIsDownAndGoesOnWithTheOther(t *testing.T) {
	path := keyset(t)
	w := newWorld(t, worldOptions{change: func(s *settings) { s.KeysetFile = path }, options: func(o *options) { o.keyset = nil }})
	w.clock.Freeze(time.Now().Add(-48 * time.Hour))
	for _, person := range []string{"person-1", "person-2", "person-3", "person-4"} {
		w.rookPerson(person, `{"sources": {"Garmin": true}}`)
		w.links(person)
	}
	w.link("demo", "demo")
	w.clock.Freeze(time.Now())
	w.reconcileEnvironment(path)
	t.Setenv("HEALTHGRAPH_ROOK_BASE_URL", "http://127.0.0.1:1")
	out, _, err := command(t, "reconcile")
	require.ErrorContains(t, err, "rook: it ended early, and goes on from there when run again: UPSTREAM_UNAVAILABLE")
	assert.Contains(t, out, "rook: 3 of 4 people checked: 0 as they were, 0 changed, 3 could not be asked about\n")
	assert.Contains(t, out, "onetwentyone: 1 of 1 people checked: 1 as they were")
	assert.Equal(t, "CONNECTED", w.links("person-1")["garmin"].Status)

	t.Setenv("HEALTHGRAPH_RECONCILE_PER_HOUR", "0")
	_, _, err = command(t, "reconcile")
	require.ErrorContains(t, err, "HEALTHGRAPH_RECONCILE_PER_HOUR must be more than 0")
}

// Twenty replicas would ask twenty times if each of them kept its own pace.
func TestReplicasReconcileInTheBackgroundOncePerPerson(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url, change: func(s *settings) {
			s.ReconcilePerHour, s.ReconcileAfter, s.AccessLogKeep = 3_600_000, 24*time.Hour, time.Hour
		}})
		people := []string{"person-1", "person-2", "person-3"}
		for _, person := range people {
			w.rookPerson(person, `{"sources": {"Garmin": true}}`)
			w.links(person)
		}
		w.aDayLater()
		w.forgetCalls()
		nothingLeft(t, func() {
			ctx, stop := context.WithCancel(t.Context())
			var replicas sync.WaitGroup
			for range 3 {
				replicas.Go(func() {
					background{w.app, w.settings, slog.New(slog.NewJSONHandler(w.log, nil)), time.Millisecond}.run(ctx)
				})
			}
			require.Eventually(t, func() bool {
				return strings.Contains(w.log.String(), `"msg":"links were reconciled","connector":"rook"`) && len(w.rowsOf("access_log")) == 0
			}, 10*time.Second, time.Millisecond)
			stop()
			replicas.Wait()
		})
		assert.Equal(t, len(people), w.calls()["rook.authorized_v2"])
		assert.Empty(t, contains(w.log.String(), people...), "nobody is named")
	})
}

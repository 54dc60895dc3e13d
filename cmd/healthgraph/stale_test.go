package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// listDown is ROOK whose list of links can't be read, while all else works.
var listDown = simulators.Fault{Route: rook.RouteAuthorizedV2, Kind: simulators.KindStatus, Status: 503}

// state is what a link says of itself: its status, what that was, and when it was read.
func (l link) state() [3]string { return [3]string{l.Status, l.LastKnownStatus, l.CheckedAt} }

// What is told while an upstream is down is marked as what was, in every process and after a restart, and with the upstream it is
// what is again.
func TestTheLastKnownStatusIsToldWhileAnUpstreamIsDown(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("demo", "demo")
		good := w.links("demo")
		w.links("stranger") // has nothing linked, so that nothing is kept
		other := *w
		other.start()
		t.Cleanup(func() { require.NoError(t, other.app.close()) })
		w.clock.Freeze(today.Add(7 * 24 * time.Hour))
		w.fault(w.rook.Control(), status(503, ""))
		w.fault(w.oneTwentyOne.Control(), status(503, ""))
		down := func(w *world) {
			seen := map[string]int{}
			for id, l := range w.links("demo") {
				if l.DataSource.Connector == "onetwentyone" {
					assert.Equal(t, [2]string{"CONNECTED", ""}, [2]string{l.Status, l.LastKnownStatus}, "the link is the grant: nobody is asked")
					continue
				}
				seen[l.LastKnownStatus]++
				assert.Equal(t, [3]string{"UNKNOWN", good[id].Status, today.Format(time.RFC3339)}, l.state(), id)
			}
			assert.Len(t, seen, 2, "connected ones, and others")
			for _, user := range []string{"stranger", "newcomer"} {
				assert.Equal(t, [3]string{"UNKNOWN", "", ""}, w.links(user)["garmin"].state(), user)
			}
		}
		down(w)
		down(&other)
		w.restart(nil)
		down(w)

		w.fault(w.rook.Control())
		for _, w := range []*world{w, &other} {
			for id, l := range w.links("demo") {
				assert.Equal(t, [3]string{good[id].Status, "", w.clock.Now().Format(time.RFC3339)}, l.state(), id)
			}
			assert.Equal(t, "NOT_CONNECTED", w.links("stranger")["garmin"].Status)
		}
	})
}

// A return and a revocation count as known, for as long as nobody has seen what became of them. Subscriptions tell them as what is.
func TestTheLastKnownStatusKnowsWhatThePersonDid(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.links("demo")
	w.clock.Advance(time.Minute)
	watched := w.watch("demo")
	w.fault(w.rook.Control(), listDown)
	ended := w.revoke("demo", "garmin")
	assert.Equal(t, "REVOKED_UPSTREAM_PENDING", ended.Outcome)
	was := today.Format(time.RFC3339)
	assert.Equal(t, [3]string{"UNKNOWN", "REVOKING", was}, ended.Link.state())
	watched.until("garmin REVOKING")
	returned := w.complete("demo", rookReturn, "fitbit").completed()
	assert.Equal(t, [3]string{"UNKNOWN", "PENDING", was}, returned.Link.state())
	assert.Equal(t, [3]string{"UNKNOWN", "PENDING", ""}, w.complete("newcomer", rookReturn, "fitbit").completed().Link.state())

	w.clock.Advance(24 * time.Hour)
	links := w.links("demo")
	assert.Equal(t, [3]string{"UNKNOWN", "REVOKING", was}, links["garmin"].state(), "time alone is no news")
	assert.Equal(t, [3]string{"UNKNOWN", "PENDING", was}, links["fitbit"].state())
	assert.Equal(t, [3]string{"UNKNOWN", "NOT_CONNECTED", was}, links["oura"].state())
	newcomer := w.links("newcomer")
	assert.Equal(t, [3]string{"UNKNOWN", "PENDING", ""}, newcomer["fitbit"].state())
	assert.Equal(t, [3]string{"UNKNOWN", "", ""}, newcomer["oura"].state())

	w.fault(w.rook.Control())
	links, is := w.links("demo"), w.clock.Now().Format(time.RFC3339)
	assert.Equal(t, [3]string{"REVOKED", "", is}, links["garmin"].state())
	assert.Equal(t, [3]string{"NOT_CONNECTED", "", is}, links["fitbit"].state())
	watched.until("garmin REVOKED")
}

// A link whose grant is refused is known to be so, whatever the upstream says or does not.
func TestALinkThatIsAGrantIsNeverUnknown(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const read = `from: "2026-04-06", to: "2026-04-07", dataSources: ["onetwentyone"]`
	w.fault(w.oneTwentyOne.Control(), status(503, ""))
	w.steps("demo", read)
	assert.Equal(t, [2]string{"CONNECTED", ""}, [2]string{w.links("demo")["onetwentyone"].Status, w.links("demo")["onetwentyone"].LastKnownStatus})
	w.fault(w.oneTwentyOne.Control(), status(401, ""))
	w.steps("demo", read)
	w.fault(w.oneTwentyOne.Control(), status(503, ""))
	w.steps("demo", read)
	l := w.links("demo")["onetwentyone"]
	assert.Equal(t, [2]string{relink, ""}, [2]string{l.Status, l.LastKnownStatus})
}

// An answer that is fresh is what is, though the upstream is down by now. Whoever wants it fresher, and everybody later, is told what was.
func TestARememberedAnswerStandsUntilItIsStale(t *testing.T) {
	w := newWorld(t, worldOptions{change: remembering})
	for range 2 {
		w.links("demo") // the first one stores what it sees
	}
	w.fault(w.rook.Control(), listDown)
	state := func(arguments string) [3]string {
		var data struct{ Connections []link }
		w.ask(w.token("demo"), `{ connections`+arguments+` `+linkFields+` }`, nil).into(&data)
		for _, l := range data.Connections {
			if l.DataSource.ID == "garmin" {
				assert.Equal(t, l.Status == "UNKNOWN", l.Problem != nil)
				return l.state()
			}
		}
		return [3]string{}
	}
	read := today.Format(time.RFC3339)
	w.later(20 * time.Second)
	assert.Equal(t, [3]string{"CONNECTED", "", read}, state(""))
	assert.Equal(t, [3]string{"CONNECTED", "", read}, state(`(maxAge: "PT20S")`))
	assert.Equal(t, [3]string{"UNKNOWN", "CONNECTED", read}, state(`(maxAge: "PT19S")`))
	assert.Equal(t, [3]string{"CONNECTED", "", read}, state(""), "a failure takes nothing away")
	w.later(11 * time.Second)
	assert.Equal(t, [3]string{"UNKNOWN", "CONNECTED", read}, state(""))
	assert.Equal(t, [3]string{"UNKNOWN", "CONNECTED", read}, state(`(maxAge: "P1D")`), "what is stale is not served as an answer")
	w.fault(w.rook.Control())
	assert.Equal(t, [3]string{"CONNECTED", "", w.clock.Now().Format(time.RFC3339)}, state(""))
}

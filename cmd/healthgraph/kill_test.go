package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/store/storetest"
)

const (
	walked    = 4321 // steps of the walker on the day that is asked for
	readSteps = `{ stepCount(from: "2025-06-10", to: "2025-06-10", dataSources: ["onetwentyone"]) ` + stepFields + ` }`
)

// walker links somebody whose steps are known, and reads them once, so that links are stored.
func (f *fleet) walker(user string) {
	f.t.Helper()
	f.oneTwentyOnePerson("walker", fmt.Sprintf(`{"homeTimezone": "UTC", "samples": {"stepCount": [
		{"id": "walk", "start": "2025-06-10T08:00:00Z", "end": "2025-06-10T08:10:00Z", "value": %d}]}}`, walked))
	f.link(user, "walker")
	for _, p := range []*process{f.first, f.second} {
		require.Equal(f.t, "right", outcome(f.at(p).ask(f.token(user), readSteps, nil)))
	}
}

// goStale ends the access token of everybody's grant at the upstream, and as far as the gateway knows unless it is to find out.
func (f *fleet) goStale(known bool) {
	f.t.Helper()
	f.control(f.oneTwentyOne.Handler(), "POST", "/_control/grants/walker/expire", "")
	if known {
		_, err := f.db.NewRaw("UPDATE grants SET expires_at = ?", time.Now().UTC().Add(-time.Minute)).Exec(f.t.Context())
		require.NoError(f.t, err)
	}
	f.forgetCalls()
}

// outcome is "right" for the steps as they are, else the code of the problem. Anything else is told as it is.
func outcome(a answer) string {
	a.t.Helper()
	var data struct{ StepCount steps }
	a.into(&data)
	s := data.StepCount
	switch {
	case len(s.Problems) == 0 && s.Complete && s.Total != nil && *s.Total == walked:
		return "right"
	case len(s.Problems) == 1 && !s.Complete && s.Total == nil:
		return s.Problems[0].Code
	}
	return a.Raw
}

func (f *fleet) refreshes() []simulators.Call {
	var calls []simulators.Call
	for _, call := range f.oneTwentyOne.Control().Calls().Log {
		if call.Route == "refresh" {
			calls = append(calls, call)
		}
	}
	return calls
}

// lease tells whose renewal the grant is, "" for nobody's.
func (f *fleet) lease() (lease string) {
	f.t.Helper()
	require.NoError(f.t, f.db.NewRaw("SELECT lease FROM grants").Scan(f.t.Context(), &lease))
	return lease
}

// asked is an operation that is under way.
func asked(w *world, user, query string) <-chan asking {
	token, done := w.token(user), make(chan asking, 1)
	go func() {
		a, err := w.try(token, query, nil)
		done <- asking{a, err}
	}()
	return done
}

type asking struct {
	answer
	err error
}

// brake stops a process at a point: reached waits until it is there, and release is for after its death.
type brake struct{ reached, release func() }

// atStatement is inside the statement that changes the grant so. finish says whether the statement outlives the process, which
// it can on PostgreSQL alone.
func atStatement(change string, finish bool) func(*fleet) brake {
	return func(f *fleet) brake {
		s := f.stall("UPDATE ON grants", change)
		reached := func() {
			if change == storingTheRenewed { // taking the lease, which comes first, holds the same lock of SQLite for a moment
				f.called(200)
			}
			s.reached()
		}
		return brake{reached, func() { s.lift(finish) }}
	}
}

// atCall is when the upstream has the call: with status 0 it has not acted yet, with 200 it has, and has not answered.
func atCall(kind string, status int) func(*fleet) brake {
	return func(f *fleet) brake {
		f.fault(f.oneTwentyOne.Control(), simulators.Fault{Route: "refresh", Kind: kind, DelayMs: 600_000})
		return brake{func() { f.called(status) }, func() { f.fault(f.oneTwentyOne.Control()) }}
	}
}

// called waits until the upstream has the only call for a renewal, in that status.
func (f *fleet) called(status int) {
	f.t.Helper()
	eventually(f.t, "the upstream has the call", func() bool {
		calls := f.refreshes()
		return len(calls) == 1 && calls[0].Status == status
	})
}

// deaths are the points of a renewal at which a process is killed, and what is left then.
var deaths = []struct {
	name     string
	brake    func(*fleet) brake
	leased   bool // the lease is left behind
	called   int  // renewals that the upstream received of it
	lost     bool // the upstream has renewed the grant, and nobody has what it gave
	renewed  bool // what it gave is stored
	postgres bool // only there can it happen
}{
	{name: "taking the lease", brake: atStatement(takingTheLease, false)},
	{name: "taking the lease, which is written after its death", brake: atStatement(takingTheLease, true), leased: true, postgres: true},
	{name: "the upstream has not acted", brake: atCall(simulators.KindSlow, 0), leased: true, called: 1},
	{name: "the upstream has not answered", brake: atCall(simulators.KindLate, 200), leased: true, called: 1, lost: true},
	{name: "storing the answer", brake: atStatement(storingTheRenewed, false), leased: true, called: 1, lost: true},
	{name: "storing the answer, which is written after its death", brake: atStatement(storingTheRenewed, true), called: 1, renewed: true, postgres: true},
}

// Each case is brought up to the death of the one process one after the other; then all wait together for what the other
// process answers, as an abandoned lease takes its time to end.
func TestAProcessKilledDuringARenewalLeavesNobodyStuck(t *testing.T) {
	watchWAL(t)
	for database, fresh := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		for _, rotating := range []bool{false, true} {
			for _, death := range deaths {
				if death.postgres && database != "postgres" {
					continue
				}
				upstream := map[bool]string{false: "keeps refresh tokens", true: "rotates refresh tokens"}[rotating]
				t.Run(database+"/"+upstream+"/"+death.name, func(t *testing.T) {
					f := newFleet(t, fresh(t))
					f.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { s.RotateRefreshTokens = rotating })
					f.walker("person-1")
					id := f.links("person-1")["onetwentyone"].ID
					f.goStale(true)
					b := death.brake(f)
					unanswered := asked(f.at(f.first), "person-1", readSteps)
					b.reached()
					f.first.kill()
					b.release()
					require.Error(t, (<-unanswered).err)
					assert.Len(t, f.refreshes(), death.called)
					assert.Equal(t, death.leased, f.lease() != "")
					f.inspect()

					survivor := f.at(f.second)
					answered := asked(survivor, "person-1", readSteps)
					assert.Equal(t, "CONNECTED", survivor.links("person-1")["onetwentyone"].Status, "whoever does not need the grant does not wait")
					t.Parallel()

					a := <-answered
					require.NoError(t, a.err)
					want, status, calls := "right", "CONNECTED", death.called+1
					if death.lost && rotating {
						want, status = "REAUTHORIZATION_REQUIRED", "REAUTHORIZATION_REQUIRED"
					}
					if death.renewed {
						calls--
					}
					assert.Equal(t, want, outcome(a.answer), "who asks while the lease is left behind waits for its end")
					link := survivor.links("person-1")["onetwentyone"]
					assert.Equal(t, []string{id, status}, []string{link.ID, link.Status})
					assert.Len(t, f.refreshes(), calls)
					assert.Empty(t, f.lease())
					if status != "CONNECTED" {
						require.NotNil(t, link.Problem)
						assert.NotEmpty(t, link.Problem.AuthorizationURL)
						survivor.link("person-1", "walker")
						link = survivor.links("person-1")["onetwentyone"]
						assert.Equal(t, []string{id, "CONNECTED"}, []string{link.ID, link.Status}, "linked again")
						assert.Equal(t, "right", outcome(survivor.ask(f.token("person-1"), readSteps, nil)))
					}
					f.inspect()
				})
			}
		}
	}
}

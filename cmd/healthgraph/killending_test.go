package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

// endings are the mutations that end more than one link.
var endings = map[string]string{
	"revokeAll": `mutation { ending: revokeAll { complete results { outcome link { dataSource { id } status } problem { code } } } }`,
	"eraseUser": `mutation { ending: eraseUser(input: {}) { erased deletedRows results { outcome link { dataSource { id } status } problem { code } } } }`,
}

type ending struct {
	Complete, Erased bool
	DeletedRows      int
	Results          []revoked
}

// said is the receipt: the outcome and the status of each link, by data source.
func (e ending) said() map[string]string {
	said := map[string]string{}
	for _, r := range e.Results {
		said[r.Link.DataSource.ID] = r.Outcome + " " + r.Link.Status
	}
	return said
}

func TestEndingEverythingCanBeSentAgainAfterAKill(t *testing.T) {
	watchWAL(t)
	for name, mutation := range endings {
		for when, held := range map[string]struct {
			kind   string
			status int
			left   int // links at ROOK when the process dies
		}{
			"before ROOK has ended the second link": {simulators.KindSlow, 0, 3},
			"after ROOK has ended the second link":  {simulators.KindLate, 200, 2},
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				storetest.Both(t, func(t *testing.T, url string) {
					f := newFleet(t, url)
					f.rookPerson("person-1", `{"sources": {"Garmin": true, "Fitbit": true, "Oura": true, "Whoop": true}}`)
					f.walker("person-1")
					f.link("stranger", "person-2")
					f.rookPerson("stranger", `{"sources": {"Garmin": true}}`)
					before := f.links("person-1")
					strangers := f.rowsAbout("stranger")
					f.forgetCalls()
					f.fault(f.rook.Control(),
						simulators.Fault{Route: rook.RouteRevoke, Kind: simulators.KindSlow, DelayMs: 1, Times: 1}, // the first link is ended
						simulators.Fault{Route: rook.RouteRevoke, Kind: held.kind, DelayMs: 600_000})
					unanswered := asked(f.at(f.first), "person-1", mutation)
					eventually(t, "ROOK has the second revocation", func() bool {
						calls := slices.DeleteFunc(f.rook.Control().Calls().Log, func(c simulators.Call) bool { return c.Route != rook.RouteRevoke })
						return len(calls) == 2 && calls[1].Status == held.status
					})
					f.first.kill()
					f.fault(f.rook.Control())
					require.Error(t, (<-unanswered).err)
					require.Len(t, f.linkedAtRook("person-1"), held.left)
					assert.NotEmpty(t, f.rowsAbout("person-1"), "what the rest can be ended with is kept")

					survivor := f.at(f.second)
					want := map[string]string{"onetwentyone": "REVOKED_LOCALLY_ONLY REVOKED"}
					for _, source := range f.linkedAtRook("person-1") {
						want[source] = "REVOKED_UPSTREAM REVOKED"
					}
					var done struct{ Ending ending }
					survivor.ask(f.token("person-1"), mutation, nil).into(&done)
					assert.Equal(t, want, done.Ending.said(), "of what stood, and of nothing else")
					assert.Empty(t, f.linkedAtRook("person-1"))
					assert.Empty(t, f.grantsOf("person-1"))
					if name == "eraseUser" {
						assert.True(t, done.Ending.Erased)
						assert.Positive(t, done.Ending.DeletedRows)
						assert.Empty(t, f.rowsAbout("person-1"))
					} else {
						assert.True(t, done.Ending.Complete)
						for source, l := range survivor.links("person-1") {
							assert.NotContains(t, []string{"CONNECTED", "REVOKING", "UNKNOWN"}, l.Status, source)
							assert.Equal(t, before[source].ID, l.ID)
						}
					}
					survivor.ask(f.token("person-1"), mutation, nil).into(&done)
					assert.Empty(t, done.Ending.said(), "once more: there is nothing left")
					assert.Equal(t, strangers, f.rowsAbout("stranger"))
					assert.Equal(t, []string{"garmin"}, f.linkedAtRook("stranger"))
					f.inspect()
				})
			})
		}
	}
}

// linkedAtRook is what ROOK itself has of somebody, by data source.
func (f *fleet) linkedAtRook(user string) []string {
	f.t.Helper()
	var person struct{ Sources map[string]*bool }
	require.NoError(f.t, json.Unmarshal([]byte(f.control(f.rook.Handler(), "GET", "/_control/people/"+user, "")), &person))
	require.NotEmpty(f.t, person.Sources)
	var linked []string
	for name, is := range person.Sources {
		if is != nil && *is {
			linked = append(linked, strings.ToLower(name))
		}
	}
	slices.Sort(linked)
	return linked
}

// rowsAbout is every row that names somebody.
func (f *fleet) rowsAbout(user string) []string {
	f.t.Helper()
	return slices.DeleteFunc(f.rows(), func(row string) bool { return !strings.Contains(row, user) })
}

func (f *fleet) grantsOf(user string) []string {
	f.t.Helper()
	return slices.DeleteFunc(f.rowsOf("grants"), func(row string) bool { return !strings.Contains(row, user) })
}

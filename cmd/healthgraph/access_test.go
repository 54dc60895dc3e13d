package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"healthgraph/store/storetest"
)

const accessQuery = `query($who: ID) { accessLog(userId: $who) { nodes { action actor actorName connector dataSource { id } outcome } } }`

type accessEntry struct {
	Action, Actor, ActorName, Connector, Outcome string
	DataSource                                   struct{ ID string }
}

func (w *world) accessLog(token string, who any) (entries []accessEntry) {
	w.t.Helper()
	var answer struct{ AccessLog struct{ Nodes []accessEntry } }
	w.ask(token, accessQuery, map[string]any{"who": who}).into(&answer)
	return answer.AccessLog.Nodes
}

func TestAPersonReadsWhoDidWhatToTheirLinksAndNobodyElseDoes(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("person-1", "demo")
		w.steps("person-1", `from: "2026-04-14", to: "2026-04-14"`)
		w.clock.Freeze(today.Add(2 * time.Hour))
		w.steps("person-1", `from: "2026-04-14", to: "2026-04-14"`)
		w.clock.Freeze(today.Add(3 * time.Hour))
		w.ask(w.service(), `mutation { revoke(input: {dataSource: "onetwentyone", userId: "person-1"}) { outcome } }`, nil).into(&struct{}{})

		of := func(action, actor, name, outcome string) accessEntry {
			e := accessEntry{Action: action, Actor: actor, ActorName: name, Connector: "onetwentyone", Outcome: outcome}
			e.DataSource.ID = "onetwentyone"
			return e
		}
		expected := []accessEntry{
			of("REVOKED", "SERVICE", "a-service", "REVOKED_LOCALLY_ONLY"),
			of("REFRESHED", "GATEWAY", "", ""),
			of("LINKED", "PERSON", "", ""),
		}
		assert.Equal(t, expected, w.accessLog(w.token("person-1"), nil))
		assert.Equal(t, expected, w.accessLog(w.service(), "person-1"))
		assert.Empty(t, w.accessLog(w.token("stranger"), nil))
		assert.Equal(t, "FORBIDDEN", w.ask(w.token("stranger"), accessQuery, map[string]any{"who": "person-1"}).code())
		assert.Equal(t, "BAD_USER_INPUT", w.ask(w.service(), accessQuery, nil).code(), "a service says whose")
		refused := w.ask(w.token("person-1"), `{ viewer { accessLog(first: 101) { nodes { at } } } }`, nil)
		assert.Equal(t, "BAD_USER_INPUT", refused.code())
	})
}

func TestAnAccountIsNotLinkedByTwoPeople(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("person-1", "demo")
		returned := w.consent(w.authorizationURL("person-2"), "demo", "allow", "profile", "quantity")
		assert.Equal(t, "ACCOUNT_IN_USE", w.complete("person-2", returned, nil).code())
		assert.Equal(t, "NOT_CONNECTED", w.links("person-2")["onetwentyone"].Status)
		assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)

		w.revoke("person-1", "onetwentyone")
		w.link("person-2", "demo")
		assert.Equal(t, "CONNECTED", w.links("person-2")["onetwentyone"].Status)
	})
}

// The account of a person who did not grant the scope profile can't be confirmed: the link says so.
func TestALinkSaysWhetherItsAccountWasConfirmed(t *testing.T) {
	w := newWorld(t, worldOptions{})
	verified := func(user string) any {
		t.Helper()
		var answer struct {
			Connections []struct{ AccountVerified any }
		}
		w.ask(w.token(user), `{ connections(dataSources: ["onetwentyone"]) { accountVerified } }`, nil).into(&answer)
		return answer.Connections[0].AccountVerified
	}
	assert.Nil(t, verified("person-1"))
	w.link("person-1", "demo", "quantity")
	assert.Equal(t, false, verified("person-1"))
	w.link("person-2", "demo", "quantity", "profile")
	assert.Equal(t, true, verified("person-2"))
	assert.Nil(t, verified("person-1"), "it was not theirs")
}

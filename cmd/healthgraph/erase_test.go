package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

const erase = `mutation($who: ID) { eraseUser(input: {userId: $who}) { erased deletedRows results { outcome link { dataSource { id } status } problem { code } } } }`

func TestAPersonIsErasedByThemselvesOrAService(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.link("demo", "demo")
		w.ask(w.token("demo"), `{ connections { status } }`, nil).into(&struct{}{})
		refused := w.ask(w.token("stranger"), erase, map[string]any{"who": "demo"})
		assert.Equal(t, "FORBIDDEN", refused.code())
		assert.Equal(t, "BAD_USER_INPUT", w.ask(w.service(), `mutation { eraseUser { erased } }`, nil).code(), "a service says whom")

		var done struct {
			EraseUser struct {
				Erased      bool
				DeletedRows int
				Results     []struct {
					Outcome string
					Link    struct{ DataSource struct{ ID string } }
				}
			}
		}
		w.ask(w.token("demo"), erase, nil).into(&done)
		assert.True(t, done.EraseUser.Erased)
		assert.Equal(t, 3+6, done.EraseUser.DeletedRows, "the links, of which three were linked (OneTwentyOne's grant went with its revocation), and their beginning and end in the access log")
		outcomes := map[string]string{}
		for _, result := range done.EraseUser.Results {
			outcomes[result.Link.DataSource.ID] = result.Outcome
		}
		assert.Equal(t, map[string]string{"garmin": "REVOKED_UPSTREAM", "apple_health": "REVOKED_UPSTREAM", "onetwentyone": "REVOKED_LOCALLY_ONLY"}, outcomes)
		for _, table := range []string{"links", "grants", "upstream_users"} {
			assert.Empty(t, w.rowsOf(table))
		}
		receipt := w.rowsOf("access_log")
		assert.Len(t, receipt, 1)
		assert.Contains(t, receipt[0], "ERASED")
		assert.NotContains(t, receipt[0], "demo")

		w.ask(w.service(), erase, map[string]any{"who": "demo"}).into(&done)
		assert.True(t, done.EraseUser.Erased, "again, by a service")
	})
}

func TestRevokingAllLeavesOtherPeopleAlone(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	w.link("stranger", "person-2")
	var done struct {
		RevokeAll struct {
			Complete bool
			Results  []struct{ Outcome string }
		}
	}
	w.ask(w.token("demo"), `mutation { revokeAll { complete results { outcome link { status } lateDataUntil } } }`, nil).into(&done)
	assert.True(t, done.RevokeAll.Complete)
	assert.Len(t, done.RevokeAll.Results, 3)
	var left struct{ Connections []struct{ Status string } }
	w.ask(w.token("stranger"), `{ connections(dataSources: ["onetwentyone"]) { status } }`, nil).into(&left)
	require.Equal(t, "CONNECTED", left.Connections[0].Status)
}

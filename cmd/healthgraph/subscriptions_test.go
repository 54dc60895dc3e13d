package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

// watcher is a client of an event stream, which notes what it is told.
type watcher struct {
	t   *testing.T
	end context.CancelFunc

	mu    sync.Mutex
	told  []string // "source STATUS"
	whose map[string]bool
}

// watch subscribes to a person's links, and returns when that has begun.
func (w *world) watch(user string) *watcher {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(cancel)
	body := `{"query": "subscription { connectionChanged { id status lastKnownStatus dataSource { id } problem { code } } }"}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.graphql, strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+w.token(user))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusOK, response.StatusCode)
	c := &watcher{t: w.t, end: cancel, whose: map[string]bool{}}
	go func() {
		defer response.Body.Close()
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				c.note(data)
			}
		}
	}()
	return c
}

func (c *watcher) note(data string) {
	var event struct {
		Data struct {
			ConnectionChanged struct {
				ID, Status, LastKnownStatus string
				DataSource                  struct{ ID string }
			}
		}
		Errors []any
	}
	assert.NoError(c.t, json.Unmarshal([]byte(data), &event))
	assert.Empty(c.t, event.Errors, data)
	assert.Empty(c.t, event.Data.ConnectionChanged.LastKnownStatus, "what is told is known now")
	c.mu.Lock()
	defer c.mu.Unlock()
	link := event.Data.ConnectionChanged
	c.told = append(c.told, link.DataSource.ID+" "+link.Status)
	c.whose[link.ID] = true
}

func (c *watcher) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.told...)
}

// until waits until that was told, and forgets what was told so far.
func (c *watcher) until(told string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		all := c.all()
		return len(all) > 0 && all[len(all)-1] == told
	}, time.Minute, 5*time.Millisecond, "%s was not told: %v", told, c.all())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = nil
}

const revokeThat = `mutation { revoke(input: {dataSource: "onetwentyone"}) { outcome } }`

func TestAPersonIsToldOfEachChangeOfTheirLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	theirs, others := w.watch("person-1"), w.watch("stranger")
	w.link("person-1", "person-2")
	theirs.until("onetwentyone CONNECTED")
	w.ask(w.token("person-1"), revokeThat, nil).into(&struct{}{})
	theirs.until("onetwentyone REVOKED")
	w.link("person-1", "person-2")
	theirs.until("onetwentyone CONNECTED")

	w.links("person-1") // nothing is linked at ROOK
	w.rookPerson("person-1", `{"sources": {"Garmin": true}}`)
	w.links("person-1")
	theirs.until("garmin CONNECTED")
	w.rookPerson("person-1", `{"sources": {"Garmin": false}}`)
	w.links("person-1")
	theirs.until("garmin NOT_CONNECTED")

	w.ask(w.token("person-1"), `mutation { revokeAll { complete } }`, nil).into(&struct{}{})
	theirs.until("onetwentyone REVOKED")
	w.ask(w.service(), `mutation { eraseUser(input: {userId: "person-1"}) { erased } }`, nil).into(&struct{}{})
	theirs.until("onetwentyone NOT_CONNECTED")
	assert.Empty(t, others.all(), "nobody else was told anything")
	for _, table := range []string{"links", "grants", "upstream_users"} {
		assert.NotContains(t, strings.Join(w.rowsOf(table), "\n"), `"person-1"`, "whoever watches brings nothing back")
	}
}

// The account goes to whoever proves that it is theirs: the one who loses it is told, who did nothing.
func TestWhoLosesAnAccountToAnothersProofIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/faults", `[{"route":"profile","kind":"status","status":503}]`)
	w.link("person-1", "person-2")
	loser := w.watch("person-1")
	w.control(w.oneTwentyOne.Handler(), http.MethodDelete, "/_control/faults", "")
	w.link("person-3", "person-2")
	loser.until("onetwentyone NOT_CONNECTED")
}

func TestSubscriptionsOutliveADatabaseThatRestarts(t *testing.T) {
	t.Parallel()
	server := storetest.OwnPostgres(t)
	w := newWorld(t, worldOptions{databaseURL: server.URL, change: func(s *settings) { s.ShareAccounts = true }})
	w.database.SetMaxIdleConns(0)
	const people = 5
	watchers := make([]*watcher, people)
	for i := range people {
		w.link(fmt.Sprint("person-", i), "demo")
		watchers[i] = w.watch(fmt.Sprint("person-", i))
	}
	for _, restart := range []storetest.Mode{storetest.Fast, storetest.Immediate} {
		require.NoError(t, server.Restart(restart))
		for i, watched := range watchers {
			token := w.token(fmt.Sprint("person-", i))
			require.Eventually(t, func() bool { // the first after a restart may find a connection that is gone
				a, err := w.try(token, revokeThat, nil)
				return err == nil && len(a.Errors) == 0
			}, time.Minute, 20*time.Millisecond)
			watched.until("onetwentyone REVOKED")
			w.link(fmt.Sprint("person-", i), "demo")
			watched.until("onetwentyone CONNECTED")
			assert.Len(t, watched.whose, 1, "of one person's one link")
		}
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

const (
	outageClients = 20
	// outageQuery reads all that a person's page shows, without what is new each time.
	outageQuery = `{ connections ` + linkFields + ` stepCount(from: "2026-04-08", to: "2026-04-14") ` + stepFields + ` }`
	internal    = "INTERNAL"
)

// whereabouts are the words that must not be told of the database at a URL.
func whereabouts(t *testing.T, databaseURL string) []string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	require.NoError(t, err)
	password, _ := u.User.Password()
	return []string{password, ":" + u.Port(), "localhost", "127.0.0.1", "[::1]", "sslmode", "SELECT", "INSERT", "UPDATE", "DELETE", "person-"}
}

// onlyInternal says what is wrong with an answer in which something failed: each error is INTERNAL, and can be found in the
// log. "" = nothing.
func (w *world) onlyInternal(a answer) string {
	if len(a.Errors) == 0 {
		return "it is no error: " + a.Raw
	}
	for _, e := range a.Errors {
		id, _ := e.Extensions["correlationId"].(string)
		logged := func() bool { return strings.Contains(w.log.String(), id) }
		for deadline := time.Now().Add(withinReach); !logged() && time.Now().Before(deadline); { // another process's comes later
			time.Sleep(5 * time.Millisecond)
		}
		if e.Extensions["code"] != internal || id == "" || !logged() {
			return "not INTERNAL with an id that the log has: " + a.Raw
		}
	}
	return ""
}

// traffic is people who ask all the time, each for themselves.
type traffic struct {
	w            *world
	right        map[string]string // what each is answered while all is well
	steady       atomic.Bool       // operations begun from now on have to succeed
	asked        atomic.Int64
	failed       atomic.Int64
	mu           sync.Mutex
	wrong, shown []string // what must not happen; all that was answered while it failed
	stop         chan struct{}
	all          sync.WaitGroup
}

// traffic asks for each of the people, once while all is well and then until end.
func (w *world) traffic(people []string) *traffic {
	w.t.Helper()
	f := &traffic{w: w, right: map[string]string{}, stop: make(chan struct{})}
	f.steady.Store(true)
	for _, id := range people {
		w.ask(w.token(id), outageQuery, nil).into(&struct{}{}) // finds out how new the newest data is
		f.right[id] = string(w.ask(w.token(id), outageQuery, nil).Data)
	}
	for _, id := range people {
		token := w.token(id)
		f.all.Go(func() {
			for {
				select {
				case <-f.stop:
					return
				case <-time.After(10 * time.Millisecond):
					f.ask(id, token)
				}
			}
		})
	}
	return f
}

func (f *traffic) ask(id, token string) {
	mustSucceed, began := f.steady.Load(), time.Now()
	a, err := f.w.try(token, outageQuery, nil)
	f.asked.Add(1)
	says := ""
	switch {
	case err != nil:
		says = err.Error()
	case len(a.Errors) == 0 && string(a.Data) != f.right[id]:
		says = "a wrong answer: " + a.Raw + "\ninstead of " + f.right[id]
	case len(a.Errors) > 0 && mustSucceed && f.steady.Load():
		says = "it failed while the database was there: " + a.Raw
	case len(a.Errors) > 0:
		f.failed.Add(1)
		says = f.w.onlyInternal(a)
	}
	if took := time.Since(began); took > f.w.settings.OperationTimeout+withinReach {
		says += fmt.Sprint("it took ", took)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if says != "" {
		f.wrong = append(f.wrong, says)
	}
	if len(a.Errors) > 0 {
		f.shown = append(f.shown, a.Raw)
	}
}

// rounds waits until so many more operations have ended.
func (f *traffic) rounds(n int64) {
	f.w.t.Helper()
	until := f.asked.Load() + n
	require.Eventually(f.w.t, func() bool { return f.asked.Load() >= until }, time.Minute, 5*time.Millisecond, "the traffic stands still")
}

// end gives what must not have happened.
func (f *traffic) end() []string {
	close(f.stop)
	f.all.Wait()
	return f.wrong
}

// deeds are revocations and new links that go on during an outage, and what was said to have become of each.
type deeds struct {
	w        *world
	returned map[string]string // person → the URL that they came back to, not handed in yet
	linked   []string          // not revoked yet
	done     map[string]string // person → what was acknowledged: CONNECTED or REVOKED
	wrong    []string
}

// prepare makes n people who are about to come back from the consent page, and as many who are linked.
func (w *world) prepare(n int, name string) *deeds {
	w.t.Helper()
	d := &deeds{w: w, returned: map[string]string{}, done: map[string]string{}}
	for i := range n {
		coming, going := fmt.Sprint("coming-", name, i), fmt.Sprint("going-", name, i)
		d.returned[coming] = w.begin(coming, "", "allow")
		w.link(going, "person-2")
		d.linked = append(d.linked, going)
	}
	return d
}

// doOne finishes a link and ends another. It says whether there was one left to do.
func (d *deeds) doOne() bool {
	for person, returned := range d.returned {
		delete(d.returned, person)
		d.note(person, completion, map[string]any{"url": returned})
		break
	}
	if len(d.linked) == 0 {
		return false
	}
	person := d.linked[0]
	d.linked = d.linked[1:]
	d.note(person, `mutation { revoke(input: {dataSource: "onetwentyone"}) { outcome link { status } } }`, nil)
	return true
}

// during goes on, with some left for later, until the outage ended, and gives how it did.
func (d *deeds) during(ended <-chan error) error {
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(20 * time.Millisecond):
			if len(d.linked) > 3 {
				d.doOne()
			}
		}
	}
}

func (d *deeds) note(person, mutation string, variables map[string]any) {
	a, err := d.w.try(d.w.token(person), mutation, variables)
	switch {
	case err != nil:
		d.wrong = append(d.wrong, err.Error())
	case len(a.Errors) > 0:
		if says := d.w.onlyInternal(a); says != "" {
			d.wrong = append(d.wrong, says)
		}
	case strings.Contains(a.Raw, `"status":"CONNECTED"`):
		d.done[person] = "CONNECTED"
	case strings.Contains(a.Raw, `"outcome":"REVOKED_LOCALLY_ONLY"`):
		d.done[person] = "REVOKED"
	default:
		d.wrong = append(d.wrong, "neither done nor failed: "+a.Raw)
	}
}

// check looks whether all that was acknowledged is still so.
func (d *deeds) check() {
	t := d.w.t
	t.Helper()
	assert.Empty(t, d.wrong)
	grants := strings.Join(d.w.rowsOf("grants"), "\n")
	for person, want := range d.done {
		status := d.w.links(person)["onetwentyone"].Status
		if want == "REVOKED" {
			assert.NotContains(t, grants, `"`+person+`"`, "a grant that was ended")
			assert.Contains(t, []string{"REVOKED", "NOT_CONNECTED"}, status, person)
			continue
		}
		assert.Equal(t, want, status, person)
		assert.Contains(t, grants, `"`+person+`"`)
	}
}

// statuses is how the links of the people stand in the database.
func (w *world) statuses(people []string) []string {
	w.t.Helper()
	rows, err := w.database.QueryContext(w.t.Context(), "SELECT person, data_source, status FROM links")
	require.NoError(w.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var person, source, status string
		require.NoError(w.t, rows.Scan(&person, &source, &status))
		if slices.Contains(people, person) {
			all = append(all, person+" "+source+" "+status)
		}
	}
	require.NoError(w.t, rows.Err())
	slices.Sort(all)
	return all
}

func TestPostgresRestartsInTheMidstOfTraffic(t *testing.T) {
	t.Parallel()
	server := storetest.OwnPostgres(t)
	w := newWorld(t, worldOptions{databaseURL: server.URL, change: func(s *settings) { s.DatabaseMaxConns, s.ShareAccounts = 8, true }})
	w.database.SetMaxIdleConns(0) // the test's own look inside begins anew each time
	people := crowd(outageClients)
	for i, id := range people {
		w.rookPerson(id, fmt.Sprintf(`{"timeZone": "Europe/Paris", "sources": {"Garmin": true}, "days": {"2026-04-09": {"steps": %d}}}`, 1000+i))
		w.link(id, "demo")
	}
	outages := []struct {
		name   string
		outage func() error
	}{
		{"fast", func() error { return server.Restart(storetest.Fast) }},
		{"immediate", func() error { return server.Restart(storetest.Immediate) }},
		{"down", func() error {
			if err := server.Stop(storetest.Immediate); err != nil {
				return err
			}
			time.Sleep(time.Second) // down for a while, whatever is asked
			return server.Start()
		}},
	}
	prepared := map[string]*deeds{}
	for _, each := range outages {
		prepared[each.name] = w.prepare(12, each.name)
	}
	f := w.traffic(people)
	before := w.statuses(people)
	for _, each := range outages {
		d := prepared[each.name]
		for range len(d.linked) / 3 {
			d.doOne()
		}
		f.steady.Store(false)
		ended := make(chan error, 1)
		go func() { ended <- each.outage() }()
		require.NoError(t, d.during(ended))
		f.steady.Store(true) // every operation that begins from here on
		f.rounds(3 * outageClients)
		for d.doOne() {
			assert.Empty(t, d.wrong)
		}
		d.check()
		assert.Equal(t, before, w.statuses(people), each.name)
		assert.NotEmpty(t, d.done)
	}
	assert.Empty(t, f.end())
	assert.Positive(t, f.failed.Load(), "else there was no outage")
	secrets := whereabouts(t, server.URL)
	assert.Empty(t, contains(strings.Join(f.shown, ""), secrets...), "in the answers")
	for line := range strings.Lines(w.log.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		assert.Empty(t, contains(line, secrets...), "in the log: %s", line)
	}
}

func TestThePoolHasABoundAndAWaitForItADeadline(t *testing.T) {
	t.Parallel()
	at := storetest.Postgres(t)
	const conns = 3
	w := newWorld(t, worldOptions{databaseURL: at, change: func(s *settings) { s.DatabaseMaxConns = conns }})
	w.link("demo", "demo")
	w.everything()
	before := w.statuses([]string{"demo"})
	token := w.token("demo")
	crowd := func(n int) []answer {
		answers := make([]answer, n)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				a, err := w.try(token, `{ connections(dataSources: ["garmin", "onetwentyone"]) { status } }`, nil)
				assert.NoError(t, err)
				answers[i] = a
			})
		}
		all.Wait()
		return answers
	}
	const right = `{"data":{"connections":[{"status":"CONNECTED"},{"status":"CONNECTED"}]}}`
	peak, stop, watched := 0, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			var now int
			row := w.database.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'healthgraph' AND datname = current_database()")
			assert.NoError(t, row.Scan(&now))
			peak = max(peak, now)
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for _, a := range crowd(200) {
		assert.JSONEq(t, right, a.Raw)
	}
	close(stop)
	<-watched
	assert.Equal(t, conns, peak, "connections at a time")

	// Every connection waits for a lock, and all the others for a connection.
	w.restart(func(s *settings) { s.OperationTimeout = 2 * shortWhile })
	w.ask(token, outageQuery, nil).into(&struct{}{})
	lock, err := w.database.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = lock.ExecContext(t.Context(), "LOCK TABLE links")
	require.NoError(t, err)
	began := time.Now()
	for _, a := range crowd(200) {
		assert.Contains(t, []string{internal, unavailable}, a.code())
		assert.Empty(t, contains(a.Raw, whereabouts(t, at)...))
	}
	assert.Less(t, time.Since(began), withinReach, "nobody waits longer than for the deadline")
	require.NoError(t, lock.Rollback())
	for _, a := range crowd(conns) { // few enough for so short a time
		assert.JSONEq(t, right, a.Raw)
	}
	assert.Equal(t, before, w.statuses([]string{"demo"}))
	assert.Empty(t, contains(w.log.String(), whereabouts(t, at)...))
}

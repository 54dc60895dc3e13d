package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
)

// What the tests ask for, and the answers' shapes.
const (
	problemFields = `{ code message retryAfter dataSource { id } authorizationUrl }`
	linkFields    = `{ id dataSource { id name connector } status lastKnownStatus connectedAt checkedAt latestDataAt scopesGranted scopesMissing problem ` + problemFields + ` }`
	pageFields    = `{ dataSource { id } authorized url expiresAt problem ` + problemFields + ` }`
	stepFields    = `{ total from to timeZone timeZoneOrigin complete problems ` + problemFields + `
		days { date steps presence dataSources { id } candidates { connector dataSources { id } steps presence chosen reason } } }`
)

type problem struct {
	Code, Message, RetryAfter string
	DataSource                *source
	AuthorizationURL          string `json:"authorizationUrl"`
}

type source struct{ ID, Name, Connector string }

type link struct {
	ID                                   string
	DataSource                           source
	Status, LastKnownStatus              string
	ConnectedAt, CheckedAt, LatestDataAt string
	ScopesGranted, ScopesMissing         []string
	Problem                              *problem
}

type page struct {
	DataSource     source
	Authorized     *bool
	URL, ExpiresAt string
	Problem        *problem
}

type candidate struct {
	Connector   string
	DataSources []source
	Steps       *int
	Presence    string
	Chosen      bool
	Reason      string
}

type day struct {
	Date        string
	Steps       *int
	Presence    string
	DataSources []source
	Candidates  []candidate
}

type steps struct {
	Total                    *int
	From, To                 string
	TimeZone, TimeZoneOrigin string
	Complete                 bool
	Problems                 []problem
	Days                     []day
}

type revoked struct {
	Outcome       string
	Link          link
	LateDataUntil string
	Problem       *problem
}

type completed struct {
	Link    link
	Problem *problem
}

// short writes the days as "date steps presence".
func (s steps) short() []string {
	var days []string
	for _, d := range s.Days {
		days = append(days, d.Date+" "+d.short())
	}
	return days
}

func (d day) short() string { return number(d.Steps) + " " + d.Presence }

// lines writes the answer line by line, so that a test's failure can be read.
func (d everythingData) lines() []string {
	var lines []string
	for _, l := range d.Connections {
		lines = append(lines, text(l))
	}
	lines = append(lines, text(d.Fitbit), text(d.Own))
	for _, each := range d.StepCount.Days {
		lines = append(lines, text(each))
	}
	d.StepCount.Days = nil
	return append(lines, text(d.StepCount))
}

func text(v any) string {
	encoded, _ := json.Marshal(v) // answers of JSON always encode
	return string(encoded)
}

func number(n *int) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// of is the figure of one upstream for the day.
func (d day) of(connector string) candidate {
	for _, c := range d.Candidates {
		if c.Connector == connector {
			return c
		}
	}
	return candidate{}
}

func (w *world) links(user string) map[string]link {
	w.t.Helper()
	var data struct{ Connections []link }
	w.ask(w.token(user), `{ connections `+linkFields+` }`, nil).into(&data)
	links := map[string]link{}
	for _, l := range data.Connections {
		links[l.DataSource.ID] = l
	}
	return links
}

// steps asks with the arguments of stepCount.
func (w *world) steps(user, arguments string) steps {
	w.t.Helper()
	var data struct{ StepCount steps }
	w.ask(w.token(user), `{ stepCount(`+arguments+`) `+stepFields+` }`, nil).into(&data)
	return data.StepCount
}

func (w *world) revoke(user, dataSource string) revoked {
	w.t.Helper()
	var data struct{ Revoke revoked }
	w.ask(w.token(user), `mutation($s: ID!) { revoke(input: {dataSource: $s}) { outcome lateDataUntil link `+linkFields+` problem `+problemFields+` } }`,
		map[string]any{"s": dataSource}).into(&data)
	return data.Revoke
}

const completion = `mutation($url: URL!, $s: ID) { completeAuthorization(input: {url: $url, dataSource: $s}) { link ` + linkFields + ` problem ` + problemFields + ` } }`

// complete hands in what the browser came back to; dataSource may be nil.
func (w *world) complete(user, returned string, dataSource any) answer {
	w.t.Helper()
	return w.ask(w.token(user), completion, map[string]any{"url": returned, "s": dataSource})
}

func (a answer) completed() completed {
	a.t.Helper()
	var data struct{ CompleteAuthorization completed }
	a.into(&data)
	return data.CompleteAuthorization
}

// rookPerson and oneTwentyOnePerson say what the simulated upstream knows of somebody.
func (w *world) rookPerson(id, body string) {
	w.t.Helper()
	w.control(w.rook.Handler(), http.MethodPut, "/_control/people/"+id, body)
}

func (w *world) oneTwentyOnePerson(name, body string) {
	w.t.Helper()
	w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/people/"+name, body)
}

// fault makes an upstream misbehave; none lifts all faults.
func (w *world) fault(of *simulators.Control, faults ...simulators.Fault) {
	w.t.Helper()
	require.NoError(w.t, of.SetFaults(faults))
}

// rows is all that the database holds, one text for each row.
func (w *world) rows() []string {
	w.t.Helper()
	var all []string
	for _, table := range []string{"upstream_users", "links", "grants", "spent_states", "data_sources", "instance", "access_log"} {
		all = append(all, w.rowsOf(table)...)
	}
	slices.Sort(all)
	return all
}

func (w *world) rowsOf(table string) []string {
	w.t.Helper()
	rows, err := w.database.QueryContext(w.t.Context(), "SELECT * FROM "+table)
	require.NoError(w.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(w.t, err)
	var all []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(w.t, rows.Scan(into...))
		all = append(all, fmt.Sprintf("%s %q", table, values))
	}
	require.NoError(w.t, rows.Err())
	return all
}

// spendsNothing checks that f calls no upstream and changes no row.
func (w *world) spendsNothing(t *testing.T, f func()) {
	t.Helper()
	before := w.rows()
	w.forgetCalls()
	f()
	assert.Empty(t, w.calls(), "upstream calls")
	assert.Equal(t, before, w.rows(), "rows of the database")
}

// contains says which of the texts stand in what was written.
func contains(written string, texts ...string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.Contains(written, text) })
}

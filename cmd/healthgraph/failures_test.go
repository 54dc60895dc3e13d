package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
)

const (
	tooSlow     = 60_000 // milliseconds: nobody waits so long
	shortWhile  = time.Second
	withinReach = 6 * time.Second // what a test with a deadline of shortWhile may take on a busy machine
)

const everything = `{
	connections ` + linkFields + `
	fitbit: authorizationUrl(dataSource: "fitbit") ` + pageFields + `
	own: authorizationUrl(dataSource: "onetwentyone") ` + pageFields + `
	stepCount(from: "2026-04-06", to: "2026-04-14") ` + stepFields + `
}`

type everythingData struct {
	Connections []link
	Fitbit, Own page
	StepCount   steps
}

// failure is a way in which an upstream fails, and the code by which each upstream's problem is told.
type failure struct {
	name               string
	fault              simulators.Fault
	rook, oneTwentyOne string
	retryAfter         string
}

func status(code int, retryAfter string) simulators.Fault {
	return simulators.Fault{Route: "*", Kind: simulators.KindStatus, Status: code, RetryAfter: retryAfter}
}

func kind(kind string) simulators.Fault { return simulators.Fault{Route: "*", Kind: kind} }

const (
	invalid     = "UPSTREAM_INVALID"
	unavailable = "UPSTREAM_UNAVAILABLE"
	limited     = "RATE_LIMITED"
	relink      = "REAUTHORIZATION_REQUIRED"
)

// failures are those that say nothing about a link. A 401 to a person's token and a 404 of ROOK's own are told apart below.
var failures = []failure{
	{"400", status(400, ""), invalid, invalid, ""},
	{"401", status(401, ""), invalid, "", ""},
	{"403", status(403, ""), invalid, relink, ""},
	{"404 of a proxy", status(404, ""), invalid, invalid, ""},
	{"422", status(422, ""), invalid, invalid, ""},
	{"429 with seconds", status(429, "90"), limited, limited, "PT1M30S"},
	{"429 with a date", status(429, today.Add(2*time.Minute).Format(http.TimeFormat)), limited, limited, "PT2M"},
	{"500", status(500, ""), unavailable, unavailable, ""},
	{"502", status(502, ""), unavailable, unavailable, ""},
	{"503 with seconds", status(503, "30"), unavailable, unavailable, "PT30S"},
	{"a redirect to elsewhere", status(302, ""), invalid, invalid, ""},
	{"broken JSON", kind(simulators.KindBrokenJSON), invalid, invalid, ""},
	{"a page of HTML", kind(simulators.KindHTML), invalid, invalid, ""},
	{"an empty body", kind(simulators.KindEmpty), invalid, invalid, ""},
	{"a closed connection", kind(simulators.KindDisconnect), unavailable, unavailable, ""},
	{"a connection that closes in mid-answer", kind(simulators.KindTruncated), unavailable, unavailable, ""},
}

var slowness = simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: tooSlow}

// upstreamBytes stand in what the simulators answer and in addresses that only an upstream call has.
var upstreamBytes = []string{
	"a fault asked for", "Please wait", "doctype", "<html", "cut here", "exception", "data_sources/authorized", "physical_health",
	"/api/v1", "/api/v2", "Bad Gateway", "Too Many Requests", "Unprocessable", "Service Unavailable", "demoClient", "test-client-secret", "Bearer ",
}

// failingWorld has the person demo linked at both upstreams, asked once while all was well.
func failingWorld(t *testing.T, change func(*settings)) (*world, everythingData) {
	t.Helper()
	w := newWorld(t, worldOptions{change: change})
	w.link("demo", "demo")
	return w, w.everything()
}

func (w *world) everything() everythingData {
	w.t.Helper()
	w.ask(w.token("demo"), everything, nil).into(&everythingData{}) // the first one finds out how new the newest data is
	var data everythingData
	w.ask(w.token("demo"), everything, nil).into(&data)
	return data
}

func TestRookFailsAndOneTwentyOneAnswers(t *testing.T) {
	w, good := failingWorld(t, nil)
	w.rook.Configure(func(s *rook.Switches) { s.ErrorFormat = "html" }) // an envelope in a 404 would be ROOK's own word
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) { checkRookFails(t, w, good, f) })
	}
}

func TestRookIsSlowerThanOneCallMayBe(t *testing.T) {
	t.Parallel()
	w, good := failingWorld(t, func(s *settings) { s.UpstreamTimeout = shortWhile })
	checkRookFails(t, w, good, failure{"slow", slowness, unavailable, "", ""})
}

func TestRookIsSlowerThanTheWholeOperationMayBe(t *testing.T) {
	t.Parallel()
	w, good := failingWorld(t, func(s *settings) { s.OperationTimeout, s.UpstreamTimeout = shortWhile, time.Minute })
	checkRookFails(t, w, good, failure{"slow", slowness, unavailable, "", ""})
}

func checkRookFails(t *testing.T, w *world, good everythingData, f failure) {
	t.Helper()
	w.fault(w.rook.Control(), f.fault)
	defer w.fault(w.rook.Control())
	began := time.Now()
	answered := w.ask(w.token("demo"), everything, nil)
	assert.Less(t, time.Since(began), withinReach)
	var data everythingData
	answered.into(&data)

	require.Len(t, data.Connections, len(good.Connections), "the last known set")
	for i, l := range data.Connections {
		if l.DataSource.ID == "onetwentyone" {
			assert.Equal(t, good.Connections[i], l)
			continue
		}
		require.NotNil(t, l.Problem, l.DataSource.ID)
		assert.Equal(t, []string{good.Connections[i].ID, "UNKNOWN", f.rook, f.retryAfter}, []string{l.ID, l.Status, l.Problem.Code, l.Problem.RetryAfter}, l.DataSource.ID)
	}
	require.NotNil(t, data.Fitbit.Problem)
	assert.Equal(t, []string{f.rook, f.retryAfter, "fitbit"}, []string{data.Fitbit.Problem.Code, data.Fitbit.Problem.RetryAfter, data.Fitbit.Problem.DataSource.ID})
	assert.Nil(t, data.Fitbit.Authorized)
	assert.Equal(t, good.Own, data.Own)
	checkSteps(t, good.StepCount, data.StepCount, "rook", "onetwentyone", f.rook, f.retryAfter, "UNAVAILABLE")

	mutation := checkRookRevokeFails(t, w, f)
	w.fault(w.rook.Control())
	if f.fault.Kind == simulators.KindTruncated || f.fault.Kind == simulators.KindBrokenJSON { // ROOK had done what its answer did not get to say
		w.rookPerson("demo", `{"sources": {"Garmin": true}}`)
	}
	assert.Equal(t, good.lines(), w.everything().lines(), "all as before once ROOK is back")
	assert.Empty(t, contains(answered.Raw+mutation.Raw, upstreamBytes...), "in the answers")
	assert.Empty(t, contains(w.log.String(), append(upstreamBytes, "127.0.0.1")...), "in the log")
}

func checkRookRevokeFails(t *testing.T, w *world, f failure) answer {
	t.Helper()
	var ended struct{ A, B revoked }
	answered := w.ask(w.token("demo"), `mutation {
		a: revoke(input: {dataSource: "garmin"}) { outcome link `+linkFields+` problem `+problemFields+` }
		b: revoke(input: {dataSource: "onetwentyone"}) { outcome link `+linkFields+` problem `+problemFields+` } }`, nil)
	if f.fault == slowness && w.settings.OperationTimeout == shortWhile { // mutations run one after the other
		require.NoError(t, json.Unmarshal(answered.Data, &ended))
		assert.Equal(t, unavailable, answered.code(), "the second one had no time left, and was not begun")
		ended.B = w.revoke("demo", "onetwentyone")
	} else {
		answered.into(&ended)
	}
	require.Equal(t, "FAILED", ended.A.Outcome)
	require.NotNil(t, ended.A.Problem)
	assert.Equal(t, []string{f.rook, f.retryAfter, "garmin"}, []string{ended.A.Problem.Code, ended.A.Problem.RetryAfter, ended.A.Problem.DataSource.ID})
	assert.Equal(t, []string{"REVOKED_LOCALLY_ONLY", "REVOKED"}, []string{ended.B.Outcome, ended.B.Link.Status}, "the alias beside it")
	w.link("demo", "demo")
	return answered
}

// checkSteps compares an answer in which one upstream failed with the good one.
func checkSteps(t *testing.T, good, got steps, failed, other, code, retryAfter, presence string) {
	t.Helper()
	assert.False(t, got.Complete)
	require.Len(t, got.Problems, 1)
	assert.Equal(t, []string{code, retryAfter}, []string{got.Problems[0].Code, got.Problems[0].RetryAfter})
	require.Len(t, got.Days, len(good.Days))
	total := 0
	for i, d := range got.Days {
		was, is := good.Days[i].of(other), d.of(other)
		assert.Equal(t, []any{was.Steps, was.Presence, was.DataSources}, []any{is.Steps, is.Presence, is.DataSources}, d.Date)
		assert.Equal(t, []string{"-", presence, "NO_FIGURE"}, []string{number(d.of(failed).Steps), d.of(failed).Presence, d.of(failed).Reason}, d.Date)
		assert.Equal(t, is.Steps, d.Steps, d.Date)
		if is.Steps != nil {
			assert.Equal(t, is.Presence, d.Presence, d.Date)
			total += *is.Steps
		}
	}
	require.NotNil(t, got.Total)
	assert.Equal(t, total, *got.Total)
	assert.Positive(t, total)
}

func TestOneTwentyOneFailsAndRookAnswers(t *testing.T) {
	w, good := failingWorld(t, nil)
	for _, f := range failures {
		if f.oneTwentyOne != "" {
			t.Run(f.name, func(t *testing.T) { checkOneTwentyOneFails(t, w, good, f) })
		}
	}
}

func TestOneTwentyOneIsSlowerThanOneCallMayBe(t *testing.T) {
	t.Parallel()
	w, good := failingWorld(t, func(s *settings) { s.UpstreamTimeout = shortWhile })
	checkOneTwentyOneFails(t, w, good, failure{"slow", slowness, "", unavailable, ""})
}

func TestOneTwentyOneIsSlowerThanTheWholeOperationMayBe(t *testing.T) {
	t.Parallel()
	w, good := failingWorld(t, func(s *settings) { s.OperationTimeout, s.UpstreamTimeout = shortWhile, time.Minute })
	checkOneTwentyOneFails(t, w, good, failure{"slow", slowness, "", unavailable, ""})
}

func checkOneTwentyOneFails(t *testing.T, w *world, good everythingData, f failure) {
	t.Helper()
	w.fault(w.oneTwentyOne.Control(), f.fault)
	defer w.fault(w.oneTwentyOne.Control())
	began := time.Now()
	answered := w.ask(w.token("demo"), everything, nil)
	assert.Less(t, time.Since(began), withinReach)
	var data everythingData
	answered.into(&data)
	assert.Equal(t, good.Connections, data.Connections, "whether it is linked is known without a call")
	assert.Equal(t, []page{good.Fitbit, good.Own}, []page{data.Fitbit, data.Own})
	presence, retryAfter := "UNAVAILABLE", f.retryAfter
	if f.oneTwentyOne == relink {
		presence = "NO_PERMISSION" // 403: a scope
	}
	checkSteps(t, good.StepCount, data.StepCount, "onetwentyone", "rook", f.oneTwentyOne, retryAfter, presence)
	assert.Equal(t, "onetwentyone", data.StepCount.Problems[0].DataSource.ID)
	assert.Equal(t, []string{"Europe/Paris", "PROFILE"}, []string{data.StepCount.TimeZone, data.StepCount.TimeZoneOrigin}, "as last known")

	// A link that can't be finished is a problem, and the alias beside it is answered.
	var begun struct {
		AuthorizationURL page `json:"authorizationUrl"`
	}
	w.ask(w.token("newcomer"), `{ authorizationUrl(dataSource: "onetwentyone") `+pageFields+` }`, nil).into(&begun)
	w.fault(w.oneTwentyOne.Control())
	returned := w.consent(begun.AuthorizationURL.URL, "person-2", "allow", "profile", "quantity")
	w.fault(w.oneTwentyOne.Control(), f.fault)
	var ended struct {
		A completed
		B revoked
	}
	mutation := w.ask(w.token("newcomer"), `mutation($url: URL!) {
		a: completeAuthorization(input: {url: $url}) { link `+linkFields+` problem `+problemFields+` }
		b: revoke(input: {dataSource: "garmin"}) { outcome link `+linkFields+` problem `+problemFields+` } }`, map[string]any{"url": returned})
	require.NoError(t, json.Unmarshal(mutation.Data, &ended))
	switch {
	case f.fault.Status == http.StatusBadRequest, f.fault.Status == http.StatusNotFound, f.fault.Status == http.StatusUnprocessableEntity:
		assert.Equal(t, "BAD_USER_INPUT", mutation.code(), "how it refuses a code")
		assert.Equal(t, []any{"a"}, mutation.Errors[0].Path)
	case f.fault == slowness && w.settings.OperationTimeout == shortWhile:
		assert.Equal(t, unavailable, mutation.code(), "the second one had no time left, and was not begun")
		assert.Equal(t, []any{"b"}, mutation.Errors[0].Path)
		fallthrough
	default:
		require.NotNil(t, ended.A.Problem)
		code := f.oneTwentyOne
		if code == relink {
			code = invalid // here the credential is ours
		}
		assert.Equal(t, []string{"NOT_CONNECTED", code}, []string{ended.A.Link.Status, ended.A.Problem.Code})
	}
	if len(mutation.Errors) == 0 || mutation.Errors[0].Path[0] == "a" {
		assert.Equal(t, "ALREADY_REVOKED", ended.B.Outcome, "the alias beside it")
	}

	w.fault(w.oneTwentyOne.Control())
	assert.Equal(t, good.lines(), w.everything().lines(), "all as before once OneTwentyOne is back")
	assert.Empty(t, contains(answered.Raw+mutation.Raw, upstreamBytes...), "in the answers")
	assert.Empty(t, contains(w.log.String(), append(upstreamBytes, "127.0.0.1", returned)...), "in the log")
	assert.NotContains(t, strings.ToLower(w.log.String()), "code_", "a code of OneTwentyOne's")
}

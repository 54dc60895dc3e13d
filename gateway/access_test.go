package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/gateway"
	"healthgraph/health"
)

func TestTheAccessLogTellsWhoDidWhat(t *testing.T) {
	h := newHouse(t)
	service := health.Actor{Kind: health.ActorService, Name: "a-service"}
	require.NoError(t, h.finish("person-1"))
	_, err := h.Revoke(t.Context(), "person-1", "granter", service)
	require.NoError(t, err)

	log, err := h.AccessLog(t.Context(), "person-1", 10, "")
	require.NoError(t, err)
	require.Len(t, log.Nodes, 2)
	revoked, linked := log.Nodes[0], log.Nodes[1]
	assert.Equal(t, health.AccessRevoked, revoked.Action)
	assert.Equal(t, health.ActorService, revoked.Actor)
	assert.Equal(t, "a-service", *revoked.ActorName)
	assert.Equal(t, health.RevokedLocallyOnly, *revoked.Outcome)
	assert.Equal(t, granted.ID, revoked.DataSource.ID)
	assert.Equal(t, health.AccessLinked, linked.Action)
	assert.Equal(t, health.ActorPerson, linked.Actor)
	assert.Nil(t, linked.ActorName)
	assert.Nil(t, linked.Outcome)
	assert.Equal(t, "granter", *linked.Connector)
	assert.Equal(t, granted.ID, linked.DataSource.ID, "the connector's only one")
	assert.WithinDuration(t, h.clock.Now(), linked.At, time.Second)

	nobody, err := h.AccessLog(t.Context(), "person-2", 10, "")
	require.NoError(t, err)
	assert.Empty(t, nobody.Nodes)
	assert.NotNil(t, nobody.Edges)
}

func TestWhatHappensAtTheUpstreamIsLoggedOnceHoweverManySeeIt(t *testing.T) {
	h := newHouse(t)
	second := h.another(h.config)
	see := func() {
		t.Helper()
		people := [2]*gateway.Person{h.person("person-1"), h.person("person-1")} // both read the store before either writes
		h.Links(t.Context(), "lister", people[:1])
		second.Links(t.Context(), "lister", people[1:])
	}
	h.lister.shows(fitbit)
	see()
	see()
	assert.Equal(t, []health.AccessAction{health.AccessLinked}, h.actions("person-1"))
	h.lister.shows()
	see()
	assert.Equal(t, []health.AccessAction{health.AccessEnded, health.AccessLinked}, h.actions("person-1"))
	log, err := h.AccessLog(t.Context(), "person-1", 1, "")
	require.NoError(t, err)
	assert.Equal(t, health.ActorUpstream, log.Nodes[0].Actor)
	assert.Equal(t, fitbit.ID, log.Nodes[0].DataSource.ID)
}

func TestARevocationThatFailedIsLoggedAsSuch(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) { return connectors.Revocation{}, down }
	_, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	log, err := h.AccessLog(t.Context(), "person-1", 1, "")
	require.NoError(t, err)
	assert.Equal(t, health.RevokeFailed, *log.Nodes[0].Outcome)
}

func TestPagesOfTheAccessLog(t *testing.T) {
	h := newHouse(t)
	for range 5 {
		h.grant("person-1", nil)
		h.clock.advance(time.Minute)
	}
	whole, err := h.AccessLog(t.Context(), "person-1", 5, "")
	require.NoError(t, err)
	require.Len(t, whole.Edges, 5)
	assert.False(t, whole.PageInfo.HasNextPage)
	assert.False(t, whole.PageInfo.HasPreviousPage)

	first, err := h.AccessLog(t.Context(), "person-1", 2, "")
	require.NoError(t, err)
	assert.True(t, first.PageInfo.HasNextPage)
	h.grant("person-1", nil) // what is new does not move the page behind
	second, err := h.AccessLog(t.Context(), "person-1", 3, *first.PageInfo.EndCursor)
	require.NoError(t, err)
	assert.Equal(t, whole.Edges, append(first.Edges, second.Edges...))
	assert.True(t, second.PageInfo.HasPreviousPage)
	assert.False(t, second.PageInfo.HasNextPage)
	assert.Equal(t, second.Edges[0].Cursor, *second.PageInfo.StartCursor)

	for name, c := range map[string]struct {
		first    int
		after    string
		argument string
	}{
		"none":                {0, "", "first"},
		"too many":            {101, "", "first"},
		"negative":            {-1, "", "first"},
		"no cursor":           {1, "no cursor", "after"},
		"a cursor cut short":  {1, (*first.PageInfo.EndCursor)[:10], "after"},
		"a huge cursor":       {1, strings.Repeat("A", 1<<16), "after"},
		"another's cursor":    {1, "e30", "after"},                                          // {}
		"a cursor with bytes": {1, "WyIyMDI2LTAzLTI5VDEyOjAwOjAwWiIsIlx1MDAwMCJd", "after"}, // a NUL in the key
	} {
		_, err := h.AccessLog(t.Context(), "person-1", c.first, c.after)
		assert.Equal(t, health.BadUserInput, codeOf(err), name)
		assert.Equal(t, c.argument, health.AsError(err).Argument, name)
	}
}

func TestALinkThatBringsNothingNewSaysSo(t *testing.T) {
	h := newHouse(t)
	config := h.config
	config.StaleAfter = 72 * time.Hour
	h.Gateway = h.another(config)
	h.grant("person-1", nil)
	read := func() health.DataSourceLink {
		t.Helper()
		person := h.person("person-1")
		links := h.Links(t.Context(), "granter", []*gateway.Person{person})[0]
		today := health.DateOf(h.clock.Now(), health.UTC)
		h.Steps(t.Context(), person, "granter", links, health.DateRange{From: today.AddDays(-7), To: today})
		return h.links("person-1", "granter")["granter"]
	}
	link := read()
	assert.Nil(t, link.Problem, "a new link has time")
	assert.WithinDuration(t, h.clock.Now(), *link.DataCheckedAt, time.Second)

	h.clock.advance(4 * 24 * time.Hour)
	assert.Nil(t, h.links("person-1", "granter")["granter"].Problem, "nobody has asked for newer data")
	h.granter.samples = connectortest.AllSamples{SampleResult: connectors.SampleResult{Err: down}}
	assert.Nil(t, read().Problem, "nor could anybody tell")
	h.granter.samples = connectortest.AllSamples{}
	link = read()
	require.NotNil(t, link.Problem)
	assert.Equal(t, health.NoNewData, link.Problem.Code)
	assert.Equal(t, granted.ID, link.Problem.DataSource.ID)
	assert.Equal(t, health.StatusConnected, link.Status, "the link itself is good")

	now := h.clock.Now()
	h.granter.samples = connectortest.AllSamples{Samples: []health.Sample{{Start: now.Add(-time.Hour), End: now.Add(-time.Minute), Value: 10}}}
	assert.Nil(t, read().Problem, "there it is")
	h.granter.samples = connectortest.AllSamples{}
	h.clock.advance(72*time.Hour - 2*time.Minute)
	assert.Nil(t, read().Problem)
	h.clock.advance(2 * time.Hour)
	assert.NotNil(t, read().Problem)
	h.Gateway = h.another(h.config)
	assert.Nil(t, h.links("person-1", "granter")["granter"].Problem, "who does not want to know is not told")
}

func TestReadingOneDayAtATimeDoesNotMakeALinkLookSilent(t *testing.T) {
	h := newHouse(t)
	config := h.config
	config.StaleAfter = 72 * time.Hour
	h.Gateway = h.another(config)
	h.lister.shows(fitbit)
	read := func(back int) {
		t.Helper()
		person := h.person("person-1")
		links := h.Links(t.Context(), "lister", []*gateway.Person{person})[0]
		today := health.DateOf(h.clock.Now(), health.UTC)
		h.Steps(t.Context(), person, "lister", links, health.DateRange{From: today.AddDays(-back), To: today})
	}
	yesterdays := func(date health.Date) connectors.DayResult { // as a source whose totals come when the day is over
		if date.Compare(health.DateOf(h.clock.Now(), health.UTC)) >= 0 {
			return connectors.DayResult{}
		}
		return connectors.DayResult{Total: health.DayTotal{Steps: pointer(1000), DataSources: []health.DataSource{fitbit}}}
	}
	h.lister.day = yesterdays
	read(2)
	for range 6 {
		h.clock.advance(24 * time.Hour)
		read(0)
		assert.Nil(t, h.links("person-1", "lister")["fitbit"].Problem)
	}
	h.lister.day = func(health.Date) connectors.DayResult { return connectors.DayResult{} }
	read(9)
	require.NotNil(t, h.links("person-1", "lister")["fitbit"].Problem, "asked for all that time, and nothing came")
	h.lister.day = func(date health.Date) connectors.DayResult {
		if date.Compare(health.DateOf(h.clock.Now(), health.UTC)) == 0 {
			return connectors.DayResult{}
		}
		return connectors.DayResult{Err: down}
	}
	h.clock.advance(2 * time.Hour)
	checked := h.links("person-1", "lister")["fitbit"].DataCheckedAt
	read(9)
	assert.Equal(t, checked, h.links("person-1", "lister")["fitbit"].DataCheckedAt, "days that failed were not asked")
}

// Who looks at old days hears what is in them. Whether anything came since, nobody has asked.
func TestALookAtOldDaysDoesNotCallASourceSilent(t *testing.T) {
	h := newHouse(t)
	config := h.config
	config.StaleAfter = 72 * time.Hour
	h.Gateway = h.another(config)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.clock.advance(30 * 24 * time.Hour)
	today := health.DateOf(h.clock.Now(), health.UTC)
	old := today.AddDays(-20)
	h.lister.day = func(date health.Date) connectors.DayResult {
		steps := 1000
		if date.Compare(old) > 0 {
			return connectors.DayResult{}
		}
		return connectors.DayResult{Total: health.DayTotal{Steps: &steps, DataSources: []health.DataSource{fitbit}}}
	}
	look := func(from, to health.Date) health.DataSourceLink {
		person := h.person("person-1")
		links := h.Links(t.Context(), "lister", []*gateway.Person{person})[0]
		h.Steps(t.Context(), person, "lister", links, health.DateRange{From: from, To: to})
		return h.links("person-1", "lister")["fitbit"]
	}
	link := look(old.AddDays(-5), old)
	require.NotNil(t, link.LatestDataAt)
	assert.Equal(t, old.AddDays(1).Start(health.UTC), *link.LatestDataAt)
	assert.Nil(t, link.DataCheckedAt)
	assert.Nil(t, link.Problem)

	link = look(old, today)
	require.NotNil(t, link.DataCheckedAt)
	require.NotNil(t, link.Problem)
	assert.Equal(t, health.NoNewData, link.Problem.Code)
}

// A scale brings no steps: that is no silence.
func TestASourceThatNeverBroughtStepsIsNotCalledSilent(t *testing.T) {
	h := newHouse(t)
	config := h.config
	config.StaleAfter = time.Hour
	h.Gateway = h.another(config)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.clock.advance(48 * time.Hour)
	person := h.person("person-1")
	links := h.Links(t.Context(), "lister", []*gateway.Person{person})[0]
	today := health.DateOf(h.clock.Now(), health.UTC)
	h.lister.day = func(health.Date) connectors.DayResult { return connectors.DayResult{} }
	h.Steps(t.Context(), person, "lister", links, health.DateRange{From: today.AddDays(-7), To: today})
	link := h.links("person-1", "lister")["fitbit"]
	require.NotNil(t, link.DataCheckedAt)
	assert.Nil(t, link.Problem)
	h.clock.advance(24 * time.Hour)
	h.lister.forget()
	h.reconcile("lister")
	assert.Equal(t, []string{"links person-1"}, h.lister.made(), "nor asked for steps")
}

// A link that the upstream leaves out of its list is over, as if the list said so.
func TestALinkThatTheListLeavesOutHasEnded(t *testing.T) {
	h := newHouse(t)
	beyond := health.DataSource{ID: "zepp", Name: "Zepp", Kind: health.KindBrowser}
	h.lister.shows(beyond)
	assert.Equal(t, health.StatusConnected, h.links("person-1", "lister")["zepp"].Status)
	h.lister.shows()
	h.links("person-1", "lister")
	records, _ := h.stored("person-1")
	for _, record := range records {
		assert.Equal(t, health.StatusNotConnected, record.Status)
	}
	assert.Equal(t, []health.AccessAction{health.AccessEnded, health.AccessLinked}, h.actions("person-1"))
	h.clock.advance(25 * time.Hour)
	assert.Zero(t, h.reconcile("lister").Due)
}

// Who reads while a person is erased does not bring them back.
func TestAnErasedPersonIsNotLogged(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	late := h.person("person-1")
	h.lister.ends()
	_, err := h.Erase(t.Context(), "person-1", byPerson)
	require.NoError(t, err)
	h.lister.shows()
	h.Links(t.Context(), "lister", []*gateway.Person{late})
	assert.Empty(t, h.actions("person-1"))
	records, _ := h.stored("person-1")
	assert.Empty(t, records)
}

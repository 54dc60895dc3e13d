package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/gateway"
	"healthgraph/health"
)

func date(text string) health.Date {
	d, err := health.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// stepCount asks both upstreams as a resolver does. The days are of March 2026, of which the 29th is today.
func (h *house) stepCount(from, to string, sources ...string) health.StepCount {
	h.t.Helper()
	request, err := h.DayRequest(h.t.Context(), date("2026-03-"+from), date("2026-03-"+to), nil, sources, nil)
	require.NoError(h.t, err)
	reads := readEach(h, h.StepConnectors(request.Filter()), request, h.StepLinks, h.Steps)
	return h.CountSteps(request, gateway.Zone{TimeZone: health.UTC, Origin: health.ZoneDefault}, reads)
}

// readEach has person-1's days read at each of the connectors where that is worth it, as a resolver does.
func readEach[R any](h *house, names []string, request gateway.DayRequest,
	linked func(string, []health.DataSourceLink, gateway.Filter) (R, bool),
	read func(context.Context, *gateway.Person, string, []health.DataSourceLink, health.DateRange) R,
) (reads []R) {
	h.t.Helper()
	person := h.person("person-1")
	for _, name := range names {
		links := h.Links(h.t.Context(), name, []*gateway.Person{person})[0]
		found, worthReading := linked(name, links, request.Filter())
		if worthReading {
			found = read(h.t.Context(), person, name, links, request.Days)
		}
		reads = append(reads, found)
	}
	return reads
}

// counts makes the lister's totals, of the sources named.
func (l *lister) counts(steps map[string]int, sources ...health.DataSource) {
	l.day = func(d health.Date) connectors.DayResult {
		n, has := steps[d.String()[8:]]
		if !has {
			return connectors.DayResult{}
		}
		return connectors.DayResult{Total: health.DayTotal{Steps: &n, DataSources: sources}}
	}
}

// walks makes one sample of the granter's at noon of each day.
func (g *granter) walks(steps map[string]float64) {
	g.samples = connectortest.AllSamples{}
	for day, n := range steps {
		noon := date("2026-03-" + day).Start(health.UTC).Add(11 * time.Hour)
		g.samples.Samples = append(g.samples.Samples, health.Sample{Device: "phone", Start: noon, End: noon.Add(time.Minute), Value: n})
	}
}

func presences(count health.StepCount) []health.Presence {
	var all []health.Presence
	for _, day := range count.Days {
		all = append(all, day.Presence)
	}
	return all
}

func TestNothingLinkedIsNothingKnown(t *testing.T) {
	h := newHouse(t)
	count := h.stepCount("27", "29")
	assert.Nil(t, count.Total, "never 0 for no data")
	assert.Equal(t, []health.Presence{health.PresenceNotConnected, health.PresenceNotConnected, health.PresenceNotConnected}, presences(count))
	assert.Empty(t, count.Problems)
	assert.NotNil(t, count.Problems)
	assert.True(t, count.Complete)
	for _, day := range count.Days {
		assert.Empty(t, day.Candidates)
	}
}

func TestEachDaySaysWhatItIs(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.counts(map[string]int{"24": 0, "25": 2000, "27": 3000, "29": 40}, fitbit)
	count := h.stepCount("23", "30")
	assert.Equal(t, []health.Presence{
		health.PresenceNoData, health.PresenceZero, health.PresenceValue, health.PresenceNoData,
		health.PresenceValue, health.PresenceNoData, health.PresencePartialDay, health.PresenceNotSynced,
	}, presences(count))
	assert.Equal(t, 5040, *count.Total)
	assert.True(t, count.Complete)
	assert.Equal(t, fitbit.ID, count.Days[2].DataSources[0].ID)
	assert.Equal(t, health.ReasonOnly, count.Days[2].Candidates[0].Reason)

	h.lister.counts(map[string]int{"24": 0}, fitbit)
	count = h.stepCount("24", "24")
	require.NotNil(t, count.Total, "zero was recorded")
	assert.Equal(t, 0, *count.Total)
}

func TestWhatHasNotBeenSyncedYetIsNotCalledEmpty(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.counts(map[string]int{"25": 2000}, fitbit)
	assert.Equal(t, []health.Presence{health.PresenceNoData, health.PresenceValue, health.PresenceNotSynced}, presences(h.stepCount("24", "26")))
	// What an earlier read saw is remembered.
	assert.Equal(t, []health.Presence{health.PresenceNoData}, presences(h.stepCount("24", "24")))
	assert.Equal(t, []health.Presence{health.PresenceNotSynced}, presences(h.stepCount("26", "26")))
	assert.Equal(t, date("2026-03-26").Start(health.UTC), *h.links("person-1", "lister")["fitbit"].LatestDataAt)
}

// What is still linked may not have synchronised, whatever came from a source that is not.
func TestASourceThatIsNotLinkedAnyMoreHasNoLaterData(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit, appleHealth)
	h.lister.counts(map[string]int{"27": 2000}, fitbit)
	h.stepCount("26", "27")
	assert.Equal(t, []health.Presence{health.PresenceNoData}, presences(h.stepCount("26", "26")))
	h.lister.shows(appleHealth)
	assert.Equal(t, []health.Presence{health.PresenceNotSynced}, presences(h.stepCount("26", "26")))
	h.lister.shows(fitbit, appleHealth)
	assert.Equal(t, []health.Presence{health.PresenceNoData}, presences(h.stepCount("26", "26")))
}

func TestDaysThatHaveNotBegunAreNotAskedFor(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.counts(nil)
	h.stepCount("29", "31")
	assert.Equal(t, []string{"links person-1", "day person-1 2026-03-30", "day person-1 2026-03-29"}, h.lister.made(), "it is the 30th somewhere; the newest comes first")
}

func TestTheHigherUpstreamIsChosenDayByDay(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.counts(map[string]int{"26": 100, "27": 500, "28": 300}, fitbit)
	h.grant("person-1", nil)
	h.granter.walks(map[string]float64{"26": 200.4, "27": 400, "28": 300})
	count := h.stepCount("26", "28")
	assert.Equal(t, 200+500+300, *count.Total, "never a silent sum")
	for i, want := range [][]health.CandidateReason{
		{health.ReasonNotHighest, health.ReasonHighest}, {health.ReasonHighest, health.ReasonNotHighest}, {health.ReasonHighest, health.ReasonTie},
	} {
		require.Len(t, count.Days[i].Candidates, 2)
		assert.Equal(t, want, []health.CandidateReason{count.Days[i].Candidates[0].Reason, count.Days[i].Candidates[1].Reason})
	}
}

func TestHalfAnAnswerIsAnAnswer(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.lister.isDown()
	h.grant("person-1", nil)
	h.granter.walks(map[string]float64{"27": 400})
	count := h.stepCount("27", "28")
	assert.Equal(t, 400, *count.Total)
	assert.False(t, count.Complete)
	require.Len(t, count.Problems, 1)
	assert.Equal(t, health.UpstreamUnavailable, count.Problems[0].Code)
	assert.Equal(t, []health.Presence{health.PresenceValue, health.PresenceUnavailable}, presences(count))
	for _, call := range h.lister.made() {
		assert.NotContains(t, call, "day", "an upstream that is known to be down is not asked for every day")
	}
}

func TestADayThatFailsIsUnavailableAndTheOthersStand(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.counts(map[string]int{"26": 100, "28": 300}, fitbit)
	good := h.lister.day
	h.lister.day = func(d health.Date) connectors.DayResult {
		if d.Day == 27 {
			return connectors.DayResult{Err: down}
		}
		return good(d)
	}
	count := h.stepCount("26", "28")
	assert.Equal(t, []health.Presence{health.PresenceValue, health.PresenceUnavailable, health.PresenceValue}, presences(count))
	assert.Equal(t, 400, *count.Total)
	assert.False(t, count.Complete)
	require.Len(t, count.Problems, 1, "one, however many days")
	assert.Contains(t, count.Problems[0].Message, "1 of 3 days")
}

func TestSamplesThatWereReadInPartLeaveTheRestUnavailable(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.walks(map[string]float64{"25": 100, "26": 200})
	h.granter.samples.Err = down
	for readUntil, want := range map[string][]health.Presence{
		"2026-03-25T23:59:59Z": {health.PresenceUnavailable, health.PresenceUnavailable, health.PresenceUnavailable},
		"2026-03-26T00:00:00Z": {health.PresenceValue, health.PresenceUnavailable, health.PresenceUnavailable},
		"2026-03-26T12:00:00Z": {health.PresenceValue, health.PresenceUnavailable, health.PresenceUnavailable},
		"2026-03-27T00:00:00Z": {health.PresenceValue, health.PresenceValue, health.PresenceUnavailable},
	} {
		var err error
		h.granter.samples.ReadUntil, err = time.Parse(time.RFC3339, readUntil)
		require.NoError(t, err)
		count := h.stepCount("25", "27")
		assert.Equal(t, want, presences(count), "read until %s: a part never looks like a whole", readUntil)
		assert.False(t, count.Complete)
		assert.Len(t, count.Problems, 1)
	}
}

func TestSamplesThatMakeNoSenseAreSaidToBeLeftOut(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.walks(map[string]float64{"25": 100})
	h.granter.samples.Refused = 2
	count := h.stepCount("25", "25")
	assert.Equal(t, 100, *count.Total)
	require.Len(t, count.Problems, 1)
	assert.Equal(t, health.UpstreamInvalid, count.Problems[0].Code)
	assert.True(t, count.Complete, "the source was read to its end")
}

func TestAForbiddenReadIsAMissingPermission(t *testing.T) {
	h := newHouse(t)
	h.grant("person-1", nil)
	h.granter.samples = connectortest.AllSamples{SampleResult: connectors.SampleResult{Err: connectors.FailureFromStatus("Granter", connectors.PersonCredential, 403, nil, h.clock.Now())}}
	assert.Equal(t, []health.Presence{health.PresenceNoPermission}, presences(h.stepCount("25", "25")))
	h.granter.samples = connectortest.AllSamples{SampleResult: connectors.SampleResult{Err: connectors.FailureFromStatus("Granter", connectors.OwnCredential, 403, nil, h.clock.Now())}}
	assert.Equal(t, []health.Presence{health.PresenceUnavailable}, presences(h.stepCount("25", "25")), "our own refusal is not the person's")
}

func TestAMergedDayCannotHonourAFilterAndSaysSo(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit, appleHealth)
	for name, c := range map[string]struct {
		named    []health.DataSource
		filter   []string
		presence health.Presence
		problems int
	}{
		"no filter, merged":        {[]health.DataSource{fitbit, appleHealth}, nil, health.PresenceValue, 0},
		"its only source":          {[]health.DataSource{fitbit}, []string{"fitbit"}, health.PresenceValue, 0},
		"all of its sources":       {[]health.DataSource{fitbit, appleHealth}, []string{"fitbit", "apple_health"}, health.PresenceValue, 0},
		"one of its sources":       {[]health.DataSource{fitbit, appleHealth}, []string{"fitbit"}, health.PresenceUnavailable, 1},
		"none of its sources":      {[]health.DataSource{appleHealth}, []string{"fitbit"}, health.PresenceNotSynced, 0},
		"of sources that it hides": {nil, []string{"fitbit"}, health.PresenceUnavailable, 1},
		"hidden, no filter":        {nil, nil, health.PresenceValue, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h.lister.counts(map[string]int{"29": 900, "28": 900}, c.named...)
			count := h.stepCount("28", "28", c.filter...)
			if c.presence == health.PresenceNotSynced {
				assert.Contains(t, []health.Presence{health.PresenceNotSynced, health.PresenceNoData}, count.Days[0].Presence)
			} else {
				assert.Equal(t, c.presence, count.Days[0].Presence)
			}
			assert.Equal(t, c.presence == health.PresenceValue, count.Total != nil)
			require.Len(t, count.Problems, c.problems)
			if c.problems > 0 {
				assert.Equal(t, health.Unsupported, count.Problems[0].Code)
				assert.Contains(t, count.Problems[0].Message, "apple_health")
				assert.Equal(t, health.ReasonMergedSource, count.Days[0].Candidates[0].Reason)
				assert.Equal(t, 900, *count.Days[0].Candidates[0].Steps, "visible all the same")
			}
		})
	}
}

func TestARangeIsNeitherBackwardsNorTooLong(t *testing.T) {
	h := newHouse(t)
	for _, c := range []struct {
		from, to string
		good     bool
	}{
		{"2026-03-01", "2026-03-01", true}, {"2026-03-02", "2026-03-01", false}, {"2024-01-01", "2024-12-31", true},
		{"2021-01-01", "2026-01-04", true}, {"2021-01-01", "2026-01-05", false}, {"0001-01-01", "9999-12-31", false},
	} {
		_, err := h.DayRequest(t.Context(), date(c.from), date(c.to), nil, nil, nil)
		assert.Equal(t, c.good, err == nil, "%s to %s", c.from, c.to)
		if err != nil {
			assert.Equal(t, "to", health.AsError(err).Argument)
		}
	}
	_, err := h.DayRequest(t.Context(), date("0001-01-01"), date("9999-12-31"), nil, nil, nil)
	assert.ErrorContains(t, err, "not 3652059")
}

func TestADayIsOneOfOurTimes(t *testing.T) {
	h := newHouse(t)
	for day, good := range map[string]bool{"1969-12-31": false, "1970-01-01": true, "2200-12-31": true, "2201-01-01": false, "0000-01-01": false, "9999-12-31": false} {
		_, err := h.DayRequest(t.Context(), date(day), date(day), nil, nil, nil)
		assert.Equal(t, good, err == nil, day)
		if err != nil {
			assert.Contains(t, []string{"from", "to"}, health.AsError(err).Argument)
			assert.ErrorContains(t, err, "1970 to 2200")
		}
	}
}

func TestTheHomeZoneIsThatOfTheProfileAndReadOnceAnHour(t *testing.T) {
	h := newHouse(t)
	zone := h.HomeZone(t.Context(), h.person("person-1"))
	assert.Equal(t, gateway.Zone{TimeZone: health.UTC, Origin: health.ZoneDefault}, zone)

	paris, err := health.ParseTimeZone("Europe/Paris")
	require.NoError(t, err)
	h.grant("person-1", &connectors.Profile{TimeZone: &paris})
	zone = h.HomeZone(t.Context(), h.person("person-1"))
	assert.Equal(t, gateway.Zone{TimeZone: paris, Origin: health.ZoneFromProfile}, zone)
	assert.Empty(t, h.granter.made(), "it was read a moment ago")

	h.clock.advance(time.Hour)
	h.granter.profileErr = down
	assert.Equal(t, zone, h.HomeZone(t.Context(), h.person("person-1")), "what can't be read again is as it was")
	assert.Equal(t, []string{"profile account-of-person-1"}, h.granter.made())

	tokyo, err := health.ParseTimeZone("Asia/Tokyo")
	require.NoError(t, err)
	h.granter.profileErr, h.granter.profile = nil, connectors.Profile{AccountID: "account-of-person-1", TimeZone: &tokyo}
	assert.Equal(t, tokyo, h.HomeZone(t.Context(), h.person("person-1")).TimeZone)
	assert.Equal(t, tokyo, h.HomeZone(t.Context(), h.person("person-1")).TimeZone)
	assert.Len(t, h.granter.made(), 2, "and remembered")
}

package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// sleepers are the upstreams of these tests: one that totals nights, one with sessions.
type sleepers struct {
	*house
	nights  map[string]time.Duration // of the lister, by day of March 2026
	sources []health.DataSource
	failing map[string]error
	records connectors.SleepRecordsResult
}

type nightLister struct {
	*lister
	s *sleepers
}

func (l nightLister) ReadDailySleep(_ context.Context, account connectors.Account, dates []health.Date) []connectors.DaySleepResult {
	results := make([]connectors.DaySleepResult, len(dates))
	for i, d := range dates {
		l.note("night " + account.ID + " " + d.String())
		results[i] = connectors.DaySleepResult{Sleep: health.DaySleep{Date: d}, Err: l.s.failing[d.String()[8:]]}
		if asleep, has := l.s.nights[d.String()[8:]]; has && results[i].Err == nil {
			results[i].Sleep.Figure = &health.SleepFigure{SleepTimes: health.SleepTimes{Asleep: pointer(health.Duration(asleep))}}
			results[i].Sleep.DataSources = l.s.sources
		}
	}
	return results
}

type sleepGranter struct {
	*granter
	s *sleepers
}

func (g sleepGranter) ReadSleepSessions(_ context.Context, account connectors.Account, span health.Interval) connectors.SleepRecordsResult {
	g.note("sleep " + account.ID + " " + span.Start.Format(time.RFC3339) + " " + span.End.Format(time.RFC3339))
	return g.s.records
}

func newSleepers(t *testing.T) *sleepers {
	t.Helper()
	s := &sleepers{house: newHouse(t), sources: []health.DataSource{fitbit}, nights: map[string]time.Duration{}, failing: map[string]error{}}
	registry, err := connectors.NewRegistry(nightLister{s.lister, s}, sleepGranter{s.granter, s})
	require.NoError(t, err)
	s.config.Registry = registry
	s.Gateway = s.another(s.config)
	return s
}

// slept records a night of the granter's that ends at seven in UTC on a day of March.
func (s *sleepers) slept(day string, asleep time.Duration) {
	woke := date("2026-03-" + day).Start(health.UTC).Add(7 * time.Hour)
	span := health.Interval{Start: woke.Add(-asleep), End: woke}
	s.records.Records = append(s.records.Records, health.SleepRecord{Interval: span, Device: "watch", Spans: []health.SleepSpan{{Interval: span, Stage: health.StageAsleep}}})
}

// sleep asks both upstreams as a resolver does. The 29th of March is today.
func (s *sleepers) sleep(from, to string, choice *health.ChoiceInput, sources ...string) health.Sleep {
	s.t.Helper()
	request, err := s.DayRequest(s.t.Context(), date("2026-03-"+from), date("2026-03-"+to), nil, sources, choice)
	require.NoError(s.t, err)
	reads := readEach(s.house, s.SleepConnectors(request.Filter()), request, s.SleepLinks, s.ReadSleep)
	return s.Sleep(request, gateway.Zone{TimeZone: health.UTC, Origin: health.ZoneDefault}, reads)
}

// told writes each day as its sleep, or why there is none.
func told(sleep health.Sleep) []string {
	var all []string
	for _, day := range sleep.Days {
		text := string(day.Presence)
		if day.Asleep != nil {
			text = day.Asleep.String() + " " + text
		}
		all = append(all, text)
	}
	return all
}

func TestEachDayOfSleepSaysWhatItIs(t *testing.T) {
	s := newSleepers(t)
	assert.Equal(t, []string{"NOT_CONNECTED"}, told(s.sleep("28", "28", nil)))
	s.lister.shows(fitbit)
	s.nights = map[string]time.Duration{"24": 0, "25": 7 * time.Hour, "29": 8 * time.Hour}
	sleep := s.sleep("23", "30", nil)
	assert.Equal(t, []string{"NO_DATA", "PT0S ZERO", "PT7H VALUE", "NO_DATA", "NO_DATA", "NO_DATA", "PT8H PARTIAL_DAY", "NOT_SYNCED"}, told(sleep))
	assert.True(t, sleep.Complete)
	assert.Empty(t, sleep.Problems)
	assert.Equal(t, fitbit.ID, sleep.Days[2].DataSources[0].ID)
	assert.Equal(t, health.ReasonOnly, sleep.Days[2].Candidates[0].Reason)
}

// Steps of the afternoon say nothing of the night to come, but that one will not come any more of the night before.
func TestADayWithoutSleepHasNoneOnceTheNextHasData(t *testing.T) {
	s := newSleepers(t)
	s.grant("person-1", nil)
	s.granter.walks(map[string]float64{"28": 100})
	require.Equal(t, 100, *s.stepCount("28", "28").Total)
	assert.Equal(t, []string{"NO_DATA", "NOT_SYNCED"}, told(s.sleep("27", "28", nil)))
}

func TestTheLongestSleepIsChosenUnlessAskedOtherwise(t *testing.T) {
	s := newSleepers(t)
	s.lister.shows(fitbit)
	s.grant("person-1", nil)
	s.nights = map[string]time.Duration{"26": 6 * time.Hour, "27": 8 * time.Hour, "28": 7 * time.Hour}
	s.slept("26", 7*time.Hour)
	s.slept("27", 7*time.Hour)
	s.slept("28", 7*time.Hour)
	assert.Equal(t, []string{"PT7H VALUE", "PT8H VALUE", "PT7H VALUE"}, told(s.sleep("26", "28", nil)), "never a silent sum")
	tie := s.sleep("28", "28", nil).Days[0]
	assert.Equal(t, []health.CandidateReason{health.ReasonHighest, health.ReasonTie}, []health.CandidateReason{tie.Candidates[0].Reason, tie.Candidates[1].Reason})
	assert.Empty(t, tie.Figure.Sessions)
	preferred := s.sleep("27", "27", &health.ChoiceInput{Policy: health.ChoosePreferred, DataSources: []string{"granter"}}).Days[0]
	assert.Equal(t, "PT7H", preferred.Asleep.String())
	assert.Len(t, preferred.Figure.Sessions, 1)
	delete(s.nights, "26")
	assert.Equal(t, []string{"NO_DATA", "PT8H VALUE"}, told(s.sleep("26", "27", &health.ChoiceInput{Policy: health.ChooseOnly, DataSources: []string{"fitbit"}})))
}

func TestTimeInBedAloneIsShownAndComesBehindSleep(t *testing.T) {
	s := newSleepers(t)
	s.lister.shows(fitbit)
	s.grant("person-1", nil)
	s.slept("27", 7*time.Hour)
	s.slept("28", 9*time.Hour)
	for i := range s.records.Records {
		s.records.Records[i].Spans[0].Stage = health.StageInBed
	}
	s.nights = map[string]time.Duration{"28": 5 * time.Hour}
	days := s.sleep("27", "28", nil).Days
	assert.Nil(t, days[0].Asleep)
	assert.Equal(t, health.PresenceValue, days[0].Presence)
	assert.Equal(t, "PT7H", days[0].Figure.InBed.String())
	assert.Equal(t, "PT5H", days[1].Asleep.String())
	assert.Equal(t, health.ReasonNotHighest, days[1].Candidates[1].Reason)
}

func TestHalfOfSleepIsAnAnswer(t *testing.T) {
	s := newSleepers(t)
	s.lister.shows(fitbit)
	s.grant("person-1", nil)
	s.nights = map[string]time.Duration{"26": 6 * time.Hour, "28": 6 * time.Hour}
	s.failing["27"] = down
	s.slept("26", 7*time.Hour)
	s.slept("27", 7*time.Hour)
	s.records.Err = down
	for readUntil, want := range map[string][]string{
		"2026-03-26T23:00:00Z": {"PT6H VALUE", "UNAVAILABLE", "PT6H VALUE"},
		"2026-03-27T00:30:00Z": {"PT6H VALUE", "UNAVAILABLE", "PT6H VALUE"}, // what begins now may go on with the 26th's
		"2026-03-27T01:00:01Z": {"PT7H VALUE", "UNAVAILABLE", "PT6H VALUE"},
		"2026-03-28T01:00:01Z": {"PT7H VALUE", "PT7H VALUE", "PT6H VALUE"},
	} {
		var err error
		s.records.ReadUntil, err = time.Parse(time.RFC3339, readUntil)
		require.NoError(t, err)
		sleep := s.sleep("26", "28", nil)
		assert.Equal(t, want, told(sleep), readUntil)
		assert.False(t, sleep.Complete)
		require.Len(t, sleep.Problems, 2)
		assert.Contains(t, sleep.Problems[0].Message, "1 of 3 days")
	}
	s.records.Err = nil
	s.lister.isDown()
	s.lister.forget()
	assert.Equal(t, []string{"PT7H VALUE"}, told(s.sleep("26", "26", nil)))
	for _, call := range s.lister.made() {
		assert.NotContains(t, call, "night", "an upstream that is known to be down is not asked for every day")
	}
}

func TestSleepMovesTheNewestDataOfSourcesThatBringOther(t *testing.T) {
	s := newSleepers(t)
	s.lister.shows(fitbit)
	s.grant("person-1", nil)
	s.nights = map[string]time.Duration{"27": 6 * time.Hour}
	s.slept("28", 7*time.Hour)
	s.sleep("26", "28", nil)
	assert.Nil(t, s.links("person-1", "lister")["fitbit"].LatestDataAt, "a mat under the bed brings no steps, and is not silent for want of them")
	newest := s.links("person-1", "granter")["granter"]
	assert.Equal(t, date("2026-03-28").Start(health.UTC).Add(7*time.Hour), *newest.LatestDataAt)
}

func TestSleepThatWasNotGrantedSaysSo(t *testing.T) {
	s := newSleepers(t)
	s.grant("person-1", nil)
	s.records.Err = connectors.FailureFromStatus("Granter", connectors.PersonCredential, 403, nil, s.clock.Now())
	sleep := s.sleep("27", "27", nil)
	assert.Equal(t, []string{"NO_PERMISSION"}, told(sleep))
	require.Len(t, sleep.Problems, 1)
	assert.Equal(t, health.ReauthorizationRequired, sleep.Problems[0].Code)
	assert.NotNil(t, sleep.Problems[0].AuthorizationURL)
}

func TestAMergedNightCannotHonourAFilter(t *testing.T) {
	s := newSleepers(t)
	s.lister.shows(fitbit, appleHealth)
	s.nights = map[string]time.Duration{"28": 6 * time.Hour}
	s.sources = []health.DataSource{fitbit, appleHealth}
	sleep := s.sleep("28", "28", nil, "fitbit")
	assert.Equal(t, []string{"UNAVAILABLE"}, told(sleep))
	assert.Contains(t, sleep.Problems[0].Message, "apple_health")
	assert.Equal(t, []string{"PT6H VALUE"}, told(s.sleep("28", "28", nil)))
}

// What the upstream is asked for is wide enough for every zone, and for sleep that began long before.
func TestSleepIsAskedForFromLongBefore(t *testing.T) {
	s := newSleepers(t)
	s.grant("person-1", nil)
	s.records.Refused = 2
	sleep := s.sleep("20", "21", nil)
	assert.Equal(t, []string{"sleep account-of-person-1 2026-03-17T22:00:00Z 2026-03-22T13:00:00Z"}, s.granter.made())
	assert.True(t, sleep.Complete)
	assert.Contains(t, sleep.Problems[0].Message, "2 measurements that make no sense")
	s.granter.forget()
	assert.Equal(t, []string{"NOT_SYNCED"}, told(s.sleep("31", "31", nil)))
	assert.Empty(t, s.granter.made(), "a day that has not begun anywhere")
}

package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"healthgraph/health"
)

var (
	rookSources = []health.DataSource{{ID: "garmin", Name: "Garmin"}, {ID: "apple_health", Name: "Apple Health"}}
	phoneSource = []health.DataSource{{ID: "onetwentyone", Name: "OneTwentyOne"}}
)

func candidate(connector string, steps *int, reason health.CandidateReason, presence health.Presence, sources []health.DataSource, devices ...health.DeviceSteps) health.StepCandidate {
	chosen := map[health.CandidateReason]bool{health.ReasonOnly: true, health.ReasonHighest: true, health.ReasonPreferred: true, health.ReasonAskedFor: true}
	return health.StepCandidate{
		Connector: connector, ConnectorName: connector, DataSources: sources, Steps: steps, Presence: presence, Chosen: chosen[reason], Reason: reason, Devices: devices,
	}
}

func TestADisputedDayIsExplainedToItsOwner(t *testing.T) {
	cases := map[string]struct {
		day  health.DailySteps
		want string
	}{
		"overlaps and a lower figure": {
			health.DailySteps{Steps: new(6078), Presence: health.PresenceValue, Candidates: []health.StepCandidate{
				candidate("ROOK", new(5753), health.ReasonNotHighest, health.PresenceValue, rookSources),
				candidate("OneTwentyOne", new(6078), health.ReasonHighest, health.PresenceValue, phoneSource,
					health.DeviceSteps{Name: new("Watch"), Recorded: 4100, Counted: 4100}, health.DeviceSteps{Name: new("iPhone"), Recorded: 5900, Counted: 1978}),
			}},
			"6,078 steps, from OneTwentyOne: no other figure is higher. Watch recorded 4,100, all of which count; iPhone recorded 5,900, of which 1,978 count. " +
				"Where several recorded at the same time, only the one that counted most at that moment was taken. ROOK (Garmin, Apple Health) has 5,753 steps: not taken, because another figure is higher.",
		},
		"devices that never overlap": {
			health.DailySteps{Steps: new(1000), Presence: health.PresencePartialDay, Candidates: []health.StepCandidate{
				candidate("OneTwentyOne", new(1000), health.ReasonOnly, health.PresencePartialDay, phoneSource,
					health.DeviceSteps{Name: new("Watch"), Recorded: 600, Counted: 600}, health.DeviceSteps{Recorded: 400, Counted: 400}),
			}},
			"1,000 steps, from OneTwentyOne: there is no other figure. Watch recorded 600, all of which count; devices without a name recorded 400, all of which count. " +
				"The day is not over: the figure may still grow.",
		},
		"one without a figure": {
			health.DailySteps{Steps: new(1), Presence: health.PresenceValue, Candidates: []health.StepCandidate{
				candidate("ROOK", new(1), health.ReasonOnly, health.PresenceValue, nil),
				candidate("OneTwentyOne", nil, health.ReasonNoFigure, health.PresenceNotSynced, nil),
			}},
			"1 step, from ROOK: there is no other figure. OneTwentyOne has no figure: nothing has arrived for this day or a later one yet.",
		},
		"nothing at all": {health.DailySteps{Presence: health.PresenceNotConnected}, "No data source is linked."},
		"a merged day": {
			health.DailySteps{Presence: health.PresenceUnavailable, Candidates: []health.StepCandidate{
				candidate("ROOK", new(1234567), health.ReasonMergedSource, health.PresenceValue, rookSources),
			}},
			"There is no figure for just what was asked for. ROOK (Garmin, Apple Health) has 1,234,567 steps: not taken, because it also counts data sources that were not asked for.",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, c.day.Explanation()) })
	}
}

func TestEveryReasonAndPresenceIsExplained(t *testing.T) {
	for _, reason := range []health.CandidateReason{
		health.ReasonOnly, health.ReasonHighest, health.ReasonNotHighest, health.ReasonTie, health.ReasonPreferred, health.ReasonNotPreferred,
		health.ReasonAskedFor, health.ReasonNotAskedFor, health.ReasonMergedSource,
	} {
		day := health.DailySteps{Presence: health.PresenceUnavailable, Candidates: []health.StepCandidate{candidate("ROOK", new(5), reason, health.PresenceValue, nil)}}
		assert.Contains(t, day.Explanation(), "5 steps", reason)
		assert.NotContains(t, day.Explanation(), ": .", reason)
	}
	for _, presence := range []health.Presence{
		health.PresenceNoData, health.PresenceNotSynced, health.PresenceNoPermission, health.PresenceNotConnected, health.PresenceUnavailable,
	} {
		assert.NotEmpty(t, health.DailySteps{Presence: presence}.Explanation(), presence)
	}
}

func TestANightIsExplainedToItsOwner(t *testing.T) {
	length := func(hours, minutes int) *health.Duration {
		return new(health.Duration(time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute))
	}
	night := health.SleepSession{SleepTimes: health.SleepTimes{Asleep: length(6, 28)}, Main: true, Devices: []string{"iPhone", "Watch"}}
	nap := health.SleepSession{SleepTimes: health.SleepTimes{Asleep: length(0, 20)}, Devices: []string{"Watch"}}
	ours := health.SleepCandidate{
		ConnectorName: "OneTwentyOne", DataSources: phoneSource, Chosen: true, Reason: health.ReasonHighest,
		Figure: &health.SleepFigure{SleepTimes: health.SleepTimes{Asleep: length(6, 48)}, Sessions: []health.SleepSession{night, nap}},
	}
	rook := health.SleepCandidate{
		ConnectorName: "ROOK", DataSources: rookSources, Reason: health.ReasonNotHighest, Figure: &health.SleepFigure{SleepTimes: health.SleepTimes{Asleep: length(6, 0)}},
	}
	assert.Equal(t, "6 h 48 min of sleep, from OneTwentyOne: no other figure is longer. That includes, beside the longest sleep, 20 min of sleep. "+
		"Recorded by iPhone; Watch: what several recorded at the same time counts once. "+
		"ROOK (Garmin, Apple Health) has 6 h of sleep: not taken, because another figure is longer.",
		health.DailySleep{Presence: health.PresenceValue, Candidates: []health.SleepCandidate{rook, ours}}.Explanation())

	inBed := health.SleepCandidate{
		ConnectorName: "OneTwentyOne", DataSources: phoneSource, Chosen: true, Reason: health.ReasonOnly,
		Figure: &health.SleepFigure{SleepTimes: health.SleepTimes{InBed: length(8, 0)}, Sessions: []health.SleepSession{{Main: true, Devices: []string{"iPhone"}}}},
	}
	none := health.SleepCandidate{ConnectorName: "ROOK", Presence: health.PresenceNoData, Reason: health.ReasonNoFigure}
	assert.Equal(t, "8 h in bed, with nothing known of the sleep, from OneTwentyOne: there is no other figure. iPhone recorded it. "+
		"ROOK has no figure: nothing was recorded on this day, although there is later data. The day is not over: the figure may still grow.",
		health.DailySleep{Presence: health.PresencePartialDay, Candidates: []health.SleepCandidate{none, inBed}}.Explanation())
	assert.Equal(t, "Reading sleep was not permitted.", health.DailySleep{Presence: health.PresenceNoPermission}.Explanation())
}

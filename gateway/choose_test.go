package gateway

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

var allPresences = []health.Presence{
	health.PresenceValue, health.PresencePartialDay, health.PresenceZero, health.PresenceUnavailable,
	health.PresenceNotSynced, health.PresenceNoData, health.PresenceNoPermission, health.PresenceNotConnected,
}

var (
	fitbit = health.DataSource{ID: "fitbit", Name: "Fitbit"}
	oura   = health.DataSource{ID: "oura", Name: "Oura"}
)

func has(connector string, steps int, presence health.Presence, sources ...health.DataSource) figure[daySteps] {
	return figure[daySteps]{connector: connector, value: &daySteps{steps: steps}, presence: presence, sources: sources}
}

func without(connector string, presence health.Presence) figure[daySteps] {
	return figure[daySteps]{connector: connector, presence: presence}
}

func TestADayWithoutAnyFigureTakesTheFirstPresenceInOrder(t *testing.T) {
	absent := allPresences[3:]
	for i, first := range absent {
		for _, second := range absent[i:] {
			for _, row := range [][]figure[daySteps]{{without("a", first), without("b", second)}, {without("a", second), without("b", first)}} {
				day := chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, row)
				assert.Equal(t, first, day.Presence, "%s beside %s", first, second)
				assert.Nil(t, day.Steps, "never 0 for no data")
			}
		}
	}
	assert.Equal(t, health.PresenceNotConnected, chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, nil).Presence, "nobody to ask")
	assert.Equal(t, allPresences, presenceOrder)
}

func TestTheHighestFigureIsChosenAndTheOthersStayVisible(t *testing.T) {
	day := chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, []figure[daySteps]{
		has("rook", 900, health.PresenceValue, fitbit), without("other", health.PresenceNoData),
		has("onetwentyone", 1100, health.PresenceValue, oura), without("unlinked", health.PresenceNotConnected),
	})
	assert.Equal(t, 1100, *day.Steps)
	assert.Equal(t, health.PresenceValue, day.Presence)
	assert.Equal(t, []health.DataSource{oura}, day.DataSources)
	require.Len(t, day.Candidates, 3, "what is not linked is no candidate")
	assert.Equal(t, []health.CandidateReason{health.ReasonNotHighest, health.ReasonNoFigure, health.ReasonHighest}, reasons(day))
	assert.Equal(t, []bool{false, false, true}, chosenOnes(day))
	assert.Equal(t, 900, *day.Candidates[0].Steps)
	assert.Nil(t, day.Candidates[1].Steps)
	assert.NotNil(t, day.Candidates[1].DataSources, "a list, if an empty one")
}

func TestOfTwoAsHighTheFirstInTheCatalogueIsChosen(t *testing.T) {
	day := chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, []figure[daySteps]{has("a", 500, health.PresenceValue, fitbit), has("b", 500, health.PresenceValue, oura), has("c", 400, health.PresenceValue)})
	assert.Equal(t, []health.CandidateReason{health.ReasonHighest, health.ReasonTie, health.ReasonNotHighest}, reasons(day))
	assert.Equal(t, []health.DataSource{fitbit}, day.DataSources)

	day = chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, []figure[daySteps]{has("a", 0, health.PresenceZero, fitbit), has("b", 0, health.PresenceZero, oura)})
	assert.Equal(t, 0, *day.Steps, "zero is a figure")
	assert.Equal(t, health.PresenceZero, day.Presence)
}

func TestTheOnlyFigureIsChosenWhateverItIs(t *testing.T) {
	day := chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, []figure[daySteps]{without("a", health.PresenceUnavailable), has("b", 0, health.PresenceZero)})
	assert.Equal(t, []health.CandidateReason{health.ReasonNoFigure, health.ReasonOnly}, reasons(day))
	assert.Equal(t, health.PresenceZero, day.Presence)
	assert.Empty(t, day.DataSources)
	assert.NotNil(t, day.DataSources)
}

func TestAMergedFigureIsShownAndNeverChosen(t *testing.T) {
	merged := has("rook", 5000, health.PresenceValue, fitbit, oura)
	merged.outside = []health.DataSource{oura}
	day := chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, []figure[daySteps]{merged, has("onetwentyone", 10, health.PresenceValue)})
	assert.Equal(t, 10, *day.Steps)
	assert.Equal(t, []health.CandidateReason{health.ReasonMergedSource, health.ReasonOnly}, reasons(day))
	assert.Equal(t, 5000, *day.Candidates[0].Steps, "visible all the same")

	day = chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, []figure[daySteps]{merged})
	assert.Nil(t, day.Steps)
	assert.Equal(t, health.PresenceUnavailable, day.Presence, "there is a figure, and it can't be had for this filter")
}

func TestChoosingKeepsItsPromisesForAnyRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) figure[daySteps] {
			presence := rapid.SampledFrom(allPresences).Draw(t, "presence")
			if slices.Index(allPresences, presence) > 2 {
				return without("x", presence)
			}
			f := has("x", rapid.IntRange(0, 3).Draw(t, "steps"), presence)
			if rapid.IntRange(0, 3).Draw(t, "merged") == 0 {
				f.outside = []health.DataSource{oura}
			}
			return f
		}), 0, 5).Draw(t, "row")
		day := chosenSteps(choice{policy: health.ChooseHighest}, health.Date{}, row)
		chosen := 0
		for _, c := range day.Candidates {
			require.NotEmpty(t, c.Reason)
			if !c.Chosen {
				continue
			}
			chosen++
			require.Equal(t, day.Steps, c.Steps)
			require.Equal(t, day.Presence, c.Presence)
		}
		require.Equal(t, day.Steps != nil, chosen == 1)
		for _, f := range row {
			if f.value != nil && len(f.outside) == 0 {
				require.GreaterOrEqual(t, *day.Steps, f.value.steps)
			}
		}
	})
}

func TestTodayIsPartialAndZeroIsAValueOfItsOwn(t *testing.T) {
	assert.Equal(t, health.PresencePartialDay, presenceOfValue(0, true))
	assert.Equal(t, health.PresencePartialDay, presenceOfValue(9, true))
	assert.Equal(t, health.PresenceZero, presenceOfValue(0, false))
	assert.Equal(t, health.PresenceValue, presenceOfValue(9, false))
}

func reasons(day health.DailySteps) []health.CandidateReason {
	var all []health.CandidateReason
	for _, c := range day.Candidates {
		all = append(all, c.Reason)
	}
	return all
}

func chosenOnes(day health.DailySteps) []bool {
	var all []bool
	for _, c := range day.Candidates {
		all = append(all, c.Chosen)
	}
	return all
}

func named(id health.DataSourceID) health.DataSource { return health.DataSource{ID: id} }

func TestAPreferredOrderIsFollowedAndTheRestStandsBehindIt(t *testing.T) {
	order := choice{policy: health.ChoosePreferred, order: []health.DataSourceID{"garmin", "onetwentyone"}}
	rook := has("rook", 900, health.PresenceValue, named("fitbit"))
	other := has("onetwentyone", 100, health.PresenceValue, named("onetwentyone"))
	reasons := func(row ...figure[daySteps]) (all []health.CandidateReason) {
		for _, c := range chosenSteps(order, health.Date{}, row).Candidates {
			all = append(all, c.Reason)
		}
		return all
	}
	assert.Equal(t, []health.CandidateReason{health.ReasonNotPreferred, health.ReasonPreferred}, reasons(rook, other))
	assert.Equal(t, 100, *chosenSteps(order, health.Date{}, []figure[daySteps]{rook, other}).Steps, "although the other is higher")
	merged := has("rook", 50, health.PresenceValue, named("fitbit"), named("garmin"))
	assert.Equal(t, []health.CandidateReason{health.ReasonPreferred, health.ReasonNotPreferred}, reasons(merged, other), "it stands among those of the figure")
	assert.Equal(t, []health.CandidateReason{health.ReasonOnly, health.ReasonNoFigure}, reasons(rook, without("onetwentyone", health.PresenceNoData)))
	third := has("third", 999, health.PresenceValue, named("third"))
	assert.Equal(t, []health.CandidateReason{health.ReasonPreferred, health.ReasonNotPreferred}, reasons(rook, third), "none is preferred: the catalogue's order")
}

func TestOnlyOneSourceIsTakenAndTheOthersAreShown(t *testing.T) {
	garmin, fitbit := named("garmin"), named("fitbit")
	only := choice{policy: health.ChooseOnly, order: []health.DataSourceID{"garmin"}}
	elsewhere := has("onetwentyone", 700, health.PresenceValue, named("onetwentyone"))
	cases := map[string]struct {
		asked, all figure[daySteps] // of ROOK
		steps      *int
		presence   health.Presence
		reason     health.CandidateReason
	}{
		"its own figure": {has("rook", 500, health.PresenceValue, garmin), has("rook", 500, health.PresenceValue, garmin), new(500), health.PresenceValue, health.ReasonAskedFor},
		"none":           {without("rook", health.PresenceNoData), without("rook", health.PresenceNoData), nil, health.PresenceNoData, health.ReasonNoFigure},
		"another's":      {without("rook", health.PresenceNotSynced), has("rook", 500, health.PresenceValue, fitbit), nil, health.PresenceNotSynced, health.ReasonNotAskedFor},
		"a merged one": {
			figure[daySteps]{connector: "rook", value: &daySteps{steps: 500}, presence: health.PresenceValue, sources: []health.DataSource{garmin, fitbit}, outside: []health.DataSource{fitbit}},
			has("rook", 500, health.PresenceValue, garmin, fitbit), nil, health.PresenceUnavailable, health.ReasonMergedSource,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			row := setAside([]figure[daySteps]{c.asked, without("onetwentyone", health.PresenceNotConnected)}, []figure[daySteps]{c.all, elsewhere})
			day := chosenSteps(only, health.Date{}, row)
			assert.Equal(t, c.steps, day.Steps)
			assert.Equal(t, c.presence, day.Presence)
			require.Len(t, day.Candidates, 2, "all are visible")
			assert.Equal(t, c.reason, day.Candidates[0].Reason)
			if c.all.value == nil {
				assert.Nil(t, day.Candidates[0].Steps)
			} else {
				assert.Equal(t, c.all.value.steps, *day.Candidates[0].Steps)
			}
			assert.Equal(t, health.ReasonNotAskedFor, day.Candidates[1].Reason)
			assert.Equal(t, 700, *day.Candidates[1].Steps)
		})
	}
}

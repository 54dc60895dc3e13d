package gateway

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/connectors"
	"healthgraph/health"
)

var walkDays = health.DateRange{From: health.Date{Year: 2026, Month: 3, Day: 20}, To: health.Date{Year: 2026, Month: 4, Day: 10}}

// walked are the days that a walk tallied, and how many samples it ever held.
func walked(w *sampleWalk, pages [][]health.Sample, result connectors.SampleResult) (days map[health.Date]dayTally, held int) {
	days = map[health.Date]dayTally{}
	w.emit = func(_ health.TimeZone, date health.Date, day dayTally) { days[date] = day }
	for _, page := range pages {
		if !w.add(page) {
			return nil, held
		}
		held = max(held, len(w.samples))
	}
	w.finish(result)
	return days, held
}

func TestAWalkOverPagesTalliesAsAllSamplesAtOnceDo(t *testing.T) {
	paris, err := health.ParseTimeZone("Europe/Paris")
	require.NoError(t, err)
	first := walkDays.From.Start(paris)
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) health.Sample {
			start := first.Add(time.Duration(rapid.IntRange(-1500, 33000).Draw(t, "minute")) * time.Minute)
			length := time.Duration(rapid.SampledFrom([]int{0, 1, 10, 90, 3000}).Draw(t, "minutes")) * time.Minute
			return health.Sample{Start: start, End: start.Add(length), Value: float64(rapid.IntRange(0, 500).Draw(t, "steps")), Device: rapid.SampledFrom([]string{"phone", "watch", ""}).Draw(t, "device")}
		}), 0, 60).Draw(t, "samples")
		slices.SortStableFunc(samples, func(a, b health.Sample) int { return a.Start.Compare(b.Start) })
		size := rapid.IntRange(1, 20).Draw(t, "page")
		got, _ := walked(newSampleWalk(walkDays, []health.TimeZone{paris}, 0, nil), slices.Collect(slices.Chunk(slices.Clone(samples), size)), connectors.SampleResult{})
		want := tally(samples, walkDays, paris)
		require.Len(t, got, len(want))
		for date, day := range want {
			require.Equal(t, day.touched, got[date].touched, date)
			require.InDelta(t, day.steps, got[date].steps, 1e-6, date)
			for i, share := range day.devices {
				require.InDelta(t, share.counted, got[date].devices[i].counted, 1e-6)
			}
		}
	})
}

// hourly makes a sample for each hour of the walk's days.
func hourly() (samples []health.Sample) {
	for at := walkDays.From.Start(health.UTC); at.Before(walkDays.To.AddDays(1).Start(health.UTC)); at = at.Add(time.Hour) {
		samples = append(samples, health.Sample{Start: at, End: at.Add(time.Minute), Value: 1, Device: "phone"})
	}
	return samples
}

func TestAWalkHoldsAPageAndSomeDays(t *testing.T) {
	days, held := walked(newSampleWalk(walkDays, []health.TimeZone{health.UTC}, 0, nil), slices.Collect(slices.Chunk(hourly(), 24)), connectors.SampleResult{})
	assert.Len(t, days, 22)
	assert.LessOrEqual(t, held, 3*24)
}

func TestAFailureLeavesTheDaysThatWereReadToTheirEnd(t *testing.T) {
	samples := hourly()[:100] // four days and four hours
	failed := connectors.SampleResult{Err: errors.New("down"), ReadUntil: samples[99].Start}
	days, _ := walked(newSampleWalk(walkDays, []health.TimeZone{health.UTC}, 0, nil), slices.Collect(slices.Chunk(samples, 10)), failed)
	assert.Len(t, days, 4)
	for _, day := range days {
		assert.InDelta(t, 24, day.steps, 1e-9)
	}
	disordered := connectors.SampleResult{Err: errors.New("down")}
	days, _ = walked(newSampleWalk(walkDays, []health.TimeZone{health.UTC}, holdAll, nil), slices.Collect(slices.Chunk(samples, 10)), disordered)
	assert.Empty(t, days, "nothing is known of any day")
}

func TestSamplesInNoOrderAreToldAndThenHeld(t *testing.T) {
	samples := hourly()
	slices.Reverse(samples)
	pages := slices.Collect(slices.Chunk(samples, 24))
	w := newSampleWalk(walkDays, []health.TimeZone{health.UTC}, 0, nil)
	days, _ := walked(w, pages, connectors.SampleResult{})
	assert.True(t, w.disordered)
	assert.Nil(t, days)
	days, _ = walked(newSampleWalk(walkDays, []health.TimeZone{health.UTC}, holdAll, nil), pages, connectors.SampleResult{})
	require.Len(t, days, 22)
	for _, day := range days {
		assert.InDelta(t, 24, day.steps, 1e-9)
	}

	nearly := hourly()
	for i := 0; i+1 < len(nearly); i += 2 { // as an upstream does that sorts by the end
		nearly[i], nearly[i+1] = nearly[i+1], nearly[i]
	}
	w = newSampleWalk(walkDays, []health.TimeZone{health.UTC}, 0, nil)
	days, _ = walked(w, slices.Collect(slices.Chunk(nearly, 7)), connectors.SampleResult{})
	assert.False(t, w.disordered, "what is a little out of order needs no second walk")
	assert.Len(t, days, 22)
}

func TestDaysThatAreDueAreReadInFewRanges(t *testing.T) {
	dates := health.DateRange{From: health.Date{Year: 2026, Month: 1, Day: 1}, To: health.Date{Year: 2026, Month: 4, Day: 30}}.Each()
	due := map[health.Date]bool{}
	assert.Empty(t, dueRanges(dates, due))
	for _, i := range []int{0, 31, 70, 71, 119} {
		due[dates[i]] = true
	}
	assert.Equal(t, []health.DateRange{{From: dates[0], To: dates[31]}, {From: dates[70], To: dates[71]}, {From: dates[119], To: dates[119]}}, dueRanges(dates, due))
}

func TestTheScheduleHasNoGapsAndGrowsWithAge(t *testing.T) {
	now := time.Date(2026, 4, 15, 10, 0, 0, 0, time.UTC)
	today := health.DateOf(now, health.UTC)
	for _, has := range []bool{true, false} {
		before := time.Duration(math.MinInt64)
		for old := -2; old < 4000; old++ {
			day := today.AddDays(-old)
			period := keptFor(day, now, has)
			assert.Equal(t, old <= 3, period == 0, old)
			assert.GreaterOrEqual(t, period, before)
			assert.LessOrEqual(t, keptFor(day, now, false), keptFor(day, now, true), "what is missing is asked for sooner")
			before = period
			assert.False(t, isFresh(day, now.Add(-period), now, has))
			assert.Equal(t, old > 3, isFresh(day, now.Add(-period+1), now, has))
			assert.False(t, isFresh(day, now.Add(2*time.Hour), now, has), "a clock that was wrong")
		}
	}
}

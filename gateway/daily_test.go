package gateway

import (
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

func metricNamed(t require.TestingT, name string) health.Metric {
	metric, err := health.ParseMetric(name)
	require.NoError(t, err)
	return metric
}

// However a history is cut into pages, and however early they are counted, its days are those of one tally.
func TestDaysThatAreCountedAsPagesComeAreThoseOfOneTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", "ring", "", ""}).Draw(t, "scene")
		slices.SortStableFunc(s.samples, func(a, b health.Sample) int { return a.Start.Compare(b.Start) })
		d := newDaily(metricNamed(t, "distanceCycling"), s.days, s.zone, rapid.IntRange(0, 10).Draw(t, "hold"))
		d.walk.slack = time.Duration(rapid.IntRange(0, 30).Draw(t, "slack")) * slot
		for page := range slices.Chunk(s.samples, rapid.IntRange(1, 9).Draw(t, "page")) {
			require.True(t, d.add(page))
		}
		d.finish(connectors.SampleResult{})
		want := tally(s.samples, s.days, s.zone)
		for i, date := range s.days.Each() {
			require.Equal(t, want[date].touched, d.figures[i].touched, date.String())
			require.InDelta(t, want[date].steps, d.figures[i].sum, 1e-6*max(want[date].steps, 1), date.String())
		}
	})
}

func TestNoMoreSamplesAreHeldThanMayStillCount(t *testing.T) {
	d := newDaily(metricNamed(t, "activeEnergyBurned"), days(t, "2016-01-01", "2025-12-31"), health.UTC, holdAtMost)
	at, most := d.starts[0], 0
	for range 100 { // pages of 10,000 minutes each
		page := make([]health.Sample, 10_000)
		for i := range page {
			page[i] = health.Sample{Start: at, End: at.Add(time.Minute), Value: 1, Device: "watch"}
			at = at.Add(time.Minute)
		}
		require.True(t, d.add(page))
		most = max(most, len(d.walk.samples))
	}
	assert.LessOrEqual(t, most, holdAtMost+10_000)
	d.finish(connectors.SampleResult{})
	assert.InDelta(t, 1_000_000, d.of(d.days).sum, 1e-6)
	assert.Empty(t, d.walk.samples)
}

func TestASampleThatComesTooLateIsSeen(t *testing.T) {
	d := newDaily(metricNamed(t, "activeEnergyBurned"), days(t, "2026-03-01", "2026-03-10"), health.UTC, 0)
	late := []health.Sample{{Start: d.starts[0], End: d.starts[0].Add(time.Hour), Value: 1}}
	require.True(t, d.add([]health.Sample{{Start: d.starts[2], End: d.starts[2].Add(time.Hour), Value: 1}}))
	assert.True(t, d.add(late), "within the slack")
	require.True(t, d.add([]health.Sample{{Start: d.starts[5], End: d.starts[5].Add(time.Hour), Value: 1}}))
	assert.False(t, d.add(late))
	assert.True(t, d.walk.disordered)
}

// What is counted at an instant waits for whoever else counted at that very instant, be it the one that ends a day.
func TestAnInstantIsNotSettledBeforeItIsOver(t *testing.T) {
	for hour, want := range map[int][2]float64{23: {7, 0}, 24: {0, 7}, 36: {0, 7}} {
		d := newDaily(metricNamed(t, "distanceCycling"), days(t, "2026-03-01", "2026-03-02"), health.UTC, 0)
		d.walk.slack = 0
		at := d.starts[0].Add(time.Duration(hour) * time.Hour)
		require.True(t, d.add([]health.Sample{{Start: at, End: at, Value: 5, Device: "phone"}}))
		require.True(t, d.add([]health.Sample{{Start: at, End: at, Value: 7, Device: "watch"}}))
		d.finish(connectors.SampleResult{})
		assert.Equal(t, want, [2]float64{d.figures[0].sum, d.figures[1].sum}, hour)
	}
}

func TestLevelsAgreeWithLookingAtEachSample(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", ""}).Draw(t, "scene")
		metric := metricNamed(t, rapid.SampledFrom([]string{"restingHeartRate", "heartRate", "environmentalAudioExposure"}).Draw(t, "metric"))
		for i := range s.samples {
			s.samples[i].Value = math.Mod(s.samples[i].Value, 120)
		}
		d := newDaily(metric, s.days, s.zone, holdAtMost)
		for page := range slices.Chunk(s.samples, 3) {
			require.True(t, d.add(page))
		}
		d.finish(connectors.SampleResult{})
		for i, date := range s.days.Each() {
			var top, bottom float64
			lowest, highest, count := math.Inf(1), math.Inf(-1), 0
			for _, sample := range s.samples {
				if health.DateOf(sample.Start, s.zone) != date {
					continue
				}
				weight, value := 1.0, sample.Value
				if *metric.Averaging != health.Arithmetic {
					weight = max(sample.End.Sub(sample.Start).Seconds(), 1)
				}
				if *metric.Averaging == health.EquivalentLevel {
					value = math.Pow(10, value/10)
				}
				top, bottom, count = top+weight*value, bottom+weight, count+1
				lowest, highest = min(lowest, sample.Value), max(highest, sample.Value)
			}
			got := d.figures[i]
			require.Equal(t, count, got.count)
			if count == 0 {
				require.False(t, got.touched)
				continue
			}
			want := top / bottom
			if *metric.Averaging == health.EquivalentLevel {
				want = 10 * math.Log10(want)
			}
			require.InDelta(t, want, got.average(*metric.Averaging), 1e-6)
			require.InDelta(t, lowest, got.minimum, 0)
			require.InDelta(t, highest, got.maximum, 0)
		}
	})
}

func TestWeightsOfAverages(t *testing.T) {
	noon := days(t, "2026-03-01", "2026-03-01").From.Start(health.UTC).Add(12 * time.Hour)
	for name, c := range map[string]struct {
		metric  string
		samples []health.Sample
		want    float64
	}{
		"instants weigh the same":             {"heartRate", []health.Sample{{Start: noon, End: noon, Value: 60}, {Start: noon, End: noon, Value: 90}}, 75},
		"an hour weighs more than a minute":   {"heartRate", []health.Sample{{Start: noon, End: noon.Add(59 * time.Minute), Value: 60}, {Start: noon, End: noon.Add(time.Minute), Value: 120}}, 61},
		"unless all weigh the same":           {"restingHeartRate", []health.Sample{{Start: noon, End: noon.Add(59 * time.Minute), Value: 60}, {Start: noon, End: noon.Add(time.Minute), Value: 120}}, 90},
		"half the time twice the energy":      {"headphoneAudioExposure", []health.Sample{{Start: noon, End: noon.Add(time.Hour), Value: 80}, {Start: noon.Add(time.Hour), End: noon.Add(2 * time.Hour), Value: 90}}, 10 * math.Log10((1e8+1e9)/2)},
		"a steady level is what it is":        {"headphoneAudioExposure", []health.Sample{{Start: noon, End: noon, Value: 70}, {Start: noon, End: noon.Add(time.Hour), Value: 70}}, 70},
		"a sample belongs where it begins":    {"heartRate", []health.Sample{{Start: noon.Add(11 * time.Hour), End: noon.Add(20 * time.Hour), Value: 50}, {Start: noon.Add(12 * time.Hour), End: noon.Add(12 * time.Hour), Value: 500}}, 50},
		"and one that began before is no use": {"heartRate", []health.Sample{{Start: noon.Add(-13 * time.Hour), End: noon, Value: 500}, {Start: noon, End: noon, Value: 50}}, 50},
	} {
		d := newDaily(metricNamed(t, c.metric), days(t, "2026-03-01", "2026-03-01"), health.UTC, holdAtMost)
		d.add(c.samples)
		assert.InDelta(t, c.want, d.figures[0].average(*d.metric.Averaging), 1e-9, name)
	}
}

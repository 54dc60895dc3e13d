package gateway

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

const slot = 10 * time.Minute // all samples and all days of the zones below begin and end on one

var spans = []struct{ zone, from, to string }{
	{"UTC", "2026-03-01", "2026-03-03"},
	{"Europe/Paris", "2026-03-28", "2026-03-30"},        // 23 hours in the middle
	{"Europe/Paris", "2026-10-24", "2026-10-26"},        // 25
	{"America/Sao_Paulo", "2018-11-03", "2018-11-05"},   // no midnight
	{"America/Havana", "2026-10-31", "2026-11-02"},      // midnight twice
	{"Australia/Lord_Howe", "2026-10-03", "2026-10-05"}, // 23.5
	{"Pacific/Apia", "2011-12-29", "2011-12-31"},        // no day in the middle
	{"Asia/Kolkata", "2026-03-01", "2026-03-01"},
}

type scene struct {
	days    health.DateRange
	zone    health.TimeZone
	samples []health.Sample
}

// aScene draws a few samples around a few days, with many of their edges in common.
func aScene(devices []string) *rapid.Generator[scene] {
	return rapid.Custom(func(t *rapid.T) scene {
		span := rapid.SampledFrom(spans).Draw(t, "span")
		s := scene{days: days(t, span.from, span.to), zone: inZone(t, span.zone)}
		first := s.days.From.Start(s.zone)
		slots := int(s.days.To.AddDays(1).Start(s.zone).Sub(first) / slot)
		sample := rapid.Custom(func(t *rapid.T) health.Sample {
			start := rapid.IntRange(-20, slots+20).Draw(t, "start")
			return health.Sample{
				Device: rapid.SampledFrom(devices).Draw(t, "device"),
				Start:  first.Add(time.Duration(start) * slot),
				End:    first.Add(time.Duration(start+rapid.OneOf(rapid.Just(0), rapid.IntRange(1, 6), rapid.IntRange(7, 200)).Draw(t, "length")) * slot),
				Value:  float64(rapid.IntRange(0, 20_000).Draw(t, "steps")) / 4,
			}
		})
		s.samples = rapid.SliceOfN(sample, 0, 25).Draw(t, "samples")
		return s
	})
}

// bruteForce looks at each slot by itself: slow, and too simple to be wrong.
func bruteForce(s scene) map[health.Date]dayTally {
	tallies := map[health.Date]dayTally{}
	for _, date := range s.days.Each() {
		tallies[date] = dayTally{}
	}
	add := func(at time.Time, perDevice map[string]float64) {
		date := health.DateOf(at, s.zone)
		day, inRange := tallies[date]
		if !inRange || len(perDevice) == 0 {
			return
		}
		highest := 0.0
		for _, steps := range perDevice {
			highest = max(highest, steps)
		}
		tallies[date] = dayTally{steps: day.steps + highest, touched: true}
	}
	for at := s.days.From.Start(s.zone).Add(-slot * 300); at.Before(s.days.To.AddDays(2).Start(s.zone)); at = at.Add(slot) {
		during, exactly := map[string]float64{}, map[string]float64{}
		for i, sample := range s.samples {
			device := sample.Device
			if device == "" {
				device = "unnamed " + strconv.Itoa(i)
			}
			switch {
			case sample.Start.Equal(sample.End) && sample.Start.Equal(at):
				exactly[device] += sample.Value
			case !sample.Start.After(at) && sample.End.After(at):
				during[device] += sample.Value * float64(slot) / float64(sample.End.Sub(sample.Start))
			}
		}
		add(at, during)
		add(at, exactly)
	}
	return tallies
}

func sameTallies(t require.TestingT, want, got map[health.Date]dayTally) {
	require.Len(t, got, len(want))
	for date, day := range want {
		require.Equal(t, day.touched, got[date].touched, date.String())
		require.InDelta(t, day.steps, got[date].steps, 1e-6*max(day.steps, 1), date.String())
	}
}

func TestTallyAgreesWithLookingAtEachSlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", "ring", "", ""}).Draw(t, "scene")
		sameTallies(t, bruteForce(s), tally(s.samples, s.days, s.zone))
	})
}

func TestOneDeviceIsNeverCutShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone"}).Draw(t, "scene")
		require.InEpsilon(t, 1+inRange(s, s.samples), 1+total(tally(s.samples, s.days, s.zone)), 1e-9)
	})
}

func TestTheSumLiesBetweenTheLargestDeviceAndAllTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", "ring", ""}).Draw(t, "scene")
		sum, largest := total(tally(s.samples, s.days, s.zone)), 0.0
		for _, device := range []string{"phone", "watch", "ring"} {
			own := slices.DeleteFunc(slices.Clone(s.samples), func(sample health.Sample) bool { return sample.Device != device })
			largest = max(largest, inRange(s, own))
		}
		require.LessOrEqual(t, sum, inRange(s, s.samples)*(1+1e-9))
		require.GreaterOrEqual(t, sum, largest*(1-1e-9))
	})
}

func TestTheOrderOfSamplesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", "ring", ""}).Draw(t, "scene")
		shuffled := rapid.Permutation(s.samples).Draw(t, "shuffled")
		sameTallies(t, tally(s.samples, s.days, s.zone), tally(shuffled, s.days, s.zone))
	})
}

func TestTheSameSamplesFromASecondDeviceAddNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone"}).Draw(t, "scene")
		both := slices.Clone(s.samples)
		for _, sample := range s.samples {
			sample.Device = "watch"
			both = append(both, sample)
		}
		sameTallies(t, tally(s.samples, s.days, s.zone), tally(both, s.days, s.zone))
	})
}

func TestADayIsTheSameAloneAndAmongOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", ""}).Draw(t, "scene")
		all := tally(s.samples, s.days, s.zone)
		for _, date := range s.days.Each() {
			alone := tally(s.samples, health.DateRange{From: date, To: date}, s.zone)
			sameTallies(t, map[health.Date]dayTally{date: all[date]}, alone)
		}
	})
}

func total(tallies map[health.Date]dayTally) float64 {
	sum := 0.0
	for _, day := range tallies {
		sum += day.steps
	}
	return sum
}

// inRange adds the samples up, each with the share of its span that lies in the range.
func inRange(s scene, samples []health.Sample) float64 {
	first, end := s.days.From.Start(s.zone), s.days.To.AddDays(1).Start(s.zone)
	sum := 0.0
	for _, sample := range samples {
		if sample.Start.Equal(sample.End) {
			if !sample.Start.Before(first) && sample.Start.Before(end) {
				sum += sample.Value
			}
			continue
		}
		inside := earliest(sample.End, end).Sub(latest(sample.Start, first))
		sum += sample.Value * math.Max(float64(inside), 0) / float64(sample.End.Sub(sample.Start))
	}
	return sum
}

func TestEachDevicesPartOfADayAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := aScene([]string{"phone", "watch", ""}).Draw(t, "scene")
		for date, day := range tally(s.samples, s.days, s.zone) {
			alone := scene{days: health.DateRange{From: date, To: date}, zone: s.zone}
			counted := 0.0
			for _, share := range day.devices {
				own := slices.DeleteFunc(slices.Clone(s.samples), func(sample health.Sample) bool { return sample.Device != share.name })
				require.InEpsilon(t, 1+inRange(alone, own), 1+share.recorded, 1e-9, share.name)
				require.LessOrEqual(t, share.counted, share.recorded*(1+1e-9))
				counted += share.counted
			}
			require.InDelta(t, day.steps, counted, 1.5, "what rounds to nothing is left out")
		}
	})
}

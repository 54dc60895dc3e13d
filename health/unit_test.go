package health_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

func TestConvertKnowsWhatEverybodyKnows(t *testing.T) {
	for _, c := range []struct {
		value    float64
		from, to health.Unit
		want     float64
	}{
		{98.6, "[degF]", "Cel", 37},
		{-40, "Cel", "[degF]", -40},
		{0, "K", "Cel", -273.15},
		{37, "Cel", "[degF]", 98.6},
		{5.5, "mmol/L", "mg/dL", 99.0857340000},
		{180, "mg/dL", "mmol/L", 9.991347493068002},
		{1, "[lb_av]", "kg", 0.45359237},
		{14, "[lb_av]", "[stone_av]", 1},
		{16, "[oz_av]", "[lb_av]", 1},
		{1, "[mi_i]", "km", 1.609344},
		{12, "[in_i]", "[ft_i]", 1},
		{1, "kcal", "kJ", 4.184},
		{1.2, "/s", "/min", 72},
		{0.07, "1", "%", 7},
		{97, "%", "1", 0.97},
		{36, "km/h", "m/s", 10},
		{60, "[mi_i]/h", "km/h", 96.56064},
		{760, "mm[Hg]", "kPa", 101.32472},
		{1, "[cup_us]", "[foz_us]", 8},
		{90, "min", "h", 1.5},
		{1, "L/s", "L/min", 60},
		{12.5, "kg", "kg", 12.5},
	} {
		assert.InEpsilon(t, c.want, health.Convert(c.value, c.from, c.to), 1e-11, "%v %s in %s", c.value, c.from, c.to)
	}
}

func TestEveryConversionAndItsReverseGiveTheValueBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metric := rapid.SampledFrom(health.Metrics()).Draw(t, "metric")
		from, to := rapid.SampledFrom(metric.Units).Draw(t, "from"), rapid.SampledFrom(metric.Units).Draw(t, "to")
		value := rapid.Float64Range(0.001, 1e6).Draw(t, "value")
		there := health.Convert(value, from, to)
		require.False(t, math.IsNaN(there) || math.IsInf(there, 0))
		require.InDelta(t, value, health.Convert(there, to, from), 1e-9*math.Max(value, 1000), "%s by %s", from, to) // a temperature loses what its offset takes
	})
}

func TestConversionsKeepTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metric := rapid.SampledFrom(health.Metrics()).Draw(t, "metric")
		from, to := rapid.SampledFrom(metric.Units).Draw(t, "from"), rapid.SampledFrom(metric.Units).Draw(t, "to")
		a, b := rapid.Float64Range(0, 1e6).Draw(t, "a"), rapid.Float64Range(0, 1e6).Draw(t, "b")
		if a <= b {
			require.LessOrEqual(t, health.Convert(a, from, to), health.Convert(b, from, to))
		}
	})
}

func TestUnitsAreReadAsHealthKitAndPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		metric, text string
		want         health.Unit // "" = refused
	}{
		{"heartRate", "count/min", "/min"},
		{"heartRate", "count/s", "/s"},
		{"heartRate", " BPM ", "/min"},
		{"heartRate", "kg", ""},
		{"stepCount", "Count", "{count}"},
		{"stepCount", "steps", "{count}"},
		{"bodyMassIndex", "count", "kg/m2"},
		{"vo2Max", "mL/min·kg", "mL/(kg.min)"},
		{"bodyTemperature", "degF", "[degF]"},
		{"bodyTemperature", "°C", "Cel"},
		{"bodyMass", "lb", "[lb_av]"},
		{"bodyMass", "KG", "kg"},
		{"bloodGlucose", "mmol<180.1558800000541>/L", "mmol/L"},
		{"activeEnergyBurned", "Cal", "kcal"},
		{"activeEnergyBurned", "cal", "cal"},
		{"activeEnergyBurned", "CAL", ""}, // a thousand of the one are one of the other
		{"electrodermalActivity", "mcS", "uS"},
		{"electrodermalActivity", "s", "S"},
		{"appleExerciseTime", "S", "s"},
		{"oxygenSaturation", "%", "%"},
		{"oxygenSaturation", "count", "1"},
		{"dietaryIron", "mcg", "ug"},
		{"environmentalAudioExposure", "dBASPL", "dB[SPL]"},
		{"dietaryWater", "", ""},
	} {
		metric, err := health.ParseMetric(c.metric)
		require.NoError(t, err)
		unit, ok := metric.Unit.Read(c.text)
		assert.Equal(t, c.want != "", ok, "%s %q", c.metric, c.text)
		if ok {
			assert.Equal(t, c.want, unit, "%s %q", c.metric, c.text)
		}
	}
	assert.Equal(t, health.Unit("/min"), health.KnownUnit("count/min"))
	assert.Equal(t, health.Unit("furlong"), health.KnownUnit("furlong"))
}

func TestRoundNoiseIsIdleBeyondWhatAnybodyMeasures(t *testing.T) {
	for value, want := range map[float64]float64{0: 0, 0.07 * 100: 7, 0.1 + 0.2: 0.3, -0.30000000000000004: -0.3, 123456789012345: 123456789012345, 1e-310: 1e-310, math.Inf(1): math.Inf(1)} {
		assert.Equal(t, want, health.RoundNoise(value)) //nolint:testifylint // exactly: that is the point
	}
}

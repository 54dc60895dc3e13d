package health_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
)

func TestTheCatalogueIsWhole(t *testing.T) {
	metrics := health.Metrics()
	assert.Len(t, metrics, 120)
	titles := map[string]string{}
	for i, m := range metrics {
		found, err := health.ParseMetric(m.Name)
		require.NoError(t, err, "every name is one that can be asked for")
		assert.Equal(t, m, found)
		assert.True(t, i == 0 || metrics[i-1].Name < m.Name, "%s: sorted, each once", m.Name)
		assert.Equal(t, *m.Unit, m.Units[0], m.Name)
		assert.Equal(t, m.Kind == health.Cumulative, m.Averaging == nil, m.Name)
		assert.Less(t, m.Least, m.Most, m.Name)
		assert.False(t, m.Kind == health.Cumulative && m.Least < 0, "%s: no amount is negative", m.Name)
		assert.Empty(t, titles[m.Title], "two metrics are called %s", m.Title)
		assert.Equal(t, strings.ToUpper(m.Title[:1]), m.Title[:1], m.Title)
		titles[m.Title] = m.Name
		sorted := slices.Clone(m.Units)
		slices.Sort(sorted)
		assert.Len(t, slices.Compact(sorted), len(m.Units), m.Name)
	}
	for title, name := range map[string]string{
		"Steps": "stepCount", "Resting heart rate": "restingHeartRate", "Dietary vitamin B12": "dietaryVitaminB12", "Dietary vitamin A": "dietaryVitaminA",
		"Body fat percentage": "bodyFatPercentage", "VO2 max": "vo2Max", "Number of times fallen": "numberOfTimesFallen", "Time in daylight": "timeInDaylight",
	} {
		assert.Equal(t, name, titles[title], title)
	}
}

func TestMetricsOfTheHeaderAreOfTheirKind(t *testing.T) {
	averaged := func(a health.Averaging) *health.Averaging { return &a }
	for name, want := range map[string]*health.Averaging{
		"stepCount": nil, "activeEnergyBurned": nil, "dietaryWater": nil, "insulinDelivery": nil, "appleExerciseTime": nil,
		"heartRate": averaged(health.TimeWeighted), "atrialFibrillationBurden": averaged(health.TimeWeighted),
		"restingHeartRate": averaged(health.Arithmetic), "bodyMass": averaged(health.Arithmetic), "vo2Max": averaged(health.Arithmetic),
		"environmentalAudioExposure": averaged(health.EquivalentLevel),
	} {
		m, err := health.ParseMetric(name)
		require.NoError(t, err)
		assert.Equal(t, want, m.Averaging, name)
	}
}

func TestParseMetricIsOpenToNamesAndToNothingElse(t *testing.T) {
	m, err := health.ParseMetric("appleFutureMetric2")
	require.NoError(t, err)
	assert.Equal(t, health.UnknownKind, m.Kind)
	assert.True(t, m.Takes(-1e9), "nothing is known of it")
	for _, bad := range []string{"", "StepCount", "step_count", "step count", "../profile", "stepCount/", "stepCount?x=1", "schritté", "a" + strings.Repeat("b", 64), "\x00", "1step"} {
		_, err := health.ParseMetric(bad)
		e := health.AsError(err)
		require.True(t, e.Has(health.BadUserInput), "%q", bad)
		assert.Equal(t, "metric", e.Argument)
		assert.Contains(t, e.Message, "stepCount")
	}
	_, err = health.ParseMetric("a" + strings.Repeat("b", 63))
	require.NoError(t, err)
}

func TestMetricIn(t *testing.T) {
	mass, err := health.ParseMetric("bodyMass")
	require.NoError(t, err)
	for asked, want := range map[string]health.Unit{"": "kg", "kg": "kg", "[lb_av]": "[lb_av]"} {
		unit, err := mass.In(asked)
		require.NoError(t, err)
		assert.Equal(t, want, unit)
	}
	for _, bad := range []string{"lb", "m", "KG", "%"} { // an argument is UCUM alone
		_, err := mass.In(bad)
		assert.Equal(t, "bodyMass is given in (UCUM codes): kg, g, mg, ug, [lb_av], [oz_av], [stone_av]", health.AsError(err).Message)
	}
	unknown, err := health.ParseMetric("appleFutureMetric")
	require.NoError(t, err)
	unit, err := unknown.In("")
	require.NoError(t, err)
	assert.Empty(t, unit)
	_, err = unknown.In("kg")
	assert.True(t, health.AsError(err).Has(health.BadUserInput))
}

func TestNoMeasurementLiesOutsideOfWhatAMetricTakes(t *testing.T) {
	for name, values := range map[string]struct{ good, bad []float64 }{
		"stepCount":           {[]float64{0, 0.5, 100_000}, []float64{-1, 100_001}},
		"bodyTemperature":     {[]float64{-20, 37}, []float64{-101, 101}},
		"oxygenSaturation":    {[]float64{0, 100}, []float64{-1, 101}},
		"heartRate":           {[]float64{30, 240}, []float64{-1, 2000}},
		"bloodAlcoholContent": {[]float64{0.05}, []float64{8}},
	} {
		m, err := health.ParseMetric(name)
		require.NoError(t, err)
		for _, v := range values.good {
			assert.True(t, m.Takes(v), "%s %v", name, v)
		}
		for _, v := range values.bad {
			assert.False(t, m.Takes(v), "%s %v", name, v)
		}
	}
}

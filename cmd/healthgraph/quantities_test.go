package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
)

// statistics is an answer of quantityStatistics.
type statistics struct {
	Unit                     string
	TimeZone, TimeZoneOrigin string
	Complete                 bool
	Problems                 []problem
	Periods                  []struct {
		From, To                       string
		Partial                        bool
		Presence                       string
		Sum, Average, Minimum, Maximum *float64
		Count                          *int
		DataSources                    []source
	}
}

// short writes each period as its days, figures and presence.
func (s statistics) short() (lines []string) {
	show := func(value *float64) string {
		if value == nil {
			return "-"
		}
		return fmt.Sprint(*value)
	}
	for _, p := range s.Periods {
		days, figures := p.From, show(p.Sum)
		if p.To != p.From {
			days += "…" + p.To
		}
		if p.Count != nil {
			figures = fmt.Sprintf("%s (%s to %s of %d)", show(p.Average), show(p.Minimum), show(p.Maximum), *p.Count)
		}
		line := days + " " + figures + " " + p.Presence
		if p.Partial {
			line += ", partial"
		}
		lines = append(lines, line)
	}
	return lines
}

const statisticsFields = `{ unit timeZone timeZoneOrigin complete problems { code message authorizationUrl }
	periods { from to partial presence sum average minimum maximum count dataSources { id } } }`

func (w *world) statistics(user, arguments string) statistics {
	w.t.Helper()
	var data struct{ QuantityStatistics statistics }
	w.ask(w.token(user), `{ quantityStatistics(`+arguments+`) `+statisticsFields+` }`, nil).into(&data)
	return data.QuantityStatistics
}

// measured links the person "w" to OneTwentyOne, where they live in the zone and have these samples of a metric.
func (w *world) measured(zone, metric string, samples ...string) {
	w.t.Helper()
	w.oneTwentyOnePerson("walker", fmt.Sprintf(`{"homeTimezone": %q, "samples": {%q: [%s]}}`, zone, metric, strings.Join(samples, ",")))
	w.link("w", "walker")
	w.forgetCalls()
}

func TestMetricsAreListedForAnybodyWithoutACall(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.spendsNothing(t, func() {
		var data struct {
			Metrics []struct {
				Name, Title, Kind string
				Averaging, Unit   *string
				Units             []string
			}
		}
		w.ask(w.token("nobody", "openid"), `{ metrics { name title kind averaging unit units } }`, nil).into(&data)
		require.Len(t, data.Metrics, 120)
		i := slices.IndexFunc(data.Metrics, func(m struct {
			Name, Title, Kind string
			Averaging, Unit   *string
			Units             []string
		}) bool {
			return m.Name == "heartRate"
		})
		heart := data.Metrics[i]
		assert.Equal(t, []string{"Heart rate", "DISCRETE", "TIME_WEIGHTED", "/min"}, []string{heart.Title, heart.Kind, *heart.Averaging, *heart.Unit})
		assert.Equal(t, []string{"/min", "/s"}, heart.Units)
	})
}

func TestCumulativeMetricsHaveSumsAndDiscreteOnesTheRest(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	const days = `from: "2026-04-12", to: "2026-04-15"`
	for metric, cumulative := range map[string]bool{
		"stepCount": true, "activeEnergyBurned": true, "distanceWalkingRunning": true, "appleExerciseTime": true, "dietaryWater": true,
		"heartRate": false, "heartRateVariabilitySDNN": false, "oxygenSaturation": false, "environmentalAudioExposure": false, "restingHeartRate": false,
	} {
		got := w.statistics("demo", fmt.Sprintf(`metric: %q, %s`, metric, days))
		require.Len(t, got.Periods, 4, metric)
		assert.True(t, got.Complete, metric)
		assert.Empty(t, got.Problems, metric)
		for _, p := range got.Periods {
			has := p.Presence == "VALUE" || p.Presence == "PARTIAL_DAY" || p.Presence == "ZERO"
			assert.Equal(t, cumulative && has, p.Sum != nil, "%s %+v", metric, p)
			for _, figure := range []bool{p.Average != nil, p.Minimum != nil, p.Maximum != nil, p.Count != nil} {
				assert.Equal(t, !cumulative && has, figure, "%s %+v", metric, p)
			}
			if p.Average != nil {
				assert.LessOrEqual(t, *p.Minimum, *p.Average)
				assert.LessOrEqual(t, *p.Average, *p.Maximum)
			}
			assert.Equal(t, has, len(p.DataSources) == 1)
		}
		assert.True(t, got.Periods[3].Partial, "today")
	}
}

// Whatever way days of steps are asked for, they are the same days.
func TestStatisticsOfStepsAgreeWithStepCount(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	for _, zone := range []string{"Europe/Paris", "America/New_York", "Asia/Kathmandu"} {
		const days = `from: "2026-02-16", to: "2026-04-14"` // eight weeks and two days, with clocks changed in them
		counted := w.steps("demo", days+`, dataSources: ["onetwentyone"], timeZone: "`+zone+`"`)
		daily := w.statistics("demo", `metric: "stepCount", `+days+`, timeZone: "`+zone+`"`)
		weekly := w.statistics("demo", `metric: "stepCount", period: WEEK, `+days+`, timeZone: "`+zone+`"`)
		require.Len(t, daily.Periods, len(counted.Days))
		week, total := 0.0, 0.0
		for i, day := range counted.Days {
			assert.Equal(t, day.Date, daily.Periods[i].From)
			assert.Equal(t, day.Presence, daily.Periods[i].Presence, day.Date)
			require.Equal(t, day.Steps == nil, daily.Periods[i].Sum == nil)
			if day.Steps != nil {
				require.InDelta(t, float64(*day.Steps), *daily.Periods[i].Sum, 0, day.Date)
				week += float64(*day.Steps)
			}
			if i%7 == 6 {
				require.InDelta(t, week, *weekly.Periods[i/7].Sum, 0, "the week to %s", day.Date)
				total, week = total+week, 0
			}
		}
		assert.InDelta(t, float64(*counted.Total), total+week, 0)
	}
}

func TestPeriodsAreDaysWeeksFromMondayAndMonths(t *testing.T) {
	w := newWorld(t, worldOptions{})
	at := func(day string, liters float64) string {
		return sample(day+"T10:00:00Z", day+"T10:00:00Z", liters*1000, "phone")
	}
	w.measured("UTC", "dietaryWater", at("2026-02-27", 1), at("2026-03-01", 2), at("2026-03-02", 0.25), at("2026-03-31", 0.5), at("2026-04-12", 0), at("2026-04-15", 3))
	assert.Equal(t, []string{"2026-01-31 - NO_DATA, partial", "2026-02-01…2026-02-28 1 VALUE", "2026-03-01…2026-03-31 2.75 VALUE", "2026-04-01…2026-04-20 3 PARTIAL_DAY, partial"},
		w.statistics("w", `metric: "dietaryWater", unit: "L", period: MONTH, from: "2026-01-31", to: "2026-04-20"`).short())
	assert.Equal(t, []string{"2026-02-27…2026-03-01 3 VALUE, partial", "2026-03-02…2026-03-08 0.25 VALUE", "2026-03-09…2026-03-15 - NO_DATA"},
		w.statistics("w", `metric: "dietaryWater", unit: "L", period: WEEK, from: "2026-02-27", to: "2026-03-15"`).short())
	assert.Equal(t, []string{"2026-04-12 0 ZERO", "2026-04-13 - NO_DATA", "2026-04-14 - NO_DATA", "2026-04-15 3 PARTIAL_DAY, partial", "2026-04-16 - NOT_SYNCED, partial"},
		w.statistics("w", `metric: "dietaryWater", unit: "L", from: "2026-04-12", to: "2026-04-16"`).short())
}

func TestOverlappingDevicesCountOnceInEverySum(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.measured("Europe/Paris", "activeEnergyBurned",
		sample("2026-04-10T08:00:00Z", "2026-04-10T08:10:00Z", 40, "phone"), sample("2026-04-10T08:05:00Z", "2026-04-10T08:15:00Z", 50, "watch"),
		sample("2026-04-10T21:30:00Z", "2026-04-10T22:30:00Z", 61, "watch")) // over midnight
	got := w.statistics("w", `metric: "activeEnergyBurned", from: "2026-04-10", to: "2026-04-11"`)
	assert.Equal(t, []string{"2026-04-10 100.5 VALUE", "2026-04-11 30.5 VALUE"}, got.short())
	assert.Equal(t, []string{"kcal", "Europe/Paris", "PROFILE"}, []string{got.Unit, got.TimeZone, got.TimeZoneOrigin})
}

// However OneTwentyOne writes its values, they come to the same.
func TestFiguresDoNotDependOnTheUnitsOfTheUpstream(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	metrics := []string{"heartRate", "oxygenSaturation", "bodyMass", "bodyTemperature", "distanceWalkingRunning", "activeEnergyBurned", "vo2Max", "bloodGlucose",
		"environmentalAudioExposure", "dietaryWater", "respiratoryRate", "stepCount"}
	ask := func(metric string) statistics {
		return w.statistics("demo", fmt.Sprintf(`metric: %q, period: MONTH, from: "2026-02-01", to: "2026-04-14"`, metric))
	}
	want := map[string]statistics{}
	for _, metric := range metrics {
		want[metric] = ask(metric)
		require.Equal(t, "VALUE", want[metric].Periods[0].Presence, metric)
	}
	assert.InDelta(t, 97, *want["oxygenSaturation"].Periods[0].Average, 1)
	assert.InDelta(t, 72, *want["bodyMass"].Periods[0].Average, 1)
	for name, change := range map[string]func(*onetwentyone.Switches){
		"by the header":         func(s *onetwentyone.Switches) { s.Units = "header" },
		"by UCUM":               func(s *onetwentyone.Switches) { s.Units = "ucum" },
		"as an iPhone is set":   func(s *onetwentyone.Switches) { s.Units = "locale" },
		"hundredths":            func(s *onetwentyone.Switches) { s.Percent = "hundred" },
		"no unit":               func(s *onetwentyone.Switches) { s.Units = "none" },
		"hundredths of nothing": func(s *onetwentyone.Switches) { s.Units, s.Percent = "none", "hundred" },
		"texts":                 func(s *onetwentyone.Switches) { s.Numbers = "string" },
	} {
		t.Run(name, func(t *testing.T) {
			w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { *s = onetwentyone.DefaultSwitches(); change(s) })
			for _, metric := range metrics {
				got := ask(metric)
				assert.Empty(t, got.Problems, metric)
				for i, p := range got.Periods {
					for what, pair := range map[string][2]*float64{
						"sum": {want[metric].Periods[i].Sum, p.Sum}, "average": {want[metric].Periods[i].Average, p.Average}, "maximum": {want[metric].Periods[i].Maximum, p.Maximum},
					} {
						require.Equal(t, pair[0] == nil, pair[1] == nil, "%s of %s", what, metric)
						if pair[0] != nil {
							assert.InEpsilon(t, *pair[0], *pair[1], 1e-9, "%s of %s", what, metric)
						}
					}
				}
			}
		})
	}
}

func TestFiguresComeInTheUnitThatIsAskedFor(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.measured("UTC", "bodyTemperature", sample("2026-04-10T08:00:00Z", "2026-04-10T08:00:00Z", 37, "phone"), sample("2026-04-10T20:00:00Z", "2026-04-10T20:00:00Z", -2, "phone"))
	for unit, want := range map[string]string{"Cel": "17.5 (-2 to 37 of 2)", "[degF]": "63.5 (28.4 to 98.6 of 2)", "K": "290.65 (271.15 to 310.15 of 2)"} {
		got := w.statistics("w", `metric: "bodyTemperature", from: "2026-04-10", to: "2026-04-10", unit: "`+unit+`"`)
		assert.Equal(t, []string{"2026-04-10 " + want + " VALUE"}, got.short())
		assert.Equal(t, unit, got.Unit)
	}
}

func TestSamplesThatCanBeNoneAreLeftOutAndCounted(t *testing.T) {
	at := func(hour int, value float64) string {
		clock := fmt.Sprintf("2026-04-10T%02d:00:00Z", hour)
		return sample(clock, clock, value, "phone")
	}
	for metric, c := range map[string]struct {
		samples []string
		want    string
		refused int
	}{
		"bodyTemperature":  {[]string{at(1, -30), at(2, 36), at(3, 400), at(4, -273)}, "3 (-30 to 36 of 2) VALUE", 2},
		"heartRate":        {[]string{at(1, -60), at(2, 60), at(3, 6000)}, "60 (60 to 60 of 1) VALUE", 2},
		"stepCount":        {[]string{at(1, -1), at(2, 10), at(3, 1e6)}, "10 VALUE", 2},
		"oxygenSaturation": {[]string{at(1, 0.97), at(2, 0.99), at(3, 1.5)}, "98 (97 to 99 of 2) VALUE", 1},
	} {
		w := newWorld(t, worldOptions{})
		w.measured("UTC", metric, c.samples...)
		got := w.statistics("w", fmt.Sprintf(`metric: %q, from: "2026-04-10", to: "2026-04-10"`, metric))
		assert.Equal(t, []string{"2026-04-10 " + c.want}, got.short(), metric)
		assert.True(t, got.Complete)
		require.Len(t, got.Problems, 1, metric)
		assert.Contains(t, got.Problems[0].Message, fmt.Sprintf("%d measurements that make no sense", c.refused))
	}
}

func TestAMetricThatTheUpstreamDoesNotHaveIsNoDeadLink(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusForbidden, http.StatusNotImplemented} {
		w := newWorld(t, worldOptions{})
		w.link("demo", "demo")
		w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { s.UnknownMetrics, s.UnknownMetricStatus = "bodyMass", status })
		var data struct{ Mass, Steps statistics }
		w.ask(w.token("demo"), `{ mass: quantityStatistics(metric: "bodyMass", from: "2026-04-13", to: "2026-04-14") `+statisticsFields+`
			steps: quantityStatistics(metric: "stepCount", from: "2026-04-13", to: "2026-04-14") `+statisticsFields+` }`, nil).into(&data)
		require.Len(t, data.Mass.Problems, 1, status)
		want, presence := "UNSUPPORTED", "UNAVAILABLE"
		switch status {
		case http.StatusForbidden:
			want, presence = "REAUTHORIZATION_REQUIRED", "NO_PERMISSION"
		case http.StatusNotImplemented:
			want = unavailable
		}
		assert.Equal(t, want, data.Mass.Problems[0].Code, status)
		assert.False(t, data.Mass.Complete)
		assert.Equal(t, presence, data.Mass.Periods[0].Presence)
		assert.Equal(t, "VALUE", data.Steps.Periods[0].Presence, "another metric is none the worse for it")
		assert.Empty(t, data.Steps.Problems)
		assert.Equal(t, "CONNECTED", w.links("demo")["onetwentyone"].Status, status)
	}
}

func TestEveryWayInWhichAPeriodHasNoFigure(t *testing.T) {
	w := newWorld(t, worldOptions{})
	const one = `metric: "heartRate", from: "2026-04-14", to: "2026-04-14"`
	w.link("unscoped", "person-2", "profile")
	w.link("linked", "demo")
	w.rookPerson("elsewhere", `{"sources": {"Oura": true}}`)
	for user, want := range map[string]string{"stranger": "NOT_CONNECTED", "elsewhere": "NOT_CONNECTED", "unscoped": "NO_PERMISSION"} {
		assert.Equal(t, []string{"2026-04-14 - " + want}, w.statistics(user, one).short(), user)
	}
	w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "quantity", Kind: simulators.KindStatus, Status: 503, RetryAfter: "30"})
	got := w.statistics("linked", one)
	assert.Equal(t, []string{"2026-04-14 - UNAVAILABLE"}, got.short())
	assert.False(t, got.Complete)
	assert.Equal(t, unavailable, got.Problems[0].Code)
}

func TestABudgetSpentInTheMiddleLeavesThePeriodsReadSoFar(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.many(25_000)
	w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/budget", `{"remaining": 2}`)
	got := w.statistics("w", `metric: "stepCount", from: "2026-04-06", to: "2026-04-08"`)
	assert.Equal(t, []string{"2026-04-06 8640 VALUE", "2026-04-07 8640 VALUE", "2026-04-08 - UNAVAILABLE"}, got.short())
	assert.False(t, got.Complete)
	assert.Equal(t, limited, got.Problems[0].Code)
	w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/budget", `{"remaining": 100}`)
	whole := w.statistics("w", `metric: "stepCount", period: WEEK, from: "2026-04-06", to: "2026-04-12"`)
	assert.Equal(t, []string{"2026-04-06…2026-04-12 25000 VALUE"}, whole.short(), "a part is never shown for a whole")
}

func TestFiveYearsByMonthAreFivePages(t *testing.T) {
	w := newWorld(t, worldOptions{})
	var beats []string
	for at := time.Date(2021, time.April, 1, 0, 0, 0, 0, time.UTC); at.Before(time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC)); at = at.Add(time.Hour) {
		clock := at.Format(time.RFC3339)
		beats = append(beats, sample(clock, clock, 60+float64(at.Hour()), "watch"))
	}
	w.measured("UTC", "heartRate", beats...)
	got := w.statistics("w", `metric: "heartRate", period: MONTH, from: "2021-04-01", to: "2026-03-31"`)
	require.Len(t, got.Periods, 60)
	for _, p := range got.Periods {
		assert.InDelta(t, 71.5, *p.Average, 1e-9)
		assert.Equal(t, []float64{60, 83}, []float64{*p.Minimum, *p.Maximum})
	}
	assert.Equal(t, 5, w.calls()["onetwentyone.quantity"], "43,824 samples")
}

func TestUpstreamCallsOfQuantitiesAreCountedExactly(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	ten := []string{"stepCount", "heartRate", "bodyMass", "vo2Max", "oxygenSaturation", "dietaryWater", "bloodGlucose", "flightsClimbed", "respiratoryRate", "activeEnergyBurned"}
	var aliases strings.Builder
	for _, metric := range ten {
		fmt.Fprintf(&aliases, `%s: quantityStatistics(metric: %q, from: "2026-04-01", to: "2026-04-10") { unit } `, metric, metric)
	}
	const one = `(metric: "heartRate", from: "2026-04-01", to: "2026-04-10"`
	for name, c := range map[string]struct {
		query string
		calls map[string]int
	}{
		"ten metrics are ten reads":                      {`{ ` + aliases.String() + `}`, map[string]int{"onetwentyone.quantity": 10}},
		"the same asked in four ways is one":             {`{ a: quantityStatistics` + one + `) { unit } b: quantityStatistics` + one + `, period: MONTH, unit: "/s") { unit } viewer { quantityStatistics` + one + `) { unit } } c: quantityStatistics(metric: "heartRate", from: "2026-04-08", to: "2026-04-12", period: WEEK) { unit } }`, map[string]int{"onetwentyone.quantity": 1}},
		"another zone has other days":                    {`{ a: quantityStatistics` + one + `) { unit } b: quantityStatistics` + one + `, timeZone: "Asia/Tokyo") { unit } }`, map[string]int{"onetwentyone.quantity": 2}},
		"beside steps and links each is read once":       {`{ quantityStatistics` + one + `) { unit } stepCount(from: "2026-04-09", to: "2026-04-10") { total } connections { status } }`, map[string]int{"onetwentyone.quantity": 2, "rook.authorized_v2": 1, "rook.physical_summary": 2}},
		"what has not begun anywhere is not asked for":   {`{ quantityStatistics(metric: "heartRate", from: "2026-05-01", to: "2026-05-10") { unit } }`, map[string]int{}},
		"what is refused costs nothing, and spoils none": {`{ a: quantityStatistics` + one + `, unit: "kg") { unit } b: quantityStatistics(metric: "bodyMass", from: "2026-04-01", to: "2026-04-10") { unit } }`, map[string]int{"onetwentyone.quantity": 1}},
	} {
		w.forgetCalls()
		w.ask(w.token("demo"), c.query, nil)
		assert.Equal(t, c.calls, w.calls(), name)
	}
	t.Run("and run side by side", func(t *testing.T) {
		w.control(w.oneTwentyOne.Handler(), http.MethodPut, "/_control/faults", `[{"route":"quantity","kind":"slow","delayMs":150}]`)
		w.forgetCalls()
		w.ask(w.token("demo"), `{ `+aliases.String()+`}`, nil).into(&map[string]any{})
		peak := w.oneTwentyOne.Control().Calls().Routes["quantity"].PeakInFlight
		assert.Equal(t, 10, peak, "%v", maps.Keys(w.calls()))
	})
}

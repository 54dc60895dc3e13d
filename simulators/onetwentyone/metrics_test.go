package onetwentyone_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"healthgraph/simulators/onetwentyone"
)

type measured struct {
	Data []struct {
		Value float64   `json:"value"`
		Unit  *string   `json:"unit"`
		Start time.Time `json:"start_date"`
		End   time.Time `json:"end_date"`
	} `json:"data"`
}

func TestUnitsAreWrittenAsTheSwitchesSay(t *testing.T) {
	for _, c := range []struct {
		units, percent, metric string
		stored                 float64
		unit                   string
		written                float64
	}{
		{"export", "fraction", "heartRate", 72, "count/min", 72},
		{"header", "fraction", "heartRate", 72, "count/s", 1.2},
		{"ucum", "fraction", "vo2Max", 42, "mL/(kg.min)", 42},
		{"locale", "fraction", "bodyTemperature", 37, "degF", 98.6},
		{"locale", "fraction", "bodyMass", 0.45359237, "lb", 1},
		{"export", "fraction", "oxygenSaturation", 0.97, "%", 0.97},
		{"export", "hundred", "oxygenSaturation", 0.97, "%", 97},
		{"none", "fraction", "bodyMass", 70, "", 70},
	} {
		h := start(t, func(s *onetwentyone.Switches) { s.Units, s.Percent = c.units, c.percent })
		at := h.now.Format(time.RFC3339)
		h.put(c.metric, sample("", at, at, c.stored))
		var got measured
		h.want(h.get(quantityPath(h.sim.UserID("demo"), c.metric, ""), h.pat("demo")), http.StatusOK, &got)
		unit := ""
		if got.Data[0].Unit != nil {
			unit = *got.Data[0].Unit
		}
		if len(got.Data) != 1 || unit != c.unit || math.Abs(got.Data[0].Value-c.written) > 1e-9 {
			t.Errorf("%s in %s: %+v", c.metric, c.units, got.Data)
		}
	}
}

func TestOtherHistoriesAreInventedWhenAskedFor(t *testing.T) {
	h := start(t, nil)
	id, pat := h.sim.UserID("demo"), h.pat("demo")
	read := func(metric string) measured {
		var got measured
		h.want(h.get(quantityPath(id, metric, "pageSize=10000&sort=asc&endDate=2026-03-29"), pat), http.StatusOK, &got)
		return got
	}
	for metric, low := range map[string]int{
		"heartRate": 1500, "heartRateVariabilitySDNN": 300, "oxygenSaturation": 200, "bodyMass": 8, "vo2Max": 8, "distanceWalkingRunning": 3000,
		"activeEnergyBurned": 3000, "dietaryWater": 300, "environmentalAudioExposure": 900, "bloodGlucose": 90, "flightsClimbed": 200,
	} {
		first := read(metric)
		if len(first.Data) < low {
			t.Errorf("%s: %d samples", metric, len(first.Data))
			continue
		}
		for i, s := range first.Data {
			if s.End.Before(s.Start) || s.End.After(h.now) || (i > 0 && s.Start.Before(first.Data[i-1].Start)) || s.Value < 0 {
				t.Fatalf("%s: sample %d is %+v", metric, i, s)
			}
		}
	}
	before := len(read("heartRate").Data)
	h.sim.Control().Clock.Advance(3 * time.Hour)
	if after := len(read("heartRate").Data); after != before+3 {
		t.Errorf("%d beats, then %d: three hours should bring three", before, after)
	}
	if steps, metres := read("stepCount").Data, read("distanceWalkingRunning").Data; len(steps) != len(metres) || math.Abs(metres[7].Value-steps[7].Value*0.72) > 1e-9 {
		t.Error("who walks gets somewhere")
	}
	h.put("heartRate")
	if left := read("heartRate").Data; len(left) != 0 {
		t.Errorf("%d samples are left of a history that was replaced by nothing", len(left))
	}
}

func TestMetricsCanBeUnknown(t *testing.T) {
	h := start(t, func(s *onetwentyone.Switches) {
		s.UnknownMetrics, s.UnknownMetricStatus = "bodyMass vo2Max", http.StatusBadRequest
	})
	id, pat := h.sim.UserID("demo"), h.pat("demo")
	for metric, want := range map[string]int{"bodyMass": 400, "vo2Max": 400, "stepCount": 200, "heartRate": 200, "neverHeardOf": 400} {
		h.want(h.get(quantityPath(id, metric, ""), pat), want, nil)
	}
}

package rook

import (
	"time"

	"healthgraph/simulators/people"
)

// slept is what a sleep summary says of a night.
type slept struct {
	begin, end                       time.Time
	light, rem, deep, awake, falling *int // seconds; nil is null
}

func (n slept) asleep() *int { return plus(n.light, n.rem, n.deep) }

// plus adds up what is known; null and anything is null.
func plus(parts ...*int) *int {
	sum := 0
	for _, part := range parts {
		if part == nil {
			return nil
		}
		sum += *part
	}
	return &sum
}

// sleptOn is the person's night that ends on a day, as the sources have it: up to seven per cent of the sleep is taken for being
// awake. False where there is none.
func (s *Simulator) sleptOn(e enquiry, ends people.Date, got reading) (slept, bool) {
	nights := s.seeds.Nights(e.user, ends)
	if len(nights) == 0 && !got.hasSleep {
		return slept{}, false
	}
	n := slept{begin: ends.Start(e.zone).Add(-time.Hour), falling: new(s.about(e, "falling asleep", 120, 1500))}
	if got.hasSleep {
		if got.sleep != nil {
			n.light, n.rem, n.deep, n.awake = new(*got.sleep-*got.sleep/4-*got.sleep/5), new(*got.sleep/4), new(*got.sleep/5), new(0)
			n.end = n.begin.Add(time.Duration(*got.sleep) * time.Second)
		}
		return n, true
	}
	stages := nights[0].Stages
	n.begin, n.end = stages[0].Start.In(e.zone), stages[len(stages)-1].End.In(e.zone)
	share := s.seeds.Between(e.user, ends, "sleep "+got.sources[0], 930, 1000)
	part := func(name string) *int { return new(int(nights[0].Total(name).Seconds()) * share / 1000) }
	n.light, n.rem, n.deep = part(people.Light), part(people.REM), part(people.Deep)
	n.awake = new(int(n.end.Sub(n.begin).Seconds()) - *n.asleep())
	return n, true
}

// sleepSummary is the document of the night that ends on the asked date (or, by a switch, begins in its evening), made at noon local
// time after it (data-extraction page; SleepSummary in OpenAPI 2.0.1). It does not exist on days without data.
func (s *Simulator) sleepSummary(e enquiry) object {
	ends := e.date
	if e.sw.NightDate == "evening" {
		ends++
	}
	const noon = 12
	y, m, d := ends.Start(e.zone).Date()
	made := time.Date(y, m, d, noon, 0, 0, 0, e.zone)
	if !e.ready(made) {
		return nil
	}
	got, ok := s.read(e)
	if !ok {
		return nil
	}
	night, ok := s.sleptOn(e, ends, got)
	if !ok {
		return nil
	}
	var begin, end *string
	if !night.end.IsZero() {
		begin, end = new(night.begin.Format(instantLayout)), new(night.end.Format(instantLayout))
	}
	inBed := plus(night.asleep(), night.awake, night.falling)
	var efficiency *int
	if inBed != nil && *inBed > 0 {
		efficiency = new(100 * *night.asleep() / *inBed)
	}
	heart := s.heartRate(e)
	heart["hr_basal_bpm_int"] = heart["hr_minimum_bpm_int"]
	celsius := func(name string, low, high int) object {
		return object{"temperature_celsius_float": float64(s.about(e, name, low, high)) / 10, "measurement_type_string": "skin"}
	}
	return s.envelope(e, got, "sleep_health", "sleep_summary", made, object{
		"duration": object{
			"sleep_start_datetime_string":         begin,
			"sleep_end_datetime_string":           end,
			"sleep_date_string":                   e.date.String(),
			"sleep_duration_seconds_int":          night.asleep(),
			"time_in_bed_seconds_int":             inBed,
			"light_sleep_duration_seconds_int":    night.light,
			"rem_sleep_duration_seconds_int":      night.rem,
			"deep_sleep_duration_seconds_int":     night.deep,
			"time_to_fall_asleep_seconds_int":     night.falling,
			"time_awake_during_sleep_seconds_int": night.awake,
		},
		"scores": object{
			"sleep_quality_rating_1_5_score_int": s.about(e, "quality", 2, 5),
			"sleep_efficiency_1_100_score_int":   efficiency,
			"sleep_goal_seconds_int":             28_800,
			"sleep_continuity_1_5_score_int":     s.about(e, "continuity", 2, 5),
			"sleep_continuity_1_5_rating_int":    s.about(e, "continuity", 2, 5),
		},
		"heart_rate": heart,
		"temperature": object{
			"temperature_avg_object":          celsius("warm", 345, 352),
			"temperature_minimum_object":      celsius("cold", 330, 344),
			"temperature_maximum_object":      celsius("hot", 353, 362),
			"temperature_delta_object":        nil,
			"temperature_granular_data_array": []object{},
		},
		"breathing": object{
			"breaths_minimum_per_min_int":        s.about(e, "fewest breaths", 10, 12),
			"breaths_avg_per_min_int":            s.about(e, "breaths", 13, 16),
			"breaths_maximum_per_min_int":        s.about(e, "most breaths", 17, 21),
			"snoring_events_count_int":           nil,
			"snoring_duration_total_seconds_int": nil,
			"saturation_avg_percentage_int":      s.about(e, "saturation", 95, 99),
			"saturation_minimum_percentage_int":  s.about(e, "least saturation", 90, 94),
			"saturation_maximum_percentage_int":  100,
			"breathing_granular_data_array":      []object{},
			"snoring_granular_data_array":        []object{},
			"saturation_granular_data_array":     []object{},
		},
	})
}

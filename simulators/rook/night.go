package rook

import (
	"time"
)

// sleepSummary is the document of the night that ends on the asked date, made at noon local time (data-extraction
// page; SleepSummary in OpenAPI 2.0.1). It does not exist on days without data.
func (s *Simulator) sleepSummary(e enquiry) object {
	const noon = 12
	y, m, d := e.start().Date()
	made := time.Date(y, m, d, noon, 0, 0, 0, e.zone)
	if !e.ready(made) {
		return nil
	}
	got, ok := s.read(e)
	if !ok {
		return nil
	}
	light, rem, deep := s.about(e, "light", 11_000, 15_000), s.about(e, "rem", 4500, 7500), s.about(e, "deep", 3500, 6500)
	awake, falling := s.about(e, "awake", 300, 2400), s.about(e, "falling asleep", 120, 1500)
	begin := e.start().Add(-time.Duration(s.about(e, "bed", 10, 90)) * time.Minute)
	end := begin.Add(time.Duration(light+rem+deep+awake) * time.Second)
	heart := s.heartRate(e)
	heart["hr_basal_bpm_int"] = heart["hr_minimum_bpm_int"]
	celsius := func(name string, low, high int) object {
		return object{"temperature_celsius_float": float64(s.about(e, name, low, high)) / 10, "measurement_type_string": "skin"}
	}
	return s.envelope(e, got, "sleep_health", "sleep_summary", made, object{
		"duration": object{
			"sleep_start_datetime_string":         begin.Format(instantLayout),
			"sleep_end_datetime_string":           end.Format(instantLayout),
			"sleep_date_string":                   e.date.String(),
			"sleep_duration_seconds_int":          light + rem + deep,
			"time_in_bed_seconds_int":             light + rem + deep + awake + falling,
			"light_sleep_duration_seconds_int":    light,
			"rem_sleep_duration_seconds_int":      rem,
			"deep_sleep_duration_seconds_int":     deep,
			"time_to_fall_asleep_seconds_int":     falling,
			"time_awake_during_sleep_seconds_int": awake,
		},
		"scores": object{
			"sleep_quality_rating_1_5_score_int": s.about(e, "quality", 2, 5),
			"sleep_efficiency_1_100_score_int":   100 * (light + rem + deep) / (light + rem + deep + awake + falling),
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

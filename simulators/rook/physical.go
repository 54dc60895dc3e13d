package rook

import (
	"time"
)

const (
	granule      = 15 * time.Minute
	firstGranule = 28 // seven o'clock, unless the clocks change on that day
	granules     = 60
)

// physicalSummary is a day's document with the steps at physical_health.summary.physical_summary.distance.steps_int
// (PhysicalSummary in OpenAPI 2.0.1). Everything else but the steps and what follows from them is decoration.
func (s *Simulator) physicalSummary(e enquiry) object {
	made := e.end().Add(extractionDelay)
	if !e.ready(made) {
		return nil
	}
	got, ok := s.read(e)
	if !ok {
		return nil
	}
	content := object{
		"distance":    distance(e, got.steps),
		"activity":    s.activity(e),
		"calories":    s.calories(e),
		"heart_rate":  s.heartRate(e),
		"oxygenation": s.oxygenation(e),
		"stress":      s.stress(e),
	}
	if e.sw.OmitDistance {
		delete(content, "distance")
	}
	return s.envelope(e, got, "physical_health", "physical_summary", made, content)
}

func distance(e enquiry, steps *int) object {
	d := object{
		"steps_int":                                   steps,
		"active_steps_int":                            nil,
		"walked_distance_meters_float":                nil,
		"traveled_distance_meters_float":              nil,
		"floors_climbed_float":                        nil,
		"elevation_avg_altitude_meters_float":         nil,
		"elevation_minimum_altitude_meters_float":     nil,
		"elevation_maximum_altitude_meters_float":     nil,
		"elevation_gain_actual_altitude_meters_float": nil,
		"elevation_loss_actual_altitude_meters_float": nil,
		"elevation_planned_gain_meters_float":         nil,
		"swimming_num_strokes_float":                  nil,
		"swimming_num_laps_int":                       nil,
		"swimming_pool_length_meters_float":           nil,
		"swimming_total_distance_meters_float":        nil,
		"steps_granular_data_array":                   []object{},
		"active_steps_granular_data_array":            []object{},
		"floors_climbed_granular_data_array":          []object{},
		"elevation_granular_data_array":               []object{},
		"swimming_distance_granular_data_array":       []object{},
		"traveled_distance_granular_data_array":       []object{},
	}
	if steps == nil {
		return d
	}
	const metersPerStep = 0.72
	active := *steps * 6 / 10
	d["active_steps_int"] = active
	d["walked_distance_meters_float"] = float64(active) * metersPerStep
	d["traveled_distance_meters_float"] = float64(*steps) * metersPerStep
	if e.sw.GranularData {
		d["steps_granular_data_array"] = spread(e, *steps, "steps_int")
		d["active_steps_granular_data_array"] = spread(e, active, e.sw.ActiveStepsItem)
	}
	return d
}

// spread shares steps out over the quarters of an hour of the waking day that have passed, exactly.
func spread(e enquiry, steps int, field string) []object {
	items := []object{}
	first := e.start().Add(firstGranule * granule)
	passed := min(granules, int(e.now.Sub(first)/granule)+1)
	for i := range passed {
		at := first.Add(time.Duration(i) * granule)
		share := steps*(i+1)/passed - steps*i/passed
		if share == 0 {
			continue
		}
		items = append(items, object{
			"datetime_string":                 at.Format(instantLayout),
			"interval_duration_seconds_float": granule.Seconds(),
			field:                             share,
		})
	}
	return items
}

func (s *Simulator) activity(e enquiry) object {
	low, moderate, vigorous := s.about(e, "low", 1200, 4800), s.about(e, "moderate", 600, 3000), s.about(e, "vigorous", 0, 1800)
	return object{
		"active_seconds_int":                 low + moderate + vigorous,
		"rest_seconds_int":                   s.about(e, "rest", 18_000, 30_000),
		"inactivity_seconds_int":             s.about(e, "inactivity", 30_000, 45_000),
		"low_intensity_seconds_int":          low,
		"moderate_intensity_seconds_int":     moderate,
		"vigorous_intensity_seconds_int":     vigorous,
		"continuous_inactive_periods_int":    s.about(e, "inactive periods", 0, 6),
		"activity_level_granular_data_array": []object{},
	}
}

func (s *Simulator) calories(e enquiry) object {
	active, basal := s.about(e, "active kcal", 250, 900), s.about(e, "basal kcal", 1450, 1650)
	return object{
		"calories_expenditure_kcal_float":          float64(active + basal),
		"calories_net_active_kcal_float":           float64(active),
		"calories_basal_metabolic_rate_kcal_float": float64(basal),
		"calories_net_intake_kcal_float":           nil,
	}
}

func (s *Simulator) heartRate(e enquiry) object {
	resting := s.about(e, "resting", 50, 62)
	return object{
		"hr_avg_bpm_int":                resting + s.about(e, "average", 10, 22),
		"hr_maximum_bpm_int":            s.about(e, "maximum", 115, 165),
		"hr_minimum_bpm_int":            resting - s.about(e, "minimum", 1, 6),
		"hr_resting_bpm_int":            resting,
		"hrv_avg_rmssd_float":           float64(s.about(e, "rmssd", 280, 620)) / 10,
		"hrv_avg_sdnn_float":            nil,
		"hr_granular_data_array":        []object{},
		"hrv_rmssd_granular_data_array": []object{},
		"hrv_sdnn_granular_data_array":  []object{},
	}
}

func (s *Simulator) oxygenation(e enquiry) object {
	return object{
		"saturation_avg_percentage_int":  s.about(e, "saturation", 95, 99),
		"vo2max_mL_per_min_per_kg_int":   s.about(e, "vo2max", 40, 46),
		"saturation_granular_data_array": []object{},
		"vo2_granular_data_array":        []object{},
	}
}

func (s *Simulator) stress(e enquiry) object {
	low, medium, high := s.about(e, "low stress", 3600, 9000), s.about(e, "medium stress", 1200, 5400), s.about(e, "high stress", 0, 1800)
	return object{
		"stress_avg_level_int":                s.about(e, "stress", 20, 45),
		"stress_maximum_level_int":            s.about(e, "most stress", 60, 95),
		"stress_duration_seconds_int":         low + medium + high,
		"stress_at_rest_duration_seconds_int": s.about(e, "stress at rest", 9000, 20_000),
		"low_stress_duration_seconds_int":     low,
		"medium_stress_duration_seconds_int":  medium,
		"high_stress_duration_seconds_int":    high,
		"stress_granular_data_array":          []object{},
	}
}

package rook

// bodySummary is the document of a day's body measurements (BodySummary in OpenAPI 2.0.1): weight, height and what
// follows from them; the other groups are there with their main fields null.
func (s *Simulator) bodySummary(e enquiry) object {
	made := e.end().Add(extractionDelay)
	if !e.ready(made) {
		return nil
	}
	got, ok := s.read(e)
	if !ok {
		return nil
	}
	height, weight := s.height(e), s.weight(e)
	meters := float64(height) / 100
	return s.envelope(e, got, "body_health", "body_summary", made, object{
		"body_metrics": object{
			"waist_circumference_cm_int":        nil,
			"hip_circumference_cm_int":          nil,
			"chest_circumference_cm_int":        nil,
			"bone_composition_percentage_int":   nil,
			"muscle_composition_percentage_int": nil,
			"water_composition_percentage_int":  nil,
			"weight_kg_float":                   weight,
			"height_cm_int":                     height,
			"bmi_float":                         weight / (meters * meters),
		},
		"blood_glucose":  object{"blood_glucose_avg_mg_per_dL_int": nil, "blood_glucose_granular_data_array": []object{}},
		"blood_pressure": object{"blood_pressure_avg_object": nil, "blood_pressure_granular_data_array": []object{}},
		"hydration":      object{"water_total_consumption_mL_int": s.about(e, "water", 900, 2600), "hydration_amount_granular_data_array": []object{}},
		"heart_rate":     s.heartRate(e),
		"mood": object{
			"mood_minimum_scale_int": nil, "mood_avg_scale_int": nil, "mood_maximum_scale_int": nil, "mood_delta_scale_int": nil,
			"mood_granular_data_array": []object{},
		},
		"nutrition": object{
			"calories_intake_kcal_float": nil, "protein_intake_g_float": nil, "sugar_intake_g_float": nil, "fat_intake_g_float": nil,
			"trans_fat_intake_g_float": nil, "carbohydrates_intake_g_float": nil, "fiber_intake_g_float": nil,
			"alcohol_intake_g_float": nil, "sodium_intake_mg_float": nil, "cholesterol_intake_mg_float": nil, "food_intake_float": nil,
		},
		"oxygenation": s.oxygenation(e),
		"temperature": object{
			"temperature_avg_object": nil, "temperature_minimum_object": nil, "temperature_maximum_object": nil,
			"temperature_delta_object": nil, "temperature_granular_data_array": []object{},
		},
		"menstruation": object{},
	})
}

// height is in centimetres and the same every day.
func (s *Simulator) height(e enquiry) int { return s.seeds.Between(e.user, 0, "height", 155, 190) }

// weight is in kilograms and differs by less than one from day to day.
func (s *Simulator) weight(e enquiry) float64 {
	return float64(s.seeds.Between(e.user, 0, "weight", 550, 900)+s.about(e, "weight of the day", -4, 4)) / 10
}

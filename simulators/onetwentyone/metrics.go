package onetwentyone

// units are the metrics that the simulator takes for allowed, and their units as Apple's own export writes them. The
// documentation points at a list that cannot be read; its samples prove stepCount and appleExerciseTime, the others are a
// guess after HealthKit's names. A "%" of HealthKit's is a fraction: 0.97 is 97 %.
var units = map[string]string{
	"stepCount": "count", "flightsClimbed": "count", "pushCount": "count", "numberOfTimesFallen": "count", "inhalerUsage": "count",
	"appleExerciseTime": "min", "appleStandTime": "min", "timeInDaylight": "min",
	"activeEnergyBurned": "kcal", "basalEnergyBurned": "kcal", "dietaryEnergyConsumed": "kcal",
	"distanceWalkingRunning": "m", "distanceCycling": "m", "distanceSwimming": "m",
	"heartRate": "count/min", "restingHeartRate": "count/min", "walkingHeartRateAverage": "count/min", "respiratoryRate": "count/min",
	"heartRateVariabilitySDNN": "ms", "vo2Max": "mL/min·kg", "oxygenSaturation": "%", "bodyFatPercentage": "%",
	"atrialFibrillationBurden": "%", "walkingAsymmetryPercentage": "%", "walkingSpeed": "m/s", "walkingStepLength": "m",
	"bodyMass": "kg", "height": "m", "bodyMassIndex": "count", "bodyTemperature": "degC", "appleSleepingWristTemperature": "degC",
	"bloodPressureSystolic": "mmHg", "bloodPressureDiastolic": "mmHg", "bloodGlucose": "mg/dL",
	"environmentalAudioExposure": "dBASPL", "dietaryWater": "mL", "dietaryCaffeine": "g", "insulinDelivery": "IU",
	"strideOfGiants": "furlong", // HealthKit has no such type: what it adds tomorrow, nobody's list has today
}

// writing is how a value is written: unit, and what the value becomes in it.
type writing struct {
	unit           string
	factor, offset float64
}

// unitWritings are those that the switch Units knows beside "export", by the unit that the export has. What is not here is as
// in the export.
var unitWritings = map[string]map[string]writing{
	"header": { // the comments of HealthKit's header
		"count/min": {"count/s", 1. / 60, 0}, "mL/min·kg": {"ml/(kg*min)", 1, 0},
	},
	"ucum": {
		"count": {"{count}", 1, 0}, "count/min": {"/min", 1, 0}, "mL/min·kg": {"mL/(kg.min)", 1, 0}, "degC": {"Cel", 1, 0},
		"mmHg": {"mm[Hg]", 1, 0}, "dBASPL": {"dB[SPL]", 1, 0}, "IU": {"[iU]", 1, 0},
	},
	"locale": { // what an iPhone is set to
		"kg": {"lb", 1 / 0.45359237, 0}, "degC": {"degF", 1.8, 32}, "m": {"mi", 1 / 1609.344, 0}, "m/s": {"mi/hr", 3600 / 1609.344, 0},
		"kcal": {"kJ", 4.184, 0}, "mg/dL": {"mmol<180.1558800000541>/L", 1 / 18.01558800000541, 0}, "mL": {"fl_oz_us", 1 / 29.5735295625, 0},
	},
	"none": {},
}

// writingOf is how the switches have a metric's values written.
func (sw Switches) writingOf(metric string) writing {
	unit := units[metric]
	w, other := unitWritings[sw.Units][unit]
	if !other {
		w = writing{unit, 1, 0}
	}
	if unit == "%" && sw.Percent == "hundred" {
		w.factor = 100
	}
	if sw.Units == "none" {
		w.unit = ""
	}
	return w
}

func (w writing) value(v float64) float64 {
	if w.factor == 1 && w.offset == 0 {
		return v
	}
	return v*w.factor + w.offset
}

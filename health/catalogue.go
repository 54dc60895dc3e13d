package health

import (
	"slices"
	"strings"
	"unicode"
)

// How the samples of a group become one figure.
const (
	sum     = Averaging("")
	mean    = Arithmetic
	byTime  = TimeWeighted
	byLevel = EquivalentLevel
)

// catalogue is HealthKit's quantity types as its headers of iOS 18 describe them: unit, and whether samples add up. The
// unit is the one in which people meet the metric: HealthKit's own for heartRate and respiratoryRate is count/s. The most
// is what one sample can be; the least is 0 unless told here. Sorted by name.
var catalogue = sorted(
	group(UnitCount, sum, 100_000, "stepCount flightsClimbed pushCount swimmingStrokeCount nikeFuel"),
	group(UnitCount, sum, 1000, "inhalerUsage numberOfAlcoholicBeverages numberOfTimesFallen"),
	group(UnitKilocalorie, sum, 50_000, "activeEnergyBurned basalEnergyBurned dietaryEnergyConsumed"),
	group(UnitMinute, sum, 10_080, "appleExerciseTime appleMoveTime appleStandTime timeInDaylight"),
	group(UnitMetre, sum, 2_000_000, "distanceWalkingRunning distanceCycling distanceSwimming distanceWheelchair distanceDownhillSnowSports "+
		"distanceCrossCountrySkiing distancePaddleSports distanceRowing distanceSkatingSports"),
	group(UnitMillilitre, sum, 50_000, "dietaryWater"),
	group(UnitGram, sum, 10_000, "dietaryBiotin dietaryCaffeine dietaryCalcium dietaryCarbohydrates dietaryChloride dietaryCholesterol dietaryChromium "+
		"dietaryCopper dietaryFatMonounsaturated dietaryFatPolyunsaturated dietaryFatSaturated dietaryFatTotal dietaryFiber dietaryFolate "+
		"dietaryIodine dietaryIron dietaryMagnesium dietaryManganese dietaryMolybdenum dietaryNiacin dietaryPantothenicAcid "+
		"dietaryPhosphorus dietaryPotassium dietaryProtein dietaryRiboflavin dietarySelenium dietarySodium dietarySugar dietaryThiamin "+
		"dietaryVitaminA dietaryVitaminB6 dietaryVitaminB12 dietaryVitaminC dietaryVitaminD dietaryVitaminE dietaryVitaminK dietaryZinc"),
	group(UnitInsulin, sum, 10_000, "insulinDelivery"),

	group(UnitPerMinute, mean, 1000, "cyclingCadence restingHeartRate walkingHeartRateAverage heartRateRecoveryOneMinute respiratoryRate"),
	group(UnitPerMinute, byTime, 1000, "heartRate"),
	group(UnitPercent, byTime, 100, "atrialFibrillationBurden"),
	group(UnitPercent, mean, 100, "peripheralPerfusionIndex bodyFatPercentage walkingAsymmetryPercentage walkingDoubleSupportPercentage "+
		"appleWalkingSteadiness oxygenSaturation"),
	group(UnitPercent, mean, 2, "bloodAlcoholContent"),
	group(UnitMillisecond, mean, 10_000, "heartRateVariabilitySDNN runningGroundContactTime"),
	group(UnitVO2, mean, 200, "vo2Max"),
	group(UnitWatt, mean, 5000, "cyclingPower cyclingFunctionalThresholdPower runningPower"),
	group(UnitSpeed, mean, 150, "cyclingSpeed runningSpeed rowingSpeed paddleSportsSpeed crossCountrySkiingSpeed walkingSpeed stairAscentSpeed "+
		"stairDescentSpeed"),
	group(UnitEffort, mean, 1000, "physicalEffort"),
	group(UnitMetre, mean, 12_000, "underwaterDepth sixMinuteWalkTestDistance"),
	group(UnitMetre, mean, 10, "height waistCircumference walkingStepLength runningStrideLength"),
	group("cm", mean, 1000, "runningVerticalOscillation"),
	group(UnitScore, mean, 10, "workoutEffortScore estimatedWorkoutEffortScore"),
	group(UnitKilogram, mean, 1000, "bodyMass leanBodyMass"),
	group(UnitBMI, mean, 500, "bodyMassIndex"),
	colder(-100, group(UnitCelsius, mean, 100, "bodyTemperature basalBodyTemperature appleSleepingWristTemperature waterTemperature")),
	group(UnitMicrosiemens, mean, 1e6, "electrodermalActivity"),
	group(UnitPressure, mean, 500, "bloodPressureSystolic bloodPressureDiastolic"),
	group(UnitGlucose, mean, 5000, "bloodGlucose"),
	group(UnitLitre, mean, 20, "forcedVitalCapacity forcedExpiratoryVolume1"),
	group(UnitFlow, mean, 2000, "peakExpiratoryFlowRate"),
	group(UnitCount, mean, 10_000, "appleSleepingBreathingDisturbances"),
	group(UnitIndex, mean, 100, "uvExposure"),
	group(UnitSound, byLevel, 250, "environmentalAudioExposure headphoneAudioExposure environmentalSoundReduction"),
)

// group is the metrics that share everything but their names.
func group(unit Unit, averaging Averaging, most float64, names string) []Metric {
	var metrics []Metric
	for name := range strings.FieldsSeq(names) {
		m := Metric{Name: name, Title: titleOf(name), Kind: Cumulative, Unit: &unit, Units: unit.Convertible(), Most: most}
		if averaging != sum {
			m.Kind, m.Averaging = Discrete, &averaging
		}
		metrics = append(metrics, m)
	}
	return metrics
}

// colder is a group whose values may be negative.
func colder(least float64, metrics []Metric) []Metric {
	for i := range metrics {
		metrics[i].Least = least
	}
	return metrics
}

func sorted(groups ...[]Metric) []Metric {
	all := slices.Concat(groups...)
	slices.SortFunc(all, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// titles are those that the name does not give away.
var titles = map[string]string{
	"stepCount": "Steps", "vo2Max": "VO2 max", "heartRateVariabilitySDNN": "Heart rate variability (SDNN)", "uvExposure": "UV exposure",
	"forcedExpiratoryVolume1": "Forced expiratory volume in one second", "nikeFuel": "NikeFuel",
	"distanceWalkingRunning": "Walking and running distance", "distanceCycling": "Cycling distance", "distanceSwimming": "Swimming distance",
	"distanceWheelchair": "Wheelchair distance", "distanceRowing": "Rowing distance",
	"bloodPressureSystolic": "Systolic blood pressure", "bloodPressureDiastolic": "Diastolic blood pressure",
}

// titleOf makes a title of a name: "restingHeartRate" is "Resting heart rate", "dietaryVitaminB12" "Dietary vitamin B12".
func titleOf(name string) string {
	if title, special := titles[name]; special {
		return title
	}
	var words []string
	begin := 0
	for i, r := range name + "Z" { // the last word ends where another would begin
		if i > 0 && unicode.IsUpper(r) {
			if word := name[begin:i]; begin > 0 && (len(word) == 1 || strings.ContainsAny(word, "0123456789")) {
				words = append(words, word) // B12
			} else {
				words = append(words, strings.ToLower(word))
			}
			begin = i
		}
	}
	return strings.ToUpper(words[0][:1]) + words[0][1:] + strings.Repeat(" ", min(1, len(words)-1)) + strings.Join(words[1:], " ")
}

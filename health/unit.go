package health

import (
	"io"
	"math"
	"slices"
	"strings"
)

// Unit is a unit of measure by its code in UCUM, the Unified Code for Units of Measure (https://ucum.org), such as "kcal",
// "/min" or "[lb_av]". Codes are case-sensitive.
type Unit string

// MarshalGQL writes the code as a String.
func (unit Unit) MarshalGQL(w io.Writer) { writeQuoted(w, string(unit)) }

// UnmarshalGQL reads a String; whether it is a unit that can be asked for, the metric knows: see Metric.In.
func (unit *Unit) UnmarshalGQL(v any) error {
	text, ok := v.(string)
	if !ok {
		return Refuse("", "a unit is a string, such as \"kcal\"")
	}
	*unit = Unit(text)
	return nil
}

// The units that a metric of the catalogue is given in, unless another is asked for.
const (
	UnitCount        Unit = "{count}"
	UnitOne          Unit = "1"
	UnitPercent      Unit = "%"
	UnitPerMinute    Unit = "/min"
	UnitMetre        Unit = "m"
	UnitMinute       Unit = "min"
	UnitMillisecond  Unit = "ms"
	UnitKilocalorie  Unit = "kcal"
	UnitGram         Unit = "g"
	UnitKilogram     Unit = "kg"
	UnitCelsius      Unit = "Cel"
	UnitSpeed        Unit = "m/s"
	UnitWatt         Unit = "W"
	UnitEffort       Unit = "kcal/(kg.h)"
	UnitScore        Unit = "{score}"
	UnitIndex        Unit = "{index}"
	UnitVO2          Unit = "mL/(kg.min)"
	UnitBMI          Unit = "kg/m2"
	UnitMicrosiemens Unit = "uS"
	UnitPressure     Unit = "mm[Hg]"
	UnitGlucose      Unit = "mg/dL"
	UnitLitre        Unit = "L"
	UnitMillilitre   Unit = "mL"
	UnitFlow         Unit = "L/min"
	UnitSound        Unit = "dB[SPL]"
	UnitInsulin      Unit = "[iU]"
)

// scale is a unit as it relates to the others of its dimension: base = value × factor + offset.
type scale struct {
	unit           Unit
	factor, offset float64
	spellings      []string // beside the code: as HealthKit writes the unit, and as people do
}

const (
	pound = 0.45359237
	mile  = 1609.344
	foot  = 0.3048
	// glucoseMolarMass is HealthKit's, in g/mol; it stands in its unit strings as well.
	glucoseMolarMass = 180.1558800000541
)

// dimensions are the units that can be converted into one another. The first of each is a metric's own, more or less.
var dimensions = [][]scale{
	{{unit: UnitCount, factor: 1, spellings: []string{"count", "counts", "step", "steps", "1"}}},
	{{unit: UnitScore, factor: 1, spellings: []string{"appleEffortScore", "score", "count", "1"}}},
	{{unit: UnitIndex, factor: 1, spellings: []string{"count", "1"}}},
	{{unit: UnitBMI, factor: 1, spellings: []string{"count", "1", "kg/m^2", "kg/m²"}}},
	{{unit: UnitInsulin, factor: 1, spellings: []string{"IU", "U", "[IU]"}}},
	{{unit: UnitPercent, factor: 0.01, spellings: []string{"percent"}}, {unit: UnitOne, factor: 1, spellings: []string{"count", "fraction"}}},
	{
		{unit: UnitPerMinute, factor: 1, spellings: []string{"count/min", "{count}/min", "{beats}/min", "1/min", "min-1", "bpm", "rpm"}},
		{unit: "/s", factor: 60, spellings: []string{"count/s", "{count}/s", "1/s", "s-1", "Hz"}},
	},
	{
		{unit: UnitMetre, factor: 1, spellings: []string{"meter", "meters", "metre", "metres"}},
		{unit: "km", factor: 1000}, {unit: "cm", factor: 0.01}, {unit: "mm", factor: 0.001},
		{unit: "[mi_i]", factor: mile, spellings: []string{"mi", "mile", "miles"}}, {unit: "[yd_i]", factor: 3 * foot, spellings: []string{"yd"}},
		{unit: "[ft_i]", factor: foot, spellings: []string{"ft"}}, {unit: "[in_i]", factor: foot / 12, spellings: []string{"in"}},
	},
	{
		{unit: UnitMinute, factor: 60, spellings: []string{"minute", "minutes"}}, {unit: "s", factor: 1, spellings: []string{"sec", "second", "seconds"}},
		{unit: UnitMillisecond, factor: 0.001, spellings: []string{"msec", "millisecond", "milliseconds"}}, {unit: "h", factor: 3600, spellings: []string{"hr", "hour", "hours"}},
	},
	{
		{unit: UnitKilocalorie, factor: 4184, spellings: []string{"Cal", "[Cal]"}}, {unit: "kJ", factor: 1000},
		{unit: "J", factor: 1}, {unit: "cal", factor: 4.184},
	},
	{
		{unit: UnitGram, factor: 1}, {unit: UnitKilogram, factor: 1000}, {unit: "mg", factor: 1e-3}, {unit: "ug", factor: 1e-6, spellings: []string{"mcg", "μg", "µg"}},
		{unit: "[lb_av]", factor: 1000 * pound, spellings: []string{"lb", "lbs"}}, {unit: "[oz_av]", factor: 1000 * pound / 16, spellings: []string{"oz"}},
		{unit: "[stone_av]", factor: 14000 * pound, spellings: []string{"st"}},
	},
	{
		{unit: UnitCelsius, factor: 1, offset: 273.15, spellings: []string{"degC", "°C", "C"}},
		{unit: "[degF]", factor: 5. / 9, offset: 459.67 * 5 / 9, spellings: []string{"degF", "°F", "F"}}, {unit: "K", factor: 1},
	},
	{
		{unit: UnitSpeed, factor: 1, spellings: []string{"m.s-1"}}, {unit: "km/h", factor: 1000. / 3600, spellings: []string{"km/hr"}},
		{unit: "[mi_i]/h", factor: mile / 3600, spellings: []string{"mi/hr", "mi/h", "mph"}},
	},
	{{unit: UnitWatt, factor: 1}, {unit: "kW", factor: 1000}},
	{{unit: UnitEffort, factor: 1, spellings: []string{"kcal/(kg*hr)", "kcal/hr·kg", "kcal/kg·hr", "kcal/kg/h"}}},
	{{unit: UnitVO2, factor: 1, spellings: []string{"mL/min·kg", "ml/(kg*min)", "mL/kg·min", "mL/(kg·min)", "mL/(min·kg)", "mL/min/kg", "mL/kg/min"}}},
	{{unit: UnitMicrosiemens, factor: 1e-6, spellings: []string{"mcS", "μS", "µS"}}, {unit: "mS", factor: 1e-3}, {unit: "S", factor: 1}},
	{
		{unit: UnitPressure, factor: 133.322, spellings: []string{"mmHg"}}, {unit: "kPa", factor: 1000},
		{unit: "cm[H2O]", factor: 98.0665, spellings: []string{"cmAq", "cmH2O"}},
	},
	{
		{unit: UnitGlucose, factor: 1}, {unit: "mmol/L", factor: glucoseMolarMass / 10, spellings: []string{"mmol<180.1558800000541>/L", "mmol<180.15588>/L"}},
	},
	{
		{unit: UnitLitre, factor: 1}, {unit: UnitMillilitre, factor: 0.001, spellings: []string{"cm^3", "cc"}}, {unit: "dL", factor: 0.1},
		{unit: "[foz_us]", factor: 0.0295735295625, spellings: []string{"fl_oz_us"}}, {unit: "[cup_us]", factor: 0.2365882365, spellings: []string{"cup_us"}},
	},
	{{unit: UnitFlow, factor: 1}, {unit: "L/s", factor: 60}, {unit: "mL/s", factor: 0.06}},
	{{unit: UnitSound, factor: 1, spellings: []string{"dBASPL", "dB(SPL)", "dB", "dBA", "dB(A)"}}},
}

// dimensionOf finds the units that unit can be converted into, itself among them.
func dimensionOf(unit Unit) []scale {
	for _, dimension := range dimensions {
		if slices.ContainsFunc(dimension, func(s scale) bool { return s.unit == unit }) {
			return dimension
		}
	}
	return nil
}

// Convertible lists the units that values in unit can be given in: itself first. None for a unit that is not known.
func (unit Unit) Convertible() []Unit {
	var others []Unit
	for _, s := range dimensionOf(unit) {
		if s.unit != unit {
			others = append(others, s.unit)
		}
	}
	if others == nil && dimensionOf(unit) == nil {
		return nil
	}
	return append([]Unit{unit}, others...)
}

// Read finds which unit a text means where values in unit are expected, as UCUM, HealthKit or a person would write it. A
// text that in another case is nothing else is understood as well. Not ok where it is none that converts into unit.
func (unit Unit) Read(text string) (meant Unit, ok bool) {
	text = strings.TrimSpace(text)
	folded := 0
	for _, s := range dimensionOf(unit) {
		for _, spelling := range append([]string{string(s.unit)}, s.spellings...) {
			switch {
			case spelling == text:
				return s.unit, true
			case strings.EqualFold(spelling, text) && meant != s.unit:
				meant = s.unit
				folded++
			}
		}
	}
	return meant, folded == 1
}

// KnownUnit finds the code of a unit as HealthKit writes it, whatever it measures: the text itself where it is none that is
// known, or could be several.
func KnownUnit(text string) Unit {
	text = strings.TrimSpace(text)
	for _, dimension := range dimensions {
		for _, s := range dimension {
			if string(s.unit) == text || slices.Contains(s.spellings, text) {
				return s.unit
			}
		}
	}
	return Unit(text)
}

// Convert gives a value of one unit in another, to twelve digits. Both must be of one dimension: see Convertible.
func Convert(value float64, from, to Unit) float64 {
	if from == to {
		return value
	}
	dimension := dimensionOf(from)
	a := slices.IndexFunc(dimension, func(s scale) bool { return s.unit == from })
	b := slices.IndexFunc(dimension, func(s scale) bool { return s.unit == to })
	if a < 0 || b < 0 {
		return math.NaN() // never: both were checked against Convertible
	}
	base := value*dimension[a].factor + dimension[a].offset
	return RoundNoise((base - dimension[b].offset) / dimension[b].factor)
}

// noiseDigits are as many as anybody measures, and few enough for what arithmetic leaves behind to disappear.
const noiseDigits = 12

// RoundNoise rounds to twelve significant digits: 0.07 × 100 is 7, and not 7.000000000000001.
func RoundNoise(value float64) float64 {
	if value == 0 || math.IsInf(value, 0) || math.IsNaN(value) {
		return value
	}
	power := noiseDigits - 1 - int(math.Floor(math.Log10(math.Abs(value))))
	if power < 0 || power > 300 {
		return value
	}
	unit := math.Pow10(power)
	if rounded := math.Round(value*unit) / unit; !math.IsInf(rounded, 0) && !math.IsNaN(rounded) {
		return rounded
	}
	return value
}

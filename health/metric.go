package health

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// MetricKind says what can be made of a metric's samples.
type MetricKind string

// The kinds.
const (
	Cumulative  MetricKind = "CUMULATIVE" // samples are amounts over a span of time: they add up
	Discrete    MetricKind = "DISCRETE"   // samples are levels: they have an average, a lowest and a highest
	UnknownKind MetricKind = "UNKNOWN"    // not in the catalogue: an upstream may have it all the same
)

// Averaging is how the average of a discrete metric is made.
type Averaging string

// The ways of averaging. A sample's weight is its length, and at least a second: samples at instants then weigh the same.
const (
	Arithmetic      Averaging = "ARITHMETIC"       // every sample weighs the same
	TimeWeighted    Averaging = "TIME_WEIGHTED"    // by weight
	EquivalentLevel Averaging = "EQUIVALENT_LEVEL" // of sound: the steady level with the same energy, by weight
)

// Metric is something that is measured, by the name that HealthKit's quantity types have in Swift.
type Metric struct {
	Name      string
	Title     string // in English; the name where the metric is not known
	Kind      MetricKind
	Averaging *Averaging // of a discrete metric, else nil
	Unit      *Unit      // of its values unless another is asked for; nil where the metric is not known
	Units     []Unit     // that its values can be given in

	// What one sample can be, in Unit, with a wide margin: what is outside is no measurement but a mistake.
	Least, Most float64
}

// MaxMetricName is the longest name of a metric.
const MaxMetricName = 64

var metricName = regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)

// ParseMetric finds a metric by its name. One that is not in the catalogue is of UnknownKind; a text that can be no name is
// refused.
func ParseMetric(name string) (Metric, error) {
	if len(name) > MaxMetricName || !metricName.MatchString(name) {
		return Metric{}, Refuse("metric", fmt.Sprintf("a metric is named as HealthKit's quantity types are in Swift, such as %s: "+
			"a lower-case letter, then letters and digits, at most %d; the field metrics lists those that are known", StepCountMetric, MaxMetricName))
	}
	if i, known := slices.BinarySearchFunc(catalogue, name, func(m Metric, name string) int { return strings.Compare(m.Name, name) }); known {
		return catalogue[i], nil
	}
	return Metric{Name: name, Title: name, Kind: UnknownKind, Units: []Unit{}}, nil
}

// Metrics lists the catalogue, by name.
func Metrics() []Metric { return slices.Clone(catalogue) }

// Takes says whether a sample's value, in the metric's own unit, can be one.
func (m Metric) Takes(value float64) bool {
	return m.Kind == UnknownKind || (value >= m.Least && value <= m.Most)
}

// In checks an argument that asks for a unit; "" is the metric's own, and the upstream's where the metric is not known.
func (m Metric) In(unit string) (Unit, error) {
	switch {
	case unit == "" && m.Unit == nil:
		return "", nil
	case unit == "":
		return *m.Unit, nil
	case m.Unit == nil:
		return "", Refuse("unit", m.Name+" is not in the catalogue, so its values can't be converted: leave the unit out, and read it beside each value")
	case !slices.Contains(m.Units, Unit(unit)):
		names := make([]string, len(m.Units))
		for i, u := range m.Units {
			names[i] = string(u)
		}
		return "", Refuse("unit", fmt.Sprintf("%s is given in (UCUM codes): %s", m.Name, strings.Join(names, ", ")))
	}
	return Unit(unit), nil
}

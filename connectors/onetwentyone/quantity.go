package onetwentyone

import (
	"errors"
	"net/http"
	"slices"

	"healthgraph/connectors"
	"healthgraph/health"
)

// No page of OneTwentyOne's says which unit a value is in, nor which metrics there are, so this file guesses: units are read
// as HealthKit, its header or UCUM write them, and metrics are named as HealthKit's are.

// provenMetrics are those that OneTwentyOne's pages name. What it answers about any other may mean that it has none such.
var provenMetrics = []string{health.StepCountMetric, "appleExerciseTime"}

// unknownMetricStatuses are what an upstream may say to a metric that it does not have; which of them is not documented.
var unknownMetricStatuses = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity}

// withoutMetric makes an upstream's refusal of a metric into UNSUPPORTED; any other failure stays what it is.
func withoutMetric(metric string, err error) error {
	var status connectors.StatusError
	if !errors.As(err, &status) || slices.Contains(provenMetrics, metric) || !slices.Contains(unknownMetricStatuses, int(status)) {
		return err
	}
	return health.Fail(health.Unsupported, "OneTwentyOne has no metric "+metric, err)
}

// measure judges the values of one metric.
type measure struct{ metric health.Metric }

// unit is what the unit of a sample means; not ok where it is that of another thing.
type unit struct {
	meant health.Unit
	ok    bool
}

// unit finds what a text says of a value's unit. "" is no unit: the metric's own is meant.
func (m measure) unit(text string) (meant health.Unit, ok bool) {
	switch {
	case m.metric.Unit == nil:
		return health.KnownUnit(text), true
	case text == "":
		return *m.metric.Unit, true
	default:
		return m.metric.Unit.Read(text)
	}
}

// undecided is the unit of a "%" until its page tells what it means: see decide.
const undecided health.Unit = "%?"

// read gives a value in the metric's own unit, or as it is where the metric has none, and the unit. Not ok where the value is more
// or less than one sample can be.
func (m measure) read(value float64, meant health.Unit) (own float64, in health.Unit, ok bool) {
	switch {
	case m.metric.Unit == nil:
		return value, meant, true
	case meant == health.UnitPercent:
		return value, undecided, m.metric.Takes(value)
	}
	own = health.Convert(value, meant, *m.metric.Unit)
	return own, *m.metric.Unit, m.metric.Takes(own)
}

// decide finds what "%" means on a page, and gives the samples that then make sense. HealthKit writes 97 % as
// 0.97; somebody else may write 97. More than 1 is no fraction: where most values other than 0 are, the page counts in
// hundredths.
func (m measure) decide(page []health.Sample) []health.Sample {
	if m.metric.Unit == nil || *m.metric.Unit != health.UnitPercent {
		return page
	}
	fractions, hundredths := 0, 0
	for _, s := range page {
		switch {
		case s.Unit != undecided || s.Value == 0:
		case s.Value > 1:
			hundredths++
		default:
			fractions++
		}
	}
	kept := page[:0]
	for _, s := range page {
		if s.Unit == undecided {
			s.Unit = health.UnitPercent
			if hundredths <= fractions {
				s.Value = health.Convert(s.Value, health.UnitOne, health.UnitPercent)
			}
		}
		if m.metric.Takes(s.Value) {
			kept = append(kept, s)
		}
	}
	return kept
}

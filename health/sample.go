package health

import "time"

// Interval is a span of time from Start up to but not including End.
type Interval struct{ Start, End time.Time }

// Sample is a quantity that one device measured over a span of time. Start == End is a measurement at an instant.
type Sample struct {
	ID     string // the upstream's, "" where it names none
	Start  time.Time
	End    time.Time
	Value  float64 // in Unit; a count may be fractional where the upstream merged or split it
	Unit   Unit    // the metric's own; of one that is not in the catalogue what the upstream names, "" = nothing
	Device string  // "" where the upstream names none
}

// StepCountMetric is the metric of steps.
const StepCountMetric = "stepCount"

// PlacedSample is a sample of a list, with the data source that it is from.
type PlacedSample struct {
	Sample
	Place      SamplePlace
	DataSource *DataSource
}

// Cursor is what stands for the sample's place.
func (s PlacedSample) Cursor() string { return s.Place.Cursor() }

// SamplePage is a part of a list of samples, in order of their places.
type SamplePage struct {
	Samples  []PlacedSample
	PageInfo PageInfo
	Problems []Problem // what could not be had
	Complete bool      // false when a linked source could not be read to the end of the page
}

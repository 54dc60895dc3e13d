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

// Node is the sample, as an edge of a connection has it.
func (s PlacedSample) Node() PlacedSample { return s }

// SamplePage is a part of a list of samples, in order of their places.
type SamplePage struct {
	Samples  []PlacedSample
	PageInfo PageInfo
	Problems []Problem // what could not be had
	Complete bool      // false when a linked source could not be read to the end of the page
}

// SampleSeries is a SamplePage in columns of one length.
type SampleSeries struct {
	Starts   InstantColumn
	Ends     InstantColumn
	Values   NumberColumn
	Devices  TextColumn
	Unit     Unit // of all values
	PageInfo PageInfo
	Problems []Problem
	Complete bool
}

// Series is the page in columns. unit is that of all its samples.
func (p SamplePage) Series(unit Unit) SampleSeries {
	n := len(p.Samples)
	s := SampleSeries{
		Starts: make(InstantColumn, n), Ends: make(InstantColumn, n), Values: make(NumberColumn, n), Devices: make(TextColumn, n),
		Unit: unit, PageInfo: p.PageInfo, Problems: p.Problems, Complete: p.Complete,
	}
	for i := range p.Samples {
		sample := &p.Samples[i]
		s.Starts[i], s.Ends[i], s.Values[i], s.Devices[i] = sample.Start, sample.End, sample.Value, sample.Device
	}
	return s
}

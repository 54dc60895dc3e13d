// Package applehealth reads the step samples out of the export that the
// Health app of an iPhone makes ("Export All Health Data"), so that a
// simulated OneTwentyOne can serve somebody's own history.
//
// An export is a zip holding one XML document, or that document alone. The
// document is a flat list, often gigabytes long, below one root:
//
//	<HealthData locale="fr_FR">
//	 <ExportDate value="2024-03-02 09:00:00 +0100"/>
//	 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="Phone"
//	   device="&lt;&lt;HKDevice: 0x1&gt;, name:iPhone, hardware:iPhone14,5&gt;"
//	   unit="count" startDate="2024-03-01 08:01:02 +0100"
//	   endDate="2024-03-01 08:05:00 +0100" value="123"/>
//	</HealthData>
//
// The form is the one that the document declares in its own DTD (export
// versions 11 to 14). Apple publishes no other description. Real exports are
// not always well-formed XML: the DTD of iOS 16 misses closing brackets
// (https://github.com/dogsheep/healthkit-to-sqlite/issues/24), names hold
// control characters (https://github.com/jameno/Simple-Apple-Health-XML-to-CSV/pull/3)
// and the file is called differently in every language
// (https://github.com/mganjoo/apple-health-exporter/pull/7). This is why the
// package has a small scanner of its own instead of encoding/xml, and why it
// recognises an export by its root element and never by its name.
//
// Memory stays flat whatever the size of the export: one buffer of
// [bufferSize] bytes, which a single very long tag can grow to [maxTag].
//
// An export is personal. No error of this package holds a value, a name or a
// path out of it: errors speak of byte positions and counts only.
package applehealth

import (
	"context"
	"io"
	"time"
)

// Sample is one step record, as the export has it: neither merged with the
// overlapping records of other devices nor cut at midnight.
type Sample struct {
	// Start and End bound the walk. They carry the offset from UTC that the
	// export wrote, with a precision of one second; End is never before Start.
	Start, End time.Time
	// Value is the number of steps: finite, not negative, sometimes fractional.
	Value float64
	// Source is the phone, watch or app as the person named it. It is
	// personal data. Bytes that are not UTF-8 are replaced by U+FFFD.
	Source string
	// Product is the hardware identifier of the device, such as "Watch6,2",
	// or else its model, such as "iPhone". It is empty when the record names
	// no device, as records written by other apps often do.
	Product string
}

// Reason says why a step record was refused.
type Reason string

// The reasons for which a step record is counted in [Summary.Refused] instead
// of being handed on.
const (
	// RefusedMissing: startDate, endDate or value is absent.
	RefusedMissing Reason = "missing attribute"
	// RefusedDate: a date is not written as "2006-01-02 15:04:05 -0700".
	RefusedDate Reason = "bad date"
	// RefusedOrder: the record ends before it starts.
	RefusedOrder Reason = "ends before it starts"
	// RefusedValue: the value is not a finite number of zero or more.
	RefusedValue Reason = "bad value"
	// RefusedUnit: the unit is given and is not "count".
	RefusedUnit Reason = "unexpected unit"
)

// Summary is what a reading met.
type Summary struct {
	// Bytes is the length of the XML document read so far.
	Bytes int64
	// Records counts the records of every type directly below the root.
	Records int64
	// Steps counts the step samples handed on.
	Steps int64
	// Nested counts the records inside another element, a <Correlation>. They
	// are passed over: the export lists each of them again below the root.
	Nested int64
	// Refused counts the step records that could not be read, by reason. It
	// is nil when there are none.
	Refused map[Reason]int64
	// First and Last are the earliest start and the latest end among the
	// samples handed on, and zero without samples.
	First, Last time.Time
	// ExportDate is when the phone made the export, and zero when the export
	// does not say so legibly.
	ExportDate time.Time
}

// Progress is how far a reading has come.
type Progress struct {
	// Done and Total are bytes of the XML document, unpacked. Total is 0 when
	// the length is not known beforehand.
	Done, Total int64
	// Records and Steps count as in [Summary].
	Records, Steps int64
}

// Options adjusts a reading. The zero value is ready for use.
type Options struct {
	// Progress, when set, is called from the reading goroutine about ten
	// times a second at most, and once more when the document has been read
	// to its end.
	Progress func(Progress)
}

// Read hands every step sample of the export at path to yield, in the order
// of the file, which is not the order of time. The path names the zip of the
// Health app or the XML document inside it.
//
// An error of yield ends the reading and is returned unchanged. Otherwise the
// error is the one of the context, or wraps one of [ErrTruncated],
// [ErrDamaged], [ErrMalformed], [ErrNotExport], [ErrNoExport],
// [ErrEncrypted], [ErrUnsupported], or an error of the file system without
// its path. The summary counts what was read until then.
func Read(ctx context.Context, path string, opts Options, yield func(Sample) error) (Summary, error) {
	return readPath(ctx, path, opts, yield)
}

// ReadXML is [Read] for an XML document that is already open. Its length is
// used for progress alone; 0 means that it is not known.
func ReadXML(ctx context.Context, r io.Reader, length int64, opts Options, yield func(Sample) error) (Summary, error) {
	return newReading(ctx, r, length, opts, yield).run()
}

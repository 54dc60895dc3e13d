package applehealth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxDepth is how deep elements may nest. Exports stay below ten.
const maxDepth = 64

const progressEvery = 100 * time.Millisecond

// reading is one pass over one document.
type reading struct {
	ctx      context.Context
	opts     Options
	yield    func(Sample) error
	length   int64
	scan     *scanner
	records  *records
	open     [][]byte // names of the open elements, outermost first
	closed   bool     // the root element has ended
	reported time.Time
	sum      Summary
}

func newReading(ctx context.Context, r io.Reader, length int64, opts Options, yield func(Sample) error) *reading {
	d := &reading{ctx: ctx, opts: opts, yield: yield, length: length, records: newRecords()}
	d.scan = newScanner(r, d.filling)
	return d
}

// filling runs before each read of the document: often enough to notice a
// cancelled context, seldom enough to cost nothing.
func (d *reading) filling() error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	if d.opts.Progress != nil {
		if now := time.Now(); now.Sub(d.reported) >= progressEvery {
			d.reported = now
			d.report()
		}
	}
	return nil
}

func (d *reading) report() {
	d.opts.Progress(Progress{Done: d.scan.position(), Total: d.length, Records: d.sum.Records, Steps: d.sum.Steps})
}

func (d *reading) run() (Summary, error) {
	err := d.start()
	for err == nil {
		var tag []byte
		if tag, err = d.scan.next(); err == nil {
			err = d.tag(tag)
		}
	}
	d.sum.Bytes = d.scan.position()
	switch {
	case !errors.Is(err, io.EOF):
		return d.sum, err
	case d.closed:
		if d.opts.Progress != nil {
			d.report()
		}
		return d.sum, nil
	case len(d.open) == 0:
		return d.sum, fmt.Errorf("%w: no element in %d bytes", ErrMalformed, d.sum.Bytes)
	default:
		return d.sum, fmt.Errorf("%w: it ends after %d bytes and %d records", ErrTruncated, d.sum.Bytes, d.sum.Records)
	}
}

// start looks at the first bytes, so that a picture or a text in another
// encoding is called by its name at once.
func (d *reading) start() error {
	if ok, err := d.scan.have(3); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%w: the document is empty", ErrMalformed)
	}
	head := d.scan.buf[d.scan.at:d.scan.end]
	if string(head[:3]) == "\xef\xbb\xbf" {
		d.scan.at += 3
		return nil
	}
	for i, c := range head {
		switch {
		case c == '<':
			return nil
		case isSpace(c) && i < 1024:
		default:
			return fmt.Errorf("%w: it does not begin with an element, or is not UTF-8", ErrMalformed)
		}
	}
	return nil
}

func (d *reading) tag(tag []byte) error {
	if tag[1] == '/' {
		return d.endTag(tag)
	}
	name, rest := tagName(tag)
	if len(d.open) == 0 {
		if d.closed {
			return d.scan.malformed("an element after the end")
		}
		if string(name) != "HealthData" {
			return fmt.Errorf("%w: the root of the document is another element than HealthData", ErrNotExport)
		}
	}
	switch string(name) {
	case "Record":
		if len(d.open) != 1 {
			d.sum.Nested++
			break
		}
		if err := d.record(rest); err != nil {
			return err
		}
	case "ExportDate":
		for {
			name, value, after, ok := nextAttribute(rest)
			if !ok {
				break
			}
			if string(name) == "value" {
				d.sum.ExportDate, _ = d.records.date(value)
			}
			rest = after
		}
	}
	if tag[len(tag)-2] == '/' {
		if len(d.open) == 0 {
			d.closed = true
		}
		return nil
	}
	if len(d.open) == maxDepth {
		return d.scan.malformed("elements nested too deep")
	}
	d.push(name)
	return nil
}

// push remembers an open element in memory that is used over and over.
func (d *reading) push(name []byte) {
	n := len(d.open)
	if n < cap(d.open) {
		d.open = d.open[:n+1]
	} else {
		d.open = append(d.open, nil)
	}
	d.open[n] = append(d.open[n][:0], name...)
}

func (d *reading) endTag(tag []byte) error {
	name, _ := tagName(tag[1:])
	n := len(d.open)
	if n == 0 || string(d.open[n-1]) != string(name) {
		return d.scan.malformed("an end tag that nothing opened")
	}
	d.open = d.open[:n-1]
	d.closed = n == 1
	return nil
}

func (d *reading) record(rest []byte) error {
	d.sum.Records++
	s, reason, steps := d.records.sample(rest)
	switch {
	case !steps:
		return nil
	case reason != "":
		if d.sum.Refused == nil {
			d.sum.Refused = map[Reason]int64{}
		}
		d.sum.Refused[reason]++
		return nil
	}
	if err := d.yield(s); err != nil {
		return err
	}
	d.sum.Steps++
	if d.sum.First.IsZero() || s.Start.Before(d.sum.First) {
		d.sum.First = s.Start
	}
	if s.End.After(d.sum.Last) {
		d.sum.Last = s.End
	}
	return nil
}

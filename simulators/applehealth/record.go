package applehealth

import (
	"math"
	"strconv"
	"time"
)

const stepType = "HKQuantityTypeIdentifierStepCount"

// maxNames bounds what is remembered of source names and devices. An export
// has a few dozen; beyond the bounds, names still work and cost memory each.
const (
	maxNames   = 4096
	maxNameLen = 4096
)

// records turns the attributes of step records into samples. It remembers
// names and zones, so that a million samples share a few of them.
type records struct {
	sources  map[string]string // escaped → readable
	products map[string]string // escaped device → product
	zones    map[int]*time.Location
}

func newRecords() *records {
	return &records{sources: map[string]string{}, products: map[string]string{}, zones: map[int]*time.Location{}}
}

// sample reads the attributes of a <Record>. It answers false for a record of
// another type, and a reason for a step record that cannot be used.
func (r *records) sample(rest []byte) (s Sample, reason Reason, steps bool) {
	var source, device, unit, start, end, value []byte
	for {
		name, v, after, ok := nextAttribute(rest)
		if !ok {
			break
		}
		rest = after
		switch string(name) {
		case "type":
			if string(v) != stepType {
				return Sample{}, "", false
			}
			steps = true
		case "sourceName":
			source = v
		case "device":
			device = v
		case "unit":
			unit = v
		case "startDate":
			start = v
		case "endDate":
			end = v
		case "value":
			value = v
		}
	}
	switch {
	case !steps:
		return Sample{}, "", false
	case start == nil, end == nil, value == nil:
		return Sample{}, RefusedMissing, true
	case unit != nil && string(unit) != "count":
		return Sample{}, RefusedUnit, true
	}
	var ok, ok2 bool
	s.Start, ok = r.date(start)
	s.End, ok2 = r.date(end)
	if !ok || !ok2 {
		return Sample{}, RefusedDate, true
	}
	if s.End.Before(s.Start) {
		return Sample{}, RefusedOrder, true
	}
	if s.Value, ok = number(value); !ok {
		return Sample{}, RefusedValue, true
	}
	s.Source = remember(r.sources, source, text)
	s.Product = remember(r.products, device, func(b []byte) string { return product(text(b)) })
	return s, "", true
}

func remember(known map[string]string, raw []byte, read func([]byte) string) string {
	if s, ok := known[string(raw)]; ok {
		return s
	}
	s := read(raw)
	if len(known) < maxNames && len(raw) <= maxNameLen {
		known[string(raw)] = s
	}
	return s
}

// number reads a decimal number of zero or more. It is stricter than
// strconv.ParseFloat, which also takes hexadecimal, "Inf" and "NaN".
func number(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 40 {
		return 0, false
	}
	whole, plain := 0.0, len(b) <= 15
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			whole = whole*10 + float64(c-'0')
		case c == '.', c == 'e', c == 'E', c == '-', c == '+':
			plain = false
		default:
			return 0, false
		}
	}
	if plain {
		return whole, true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f < 0 || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// date reads "2006-01-02 15:04:05 -0700", the one form that exports use. The
// time package would do, at several times the cost.
func (r *records) date(b []byte) (time.Time, bool) {
	const form = "dddd-dd-dd dd:dd:dd sdddd"
	if len(b) != len(form) {
		return time.Time{}, false
	}
	for i := range form {
		digit := b[i] >= '0' && b[i] <= '9'
		switch form[i] {
		case 'd':
			if !digit {
				return time.Time{}, false
			}
		case 's':
			if b[i] != '+' && b[i] != '-' {
				return time.Time{}, false
			}
		default:
			if b[i] != form[i] {
				return time.Time{}, false
			}
		}
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	offset := (two(21)*60 + two(23)) * 60
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 || two(23) > 59 || offset > 14*3600 {
		return time.Time{}, false
	}
	if b[20] == '-' {
		offset = -offset
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, r.zone(offset))
	return t, t.Day() == day // the 31st of a short month would have moved on
}

func (r *records) zone(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	z := r.zones[offset]
	if z == nil {
		z = time.FixedZone("", offset)
		r.zones[offset] = z
	}
	return z
}

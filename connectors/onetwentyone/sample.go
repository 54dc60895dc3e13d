package onetwentyone

import (
	"bytes"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// No page of OneTwentyOne's that could be read names one field of a sample, so this file guesses: names as its other
// endpoints write them (snake_case), as JavaScript would (camelCase) and as Apple's HealthKit does, in order of
// preference. Case, hyphens and underscores do not count.
var sampleNames = [columns][]string{
	valueColumn:  {"value", "quantity", "count", "steps", "stepcount", "qty", "sumquantity", "doublevalue"},
	unitColumn:   {"unit", "unitstring", "units", "unitname"},
	startColumn:  {"start", "startdate", "starttime", "startedat", "startat", "starttimestamp", "startdatetime", "date", "timestamp", "time", "datetime"},
	endColumn:    {"end", "enddate", "endtime", "endedat", "endat", "endtimestamp", "enddatetime"},
	sourceColumn: {"source", "sourcename", "sourcerevision", "sourceid", "sourcebundleid", "bundleidentifier", "bundleid"},
	deviceColumn: {"device", "devicename", "sourcedevice", "hardware", "devicemodel", "producttype"},
	idColumn:     {"id", "uuid", "sampleid", "sampleuuid", "externalid", "hkuuid"},
}

var (
	// sampleTimes are the layouts of an instant. Without an offset it is none.
	sampleTimes = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00",
		"2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05.999999999 Z0700",
		"2006-01-02 15:04:05.999999999 UTC"}
)

const (
	firstYear = 1990           // earlier ones are a clock that was never set
	maxAhead  = 48 * time.Hour // later than now plus any time zone and a clock that runs fast
)

// The columns of a sample.
const (
	valueColumn = iota
	unitColumn
	startColumn
	endColumn
	sourceColumn
	deviceColumn
	idColumn
	columns
)

// column is what a name stands for: a kind of field, and how much the name is preferred, 1 most. 0 = nothing that we read.
type column struct{ kind, rank int }

// columnsByName has the names as they are compared.
var columnsByName = func() map[string]column {
	byName := map[string]column{}
	for kind, names := range sampleNames {
		for i, name := range names {
			byName[name] = column{kind, i + 1}
		}
	}
	return byName
}()

// sample makes sense of an item.
func (r *sampleReader) sample(found *item) (sample health.Sample, recognised, ok bool) {
	value, start, end := found[valueColumn].json, found[startColumn].json, found[endColumn].json
	if value == nil || start == nil {
		return sample, false, false
	}
	amount, isNumber := number(value)
	from, isTime := instant(start, &r.layout)
	to := from
	if end != nil {
		var endIsTime bool
		to, endIsTime = instant(end, &r.layout)
		isTime = isTime && endIsTime
	}
	unit := r.unit(found[unitColumn].json)
	sensible := isNumber && unit.ok &&
		isTime && !to.Before(from) && from.Year() >= firstYear && !to.After(r.now.Add(maxAhead))
	if !sensible {
		return sample, true, false
	}
	own, in, ok := r.measure.read(amount, unit.meant)
	if !ok {
		return sample, true, false
	}
	return health.Sample{
		ID: nameOf(found[idColumn].json), Start: from, End: to, Value: own, Unit: in,
		Device: r.device(found[sourceColumn].json, found[deviceColumn].json),
	}, true, true
}

// number is connectors.Number, which is spared what almost every sample is: a whole number of few digits.
func number(value []byte) (n float64, ok bool) {
	const exact = 15 // digits that a float64 holds
	if len(value) <= exact {
		whole := 0
		for _, c := range value {
			if c < '0' || c > '9' {
				whole = -1
				break
			}
			whole = whole*10 + int(c-'0')
		}
		if whole >= 0 {
			return float64(whole), true
		}
	}
	n, _, ok = connectors.Number(value)
	return n, ok
}

func (r *sampleReader) unit(value []byte) unit {
	u, known := r.units[string(value)]
	if !known {
		text, isText := connectors.Text(value)
		u = unit{}
		if isText || value == nil {
			u.meant, u.ok = r.measure.unit(strings.TrimSpace(text))
		}
		if len(r.units) < mostRemembered {
			r.units[string(value)] = u
		}
	}
	return u
}

func (r *sampleReader) device(source, device []byte) string {
	same := device
	if bytes.HasPrefix(device, []byte(`"<<HKDevice:`)) { // the address in it is another one for each sample
		same = device[bytes.IndexByte(device, ':'):]
		same = same[max(bytes.IndexByte(same, '>'), 0):]
	}
	r.scratch = append(append(append(r.scratch[:0], source...), 0), same...) // no JSON holds a zero byte
	name, known := r.devices[string(r.scratch)]
	if !known {
		name = r.spelt(deviceOf(source, device))
		if len(r.devices) < mostRemembered {
			r.devices[string(r.scratch)] = name
		}
	}
	return name
}

// spelt is the first spelling of a name that differs in case alone: it is the same device.
func (r *sampleReader) spelt(name string) string {
	lower := strings.ToLower(name)
	first, known := r.spellings[lower]
	if !known {
		first = name
		if len(r.spellings) < mostRemembered {
			r.spellings[lower] = name
		}
	}
	return first
}

package onetwentyone

import (
	"encoding/json"
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
	r.scratch = append(append(append(r.scratch[:0], source...), 0), device...) // no JSON holds a zero byte
	name, known := r.devices[string(r.scratch)]
	if !known {
		name = deviceOf(source, device)
		if len(r.devices) < mostRemembered {
			r.devices[string(r.scratch)] = name
		}
	}
	return name
}

// deviceOf tells the counters apart. HealthKit has a source, which wrote the sample, and a device, which measured it;
// phone and watch may share either, so that both are taken where both are named.
func deviceOf(sourceJSON, deviceJSON json.RawMessage) string {
	source, device := nameOf(sourceJSON), nameOf(deviceJSON)
	switch {
	case source == "" || source == device:
		return device
	case device == "":
		return source
	}
	return source + " / " + device
}

// maxText bounds a name or id that is kept of a sample, in bytes.
const maxText = 512

// nameOf reads a text or number, or an object's name or id.
func nameOf(value json.RawMessage) string {
	text, isText := connectors.Text(value)
	switch {
	case value == nil:
		return ""
	case isText:
		text = strings.TrimSpace(text)
	case value[0] == '{':
		text = nameInside(value)
	default:
		if _, there, ok := connectors.Number(value); there && ok {
			text = string(value)
		}
	}
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

func nameInside(value json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) == nil {
		for _, name := range []string{"name", "source", "id", "bundleIdentifier", "bundle_identifier", "model"} {
			if text, _ := connectors.Text(object[name]); text != "" {
				return text
			}
		}
	}
	return ""
}

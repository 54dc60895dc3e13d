package onetwentyone

import (
	"encoding/json"
	"slices"
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
	// stepUnits are the units taken for steps, in lower case. None is what HealthKit counts in.
	stepUnits = []string{"", "count", "counts", "step", "steps"}

	// sampleTimes are the layouts of an instant. Without an offset it is none.
	sampleTimes = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00",
		"2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05.999999999 Z0700",
		"2006-01-02 15:04:05.999999999 UTC"}
)

const (
	maxSampleSteps = 100_000        // more than any device counts in one sample
	firstYear      = 1990           // earlier ones are a clock that was never set
	maxAhead       = 48 * time.Hour // later than now plus any time zone and a clock that runs fast
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

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// sample makes sense of an item.
func (r *sampleReader) sample(found *item) (sample health.Sample, recognised, ok bool) {
	value, start, end := found[valueColumn].json, found[startColumn].json, found[endColumn].json
	if value == nil || start == nil {
		return sample, false, false
	}
	steps, isNumber := number(value)
	from, isTime := r.instant(start)
	to := from
	if end != nil {
		var endIsTime bool
		to, endIsTime = r.instant(end)
		isTime = isTime && endIsTime
	}
	unit := r.unit(found[unitColumn].json)
	sensible := isNumber && steps >= 0 && steps <= maxSampleSteps &&
		isTime && !to.Before(from) && from.Year() >= firstYear && !to.After(r.now.Add(maxAhead)) && unit.countsSteps
	if !sensible {
		return sample, true, false
	}
	return health.Sample{
		ID: nameOf(found[idColumn].json), Start: from, End: to, Value: steps, Unit: unit.name,
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

// instant reads RFC 3339 at once, and takes its time for the other layouts.
func (r *sampleReader) instant(value []byte) (at time.Time, ok bool) {
	if len(value) > 2 && value[0] == '"' && at.UnmarshalText(value[1:len(value)-1]) == nil {
		return at.UTC(), true
	}
	text, ok := connectors.Text(value)
	if !ok {
		return time.Time{}, false
	}
	text = strings.TrimSpace(text)
	if at, err := time.Parse(sampleTimes[r.layout], text); err == nil {
		return at.UTC(), true
	}
	for i, layout := range sampleTimes {
		if at, err := time.Parse(layout, text); err == nil {
			r.layout = i
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// unit is what the unit of a sample says.
type unit struct {
	name        string
	countsSteps bool
}

func (r *sampleReader) unit(value []byte) unit {
	u, known := r.units[string(value)]
	if !known {
		u = unitOf(value)
		if len(r.units) < mostRemembered {
			r.units[string(value)] = u
		}
	}
	return u
}

// unitOf gives the unit of steps its one name.
func unitOf(value json.RawMessage) unit {
	name, isText := connectors.Text(value)
	if value != nil && !isText {
		return unit{}
	}
	if slices.Contains(stepUnits, strings.ToLower(strings.TrimSpace(name))) {
		return unit{"count", true}
	}
	return unit{name, false}
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

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
var (
	valueNames  = []string{"value", "quantity", "count", "steps", "stepcount", "qty", "sumquantity", "doublevalue"}
	unitNames   = []string{"unit", "unitstring", "units", "unitname"}
	startNames  = []string{"start", "startdate", "starttime", "startedat", "startat", "starttimestamp", "startdatetime", "date", "timestamp", "time", "datetime"}
	endNames    = []string{"end", "enddate", "endtime", "endedat", "endat", "endtimestamp", "enddatetime"}
	sourceNames = []string{"source", "sourcename", "sourcerevision", "sourceid", "sourcebundleid", "bundleidentifier", "bundleid"}
	deviceNames = []string{"device", "devicename", "sourcedevice", "hardware", "devicemodel", "producttype"}
	idNames     = []string{"id", "uuid", "sampleid", "sampleuuid", "externalid", "hkuuid"}

	// sampleTimes are the layouts of an instant. Without an offset it is none.
	sampleTimes = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00",
		"2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05.999999999 Z0700",
		"2006-01-02 15:04:05.999999999 UTC"}
)

const (
	firstYear = 1990           // earlier ones are a clock that was never set
	maxAhead  = 48 * time.Hour // later than now plus any time zone and a clock that runs fast
)

// fieldNames remembers the collapsed form of each field's name: a list of samples repeats a handful of them.
type fieldNames map[string]string

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

func (n fieldNames) collapse(name string) string {
	collapsed, known := n[name]
	if !known {
		collapsed = separators.Replace(strings.ToLower(name))
		n[name] = collapsed
	}
	return collapsed
}

// readSample reads one item. Without ok it made no sense as the metric. recognised says that a value and a start stood there
// under names that we know: a page on which no item is recognised has another shape than guessed.
func (n fieldNames) readSample(item json.RawMessage, m measure, now time.Time) (sample health.Sample, recognised, ok bool) {
	var raw map[string]json.RawMessage
	if json.Unmarshal(item, &raw) != nil {
		return sample, false, false
	}
	fields := make(map[string]json.RawMessage, len(raw))
	for name, value := range raw {
		fields[n.collapse(name)] = value
	}
	value, start := pick(fields, valueNames), pick(fields, startNames)
	if value == nil || start == nil {
		return sample, false, false
	}
	number, _, isNumber := connectors.Number(value)
	unit, isUnit := unitOf(pick(fields, unitNames))
	own, in, isValue := m.read(number, unit)
	from, isTime := instant(start)
	to := from
	if end := pick(fields, endNames); end != nil {
		var endIsTime bool
		to, endIsTime = instant(end)
		isTime = isTime && endIsTime
	}
	sample = health.Sample{ID: nameOf(pick(fields, idNames)), Start: from, End: to, Value: own, Unit: in, Device: deviceOf(fields)}
	sensible := isNumber && isUnit && isValue &&
		isTime && !to.Before(from) && from.Year() >= firstYear && !to.After(now.Add(maxAhead))
	return sample, true, sensible
}

// pick gives the first of the named fields that is there and not null.
func pick(fields map[string]json.RawMessage, names []string) json.RawMessage {
	for _, name := range names {
		if value, has := fields[name]; has && string(value) != "null" {
			return value
		}
	}
	return nil
}

func instant(value json.RawMessage) (time.Time, bool) {
	text, ok := connectors.Text(value)
	if !ok {
		return time.Time{}, false
	}
	for _, layout := range sampleTimes {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// unitOf reads the unit's text, "" where there is none.
func unitOf(value json.RawMessage) (unit string, ok bool) {
	text, isText := connectors.Text(value)
	return strings.TrimSpace(text), isText || value == nil
}

// deviceOf tells the counters apart. HealthKit has a source, which wrote the sample, and a device, which measured it;
// phone and watch may share either, so that both are taken where both are named.
func deviceOf(fields map[string]json.RawMessage) string {
	source, device := nameOf(pick(fields, sourceNames)), nameOf(pick(fields, deviceNames))
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
	var object map[string]json.RawMessage
	switch {
	case value == nil:
		return ""
	case isText:
		text = strings.TrimSpace(text)
	case json.Unmarshal(value, &object) == nil:
		for _, name := range []string{"name", "source", "id", "bundleIdentifier", "bundle_identifier", "model"} {
			if text, _ = connectors.Text(object[name]); text != "" {
				break
			}
		}
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

package onetwentyone

import (
	"encoding/json"
	"strings"
	"time"

	"healthgraph/connectors"
)

// fieldNames remembers the collapsed form of each field's name: a list of records repeats a handful of them.
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

// pick gives the first of the named fields that is there and not null.
func pick(fields map[string]json.RawMessage, names []string) json.RawMessage {
	for _, name := range names {
		if value, has := fields[name]; has && string(value) != "null" {
			return value
		}
	}
	return nil
}

// instant reads RFC 3339 at once, and takes its time for the other layouts of sampleTimes: that of number layout first, which becomes
// the one that did.
func instant(value []byte, layout *int) (at time.Time, ok bool) {
	if len(value) > 2 && value[0] == '"' && at.UnmarshalText(value[1:len(value)-1]) == nil {
		return at.UTC(), true
	}
	text, ok := connectors.Text(value)
	if !ok {
		return time.Time{}, false
	}
	text = strings.TrimSpace(text)
	if at, err := time.Parse(sampleTimes[*layout], text); err == nil {
		return at.UTC(), true
	}
	for i := range sampleTimes {
		if at, err := time.Parse(sampleTimes[i], text); err == nil {
			*layout = i
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

package onetwentyone

import (
	"encoding/json"
	"html"
	"strings"
	"unicode"

	"healthgraph/connectors"
)

// counter is what of a device tells it from others, and what its owner knows it by. Versions of its software and addresses in
// memory, which differ from sample to sample of the same device, are none of it.
type counter struct{ name, hardware, model string }

// deviceOf tells the counters apart. HealthKit has a source, which wrote the sample, and a device, which measured it;
// phone and watch may share either, so that both are taken where both are named: "Anna's iPhone / iPhone12,1". An app that copies
// steps is a source of its own.
func deviceOf(sourceJSON, deviceJSON json.RawMessage) string {
	device := counterOf(deviceJSON)
	source := firstOf(nameOf(sourceJSON), device.name)
	which := firstOf(device.hardware, device.name, device.model)
	switch {
	case source == "" || strings.EqualFold(source, which):
		return which
	case which == "":
		return source
	}
	return source + " / " + which
}

// counterOf reads a device: a text, the description that HealthKit prints, or an object as HealthKit's HKDevice.
func counterOf(value json.RawMessage) counter {
	if len(value) > 0 && value[0] == '{' {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return counter{}
		}
		fields := make(map[string]json.RawMessage, len(object))
		for name, value := range object {
			fields[separators.Replace(strings.ToLower(name))] = value
		}
		return counter{
			name:     nameInside(object),
			hardware: nameOf(pick(fields, []string{"hardware", "hardwareversion", "producttype", "product"})),
			model:    nameOf(pick(fields, []string{"model"})),
		}
	}
	text := html.UnescapeString(nameOf(value))
	if !strings.HasPrefix(strings.TrimLeft(text, "<"), "HKDevice:") {
		return counter{name: nameOf(value)}
	}
	return counter{name: described(text, "name"), hardware: described(text, "hardware"), model: described(text, "model")}
}

// descriptionFields are those of "<<HKDevice: 0x282f0a1b0>, name:iPhone, manufacturer:Apple Inc., model:iPhone, hardware:iPhone12,1,
// software:14.2>", as Apple's own export has it. Values hold commas: each reaches to the next field.
var descriptionFields = []string{
	"name", "manufacturer", "model", "hardware", "firmware", "software", "localIdentifier", "local identifier", "udiDeviceIdentifier", "UDI", "FDA UDI", "creation date",
}

func described(text, field string) string {
	_, value, found := strings.Cut(text, ", "+field+":")
	if !found {
		return ""
	}
	for _, next := range descriptionFields {
		value, _, _ = strings.Cut(value, ", "+next+":")
	}
	return clean(strings.TrimSuffix(value, ">"))
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
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
	case value[0] == '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) == nil {
			text = nameInside(object)
		}
	default:
		if _, there, ok := connectors.Number(value); there && ok {
			text = string(value)
		}
	}
	text = clean(text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

// nameInside is what an object is called; HealthKit's source revision has its source within.
func nameInside(object map[string]json.RawMessage) string {
	for _, name := range []string{"name", "source", "id", "bundleIdentifier", "bundle_identifier", "model"} {
		text, _ := connectors.Text(object[name])
		if inner := object[name]; name == "source" && len(inner) > 0 && inner[0] == '{' {
			var source map[string]json.RawMessage
			if json.Unmarshal(inner, &source) == nil {
				delete(source, "source") // one level is enough
				text = nameInside(source)
			}
		}
		if text = clean(text); text != "" {
			return text
		}
	}
	return ""
}

// clean writes a name with plain single spaces and without characters that can't be seen: "Apple Watch von Anna" has one that does
// not break in Apple's export.
func clean(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= 0x7f || c < ' ' || c == ' ' {
			return strings.Join(strings.Fields(strings.Map(seen, text)), " ")
		}
	}
	return text
}

func seen(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), r >= 0x200b && r <= 0x200c, r >= 0x200e && r <= 0x200f, r == 0x2060, r == 0xfeff: // not 200d, which joins emoji
		return -1
	}
	return r
}

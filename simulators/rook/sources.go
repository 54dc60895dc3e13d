package rook

import (
	"html"
	"net/http"
	"strings"
)

// source is one of ROOK's data sources, by the name that the v2 list shows.
type source struct {
	name string
	// browser is true for those that a person links on a web page (the authorizer's enum in the data-authorization
	// guide); the others are linked by a mobile SDK.
	browser bool
}

var sources = []source{
	{"Garmin", true}, {"Oura", true}, {"Polar", true}, {"Fitbit", true}, {"Withings", true}, {"Whoop", true}, {"Dexcom", true},
	{"Apple Health", false}, {"Health Connect", false}, {"Samsung Health", false}, {"Android", false},
}

// revokable2024 is the list in the 422 example of the OpenAPI description 2.0.1.
var revokable2024 = []string{"Garmin", "Oura", "Apple Health", "Health Connect", "Polar", "Fitbit", "Whoop"}

func findSource(name string, anyCase bool) (source, bool) {
	for _, s := range sources {
		if s.name == name || (anyCase && strings.EqualFold(s.name, name)) {
			return s, true
		}
	}
	return source{}, false
}

func sourceNames() []string {
	names := make([]string, 0, len(sources))
	for _, s := range sources {
		names = append(names, s.name)
	}
	return names
}

func browserNames() []string {
	var names []string
	for _, s := range sources {
		if s.browser {
			names = append(names, s.name)
		}
	}
	return names
}

// styled spells a display name as the switches nameStyle and v1KeyStyle have it.
func styled(name, style string) string {
	switch style {
	case "lower":
		return strings.ToLower(name)
	case "upper":
		return strings.ToUpper(name)
	case "snake":
		return strings.ReplaceAll(strings.ToLower(name), " ", "_")
	case "kebab":
		return strings.ReplaceAll(strings.ToLower(name), " ", "-")
	case "joined":
		return strings.ReplaceAll(name, " ", "")
	}
	return name
}

// imageURL is where the picture of a source is, which the v2 list carries.
func (s *Simulator) imageURL(r *http.Request, name string) string {
	return s.base(r) + "/images/" + styled(name, "kebab") + ".svg"
}

// image draws a source's first letter: the brands' own pictures are not ours to give away.
func image(w http.ResponseWriter, r *http.Request) {
	letter := string([]rune(strings.ToUpper(r.PathValue("file")))[:1])
	w.Header().Set("Content-Type", "image/svg+xml")
	_, err := w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="12" fill="#2b5d8a"/>` +
		`<text x="24" y="33" font-family="sans-serif" font-size="26" text-anchor="middle" fill="#fff">` + html.EscapeString(letter) + `</text></svg>`))
	if err != nil {
		return // the browser has gone
	}
}

package rook

import (
	"net/http"
	"regexp"
	"time"

	"healthgraph/simulators"
)

// offsetPattern is the documented form of an offset, +HH:MM or -HH:MM (API page).
var offsetPattern = regexp.MustCompile(`^[+-](0\d|1[0-4]):[0-5]\d$`)

// userInfo is what is known of a person, with their IANA zone at user_information.user_demographics.time_zone_string
// (OpenAPI 2.0.1). It is the same for every date that has one; who is not known has none.
func (s *Simulator) userInfo(e enquiry) object {
	if !e.known || e.sw.UserInfoDays == "ended" && e.now.Before(e.end()) {
		return nil
	}
	got := reading{version: 1}
	s.peek(e.user, func(p *person) { got.sources = p.delivering(e.now, e.date, e.zone, 0) })
	doc := s.root(e, got, "user_info")
	doc["metadata"] = s.metadata(e, got, e.now.In(e.zone))
	demographics := object{"time_zone_string": e.zone.String()}
	switch e.sw.TimeZoneForm {
	case "empty":
		demographics["time_zone_string"] = ""
	case "null":
		demographics["time_zone_string"] = nil
	case "absent":
		delete(demographics, "time_zone_string")
	case "offset":
		demographics["time_zone_string"] = e.now.In(e.zone).Format("-07:00")
	case "windows":
		demographics["time_zone_string"] = "Romance Standard Time" // whoever it is
	}
	for _, name := range []string{
		"sex_string", "gender_string", "date_of_birth_string", "country_string", "state_string", "city_string",
		"ethnicity_string", "income_string", "marital_status_string", "education_string",
	} {
		demographics[name] = ""
	}
	doc["user_information"] = object{
		"user_body_metrics": object{"height_cm_int": s.height(e), "weight_kg_float": s.weight(e)},
		"user_demographics": demographics,
	}
	return doc
}

// timeZone takes {"time_zone":"America/Bogota","offset":"-05:00"} (API page): an IANA name and an offset, of which the
// name decides. A bad one is answered 422, which is an assumption like the answer to a good one.
func (s *Simulator) timeZone(w http.ResponseWriter, r *http.Request, sw Switches) {
	var in struct {
		TimeZone string `json:"time_zone"`
		Offset   string `json:"offset"`
	}
	if !readBody(w, r, sw, &in) {
		return
	}
	zone, ok := findZone(in.TimeZone)
	if !ok || !offsetPattern.MatchString(in.Offset) {
		fail(w, r, sw, http.StatusUnprocessableEntity, "time_zone must be an IANA name and offset like +01:00")
		return
	}
	s.change(r.PathValue("user_id"), func(p *person) { p.zone = zone })
	if sw.TimeZoneStatus == http.StatusNoContent {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	simulators.WriteJSON(w, sw.TimeZoneStatus, object{"message": "time zone updated"})
}

// findZone refuses what Go takes for a zone but the IANA does not: nothing, and the zone of the machine.
func findZone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

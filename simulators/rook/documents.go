package rook

import (
	"net/http"
	"slices"
	"time"

	"healthgraph/simulators"
	"healthgraph/simulators/people"
)

// object is a JSON object of ROOK's documents; their leaves may be nil, which is null.
type object = map[string]any

// extractionDelay is how long after the end of a day its summaries are made by default (data-extraction page: 00:01).
const extractionDelay = time.Minute

// instantLayout writes ISO 8601 with microseconds and Z or a numeric offset, as the documented examples do.
const instantLayout = "2006-01-02T15:04:05.000000Z07:00"

// enquiry is one request for one day's document.
type enquiry struct {
	user  string
	date  people.Date
	now   time.Time
	zone  *time.Location
	known bool
	sw    Switches
}

// start and end are those of the asked day, for the person.
func (e enquiry) start() time.Time { return e.date.Start(e.zone) }
func (e enquiry) end() time.Time   { return (e.date + 1).Start(e.zone) }

// ready reports whether a document that is made at some moment exists by now, or may be served before that.
func (e enquiry) ready(made time.Time) bool {
	today := people.DateOf(e.now.In(e.zone)) == e.date
	return !e.now.Before(made) || (today && e.sw.ServeToday)
}

// document reads user_id and date, both required, and answers what build returns: a document, or nil for no data.
func (s *Simulator) document(build func(e enquiry) object) endpoint {
	return func(w http.ResponseWriter, r *http.Request, sw Switches) {
		user := r.URL.Query().Get("user_id")
		date, err := people.ParseDate(r.URL.Query().Get("date"))
		if err != nil || user == "" || (sw.EnforceUserID && !userIDPattern.MatchString(user)) {
			none(w, r, sw, sw.BadQueryStatus, "user_id and date=YYYY-MM-DD are required")
			return
		}
		e := enquiry{user: user, date: date, now: s.control.Clock.Now(), sw: sw}
		e.known = s.peek(user, func(p *person) { e.zone = s.zoneOf(user, p) })
		switch {
		case !e.known && sw.UnknownUserStatus == http.StatusNotFound:
			none(w, r, sw, http.StatusNotFound, "the user is not known")
			return
		case e.now.Before(e.start()):
			none(w, r, sw, sw.FutureDateStatus, "date must not be in the future")
			return
		}
		if doc := build(e); doc != nil {
			simulators.WriteJSON(w, http.StatusOK, doc)
			return
		}
		none(w, r, sw, sw.NoDataStatus, "there is nothing for this user and date")
	}
}

// none answers without a document: 204 without a body, anything else with an error.
func none(w http.ResponseWriter, r *http.Request, sw Switches, status int, why string) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	fail(w, r, sw, status, why)
}

// reading is what the linked sources have of one day.
type reading struct {
	sources []string // display names, one at least
	steps   *int     // nil: the document says null
	version int

	hasSleep bool // sleep replaces the seeded night's
	sleep    *int // seconds; nil: the document says null
}

// read is false if there is nothing of that day: no source linked, a missing day, or overridden to be none.
func (s *Simulator) read(e enquiry) (got reading, ok bool) {
	var override day
	var overridden bool
	s.peek(e.user, func(p *person) {
		got.sources = p.delivering(e.now, e.date, e.zone, e.sw.HistoryDays)
		override, overridden = p.days[e.date]
	})
	if len(got.sources) == 0 || override.none || (len(override.sources) > 0 && !overlap(override.sources, got.sources)) {
		return reading{}, false
	}
	got.version = max(1, override.version)
	got.hasSleep, got.sleep = override.hasSleep, override.sleep
	if len(override.sources) > 0 {
		got.sources = override.sources
	} else if e.sw.SourcesPerDocument == "one" || (e.sw.SourcesPerDocument == "mixed" && e.date.Number()%3 != 0) {
		got.sources = got.sources[:1]
	}
	if override.hasSteps {
		got.steps = override.steps
		return got, true
	}
	steps, ok := s.seeds.DailySteps(e.user, e.date, got.sources[0])
	if !ok {
		return got, overridden
	}
	if passed, length := e.now.Sub(e.start()), e.end().Sub(e.start()); passed < length {
		steps = int(float64(steps) * passed.Seconds() / length.Seconds())
	}
	got.steps = &steps
	return got, true
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(v string) bool { return slices.Contains(b, v) })
}

// envelope is the outside of a summary: {…,"physical_health":{"summary":{"physical_summary":{…}}}}. It adds metadata
// and the array for unstructured data to content.
func (s *Simulator) envelope(e enquiry, got reading, pillar, structure string, made time.Time, content object) object {
	content["metadata"] = s.metadata(e, got, made)
	content["non_structured_data_array"] = []any{}
	doc := s.root(e, got, structure)
	doc[pillar] = object{"summary": object{structure: content}}
	return doc
}

func (s *Simulator) root(e enquiry, got reading, structure string) object {
	return object{
		"version":          2,
		"document_version": got.version,
		"client_uuid":      s.clientUUID,
		"user_id":          e.user,
		"data_structure":   structure,
	}
}

func (s *Simulator) metadata(e enquiry, got reading, made time.Time) object {
	at := e.start()
	switch e.sw.SummaryInstant {
	case "utcMidnight":
		at = e.date.Start(time.UTC)
	case "localMidnightInUTC":
		at = at.UTC()
	case "extraction":
		at = made
	}
	names := make([]string, 0, len(got.sources))
	for _, name := range got.sources {
		names = append(names, styled(name, e.sw.NameStyle))
	}
	return object{
		"datetime_string":       at.Format(instantLayout),
		"sources_of_data_array": names,
		"user_id_string":        e.user,
	}
}

// about is a figure of the person's day, from low to high, the same for ever.
func (s *Simulator) about(e enquiry, name string, low, high int) int {
	return s.seeds.Between(e.user, e.date, name, low, high)
}

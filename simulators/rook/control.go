package rook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"healthgraph/simulators"
	"healthgraph/simulators/people"
)

// personView is what /_control/people/{user_id} shows, and, each part optional, takes.
type personView struct {
	TimeZone *string             `json:"timeZone"`
	Sources  map[string]*bool    `json:"sources"` // by display name; null: not offered
	Days     map[string]*dayView `json:"days"`    // by YYYY-MM-DD; null: no document
}

// dayView overrides one day. It is served only while one of its sources is linked and once the day is over, like
// everything else.
type dayView struct {
	Steps           json.RawMessage `json:"steps,omitempty"`           // a number or null; absent: the seeded figure
	Sleep           json.RawMessage `json:"sleep,omitempty"`           // seconds asleep or null; absent: the seeded night
	Sources         []string        `json:"sources,omitempty"`         // display names; absent: those that are linked
	DocumentVersion int             `json:"documentVersion,omitempty"` // absent: 1
}

func (s *Simulator) showPerson(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user_id")
	list, _ := s.states(user, Switches{})
	view := personView{Sources: map[string]*bool{}, Days: map[string]*dayView{}}
	for _, st := range list {
		view.Sources[st.name] = st.authorized
	}
	s.peek(user, func(p *person) {
		zone := s.zoneOf(user, p).String()
		view.TimeZone = &zone
		for date, d := range p.days {
			view.Days[date.String()] = viewOf(d)
		}
	})
	simulators.WriteJSON(w, http.StatusOK, view)
}

func viewOf(d day) *dayView {
	if d.none {
		return nil
	}
	v := &dayView{Sources: d.sources, DocumentVersion: d.version}
	if d.hasSteps {
		v.Steps = rawNumber(d.steps)
	}
	if d.hasSleep {
		v.Sleep = rawNumber(d.sleep)
	}
	return v
}

func rawNumber(n *int) json.RawMessage {
	if n == nil {
		return json.RawMessage("null")
	}
	return fmt.Append(nil, *n)
}

// changePerson overrides what the body names and keeps the rest; it takes all of the body or nothing.
func (s *Simulator) changePerson(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user_id")
	var in personView
	err := simulators.ReadJSON(w, r, &in)
	if err != nil {
		err = fmt.Errorf(`want {"timeZone":…,"sources":{"Garmin":true},"days":{"2026-03-29":{"steps":1234,"sleep":25200,"sources":["Garmin"],"documentVersion":2}}}: %w`, err)
	} else if !userIDPattern.MatchString(user) {
		err = fmt.Errorf("a user id must match %s", userIDPattern)
	}
	var apply func(*person)
	if err == nil {
		apply, err = in.change()
	}
	if err != nil {
		simulators.BadControl(w, err)
		return
	}
	s.change(user, apply)
	s.showPerson(w, r)
}

// change checks the view before anything is changed.
func (v personView) change() (func(*person), error) {
	days := map[people.Date]day{}
	for text, dv := range v.Days {
		date, err := people.ParseDate(text)
		if err != nil {
			return nil, err
		}
		if days[date], err = dv.day(); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
	}
	for name := range v.Sources {
		if _, ok := findSource(name, false); !ok {
			return nil, unknownSource(name)
		}
	}
	fresh := newPerson()
	if v.TimeZone != nil {
		zone, ok := findZone(*v.TimeZone)
		if !ok {
			return nil, fmt.Errorf("timeZone %q is not an IANA name such as Europe/Paris", *v.TimeZone)
		}
		fresh.zone = zone
	}
	return func(p *person) {
		if fresh.zone != nil {
			p.zone = fresh.zone
		}
		for name, linked := range v.Sources {
			delete(p.links, name)
			delete(p.notOffered, name)
			switch {
			case linked == nil:
				p.notOffered[name] = true
			case *linked:
				p.links[name] = link{}
			}
		}
		for date, d := range days {
			p.days[date] = d
		}
	}, nil
}

func (v *dayView) day() (day, error) {
	if v == nil {
		return day{none: true}, nil
	}
	d := day{hasSteps: v.Steps != nil, hasSleep: v.Sleep != nil, sources: v.Sources, version: v.DocumentVersion}
	if d.hasSteps {
		if err := json.Unmarshal(v.Steps, &d.steps); err != nil {
			return day{}, errors.New("steps must be a whole number or null")
		}
	}
	if d.hasSleep {
		if err := json.Unmarshal(v.Sleep, &d.sleep); err != nil || (d.sleep != nil && *d.sleep < 0) {
			return day{}, errors.New("sleep must be a whole number of seconds or null")
		}
	}
	if d.version < 0 {
		return day{}, errors.New("documentVersion must not be negative")
	}
	for _, name := range v.Sources {
		if _, ok := findSource(name, false); !ok {
			return day{}, unknownSource(name)
		}
	}
	return d, nil
}

func unknownSource(name string) error {
	return fmt.Errorf("unknown source %q; known are %s", name, strings.Join(sourceNames(), ", "))
}

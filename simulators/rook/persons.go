package rook

import (
	"maps"
	"slices"
	"time"

	"healthgraph/simulators/people"
)

// person is what the simulator knows of a user id beyond what the seed says.
type person struct {
	zone       *time.Location  // nil: the seeded one
	links      map[string]link // by display name
	notOffered map[string]bool // sources shown as null
	days       map[people.Date]day
}

// link is a source's connection: from when it counts, and until when once it has been revoked.
type link struct {
	from        time.Time // zero: since ever
	listedUntil time.Time // zero: for ever, like dataUntil
	dataUntil   time.Time
}

func (l link) listed(now time.Time) bool { return within(now, l.from, l.listedUntil) }

// delivers reports whether the link has data of day d. history is how many days before the link are served; 0 is all.
func (l link) delivers(now time.Time, d people.Date, zone *time.Location, history int) bool {
	if history > 0 && !l.from.IsZero() && d < people.DateOf(l.from.In(zone))-people.Date(history) {
		return false
	}
	return within(now, l.from, l.dataUntil)
}

func within(now, from, until time.Time) bool {
	return !now.Before(from) && (until.IsZero() || now.Before(until))
}

// day overrides what the seed says of one day.
type day struct {
	none     bool // no document at all
	hasSteps bool // steps replaces the seeded figure; nil is a document whose steps are null
	steps    *int
	hasSleep bool // the same of the night's seconds asleep
	sleep    *int
	sources  []string // empty: the linked ones
	version  int      // 0: 1
}

func newPerson() *person {
	return &person{links: map[string]link{}, notOffered: map[string]bool{}, days: map[people.Date]day{}}
}

// seed puts everybody back to the beginning.
func (s *Simulator) seed() {
	demo := newPerson()
	demo.links["Garmin"], demo.links["Apple Health"] = link{}, link{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.persons = map[string]*person{"demo": demo}
}

// peek shows a person, an empty one for an id never seen, and tells whether it has been seen.
func (s *Simulator) peek(user string, f func(p *person)) (known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, known := s.persons[user]
	if !known {
		p = newPerson()
	}
	f(p)
	return known
}

// change creates the person if need be.
func (s *Simulator) change(user string, f func(p *person)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.persons[user]
	if p == nil {
		p = newPerson()
		s.persons[user] = p
	}
	f(p)
}

func (s *Simulator) zoneOf(user string, p *person) *time.Location {
	if p.zone != nil {
		return p.zone
	}
	return s.seeds.Zone(user)
}

// revokeLink ends a link as the switches revokeDelay and lateDataFor have it, and tells whether there was one.
func (p *person) revokeLink(name string, now time.Time, sw Switches) bool {
	l, ok := p.links[name]
	switch {
	case ok && now.Before(l.from): // granted, but not yet in effect
		delete(p.links, name)
	case !ok || !l.listed(now):
		return false
	case l.listedUntil.IsZero(): // a repeated revocation does not begin again
		l.listedUntil = now.Add(time.Duration(sw.RevokeDelay))
		l.dataUntil = now.Add(time.Duration(max(sw.RevokeDelay, sw.LateDataFor)))
		p.links[name] = l
	}
	return true
}

// delivering are the sources that have data of a day, in the order of the table.
func (p *person) delivering(now time.Time, d people.Date, zone *time.Location, history int) []string {
	names := slices.Collect(maps.Keys(p.links))
	names = slices.DeleteFunc(names, func(name string) bool { return !p.links[name].delivers(now, d, zone, history) })
	order := sourceNames()
	slices.SortFunc(names, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	return names
}

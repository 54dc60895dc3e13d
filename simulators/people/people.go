// Package people invents the walking histories that the simulated upstreams serve. A history follows from the seed,
// the person's id and the date alone: it is the same on every machine, in every run and at every moment, and it has no
// first and no last day. What lies after "now" is for the caller to cut off.
//
// Zones: "demo" lives in Europe/Paris, "person-2" in America/New_York, "person-3" in Asia/Kolkata; any other id gets
// one of ten zones, always the same. Days are local days of that zone, 23 or 25 hours long when its clocks change.
//
// Days that are not ordinary, for every person and source alike, by Date.Number (days since 1970-01-01) modulo 12:
//
//	4  a zero day: worn and carried, nobody walked. Zero steps; four samples of the watch with value 0.
//	7  a missing day: no figure and no samples at all.
//
// Any twelve days in a row therefore hold exactly one of each. The days of 2025 to 2027 on which the clocks of Europe
// and the United States change are ordinary ones.
package people

import (
	"time"
	_ "time/tzdata" // the zones must not depend on the machine
)

const (
	cycle      = 12
	zeroDay    = 4
	missingDay = 7
)

var fixedZones = map[string]string{
	"demo":     "Europe/Paris",
	"person-2": "America/New_York",
	"person-3": "Asia/Kolkata",
}

var otherZones = []string{
	"Europe/Paris", "America/New_York", "Asia/Kolkata", "Europe/London", "America/Los_Angeles",
	"Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "Europe/Berlin", "Asia/Kathmandu",
}

// People knows everybody's history for one seed. Safe for concurrent use; keeps nothing per person.
type People struct {
	seed  string
	zones map[string]*time.Location
}

// New returns the people of a seed.
func New(seed string) *People {
	p := &People{seed: seed, zones: make(map[string]*time.Location, len(otherZones))}
	for _, name := range otherZones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic("people: the embedded time zone data lacks " + name)
		}
		p.zones[name] = zone
	}
	return p
}

// Zone is where the person lives.
func (p *People) Zone(person string) *time.Location {
	if name, ok := fixedZones[person]; ok {
		return p.zones[name]
	}
	r := p.random(person, 0, "zone")
	return p.zones[otherZones[r.between(0, len(otherZones)-1)]]
}

// IsZero reports whether d is a zero day, as the package comment has it.
func IsZero(d Date) bool { return d.mod(cycle) == zeroDay }

// IsMissing reports whether d is a missing day, as the package comment has it.
func IsMissing(d Date) bool { return d.mod(cycle) == missingDay }

// DailySteps is what a source says of the person's whole local day, false on a missing day. Sources differ by up to
// six per cent about the same day. The figure of an ordinary day is between about 1,900 and 19,000 steps.
func (p *People) DailySteps(person string, d Date, source string) (steps int, ok bool) {
	switch {
	case IsMissing(d):
		return 0, false
	case IsZero(d):
		return 0, true
	}
	for _, w := range p.walks(person, d, p.Zone(person)) {
		steps += w.steps
	}
	r := p.random(person, d, "source "+source)
	return steps * r.between(940, 1060) / 1000, true
}

// Between is a figure from low to high, both included, that belongs to the person, the day and a name such as
// "resting heart rate": the same for ever.
func (p *People) Between(person string, d Date, name string, low, high int) int {
	r := p.random(person, d, name)
	return r.between(low, high)
}

package onetwentyone

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"healthgraph/simulators/people"
)

// person is one user of the iOS app. Guarded by Simulator.mu, the histories apart.
type person struct {
	name    string
	userID  string
	zone    *time.Location
	scopes  []string // what the person allows; narrows grants already given
	created time.Time
	seeded  map[string]*builder // what grows with the clock, by metric
	until   people.Date         // the seeded days are those before
	metrics map[string]*history
	vitals  map[string]*invented // invented when first asked for, by metric
	given   map[string]bool      // metrics whose samples were put in their place
	sleep   []SleepInput         // nil: the seeded nights
}

// addPerson makes a person with an invented history. The caller holds s.mu or is the only one yet.
func (s *Simulator) addPerson(name string) *person {
	p := &person{
		name: name, userID: uuid([]byte("onetwentyone user " + name)), zone: s.histories.Zone(name),
		scopes: slices.Clone(s.config.Scopes), created: s.config.HistoryStart, metrics: map[string]*history{},
		seeded: map[string]*builder{}, until: people.DateOf(s.config.HistoryStart), vitals: map[string]*invented{}, given: map[string]bool{},
	}
	for _, metric := range []string{"stepCount", "appleExerciseTime", "restingHeartRate"} {
		p.seeded[metric] = newBuilder()
		p.seeded[metric].live = true
	}
	if loaded := s.loaded[name]; loaded != nil {
		delete(p.seeded, "stepCount")
		p.metrics["stepCount"] = loaded
	}
	s.people[name] = p
	return p
}

func (s *Simulator) byUserID(id string) *person {
	for _, p := range s.people {
		if strings.EqualFold(p.userID, id) {
			return p
		}
	}
	return nil
}

// history is the person's samples of a metric as of now. The caller holds s.mu.
func (s *Simulator) history(p *person, metric string) *history {
	if !s.growVital(p, metric) && p.seeded[metric] != nil {
		s.grow(p)
	}
	if h := p.metrics[metric]; h != nil {
		return h
	}
	return &history{}
}

// grow invents the days up to tomorrow; those that exist stay as they are.
func (s *Simulator) grow(p *person) {
	zone := s.histories.Zone(p.name) // not p.zone, which a test may change between two days
	end := people.DateOf(s.control.Clock.Now().In(zone)) + 1
	if p.until >= end {
		return
	}
	from := p.until.Start(zone)
	for _, sample := range s.histories.Samples(p.name, from, end.Start(zone)) {
		if sample.Start.Before(from) {
			continue // it belongs to the days that exist
		}
		step := Step{ID: sample.ID, Start: sample.Start, End: sample.End, Value: sample.Value, Source: sample.Device, Product: sample.Product}
		p.seed("stepCount", step)
		// A long walk with the watch on counts as exercise, minute by full minute.
		if minutes := sample.End.Sub(sample.Start).Truncate(time.Minute); sample.Device == people.Watch && sample.Value > 0 && minutes >= 10*time.Minute {
			step.ID, step.End, step.Value = "", sample.Start.Add(minutes), minutes.Minutes()
			p.seed("appleExerciseTime", step)
		}
	}
	for day := p.until; day < end; day++ {
		if people.IsMissing(day) {
			continue
		}
		at := day.Start(zone).Add(6 * time.Hour)
		p.seed("restingHeartRate", Step{
			Start: at, End: at, Value: float64(s.histories.Between(p.name, day, "resting heart rate", 52, 64)),
			Source: people.Watch, Product: "Watch7,1",
		})
	}
	p.until = end
	for metric, b := range p.seeded {
		p.metrics[metric] = b.publish()
	}
}

func (p *person) seed(metric string, step Step) {
	if b := p.seeded[metric]; b != nil {
		b.add(step)
	}
}

// arrive lets n samples appear just after the newest one of a selection. The caller holds s.mu.
func (s *Simulator) arrive(p *person, metric string, sel selection, n int) {
	if sel.len() == 0 {
		return
	}
	newest := sel.h.records[sel.index(0, true)]
	for range n {
		s.arrived++
		// The same start and a later end is after it in every order, and within any range that it is in.
		step := Step{
			ID:    uuid(strconv.AppendInt([]byte("arrived "), int64(s.arrived), 10)),
			Start: time.UnixMilli(newest.start), End: time.UnixMilli(newest.end + int64(s.arrived)), Value: 1,
			Source: people.Phone, Product: "iPhone15,4",
		}
		b := p.seeded[metric]
		if own := p.vitals[metric]; own != nil && !p.given[metric] {
			b = own.builder
		}
		if b != nil {
			b.add(step)
			p.metrics[metric] = b.publish()
		} else {
			p.metrics[metric] = p.metrics[metric].with(step)
		}
	}
}

// LoadSteps replaces a person's step samples, adding the person if there is none of that name. read hands its samples
// to add in any order, millions if need be; an error of add must be returned. If read fails nothing is replaced. It
// returns how many samples the person has now.
//
// Unlike what arrives over /_control/people, loaded steps survive a reset. The person's home zone stays what it is.
func (s *Simulator) LoadSteps(name string, read func(add func(Step) error) error) (int, error) {
	b := newBuilder()
	err := read(func(step Step) error {
		if err := step.check(); err != nil {
			return err
		}
		b.add(step)
		return nil
	})
	if err != nil {
		return 0, err
	}
	h := b.publish()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded[name] = h
	p := s.people[name]
	if p == nil {
		p = s.addPerson(name)
	}
	delete(p.seeded, "stepCount")
	p.metrics["stepCount"] = h
	return len(h.records), nil
}

package people

import "time"

// The stages of a night, as Stage.Name has them.
const (
	Awake = "awake"
	Light = "light"
	Deep  = "deep"
	REM   = "rem"
)

// Stage is a stretch of a night, in UTC and whole minutes.
type Stage struct {
	Name       string
	Start, End time.Time
}

// Night is one person's sleep: the night that ends on a day, or a nap of that day.
type Night struct {
	Bed, Up time.Time // in bed from and until; the stages are within
	Stages  []Stage   // in order, without gaps: the first and the last are sleep
}

// Total is how long the night's stages of that name lasted.
func (n Night) Total(name string) time.Duration {
	var total time.Duration
	for _, s := range n.Stages {
		if s.Name == name {
			total += s.End.Sub(s.Start)
		}
	}
	return total
}

// Nights are the person's night that ends on day d, and on about one day in six a nap after it; none on a missing day. They go to bed
// from half past ten in the evening before until an hour after midnight, and sleep for six to eight hours.
func (p *People) Nights(person string, d Date) []Night {
	if IsMissing(d) {
		return nil
	}
	r := p.random(person, d, "night")
	midnight := d.Start(p.Zone(person)).UTC()
	minutes := func(low, high int) time.Duration { return time.Duration(r.between(low, high)) * time.Minute }

	night := Night{Bed: midnight.Add(minutes(-90, 60))}
	at := night.Bed.Add(minutes(3, 25))
	add := func(name string, lasts time.Duration) {
		night.Stages = append(night.Stages, Stage{name, at, at.Add(lasts)})
		at = at.Add(lasts)
	}
	for cycle, cycles := 0, r.between(4, 5); cycle < cycles; cycle++ {
		add(Light, minutes(15, 30))
		add(Deep, minutes(max(2, 25-8*cycle), max(5, 35-8*cycle)))
		add(Light, minutes(10, 25))
		add(REM, minutes(5+5*cycle, 15+6*cycle))
		if cycle+1 < cycles && r.between(1, 2) == 1 {
			add(Awake, minutes(1, 12))
		}
	}
	add(Light, minutes(5, 15))
	night.Up = at.Add(minutes(1, 15))
	nights := []Night{night}
	if r.between(1, 6) == 1 {
		start := midnight.Add(13*time.Hour + minutes(0, 120))
		asleep := start.Add(minutes(2, 8))
		woke := asleep.Add(minutes(15, 50))
		nights = append(nights, Night{Bed: start, Up: woke.Add(minutes(1, 5)), Stages: []Stage{{Light, asleep, woke}}})
	}
	return nights
}

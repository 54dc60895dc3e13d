package people

import (
	"cmp"
	"slices"
	"time"
)

// The two devices that take samples, as Sample.Device has them.
const (
	Phone = "phone"
	Watch = "watch"
)

const (
	phoneProduct = "iPhone15,4"
	watchProduct = "Watch7,1"
)

// Sample is the steps that one device counted over one stretch of time, 1 to 15 minutes long. Samples of the same
// device never overlap; those of the phone and the watch do, about the same walk, and differ a little in when it began,
// how long it lasted and how many steps it had. To add them up would count such a walk twice.
type Sample struct {
	ID      string // like a UUID; the same for ever
	Start   time.Time
	End     time.Time // after Start; both in UTC, whole seconds
	Value   float64   // steps, a whole number
	Device  string    // Phone or Watch
	Product string    // the manufacturer's name of the device, "iPhone15,4" or "Watch7,1"
}

// Samples are the person's samples that overlap the stretch from, included, up to to, excluded, in order of Start and
// then of Device.
//
// An ordinary day has 30 to 80. The watch sees nearly every walk; the phone is carried from some time in the morning
// until the late afternoon or evening, and sees a walk only then. On about one day in five a walk goes on past local
// midnight into the next day; it never does into a zero or missing day. On days when the clocks change there are walks
// in the hour concerned, one in each of the two half past twos of the longer day where the change is at 03:00 as in
// Europe/Paris.
func (p *People) Samples(person string, from, to time.Time) []Sample {
	zone := p.Zone(person)
	first := DateOf(from.In(zone)) - 1 // a walk of the evening before may reach into from
	last := DateOf(to.In(zone))
	if !to.After(from) {
		return []Sample{}
	}
	const usual = 50
	samples := make([]Sample, 0, usual*(last.Number()-first.Number()+1))
	for d := first; d <= last; d++ {
		samples = p.appendDay(samples, person, d, zone)
	}
	return slices.DeleteFunc(samples, func(s Sample) bool { return !s.Start.Before(to) || !s.End.After(from) })
}

func (p *People) appendDay(samples []Sample, person string, d Date, zone *time.Location) []Sample {
	begin := len(samples)
	start := d.Start(zone).UTC()
	r := p.random(person, d, "samples")
	switch {
	case IsMissing(d):
		return samples
	case IsZero(d):
		for hour := 9; hour < 21; hour += 3 {
			at := start.Add(time.Duration(hour) * time.Hour)
			samples = append(samples, Sample{ID: r.id(), Start: at, End: at.Add(15 * time.Minute), Device: Watch, Product: watchProduct})
		}
		return samples
	}
	carried, put := r.between(7*60, 9*60+30), r.between(16*60, 20*60)
	for _, w := range p.walks(person, d, zone) {
		at, lasts := start.Add(time.Duration(w.minute)*time.Minute), time.Duration(w.minutes)*time.Minute
		if w.minute >= carried && w.minute+w.minutes <= put {
			samples = append(samples, Sample{r.id(), at, at.Add(lasts), float64(w.steps), Phone, phoneProduct})
		}
		if r.between(1, 100) > 5 { // otherwise it is on its charger
			at = at.Add(time.Duration(r.between(-20, 20)) * time.Second)
			lasts += time.Duration(r.between(-20, 20)) * time.Second
			value := float64(max(1, w.steps*r.between(930, 1070)/1000))
			samples = append(samples, Sample{r.id(), at, at.Add(lasts), value, Watch, watchProduct})
		}
	}
	slices.SortFunc(samples[begin:], func(a, b Sample) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Device, b.Device))
	})
	return samples
}

// walk is one stretch of walking, in minutes that have passed since local midnight: not the same as the time on the
// clock once the clocks have changed.
type walk struct{ minute, minutes, steps int }

// walks are those of an ordinary day, in order and never touching.
func (p *People) walks(person string, d Date, zone *time.Location) []walk {
	const (
		wake, bed    = 6*60 + 45, 45 // minutes after the day's start and before its end
		shortest     = 2
		longest      = 14
		halfPastTwo  = 150
		usualMinutes = 24 * 60
	)
	r := p.random(person, d, "walks")
	length := int(d.Length(zone) / time.Minute)
	count, pace := r.between(24, 40), r.between(12, 50) // some days are lazy ones
	list := make([]walk, 0, count+3)
	add := func(minute, minutes int) {
		list = append(list, walk{minute, minutes, minutes * max(8, pace+r.between(-6, 6))})
	}
	if length != usualMinutes || r.between(1, 8) == 1 {
		add(halfPastTwo, 5)
	}
	if length > usualMinutes {
		add(halfPastTwo+60, 5)
	}
	slot := (length - wake - bed) / count
	for i := range count {
		minutes := r.between(shortest, longest)
		add(wake+i*slot+r.between(1, slot-minutes-1), minutes)
	}
	late := r.between(1, 5) == 1
	if next := d + 1; late && !IsZero(next) && !IsMissing(next) {
		add(length-r.between(3, 7), r.between(10, longest))
	}
	return list
}

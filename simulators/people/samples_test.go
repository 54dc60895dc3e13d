package people

import (
	"slices"
	"testing"
	"time"
)

func year(t *testing.T, person string) (*People, []Sample) {
	t.Helper()
	p := New("healthgraph")
	zone := p.Zone(person)
	return p, p.Samples(person, date(t, "2026-01-01").Start(zone), date(t, "2027-01-01").Start(zone))
}

func TestSamplesAreWellFormed(t *testing.T) {
	for _, person := range []string{"demo", "person-2", "person-3"} {
		p, samples := year(t, person)
		ids := map[string]bool{}
		last := map[string]time.Time{}
		perDay := map[Date]int{}
		for i, s := range samples {
			if i > 0 && s.Start.Before(samples[i-1].Start) {
				t.Fatalf("%s: sample %d begins before the one before it", person, i)
			}
			if length := s.End.Sub(s.Start); length < time.Minute || length > 15*time.Minute {
				t.Errorf("%s: a sample of %s", person, length)
			}
			if s.Start.Before(last[s.Device]) {
				t.Errorf("%s: the %s counts twice at %s", person, s.Device, s.Start)
			}
			if ids[s.ID] {
				t.Errorf("%s: the id %s comes twice", person, s.ID)
			}
			ids[s.ID], last[s.Device] = true, s.End
			perDay[DateOf(s.Start.In(p.Zone(person)))]++
		}
		for d, n := range perDay {
			if low := 30; !IsZero(d) && (n < low || n > 80) {
				t.Errorf("%s: %d samples on %s", person, n, d)
			}
		}
	}
}

func TestPhoneAndWatchOverlapForPartOfTheDay(t *testing.T) {
	_, samples := year(t, "demo")
	phone, watch, both := 0, 0, 0
	for i, s := range samples {
		if s.Device == Watch {
			watch++
			continue
		}
		phone++
		near := samples[max(0, i-2):min(len(samples), i+3)]
		if slices.ContainsFunc(near, func(o Sample) bool {
			return o.Device == Watch && o.Start.Before(s.End) && s.Start.Before(o.End)
		}) {
			both++
		}
	}
	if phone*10 < watch*4 || phone*10 > watch*8 || both*10 < phone*9 || both == phone {
		t.Errorf("%d samples of the phone, %d of the watch, %d of the phone's overlap", phone, watch, both)
	}
}

func TestWalksCrossMidnightButNotIntoSpecialDays(t *testing.T) {
	p, samples := year(t, "demo")
	zone, crossing := p.Zone("demo"), 0
	for _, s := range samples {
		end := DateOf(s.End.Add(-time.Second).In(zone))
		if DateOf(s.Start.In(zone)) == end {
			continue
		}
		crossing++
		if IsZero(end) || IsMissing(end) {
			t.Errorf("a walk goes on into %s", end)
		}
	}
	if crossing < 40 || crossing > 200 {
		t.Errorf("%d samples cross midnight in a year", crossing)
	}
}

func TestWalksInTheHoursThatTheClocksChange(t *testing.T) {
	p := New("healthgraph")
	zone := p.Zone("demo")
	halfPastTwo := func(day string) (offsets []int) {
		d := date(t, day)
		for _, w := range p.walks("demo", d, zone) {
			at := d.Start(zone).Add(time.Duration(w.minute) * time.Minute)
			if at.Format("15:04") == "02:30" {
				_, offset := at.Zone()
				offsets = append(offsets, offset/3600)
			}
		}
		return offsets
	}
	if got := halfPastTwo("2026-10-25"); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("walks at half past two on the longer day have the offsets %v", got)
	}
	if got := halfPastTwo("2026-03-29"); len(got) != 0 {
		t.Errorf("there is no half past two on the shorter day, yet: %v", got)
	}
	d := date(t, "2026-03-29")
	for _, w := range p.walks("demo", d, zone) {
		if at := d.Start(zone).Add(time.Duration(w.minute) * time.Minute); DateOf(at.In(zone)) != d {
			t.Errorf("a walk of the shorter day begins at %s", at)
		}
	}
}

func TestEdgesOfAStretch(t *testing.T) {
	p, samples := year(t, "demo")
	s := samples[100]
	middle := s.Start.Add(s.End.Sub(s.Start) / 2)
	has := func(list []Sample) bool {
		return slices.ContainsFunc(list, func(o Sample) bool { return o.ID == s.ID })
	}
	if !has(p.Samples("demo", middle, middle.Add(time.Hour))) || !has(p.Samples("demo", middle.Add(-time.Hour), middle)) {
		t.Error("a sample that reaches into the stretch is left out")
	}
	if has(p.Samples("demo", s.End, s.End.Add(time.Hour))) || has(p.Samples("demo", s.Start.Add(-time.Hour), s.Start)) {
		t.Error("a sample that only touches the stretch is in it")
	}
	if got := p.Samples("demo", s.End, s.Start); got == nil || len(got) != 0 {
		t.Errorf("a stretch that ends before it begins has %v", got)
	}
}

func BenchmarkTwoYearsOfSamples(b *testing.B) {
	p := New("healthgraph")
	from, to := Date(20000).Start(time.UTC), Date(20730).Start(time.UTC)
	for b.Loop() {
		p.Samples("demo", from, to)
	}
}

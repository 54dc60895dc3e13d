package people

import (
	"testing"
	"time"
)

func date(t *testing.T, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDates(t *testing.T) {
	for s, number := range map[string]int{"1970-01-01": 0, "1969-12-31": -1, "2026-03-29": 20541, "2024-02-29": 19782} {
		d := date(t, s)
		if d.Number() != number || d.String() != s {
			t.Errorf("%s: number %d, again %s", s, d.Number(), d)
		}
	}
	for _, bad := range []string{"", "2026-3-29", "2026-02-30", "29.03.2026", "2026-03-29T00:00:00Z", "today"} {
		if d, err := ParseDate(bad); err == nil {
			t.Errorf("ParseDate(%q) = %v, want an error", bad, d)
		}
	}
	late := time.Date(2026, 3, 28, 23, 30, 0, 0, time.UTC)
	if got := DateOf(late.In(New("s").Zone("demo"))); got.String() != "2026-03-29" {
		t.Errorf("the date in Paris is %s", got)
	}
}

func TestDaysAreAsLongAsTheClocksMakeThem(t *testing.T) {
	p := New("s")
	for _, c := range []struct {
		person, date string
		hours        float64
	}{
		{"demo", "2026-03-29", 23},
		{"demo", "2026-10-25", 25},
		{"demo", "2026-06-01", 24},
		{"person-2", "2026-03-08", 23},
		{"person-2", "2026-11-01", 25},
		{"person-3", "2026-03-29", 24},
	} {
		if got := date(t, c.date).Length(p.Zone(c.person)).Hours(); got != c.hours {
			t.Errorf("%s for %s has %v hours, want %v", c.date, c.person, got, c.hours)
		}
	}
}

func TestZones(t *testing.T) {
	p := New("s")
	for person, want := range fixedZones {
		if got := p.Zone(person).String(); got != want {
			t.Errorf("%s lives in %s, want %s", person, got, want)
		}
	}
	if p.Zone("somebody") != New("s").Zone("somebody") && p.Zone("somebody").String() != New("s").Zone("somebody").String() {
		t.Error("a zone changes from run to run")
	}
}

// The figures below are what the generator said when it was written. They must not change: documents and tests quote
// seeded days.
func TestTheFiguresNeverChange(t *testing.T) {
	p := New("healthgraph")
	d := date(t, "2026-03-29")
	if IsZero(d) || IsMissing(d) {
		t.Fatal("2026-03-29 should be an ordinary day")
	}
	garmin, _ := p.DailySteps("demo", d, "Garmin")
	again, _ := New("healthgraph").DailySteps("demo", d, "Garmin")
	other, _ := New("another seed").DailySteps("demo", d, "Garmin")
	if garmin != again || garmin == other {
		t.Errorf("the same seed says %d and %d, another one %d", garmin, again, other)
	}
	samples := p.Samples("demo", d.Start(p.Zone("demo")), (d + 1).Start(p.Zone("demo")))
	const wantSteps, wantSamples, wantID = 5753, 60, "e862b72f-97b1-859b-b853-b772c233934a"
	if garmin != wantSteps || len(samples) != wantSamples || samples[0].ID != wantID {
		t.Errorf("got %d steps, %d samples, first %s; want %d, %d, %s", garmin, len(samples), samples[0].ID, wantSteps, wantSamples, wantID)
	}
}

func TestZeroAndMissingDays(t *testing.T) {
	p := New("s")
	start := date(t, "2025-12-01")
	zeros, missing := 0, 0
	for d := start; d < start+12; d++ {
		steps, ok := p.DailySteps("demo", d, "Garmin")
		zone := p.Zone("demo")
		samples := p.Samples("demo", d.Start(zone), (d + 1).Start(zone))
		total := 0.0
		for _, s := range samples {
			total += s.Value
		}
		switch {
		case IsZero(d):
			zeros++
			if !ok || steps != 0 || total != 0 || len(samples) != 4 {
				t.Errorf("%s: %d steps, %v, %d samples with %v steps on a zero day", d, steps, ok, len(samples), total)
			}
		case IsMissing(d):
			missing++
			if ok || steps != 0 || len(samples) != 0 {
				t.Errorf("%s: %d steps, %v, %d samples on a missing day", d, steps, ok, len(samples))
			}
		default:
			if !ok || steps < 1000 || steps > 20_000 {
				t.Errorf("%s: %d steps, %v on an ordinary day", d, steps, ok)
			}
		}
	}
	if zeros != 1 || missing != 1 {
		t.Errorf("twelve days have %d zero and %d missing days, want one each", zeros, missing)
	}
}

func TestBetween(t *testing.T) {
	p := New("s")
	seen := map[int]bool{}
	for d := Date(0); d < 400; d++ {
		v := p.Between("demo", d, "x", 3, 6)
		if v < 3 || v > 6 {
			t.Fatalf("got %d", v)
		}
		seen[v] = true
	}
	if len(seen) != 4 {
		t.Errorf("only %v came up", seen)
	}
}

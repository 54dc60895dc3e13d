package people

import (
	"testing"
	"time"
)

func TestNights(t *testing.T) {
	p := New("healthgraph")
	naps, missing := 0, 0
	var before time.Time
	for d := date(t, "2026-01-01"); d < date(t, "2027-01-01"); d++ {
		nights := p.Nights("demo", d)
		if IsMissing(d) != (len(nights) == 0) {
			t.Fatalf("%s: %d nights", d, len(nights))
		}
		if len(nights) == 0 {
			missing++
			continue
		}
		naps += len(nights) - 1
		asleep := nights[0].Total(Light) + nights[0].Total(Deep) + nights[0].Total(REM)
		if asleep < 4*time.Hour || asleep > 9*time.Hour {
			t.Errorf("%s: asleep for %s", d, asleep)
		}
		for _, n := range nights {
			at := n.Stages[0].Start
			for _, s := range n.Stages {
				if !s.Start.Equal(at) || !s.End.After(s.Start) {
					t.Errorf("%s: a stage from %s to %s", d, s.Start, s.End)
				}
				at = s.End
			}
			if n.Bed.Before(before) || n.Bed.After(n.Stages[0].Start) || n.Up.Before(at) || DateOf(at.In(p.Zone("demo"))) != d {
				t.Errorf("%s: in bed from %s to %s, asleep until %s", d, n.Bed, n.Up, at)
			}
			before = n.Up
		}
	}
	if missing < 29 || naps < 30 || naps > 90 {
		t.Errorf("%d days without a night, %d naps", missing, naps)
	}
}

// As TestTheFiguresNeverChange: documents and tests quote them.
func TestTheNightsNeverChange(t *testing.T) {
	night := New("healthgraph").Nights("demo", date(t, "2026-03-29"))[0]
	const wantBed, wantDeep = "2026-03-28T22:45:00Z", 79 * time.Minute
	if night.Bed.Format(time.RFC3339) != wantBed || night.Total(Deep) != wantDeep {
		t.Errorf("to bed at %s, %s of deep sleep; want %s, %s", night.Bed.Format(time.RFC3339), night.Total(Deep), wantBed, wantDeep)
	}
}

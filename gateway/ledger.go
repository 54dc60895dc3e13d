package gateway

import (
	"cmp"
	"slices"
	"time"

	"healthgraph/health"
)

// maxDevices is how many devices of a read are told apart in explanations; what others recorded stands together on the line of
// those without a name. The day's sum knows them all.
const maxDevices = 50

// deviceShare is what one device had to do with a day. An empty name stands for all that name none.
type deviceShare struct {
	name              string
	recorded, counted float64
}

// ledger keeps account of each device's part in each day. Takes O(devices x days) of memory, and O(log days) for a sample.
type ledger struct {
	starts []time.Time // of the days, and the end of the last
	lines  map[string]int
	names  []string
	entry  [][]entry // by line, by day
}

type entry struct {
	recorded, counted float64
	throughout        float64 // change of the rate at which whole days are recorded from this day on, in steps per second
}

func newLedger(samples []health.Sample, starts []time.Time) *ledger {
	l := &ledger{starts: starts, lines: map[string]int{}}
	if len(samples) > 0 {
		l.line("")
	}
	return l
}

// line is where the device's account stands.
func (l *ledger) line(device string) int {
	line, known := l.lines[device]
	switch {
	case known:
		return line
	case len(l.names) > maxDevices:
		return 0
	}
	line = len(l.names)
	l.lines[device] = line
	l.names = append(l.names, device)
	l.entry = append(l.entry, make([]entry, len(l.starts)))
	return line
}

// record takes down what of the sample falls on which day.
func (l *ledger) record(line int, s health.Sample) {
	entries, days := l.entry[line], len(l.starts)-1
	rate := s.Value / s.End.Sub(s.Start).Seconds()
	from, to := max(dayAt(l.starts, s.Start), 0), min(dayAt(l.starts, s.End), days-1)
	part := func(d int) {
		inside := earliest(s.End, l.starts[d+1]).Sub(latest(s.Start, l.starts[d]))
		entries[d].recorded += rate * max(inside.Seconds(), 0)
	}
	part(from)
	if to > from {
		part(to)
	}
	if to > from+1 {
		entries[from+1].throughout += rate
		entries[to].throughout -= rate
	}
}

func (l *ledger) recordAt(line, day int, steps float64) { l.entry[line][day].recorded += steps }

func (l *ledger) count(line, day int, steps float64) { l.entry[line][day].counted += steps }

// shares lists the devices that recorded something on the day, what counted most first. Days must be asked for in order: each
// takes over the whole-day rates of the one before.
func (l *ledger) shares(day int) []deviceShare {
	var shares []deviceShare
	for line, name := range l.names {
		e := &l.entry[line][day]
		if day > 0 {
			e.throughout += l.entry[line][day-1].throughout
		}
		recorded := e.recorded + e.throughout*l.starts[day+1].Sub(l.starts[day]).Seconds()
		if recorded >= 0.5 { // what rounds to nothing explains nothing, and may be what is left of rounding
			shares = append(shares, deviceShare{name, recorded, e.counted})
		}
	}
	slices.SortFunc(shares, func(a, b deviceShare) int {
		return cmp.Or(cmp.Compare(b.counted, a.counted), cmp.Compare(b.recorded, a.recorded), cmp.Compare(a.name, b.name))
	})
	return shares
}

package main

import (
	"errors"
	"fmt"
	"time"

	"healthgraph/bench/upstreams"
)

// judge looks at what came of the phases, and prints it.
func (s *soak) judge(list []*phase) error {
	o := s.options
	var errs []error
	var faults []string
	sums := map[string]*tally{}
	for _, p := range list {
		if sums[p.fault] == nil {
			sums[p.fault] = &tally{}
			faults = append(faults, p.fault)
		}
		sums[p.fault].add(&p.tally)
	}
	_, _ = fmt.Fprintln(o.out, "\n| OneTwentyOne | asked about | answered whole | without some figures | turned away | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|")
	overLines := 0
	for _, fault := range faults {
		t := sums[fault]
		overLines += t.overLines
		for k := range kinds {
			_, _ = fmt.Fprintf(o.out, "| %s | %s | %d | %d | %d | %.1f | %.1f |\n", fault, k, t.whole[k], t.missing[k], t.shed[k],
				milliseconds(t.quantile(k, 0.5)), milliseconds(t.quantile(k, 0.99)))
		}
		errs = append(errs, t.verdict(fault))
		if lost, all := t.missing[asksHealthy], t.missing[asksHealthy]+t.whole[asksHealthy]; float64(lost) > o.lost*float64(all) {
			errs = append(errs, fmt.Errorf("%s: %d of %d answers about ROOK, which was well, had no figures", fault, lost, all))
		}
		if shed, all := t.shed[asksHealthy]+t.shed[asksFailing]+t.shed[asksBoth], t.all(); float64(shed) > o.shed*float64(all) {
			errs = append(errs, fmt.Errorf("%s: %d of %d operations were turned away", fault, shed, all))
		}
		if fault == upstreams.FaultNone {
			continue
		}
		if t.missing[asksFailing] == 0 {
			errs = append(errs, fmt.Errorf("%s: nobody noticed that OneTwentyOne failed", fault))
		}
		calm, failing := sums[upstreams.FaultNone].quantile(asksHealthy, o.quantile), t.quantile(asksHealthy, o.quantile)
		if most := time.Duration(o.factor*float64(calm)) + o.grace; failing > most {
			errs = append(errs, fmt.Errorf("%s: the p%g of answers about ROOK was %s, and %s while OneTwentyOne was well", fault, o.quantile*100, failing, calm))
		}
	}
	_, _ = fmt.Fprintf(o.out, "\n%d of them were answered over %d WebSockets, each with a subscription held open.\n", overLines, len(s.lines))
	if overLines == 0 {
		errs = append(errs, errors.New("nothing was answered over a WebSocket"))
	}
	return errors.Join(errs...)
}

func (t *tally) add(one *tally) {
	for k := range kinds {
		t.whole[k] += one.whole[k]
		t.missing[k] += one.missing[k]
		t.shed[k] += one.shed[k]
		t.latencies[k] = append(t.latencies[k], one.latencies[k]...)
	}
	t.overLines += one.overLines
	t.wrong = append(t.wrong, one.wrong...)
}

// all is how many operations there were.
func (t *tally) all() int {
	n := len(t.wrong)
	for k := range kinds {
		n += t.whole[k] + t.missing[k] + t.shed[k]
	}
	return n
}

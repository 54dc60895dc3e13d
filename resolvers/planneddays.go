package resolvers

import (
	"slices"

	"healthgraph/health"
)

// readers are those of whom a field reads days at a connector, and the days from the first to the last.
type readers struct {
	of   []dailyOf
	days health.DateRange
}

// readersOf tells the readers of a field at a connector.
func (p plan) readersOf(field, connector string) readers {
	return p.readers[dailyOf{linksOf{connector: connector}, field}]
}

// gather finds the readers.
func (p *plan) gather() {
	for reader, ranges := range p.days {
		all := dailyOf{linksOf{connector: reader.connector}, reader.field}
		together := p.readers[all]
		for _, next := range ranges {
			if together.days == (health.DateRange{}) {
				together.days = next
			}
			if next.From.Compare(together.days.From) < 0 {
				together.days.From = next.From
			}
			if next.To.Compare(together.days.To) > 0 {
				together.days.To = next.To
			}
		}
		together.of = append(together.of, reader)
		p.readers[all] = together
	}
}

// covering is the planned range that holds the days, or the days themselves.
func (p plan) covering(of dailyOf, days health.DateRange) (covering health.DateRange, planned bool) {
	for _, planned := range p.days[of] {
		if planned.Contains(days) {
			return planned, true
		}
	}
	return days, false
}

// merge joins ranges that overlap or touch.
func merge(ranges []health.DateRange) []health.DateRange {
	slices.SortFunc(ranges, func(a, b health.DateRange) int { return a.From.Compare(b.From) })
	merged := ranges[:1]
	for _, next := range ranges[1:] {
		last := &merged[len(merged)-1]
		switch {
		case next.From.Compare(last.To.AddDays(1)) > 0:
			merged = append(merged, next)
		case next.To.Compare(last.To) > 0:
			last.To = next.To
		}
	}
	return merged
}

package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"healthgraph/health"
)

// figure is one upstream's say about one day.
type figure[T any] struct {
	connector string
	name      string // of the connector
	value     *T
	presence  health.Presence
	fetchedAt time.Time // zero where nothing could be read
	sources   []health.DataSource
	outside   []health.DataSource // sources of a merged figure that weren't asked for: it can't be used
	aside     bool                // shown, although it is none of what the choice takes; lacking says what became of that
	lacking   health.Presence
}

func (f figure[T]) isUsable() bool { return f.value != nil && len(f.outside) == 0 && !f.aside }

// presenceOrder is what a day takes when its upstreams differ.
var presenceOrder = []health.Presence{
	health.PresenceValue, health.PresencePartialDay, health.PresenceZero, health.PresenceUnavailable,
	health.PresenceNotSynced, health.PresenceNoData, health.PresenceNoPermission, health.PresenceNotConnected,
}

// choice is the policy by which a day takes one of its figures.
type choice struct {
	policy health.ChoicePolicy
	order  []health.DataSourceID // of ChoosePreferred, the best first
	only   Filter                // of ChooseOnly
}

// choice checks the argument; nil is the highest figure. What filter leaves out can't be chosen.
func (g *Gateway) choice(ctx context.Context, input *health.ChoiceInput, filter Filter) (choice, error) {
	if input == nil {
		return choice{policy: health.ChooseHighest}, nil
	}
	refuse := func(rule string) (choice, error) { return choice{}, health.Refuse("choice", rule) }
	c, n := choice{policy: input.Policy}, len(input.DataSources)
	switch {
	case c.policy == health.ChooseHighest && n > 0:
		return refuse("HIGHEST takes no dataSources: leave them out, or choose PREFERRED or ONLY")
	case c.policy == health.ChoosePreferred && n == 0:
		return refuse("PREFERRED needs dataSources, the best first")
	case c.policy == health.ChooseOnly && n != 1:
		return refuse(fmt.Sprintf("ONLY needs exactly one of dataSources, not %d", n))
	case n == 0:
		return c, nil
	case c.policy != health.ChoosePreferred && c.policy != health.ChooseOnly:
		return refuse("policy is HIGHEST, PREFERRED or ONLY")
	}
	asked, err := g.Filter(ctx, input.DataSources)
	if err != nil {
		e := *health.AsError(err)
		e.Argument = "choice"
		return choice{}, &e
	}
	for _, slug := range input.DataSources {
		id := health.DataSourceID(slug)
		switch {
		case slices.Contains(c.order, id):
			return refuse(fmt.Sprintf("%q stands twice in dataSources", slug))
		case !filter.Allows(id):
			return refuse(fmt.Sprintf("%q is not among the dataSources of the field, which leave it out", slug))
		}
		c.order = append(c.order, id)
	}
	if c.policy == health.ChooseOnly {
		c.only = asked
	}
	return c, nil
}

// rank is how early one of the figure's sources stands in the order; behind all where none does.
func (c choice) rank(sources []health.DataSource) int {
	for i, preferred := range c.order {
		if slices.ContainsFunc(sources, func(s health.DataSource) bool { return s.ID == preferred }) {
			return i
		}
	}
	return len(c.order)
}

// verdict is what a day takes, and why. Reasons are in the order of the figures.
type verdict struct {
	chosen   int // -1 = none
	presence health.Presence
	reasons  []health.CandidateReason
}

// choose takes one figure of the day; of two that are as good, the one whose upstream comes first.
func choose[T any](c choice, row []figure[T], compare func(a, b T) int) verdict {
	better := func(a, b figure[T]) bool { return compare(*a.value, *b.value) > 0 }
	if c.policy == health.ChoosePreferred {
		better = func(a, b figure[T]) bool { return c.rank(a.sources) < c.rank(b.sources) }
	}
	v := verdict{chosen: -1, presence: health.PresenceNotConnected, reasons: make([]health.CandidateReason, len(row))}
	usable := 0
	for i, f := range row {
		if f.isUsable() {
			usable++
			if v.chosen < 0 || better(f, row[v.chosen]) {
				v.chosen = i
			}
		}
		if p := f.wanting(); slices.Index(presenceOrder, p) < slices.Index(presenceOrder, v.presence) {
			v.presence = p
		}
	}
	if v.chosen >= 0 {
		v.presence = row[v.chosen].presence
	}
	for i, f := range row {
		v.reasons[i] = health.ReasonNoFigure
		switch {
		case len(f.outside) > 0:
			v.reasons[i] = health.ReasonMergedSource
		case f.aside:
			v.reasons[i] = health.ReasonNotAskedFor
		case f.value == nil:
		case c.policy == health.ChooseOnly: // what is left is what was asked for
			v.reasons[i] = health.ReasonAskedFor
		case i == v.chosen && usable == 1:
			v.reasons[i] = health.ReasonOnly
		case c.policy == health.ChoosePreferred && i == v.chosen:
			v.reasons[i] = health.ReasonPreferred
		case c.policy == health.ChoosePreferred:
			v.reasons[i] = health.ReasonNotPreferred
		case i == v.chosen:
			v.reasons[i] = health.ReasonHighest
		case compare(*f.value, *row[v.chosen].value) == 0:
			v.reasons[i] = health.ReasonTie
		default:
			v.reasons[i] = health.ReasonNotHighest
		}
	}
	return v
}

// wanting is what the figure lets a day say that has none.
func (f figure[T]) wanting() health.Presence {
	switch {
	case f.aside:
		return f.lacking
	case len(f.outside) > 0:
		return health.PresenceUnavailable // there is a figure, and it can't be had for what was asked
	default:
		return f.presence
	}
}

// setAside puts what an upstream has beside what was asked of it: where only something else has a figure for the day, that is
// shown, and not taken.
func setAside[T any](asked, all []figure[T]) []figure[T] {
	for i, f := range asked {
		if f.value == nil && all[i].value != nil {
			lacking := f.presence
			asked[i] = all[i]
			asked[i].outside, asked[i].aside, asked[i].lacking = nil, true, lacking
		}
	}
	return asked
}

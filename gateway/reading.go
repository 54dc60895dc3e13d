package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// reading is what every read of one connector's figures has: what the links said, and what became of it.
type reading struct {
	plug   *connectors.Plug
	live   []health.DataSourceID // linked, or not known not to be
	asked  bool                  // false: the upstream was not asked, because of the links or because of down
	down   *health.Problem
	again  *health.URL                       // where to link again
	latest map[health.DataSourceID]time.Time // end of the newest measurement known of, now or earlier
	ended  []health.DataSourceID             // revoked: what still arrives from them is not shown
	oldest time.Time                         // when the upstream was asked for the oldest part; zero: just now
}

// readingOf is what the links that pass a filter say before anything is read. Where it says that reading makes no sense (nothing is
// linked, or the upstream is known to be down), it stands for the read.
func (g *Gateway) readingOf(connector string, links []health.DataSourceLink, filter Filter) (r reading, worthReading bool) {
	r = reading{plug: g.Registry.Plug(connector), live: make([]health.DataSourceID, 0, len(links)), latest: map[health.DataSourceID]time.Time{}}
	for _, link := range links {
		if !filter.Allows(link.DataSource.ID) {
			continue
		}
		switch link.Status {
		case health.StatusConnected:
			r.live = append(r.live, link.DataSource.ID)
		case health.StatusUnknown, health.StatusReauthorizationRequired:
			r.live, r.down = append(r.live, link.DataSource.ID), link.Problem
		case health.StatusRevoking, health.StatusRevoked:
			r.ended = append(r.ended, link.DataSource.ID)
		case health.StatusNotConnected, health.StatusPending: // nothing to read, and what it brought once says nothing of the others
			continue
		}
		if link.LatestDataAt != nil {
			r.latest[link.DataSource.ID] = *link.LatestDataAt
		}
	}
	// Down or out of budget: asking for every day would only take longer to say so. A refused grant costs no call, and is
	// tried again now and then.
	return r, len(r.live) > 0 && (r.down == nil || r.down.Code == health.UpstreamInvalid || r.down.Code == health.ReauthorizationRequired)
}

// begun leaves out the days that have not begun anywhere on Earth: nothing is known of them.
func (g *Gateway) begun(days health.DateRange) health.DateRange {
	if newest := health.DateOf(g.Now().Add(14*time.Hour), health.UTC); newest.Compare(days.To) < 0 {
		days.To = newest
	}
	return days
}

// failed notes how a read with the person's own grant failed; nil is none.
func (g *Gateway) failed(ctx context.Context, p *Person, r *reading, err error) {
	if err == nil {
		return
	}
	g.logFailure(r.plug.Description.ID, err)
	if connectors.IsScopeMissing(err) && r.plug.Profile != nil {
		g.Tokens.DoubtProfile(ctx, p.grants[r.plug.Description.ID]) // the next reader asks which scopes are left
	}
	if health.AsError(err).Has(health.ReauthorizationRequired) && len(r.plug.Description.DataSources) == 1 {
		if page, err := g.mint(ctx, p.ID, r.plug.Description.DataSources[0], r.plug, ""); err == nil {
			r.again = page.URL
		}
	}
}

// eachDay goes through an upstream's own days: look gives each one's sources where it has a figure, or its failure. An answer that
// all days lack a figure is not believed where the links made no sense either.
func (g *Gateway) eachDay(r *reading, dates []health.Date, look func(i int) (sources []health.DataSource, has bool, err error)) {
	answered := false
	var failure error
	for i, date := range dates {
		sources, has, err := look(i)
		switch {
		case err != nil:
			failure = err
		case has:
			answered = true
			r.sawData(sources, earliest(date.AddDays(1).Start(health.UTC), g.Now()))
		}
	}
	if failure != nil {
		g.logFailure(r.plug.Description.ID, failure)
	}
	if r.down != nil && !answered {
		r.asked = false
	}
}

// sawData moves the sources' newest data forward.
func (r *reading) sawData(sources []health.DataSource, end time.Time) {
	for _, source := range sources {
		r.latest[source.ID] = latest(r.latest[source.ID], end)
	}
}

// linked says whether any source that passes the filter is.
func (r reading) linked(filter Filter) bool {
	return slices.ContainsFunc(r.live, filter.Allows)
}

// newest is the end of the newest measurement of the sources that pass the filter.
func (r reading) newest(filter Filter) time.Time {
	var newest time.Time
	for source, end := range r.latest {
		if filter.Allows(source) && !slices.Contains(r.ended, source) {
			newest = latest(newest, end)
		}
	}
	return newest
}

// problem is a failure as the person can act on it.
func (r reading) problem(failure error) *health.Problem {
	problem := health.ProblemOf(failure)
	problem.AuthorizationURL = r.again
	if sources := r.plug.Description.DataSources; len(sources) == 1 {
		problem.DataSource = &sources[0]
	}
	return problem
}

// problemOf says what could not be had for one request: the read may have served more. failure is of what it asked for, refused
// how much made no sense.
func (r reading) problemOf(request DayRequest, failure error, refused int) (problem *health.Problem, complete bool) {
	switch {
	case !r.linked(request.filter):
		return nil, true
	case !r.asked:
		return r.down, false
	case failure != nil:
		return r.problem(failure), false
	case refused > 0:
		return r.problem(r.refusedSamples(refused)), true
	}
	return nil, true
}

func (r reading) refusedSamples(n int) error {
	what := fmt.Sprintf("%d measurements that make no sense: they were left out", n)
	if n == 1 {
		what = "1 measurement that makes no sense: it was left out"
	}
	return health.Fail(health.UpstreamInvalid, r.plug.Description.Name+" sent "+what, nil)
}

// failedDays is the failure of the days' last one that failed, with how many did.
func failedDays(days health.DateRange, of func(health.Date) error) error {
	var last error
	failed := 0
	for _, date := range days.Each() {
		if err := of(date); err != nil {
			last = err
			failed++
		}
	}
	if last == nil {
		return nil
	}
	e := *health.AsError(last)
	e.Message += fmt.Sprintf(" (%d of %d days could not be read)", failed, days.Days())
	return &e
}

// presenceOf says why a failed read left a day without a figure.
func presenceOf(err error) health.Presence {
	if connectors.IsScopeMissing(err) {
		return health.PresenceNoPermission
	}
	return health.PresenceUnavailable
}

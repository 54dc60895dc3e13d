package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// profileFreshFor spares the upstream's daily budget: a person's zone and scopes are read again when this old.
const profileFreshFor = time.Hour

// Zone is a time zone and where it came from.
type Zone struct {
	TimeZone health.TimeZone
	Origin   health.TimeZoneOrigin
}

// HomeZone is the person's own zone, as the first upstream that knows one tells it; at most one call. A zone that can't
// be read again is as it was.
func (g *Gateway) HomeZone(ctx context.Context, p *Person) Zone {
	for _, plug := range g.Registry.Plugs() {
		grant, held := p.grants[plug.Description.ID]
		if !held || plug.Profile == nil {
			continue
		}
		if g.Now().Sub(grant.ProfileReadAt) >= profileFreshFor && !grant.Refused() {
			grant = g.readProfile(ctx, p, plug, grant)
		}
		if zone, err := health.ParseTimeZone(grant.TimeZone); err == nil {
			return Zone{zone, health.ZoneFromProfile}
		}
	}
	return Zone{health.UTC, health.ZoneDefault}
}

func (g *Gateway) readProfile(ctx context.Context, p *Person, plug *connectors.Plug, grant tokens.Record) tokens.Record {
	account := g.account(p, plug)
	profile, err := plug.Profile.ReadProfile(ctx, account)
	if err != nil && !isScopeMissing(err) { // a scope that was not granted is an answer as well: no zone, not to be asked for each time
		g.logFailure(plug.Description.ID, err)
		return grant
	}
	saved, err := g.Tokens.SaveProfile(ctx, grant, profile)
	if err != nil {
		g.Log.ErrorContext(ctx, "a profile could not be stored", "connector", plug.Description.ID, "error", err)
	}
	return saved
}

// StepRead is what one connector had to say about a person's steps: what was read once, for every field that needs it.
type StepRead struct {
	plug    *connectors.Plug
	linked  bool // false: no data source is linked, nothing was asked
	days    map[health.Date]connectors.DayResult
	samples connectors.SampleResult
	problem *health.Problem
	latest  time.Time                    // end of the newest measurement known of, from this read or an earlier one
	ended   map[health.DataSourceID]bool // revoked: what still arrives from them is not shown
}

// StepLinks is what the links that pass a filter say before any step is read. Where it says that reading makes no sense
// (nothing is linked, or the upstream is known to be down), it stands for the read.
func (g *Gateway) StepLinks(connector string, links []health.DataSourceLink, filter Filter) (read StepRead, worthReading bool) {
	read.plug, read.ended = g.Registry.Plug(connector), map[health.DataSourceID]bool{}
	for _, link := range links {
		if !filter.Allows(link.DataSource.ID) {
			continue
		}
		switch link.Status {
		case health.StatusConnected:
			read.linked = true
		case health.StatusUnknown, health.StatusReauthorizationRequired:
			read.linked, read.problem = true, link.Problem
		case health.StatusRevoking, health.StatusRevoked:
			read.ended[link.DataSource.ID] = true
		case health.StatusNotConnected, health.StatusPending: // nothing to read
		}
		if link.LatestDataAt != nil && link.LatestDataAt.After(read.latest) {
			read.latest = *link.LatestDataAt
		}
	}
	// Down or out of budget: asking for every day would only take longer to say so. A refused grant costs no call, and is
	// tried again now and then.
	return read, read.linked && (read.problem == nil || read.problem.Code == health.UpstreamInvalid || read.problem.Code == health.ReauthorizationRequired)
}

// Steps reads one connector's steps of the days. links are all of the person's links to it.
func (g *Gateway) Steps(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, days health.DateRange) StepRead {
	read, _ := g.StepLinks(connector, links, Filter{})
	read.problem = nil
	account := g.account(p, read.plug)
	if read.plug.DailySteps != nil {
		g.readDays(ctx, &read, account, days)
	} else {
		g.readSamples(ctx, &read, account, days)
	}
	if read.problem != nil && read.problem.Code == health.ReauthorizationRequired && read.problem.DataSource != nil {
		if again, err := g.mint(ctx, p.ID, *read.problem.DataSource, read.plug, ""); err == nil {
			read.problem.AuthorizationURL = again.URL
		}
	}
	g.noteData(ctx, p, read, links)
	return read
}

// readDays asks for each day that has begun anywhere on Earth.
func (g *Gateway) readDays(ctx context.Context, read *StepRead, account connectors.Account, days health.DateRange) {
	if newest := health.DateOf(g.Now().Add(14*time.Hour), health.UTC); newest.Compare(days.To) < 0 {
		days.To = newest
	}
	dates := days.Each()
	read.days = make(map[health.Date]connectors.DayResult, len(dates))
	var failure error
	failed := 0
	for i, result := range read.plug.DailySteps.ReadDailySteps(ctx, account, dates) {
		result.Total.DataSources = g.named(ctx, read.plug, result.Total.DataSources)
		read.days[dates[i]] = result
		if result.Err != nil {
			failed++
			failure = result.Err
			continue
		}
		if end := dates[i].AddDays(1).Start(health.UTC); result.Total.Steps != nil && end.After(read.latest) {
			read.latest = end
		}
	}
	if now := g.Now(); read.latest.After(now) {
		read.latest = now
	}
	if failure != nil {
		g.fail(read, failure)
		read.problem.Message += fmt.Sprintf(" (%d of %d days could not be read)", failed, len(dates))
	}
}

// named completes the sources that an upstream names for a figure.
func (g *Gateway) named(ctx context.Context, plug *connectors.Plug, sources []health.DataSource) []health.DataSource {
	complete := make([]health.DataSource, len(sources))
	var unknown []health.DataSource
	for i, source := range sources {
		var known bool
		if complete[i], known = g.own(plug, source); !known {
			unknown = append(unknown, complete[i])
		}
	}
	g.discover(ctx, unknown)
	return complete
}

func (g *Gateway) readSamples(ctx context.Context, read *StepRead, account connectors.Account, days health.DateRange) {
	read.samples = read.plug.StepSamples.ReadStepSamples(ctx, account, days)
	for _, sample := range read.samples.Samples {
		if sample.End.After(read.latest) {
			read.latest = sample.End
		}
	}
	switch {
	case read.samples.Err != nil:
		g.fail(read, read.samples.Err)
	case read.samples.Refused > 0:
		g.fail(read, health.Fail(health.UpstreamInvalid, fmt.Sprintf("%s sent %d measurements that make no sense: they were left out", read.plug.Description.Name, read.samples.Refused), nil))
	}
}

func (g *Gateway) fail(read *StepRead, failure error) {
	g.logFailure(read.plug.Description.ID, failure)
	read.problem = health.ProblemOf(failure)
	if sources := read.plug.Description.DataSources; len(sources) == 1 {
		source := read.plug.Complete(sources[0])
		read.problem.DataSource = &source
	}
}

// noteData remembers how new the newest data is, for the links that it may have come from.
func (g *Gateway) noteData(ctx context.Context, p *Person, read StepRead, links []health.DataSourceLink) {
	named := map[health.DataSourceID]bool{}
	for _, day := range read.days {
		for _, source := range day.Total.DataSources {
			named[source.ID] = true
		}
	}
	var sources []health.DataSourceID
	for _, link := range links {
		mayBeFrom := read.plug.DailySteps == nil || named[link.DataSource.ID]
		isNews := link.LatestDataAt == nil || read.latest.Sub(*link.LatestDataAt) >= time.Minute
		if mayBeFrom && isNews && link.Status == health.StatusConnected && !read.latest.IsZero() {
			sources = append(sources, link.DataSource.ID)
		}
	}
	if len(sources) == 0 {
		return
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.NoteData(ctx, p.ID, sources, read.latest.Truncate(time.Second)); err != nil {
		g.Log.ErrorContext(ctx, "the time of the newest data could not be stored", "connector", read.plug.Description.ID, "error", err)
	}
}

// presenceOf says why a failed read left a day without a figure.
func presenceOf(err error) health.Presence {
	if isScopeMissing(err) {
		return health.PresenceNoPermission
	}
	return health.PresenceUnavailable
}

// isScopeMissing says whether the upstream takes the person's grant but was not allowed this data by them.
func isScopeMissing(err error) bool {
	var status connectors.StatusError
	return errors.As(err, &status) && int(status) == http.StatusForbidden && health.AsError(err).Code == health.ReauthorizationRequired
}

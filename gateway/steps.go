package gateway

import (
	"context"
	"fmt"
	"slices"
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
			var err error
			if grant, err = g.readProfile(ctx, p, plug, grant); err != nil {
				g.logFailure(plug.Description.ID, err)
			}
		}
		if zone, err := health.ParseTimeZone(grant.TimeZone); err == nil {
			return Zone{zone, health.ZoneFromProfile}
		}
	}
	return Zone{health.UTC, health.ZoneDefault}
}

// readProfile reads what the upstream knows of the person, and gives the grant with it; the grant as it was with an error.
func (g *Gateway) readProfile(ctx context.Context, p *Person, plug *connectors.Plug, grant tokens.Record) (tokens.Record, error) {
	account := g.account(p, plug)
	profile, err := plug.Profile.ReadProfile(ctx, account)
	switch {
	case connectors.IsScopeMissing(err): // an answer as well, not to be asked for each time: what is known stays
		profile = connectors.Profile{Scopes: grant.Scopes}
		if zone, err := health.ParseTimeZone(grant.TimeZone); err == nil {
			profile.TimeZone = &zone
		}
	case err != nil:
		return grant, err
	case profile.AccountID != "" && profile.AccountID != grant.AccountID:
		return g.otherAccount(ctx, plug, grant)
	}
	saved, err := g.Tokens.SaveProfile(ctx, grant, profile)
	if err != nil {
		g.Log.ErrorContext(ctx, "a profile could not be stored", "connector", plug.Description.ID, "error", err)
	}
	if withdrawn(grant.Scopes, saved.Scopes) {
		g.forgetDays(ctx, plug.Description.ID, p.ID)
	}
	return saved, nil
}

// withdrawn says whether any scope was taken back.
func withdrawn(before, after []string) bool {
	return slices.ContainsFunc(before, func(scope string) bool { return after != nil && !slices.Contains(after, scope) })
}

// otherAccount is for a grant whose account the upstream names otherwise than the browser did. A grant that was confirmed
// before stands: then it is the upstream that is wrong.
func (g *Gateway) otherAccount(ctx context.Context, plug *connectors.Plug, grant tokens.Record) (tokens.Record, error) {
	if !grant.VerifiedAt.IsZero() {
		return grant, health.Fail(health.UpstreamInvalid, plug.Description.Name+" names another account than the person linked", nil)
	}
	if err := g.Tokens.Disown(ctx, grant); err != nil {
		return grant, err
	}
	g.forgetDays(ctx, plug.Description.ID, grant.User)
	return tokens.Record{}, nil // p is shared with others who are reading: they find it out for themselves
}

// StepRead is what one connector had to say about a person's steps: what was read once, for every field that needs it.
type StepRead struct {
	plug    *connectors.Plug
	live    map[health.DataSourceID]bool // linked, or not known not to be
	asked   bool                         // false: the upstream was not asked for steps, because of the links or because of down
	down    *health.Problem
	days    map[health.Date]dayRead               // of an upstream that totals days itself, by day asked for
	tallies map[string]map[health.Date]talliedDay // of samples, by zone: the days whose samples are all there
	failure error                                 // why there are not all samples
	refused int                                   // samples that made no sense
	again   *health.URL                           // where to link again
	latest  map[health.DataSourceID]time.Time     // end of the newest measurement known of, now or earlier
	ended   map[health.DataSourceID]bool          // revoked: what still arrives from them is not shown
}

// StepLinks is what the links that pass a filter say before any step is read. Where it says that reading makes no sense
// (nothing is linked, or the upstream is known to be down), it stands for the read.
func (g *Gateway) StepLinks(connector string, links []health.DataSourceLink, filter Filter) (read StepRead, worthReading bool) {
	read = StepRead{plug: g.Registry.Plug(connector), live: map[health.DataSourceID]bool{}, latest: map[health.DataSourceID]time.Time{}, ended: map[health.DataSourceID]bool{}}
	for _, link := range links {
		if !filter.Allows(link.DataSource.ID) {
			continue
		}
		switch link.Status {
		case health.StatusConnected:
			read.live[link.DataSource.ID] = true
		case health.StatusUnknown, health.StatusReauthorizationRequired:
			read.live[link.DataSource.ID], read.down = true, link.Problem
		case health.StatusRevoking, health.StatusRevoked:
			read.ended[link.DataSource.ID] = true
		case health.StatusNotConnected, health.StatusPending: // nothing to read
		}
		if link.LatestDataAt != nil {
			read.latest[link.DataSource.ID] = *link.LatestDataAt
		}
	}
	// Down or out of budget: asking for every day would only take longer to say so. A refused grant costs no call, and is
	// tried again now and then.
	return read, len(read.live) > 0 && (read.down == nil || read.down.Code == health.UpstreamInvalid || read.down.Code == health.ReauthorizationRequired)
}

// StepsToRead says what to read of a person's steps at one connector.
type StepsToRead struct {
	Days  health.DateRange
	Zones []health.TimeZone // in which samples are tallied
	Kept  *[]KeptDay        // what KeptSteps found; nil to look now
}

// Steps reads one connector's steps of the days, tallied in UTC. links are all of the person's links to it.
func (g *Gateway) Steps(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, days health.DateRange) StepRead {
	return g.ReadSteps(ctx, p, connector, links, StepsToRead{Days: days, Zones: []health.TimeZone{health.UTC}})
}

// ReadSteps reads one connector's steps. links are all of the person's links to it.
func (g *Gateway) ReadSteps(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, ask StepsToRead) StepRead {
	read, _ := g.StepLinks(connector, links, Filter{})
	read.asked = true
	days := ask.Days
	// A day that has not begun anywhere on Earth has no steps.
	if newest := health.DateOf(g.Now().Add(14*time.Hour), health.UTC); newest.Compare(days.To) < 0 {
		days.To = newest
	}
	if days.Days() < 1 {
		return read
	}
	k := g.keeperFor(ctx, p, &read, links, KeptDays{[]health.UserID{p.ID}, connector, health.StepCountMetric, keptZones(read.plug, ask.Zones), days}, ask.Kept)
	if read.plug.DailySteps != nil {
		g.readDays(ctx, &read, g.account(p, read.plug), days, k)
	} else {
		g.readSamples(ctx, p, &read, days, ask.Zones, k)
	}
	if health.AsError(read.failure).Has(health.ReauthorizationRequired) && len(read.plug.Description.DataSources) == 1 {
		if page, err := g.mint(ctx, p.ID, read.plug.Complete(read.plug.Description.DataSources[0]), read.plug, ""); err == nil {
			read.again = page.URL
		}
	}
	g.noteData(ctx, p, read, links, days)
	return read
}

// sawData moves the sources' newest data forward.
func (r *StepRead) sawData(sources []health.DataSource, end time.Time) {
	for _, source := range sources {
		r.latest[source.ID] = latest(r.latest[source.ID], end)
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

// dataCheckedPrecision spares a write for every read: DataCheckedAt is stored again when it is this much out of date.
const dataCheckedPrecision = time.Hour

// noteData remembers how new each linked source's newest data is, in one statement, if that is news.
func (g *Gateway) noteData(ctx context.Context, p *Person, read StepRead, links []health.DataSourceLink, days health.DateRange) {
	now := g.Now()
	var notes []DataNote
	for _, link := range links {
		if link.Status != health.StatusConnected {
			continue
		}
		newest := read.latest[link.DataSource.ID].Truncate(time.Second)
		isNews := !newest.IsZero() && (link.LatestDataAt == nil || newest.Sub(*link.LatestDataAt) >= time.Minute)
		wasChecked := g.wasSought(read, link, days, now) && (link.DataCheckedAt == nil || now.Sub(*link.DataCheckedAt) >= dataCheckedPrecision)
		if isNews || wasChecked {
			notes = append(notes, DataNote{link.DataSource.ID, newest})
		}
	}
	if len(notes) == 0 {
		return
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.NoteData(ctx, p.ID, notes, now); err != nil {
		g.Log.ErrorContext(ctx, "the time of the newest data could not be stored", "connector", read.plug.Description.ID, "error", err)
	}
}

// wasSought says whether the read would have shown whatever has come from a link's source since its newest data: it reaches from
// there, or as far back as silence is told, to now without a failure.
func (g *Gateway) wasSought(read StepRead, link health.DataSourceLink, days health.DateRange, now time.Time) bool {
	far := g.StaleAfter
	if far == 0 {
		far = 72 * time.Hour
	}
	begins := days.From.Start(health.UTC)
	if !read.asked || days.To.Compare(health.DateOf(now, health.UTC)) < 0 || (begins.After(newestOf(link)) && now.Sub(begins) < far) {
		return false
	}
	if read.plug.DailySteps == nil {
		return read.failure == nil
	}
	for _, day := range read.days {
		if day.Err != nil {
			return false
		}
	}
	return true
}

// linked says whether any source that passes the filter is.
func (r StepRead) linked(filter Filter) bool {
	for source := range r.live {
		if filter.Allows(source) {
			return true
		}
	}
	return false
}

// problemOf says what could not be had of the days of one request: the read may have served more.
func (r StepRead) problemOf(request StepRequest, zone health.TimeZone) (problem *health.Problem, complete bool) {
	var failure error
	switch {
	case !r.linked(request.filter):
		return nil, true
	case !r.asked:
		return r.down, false
	case r.plug.DailySteps != nil:
		failure = r.failedDays(request.Days)
	case r.failure != nil && r.lacksDays(request.Days, zone):
		failure = r.failure
	case r.refused > 0:
		failure = health.Fail(health.UpstreamInvalid, fmt.Sprintf("%s sent %d measurements that make no sense: they were left out", r.plug.Description.Name, r.refused), nil)
		complete = true
	}
	if failure == nil {
		return nil, true
	}
	problem = health.ProblemOf(failure)
	problem.AuthorizationURL = r.again
	if sources := r.plug.Description.DataSources; len(sources) == 1 {
		source := r.plug.Complete(sources[0])
		problem.DataSource = &source
	}
	return problem, complete
}

// lacksDays says whether the samples of any of the days were not read, or not again.
func (r StepRead) lacksDays(days health.DateRange, zone health.TimeZone) bool {
	tallies := r.tallies[zone.String()]
	return slices.ContainsFunc(days.Each(), func(date health.Date) bool {
		day, known := tallies[date]
		return !known || day.stale
	})
}

// failedDays is the failure of the days' last one that failed, with how many did.
func (r StepRead) failedDays(days health.DateRange) error {
	var last error
	failed := 0
	for _, date := range days.Each() {
		if err := r.days[date].Err; err != nil {
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

// newest is the end of the newest measurement of the sources that pass the filter.
func (r StepRead) newest(filter Filter) time.Time {
	var newest time.Time
	for source, end := range r.latest {
		if filter.Allows(source) && !r.ended[source] {
			newest = latest(newest, end)
		}
	}
	return newest
}

// presenceOf says why a failed read left a day without a figure.
func presenceOf(err error) health.Presence {
	if connectors.IsScopeMissing(err) {
		return health.PresenceNoPermission
	}
	return health.PresenceUnavailable
}

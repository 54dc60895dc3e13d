package gateway

import (
	"context"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// profileFreshFor spares the upstream's daily budget: a person's zone and scopes are read again when this old.
const profileFreshFor = time.Hour

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
	reading
	days    map[health.Date]dayRead               // of an upstream that totals days itself, by day asked for
	tallies map[string]map[health.Date]talliedDay // of samples, by zone: the days whose samples are all there
	failure error                                 // why there are not all samples
	refused int                                   // samples that made no sense
}

// StepLinks is what the links that pass a filter say before any step is read: see readingOf.
func (g *Gateway) StepLinks(connector string, links []health.DataSourceLink, filter Filter) (read StepRead, worthReading bool) {
	read.reading, worthReading = g.readingOf(connector, links, filter)
	return read, worthReading
}

// StepsToRead says what to read of a person's steps at one connector.
type StepsToRead struct {
	Days  health.DateRange
	Zones []health.TimeZone // in which samples are tallied
	Kept  *[]KeptDay        // what KeptSteps found; nil to look now
	// MaxAge is how old a kept day may be; 0: none is good enough. PeopleWithin says it of what is remembered in front of the upstream.
	MaxAge time.Duration
}

// Steps reads one connector's steps of the days, tallied in UTC. links are all of the person's links to it.
func (g *Gateway) Steps(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, days health.DateRange) StepRead {
	return g.ReadSteps(ctx, p, connector, links, StepsToRead{Days: days, Zones: []health.TimeZone{health.UTC}, MaxAge: AnyAge})
}

// ReadSteps reads one connector's steps. links are all of the person's links to it.
func (g *Gateway) ReadSteps(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, ask StepsToRead) StepRead {
	read, _ := g.StepLinks(connector, links, Filter{})
	read.asked = true
	days := g.begun(ask.Days)
	if days.Days() < 1 {
		return read
	}
	k := g.keeperFor(ctx, p, &read, links, KeptDays{[]health.UserID{p.ID}, connector, health.StepCountMetric, keptZones(read.plug, ask.Zones), days}, ask.Kept)
	k.maxAge = ask.MaxAge
	account := g.stepAccount(p, read.plug)
	if read.plug.DailySteps != nil {
		g.readDays(ctx, &read, account, days, k)
	} else {
		g.readSamples(ctx, p, &read, account, days, ask.Zones, k)
	}
	k.end(ctx)
	g.noteData(ctx, p, read.reading, links, func(link health.DataSourceLink, now time.Time) bool { return g.wasSought(read, link, days, now) })
	return read
}

// stepAccount is the person's account for reading days that may be kept. What is remembered in front of the upstream does not put off
// that a day is read again when it is due.
func (g *Gateway) stepAccount(p *Person, plug *connectors.Plug) connectors.Account {
	account := g.account(p, plug)
	if g.Days != nil {
		account.Reuse.MaxAge = min(account.Reuse.MaxAge, soonestRereading)
	}
	return account
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

// noteData remembers how new each linked source's newest data is, if that is news, with what else the operation finds. sought says whether the read
// would have shown whatever is newer of a link's source.
func (g *Gateway) noteData(ctx context.Context, p *Person, read reading, links []health.DataSourceLink, sought func(link health.DataSourceLink, now time.Time) bool) {
	now := g.readAt(connectors.Age{ReadAt: read.oldest})
	var notes []DataNote
	for _, link := range links {
		if link.Status != health.StatusConnected {
			continue
		}
		newest := read.latest[link.DataSource.ID].Truncate(time.Second)
		isNews := !newest.IsZero() && (link.LatestDataAt == nil || newest.Sub(*link.LatestDataAt) >= time.Minute)
		note := DataNote{User: p.ID, DataSource: link.DataSource.ID, Latest: newest}
		if sought(link, now) {
			note.CheckedAt = now
		}
		wasChecked := !note.CheckedAt.IsZero() && (link.DataCheckedAt == nil || now.Sub(*link.DataCheckedAt) >= dataCheckedPrecision)
		if isNews || wasChecked {
			notes = append(notes, note)
		}
	}
	g.writeNotes(ctx, gatheredIn(ctx).note(notes))
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

// problemOf says what could not be had of the days of one request: the read may have served more.
func (r StepRead) problemOf(request DayRequest, zone health.TimeZone) (problem *health.Problem, complete bool) {
	failure := failedDays(request.Days, func(date health.Date) error { return r.days[date].Err })
	if r.failure != nil && r.lacksDays(request.Days, zone) {
		failure = r.failure
	}
	return r.reading.problemOf(request, failure, r.refused)
}

// lacksDays says whether the samples of any of the days were not read, or not again.
func (r StepRead) lacksDays(days health.DateRange, zone health.TimeZone) bool {
	tallies := r.tallies[zone.String()]
	return slices.ContainsFunc(days.Each(), func(date health.Date) bool {
		day, known := tallies[date]
		return !known || day.stale
	})
}

package gateway

import (
	"context"
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
	return saved, nil
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
	return tokens.Record{}, nil // p is shared with others who are reading: they find it out for themselves
}

// StepRead is what one connector had to say about a person's steps: what was read once, for every field that needs it.
type StepRead struct {
	reading
	days    map[health.Date]connectors.DayResult // by day asked for
	samples connectors.AllSamples
}

// StepLinks is what the links that pass a filter say before any step is read: see readingOf.
func (g *Gateway) StepLinks(connector string, links []health.DataSourceLink, filter Filter) (read StepRead, worthReading bool) {
	read.reading, worthReading = g.readingOf(connector, links, filter)
	return read, worthReading
}

// Steps reads one connector's steps of the days. links are all of the person's links to it.
func (g *Gateway) Steps(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, days health.DateRange) StepRead {
	read, _ := g.StepLinks(connector, links, Filter{})
	read.asked = true
	if days = g.begun(days); days.Days() < 1 {
		return read
	}
	if read.plug.DailySteps != nil {
		g.readDays(ctx, &read, g.account(p, read.plug), days)
	} else {
		g.readSamples(ctx, p, &read, days)
	}
	g.noteData(ctx, p, read.reading, links, func(link health.DataSourceLink, now time.Time) bool { return g.wasSought(read, link, days, now) })
	return read
}

func (g *Gateway) readDays(ctx context.Context, read *StepRead, account connectors.Account, days health.DateRange) {
	dates := days.Each()
	read.days = make(map[health.Date]connectors.DayResult, len(dates))
	results := read.plug.DailySteps.ReadDailySteps(ctx, account, dates)
	g.eachDay(&read.reading, dates, func(i int) ([]health.DataSource, bool, error) {
		result := results[i]
		result.Total.DataSources = g.named(ctx, read.plug, result.Total.DataSources)
		read.days[dates[i]] = result
		return result.Total.DataSources, result.Total.Steps != nil, result.Err
	})
}

func (g *Gateway) readSamples(ctx context.Context, p *Person, read *StepRead, days health.DateRange) {
	read.samples = connectors.ReadAllSamples(ctx, read.plug.Samples, g.account(p, read.plug), connectors.SamplesOn(health.StepCountMetric, days))
	g.failed(ctx, p, &read.reading, read.samples.Err)
	var newest time.Time
	for _, sample := range read.samples.Samples {
		newest = latest(newest, sample.End)
	}
	read.sawData(read.plug.Description.DataSources, newest)
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

// noteData remembers how new each linked source's newest data is, in one statement, if that is news. sought says whether the read
// would have shown whatever is newer of a link's source.
func (g *Gateway) noteData(ctx context.Context, p *Person, read reading, links []health.DataSourceLink, sought func(link health.DataSourceLink, now time.Time) bool) {
	now := g.Now()
	var notes []DataNote
	for _, link := range links {
		if link.Status != health.StatusConnected {
			continue
		}
		newest := read.latest[link.DataSource.ID].Truncate(time.Second)
		isNews := !newest.IsZero() && (link.LatestDataAt == nil || newest.Sub(*link.LatestDataAt) >= time.Minute)
		wasChecked := sought(link, now) && (link.DataCheckedAt == nil || now.Sub(*link.DataCheckedAt) >= dataCheckedPrecision)
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
		return read.samples.Err == nil
	}
	for _, day := range read.days {
		if day.Err != nil {
			return false
		}
	}
	return true
}

// problemOf says what could not be had of the days of one request: the read may have served more.
func (r StepRead) problemOf(request StepRequest, zone health.TimeZone) (problem *health.Problem, complete bool) {
	failure := failedDays(request.Days, func(date health.Date) error { return r.days[date].Err })
	if r.samples.Err != nil && r.samples.ReadUntil.Before(request.Days.To.AddDays(1).Start(zone)) {
		failure = r.samples.Err
	}
	return r.reading.problemOf(request, failure, r.samples.Refused)
}

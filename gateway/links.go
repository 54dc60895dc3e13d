package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// Links gives each person's links to the connector's data sources, in order: the catalogue's, then by slug. An upstream
// that fails leaves its last known set, else the catalogue, with status UNKNOWN. What changed is written in one statement.
func (g *Gateway) Links(ctx context.Context, connector string, people []*Person) [][]health.DataSourceLink {
	plug := g.Registry.Plug(connector)
	now := g.Now()
	links := make([][]health.DataSourceLink, len(people))
	var changed []LinkRecord
	var events []health.AccessEvent
	var news []Change
	var lost []health.UserID
	if plug.Links == nil {
		for i, p := range people {
			before := len(changed)
			links[i], changed = g.grantLinks(ctx, p, plug, now, changed)
			news, lost = append(news, p.news(changed[before:])...), p.appendLost(lost, changed[before:])
		}
	} else {
		accounts := make([]connectors.Account, len(people))
		for i, p := range people {
			accounts[i] = g.account(p, plug)
		}
		for i, result := range plug.Links.ReadLinks(ctx, accounts) {
			if result.Unknown && people[i].isConnected(connector) {
				// It knew the person before. Such an answer is also what a wrong address gives: no link is changed by it.
				result.Err = health.Fail(health.UpstreamInvalid, plug.Description.Name+" says that it does not know a person whom it knew: the operator has to look at it", nil)
			}
			if result.Err != nil {
				links[i] = g.lastKnown(ctx, people[i], plug, result.Err)
				continue
			}
			before := len(changed)
			links[i], changed = g.shown(ctx, people[i], plug, result, changed)
			events = append(events, g.changesSeen(people[i], changed[before:])...)
			news, lost = append(news, people[i].news(changed[before:])...), people[i].appendLost(lost, changed[before:])
		}
	}
	g.write(ctx, linkWrite{connector: connector, records: changed, events: events, news: news, lost: lost})
	return links
}

// shown are the links as the upstream showed them: just now, or a moment ago.
func (g *Gateway) shown(ctx context.Context, p *Person, plug *connectors.Plug, result connectors.LinksResult, changed []LinkRecord) ([]health.DataSourceLink, []LinkRecord) {
	links := make([]health.DataSourceLink, 0, len(result.Links))
	var unknown []health.DataSource
	readAt := g.readAt(result.Age)
	for _, state := range result.Links {
		source, known := g.own(plug, state.DataSource)
		if !known {
			unknown = append(unknown, source)
		}
		if source.LogoURL != nil {
			g.logos.Store(source.ID, source.LogoURL)
		}
		old := g.record(p, plug, source.ID)
		record := observed(old, state.Connected, readAt)
		if record.worthWriting(old) {
			changed = append(changed, record)
		}
		link := g.linkOf(record, source)
		link.FreshUntil = result.FreshUntil
		g.addStale(&link, plug)
		links = append(links, link)
	}
	changed = p.notShown(plug, links, readAt, changed)
	g.discover(ctx, unknown)
	g.sort(links)
	g.offers(plug, links)
	return links, changed
}

// own completes a source that the connector showed. A source of another connector's that has the same slug gets one of
// its own, so that no filter ever mixes two upstreams.
func (g *Gateway) own(plug *connectors.Plug, source health.DataSource) (health.DataSource, bool) {
	entry, owner, known := g.Registry.DataSource(source.ID)
	if known && owner == plug {
		if source.LogoURL != nil {
			entry.LogoURL = source.LogoURL
		}
		return entry, true
	}
	if known {
		source.ID = health.DataSourceID(plug.Description.ID) + "_" + source.ID
	}
	return plug.Complete(source), false
}

// grantLinks are the links of a connector whose link is the grant that we hold: nobody has to be asked.
func (g *Gateway) grantLinks(ctx context.Context, p *Person, plug *connectors.Plug, now time.Time, changed []LinkRecord) ([]health.DataSourceLink, []LinkRecord) {
	grant, held := p.grants[plug.Description.ID]
	var links []health.DataSourceLink
	for _, source := range plug.Description.DataSources {
		old := g.record(p, plug, source.ID)
		record := observed(old, held, now)
		if held {
			record.ConnectedAt = grant.ConnectedAt
		}
		if record.worthWriting(old) {
			changed = append(changed, record)
		}
		link := g.linkOf(record, source)
		if g.GrantsFreshFor > 0 {
			link.FreshUntil = now.Add(g.GrantsFreshFor)
		}
		if held {
			g.addGrant(ctx, &link, grant, plug)
		}
		g.addStale(&link, plug)
		links = append(links, link)
	}
	return links, changed
}

// addGrant says what the grant allows and whether the upstream still takes it.
func (g *Gateway) addGrant(ctx context.Context, link *health.DataSourceLink, grant tokens.Record, plug *connectors.Plug) {
	link.ScopesGranted = grant.Scopes
	verified := !grant.VerifiedAt.IsZero()
	link.AccountVerified = &verified
	if grant.Scopes != nil && plug.Profile != nil {
		link.ScopesMissing = slices.DeleteFunc(slices.Clone(plug.Profile.Scopes()), func(s string) bool { return slices.Contains(grant.Scopes, s) })
	}
	var problem string
	switch {
	case grant.Refused() || !g.Tokens.Opens(grant):
		link.Status = health.StatusReauthorizationRequired
		problem = plug.Description.Name + " no longer accepts this person's authorisation: link it again"
	case slices.ContainsFunc(link.ScopesMissing, func(s string) bool { return !slices.Contains(plug.Description.OptionalScopes, s) }):
		problem = "the person did not grant everything that is asked for: link it again to grant the rest"
	default:
		return
	}
	link.Problem = &health.Problem{Code: health.ReauthorizationRequired, Message: problem, DataSource: &link.DataSource}
	if again, err := g.mint(ctx, link.User, link.DataSource, plug, ""); err == nil {
		link.Problem.AuthorizationURL = again.URL
	}
}

// notShown are the links that were connected and that the upstream, which has just shown others, shows no more.
func (p *Person) notShown(plug *connectors.Plug, links []health.DataSourceLink, now time.Time, changed []LinkRecord) []LinkRecord {
	for id, record := range p.links {
		standing := record.Status == health.StatusConnected || record.Status == health.StatusPending || record.Status == health.StatusRevoking
		if record.Connector == plug.Description.ID && standing && !slices.ContainsFunc(links, func(l health.DataSourceLink) bool { return l.DataSource.ID == id }) {
			changed = append(changed, observed(record, false, now))
		}
	}
	return changed
}

// mayBringData says whether a source's silence means anything: a scale brings no steps, nor does a source that its upstream
// never names for a figure.
func mayBringData(link health.DataSourceLink, plug *connectors.Plug) bool {
	return link.LatestDataAt != nil || len(plug.Description.DataSources) == 1
}

// addStale says that nothing new has come from a source for long, if it was asked: what nobody asked for is not missing.
func (g *Gateway) addStale(link *health.DataSourceLink, plug *connectors.Plug) {
	if g.StaleAfter == 0 || link.Status != health.StatusConnected || link.Problem != nil || link.DataCheckedAt == nil || !mayBringData(*link, plug) {
		return
	}
	if link.DataCheckedAt.Sub(newestOf(*link)) < g.StaleAfter {
		return
	}
	link.Problem = &health.Problem{
		Code: health.NoNewData, DataSource: &link.DataSource,
		Message: "nothing new has come from " + link.DataSource.Name + " for long: the person may have to open its app, or to wear the device",
	}
}

// newestOf is when a connected link last brought something: a new one has time to.
func newestOf(link health.DataSourceLink) time.Time {
	if link.LatestDataAt == nil {
		return *link.ConnectedAt
	}
	return latest(*link.ConnectedAt, *link.LatestDataAt)
}

// record is what is remembered of a link, or the beginning of it, which gets its id as it is written.
func (g *Gateway) record(p *Person, plug *connectors.Plug, source health.DataSourceID) LinkRecord {
	if r, ok := p.links[source]; ok {
		return r
	}
	return LinkRecord{
		User: p.ID, Connector: plug.Description.ID, DataSource: source,
		Status: health.StatusNotConnected, Since: p.readAt,
	}
}

func (g *Gateway) linkOf(r LinkRecord, source health.DataSource) health.DataSourceLink {
	return health.DataSourceLink{
		StoredID: r.ID, Namer: g.ids, User: r.User, DataSource: source, Status: r.Status,
		ConnectedAt: known(r.ConnectedAt), CheckedAt: known(r.CheckedAt), LatestDataAt: known(r.LatestDataAt),
		DataCheckedAt: known(r.DataCheckedAt),
	}
}

// known is nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	at := t // t itself would be allocated for a zero time as well
	return &at
}

// sort puts links in the catalogue's order, and those beyond it after, by slug.
func (g *Gateway) sort(links []health.DataSourceLink) {
	slices.SortFunc(links, func(a, b health.DataSourceLink) int {
		if by := g.rank[a.DataSource.ID] - g.rank[b.DataSource.ID]; by != 0 {
			return by
		}
		return strings.Compare(string(a.DataSource.ID), string(b.DataSource.ID))
	})
}

// outlive is for what follows an upstream's answer in our own store: it is done even when the caller has gone or the
// operation's time is up.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// change applies f to what is remembered of one link and writes it at once, for what no later read would find out again.
// Another process may be writing the same link: f is then applied to what that one wrote. It says whether it was written.
func (g *Gateway) change(ctx context.Context, p *Person, plug *connectors.Plug, source health.DataSourceID, f func(LinkRecord) LinkRecord) bool {
	ctx, cancel := outlive(ctx)
	defer cancel()
	var err error
	for range 3 {
		record := f(g.record(p, plug, source))
		g.identify(&record)
		write := linkWrite{connector: plug.Description.ID, records: []LinkRecord{record}, news: p.news([]LinkRecord{record}), lost: p.appendLost(nil, []LinkRecord{record})}
		p.links[source] = record
		var written []health.LinkID
		if written, err = g.put(ctx, write); err != nil {
			break
		}
		if len(written) == 1 {
			record.Version++
			p.links[source] = record
			return true
		}
		newer, readErr := g.Store.Links(ctx, []health.UserID{p.ID}) // by id it may not be found: a version before wrote another
		at := slices.IndexFunc(newer, func(r LinkRecord) bool { return r.DataSource == source })
		if err = readErr; err != nil || at < 0 {
			break
		}
		p.links[source] = newer[at]
	}
	g.Log.ErrorContext(ctx, "a link's change could not be stored", "connector", plug.Description.ID, "error", err)
	return false
}

// identify gives a record its id before it is first written.
func (g *Gateway) identify(record *LinkRecord) {
	if record.ID == "" {
		record.ID = g.ids.NameLink(record.User, record.DataSource)
		record.Receipt = g.receipt(record.User)
	}
}

// LinkOwner is whose a link is, and to what.
type LinkOwner struct {
	User       health.UserID
	Connector  string
	DataSource health.DataSourceID
}

// LinkOwners finds whose links these are and to what: of an older id in the store, in one statement for all, of any other in the id
// itself. What can't be a link's id is not looked for.
func (g *Gateway) LinkOwners(ctx context.Context, ids []health.LinkID) (map[health.LinkID]LinkOwner, error) {
	byID := make(map[health.LinkID]LinkOwner, len(ids))
	var stored []health.LinkID
	for _, id := range ids {
		user, name, ours := g.ids.open(id)
		if !ours && isHash(id) {
			stored = append(stored, id)
		}
		if !ours {
			continue
		}
		source, plug, err := g.dataSource(ctx, "id", name)
		if e := health.AsError(err); e.Has(health.BadUserInput) {
			continue // of another configuration
		} else if err != nil {
			return nil, err
		}
		byID[id] = LinkOwner{user, plug.Description.ID, source.ID}
	}
	records, err := g.Store.LinksByID(ctx, stored)
	if err != nil {
		return nil, err
	}
	for _, record := range records {
		byID[record.ID] = LinkOwner{record.User, record.Connector, record.DataSource}
	}
	return byID, nil
}

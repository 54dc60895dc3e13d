package gateway

import (
	"context"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Zone is a time zone and where it came from.
type Zone struct {
	TimeZone health.TimeZone
	Origin   health.TimeZoneOrigin
}

const (
	// zoneFreshFor spares calls as profileFreshFor does: a zone that an upstream told, or told that it has none, stands so long.
	zoneFreshFor = time.Hour
	// zoneRetryAfter is the same after a failure that passes.
	zoneRetryAfter = 5 * time.Minute
)

// ReadLinks gives a person's links at a connector where they are read anyway. Where they are not, what was last known decides.
type ReadLinks func(connector string) (links []health.DataSourceLink, read bool)

// HomeZone is the person's own zone: as the first grant's profile tells it, else the first upstream that tells zones and has a data
// source of theirs linked; at most one call of each, and one an hour. What can't be read again is as it was. links may be nil.
func (g *Gateway) HomeZone(ctx context.Context, p *Person, links ReadLinks) Zone {
	for _, plug := range g.Registry.Plugs() {
		if name, held := g.profileZone(ctx, p, plug); held {
			if zone, err := health.ParseTimeZone(name); err == nil {
				return Zone{zone, health.ZoneFromProfile}
			}
		}
	}
	for _, plug := range g.Registry.Plugs() {
		if plug.Zone == nil {
			continue
		}
		if zone, err := health.ParseTimeZone(g.toldZone(ctx, p, plug, links)); err == nil {
			return Zone{zone, health.ZoneFromProfile}
		}
	}
	return Zone{health.UTC, health.ZoneDefault}
}

// profileZone is the zone of a grant's profile.
func (g *Gateway) profileZone(ctx context.Context, p *Person, plug *connectors.Plug) (name string, held bool) {
	grant, held := p.grants[plug.Description.ID]
	if !held || plug.Profile == nil {
		return "", false
	}
	if g.Now().Sub(grant.ProfileReadAt) >= profileFreshFor && !grant.Refused() {
		var err error
		if grant, err = g.readProfile(ctx, p, plug, grant); err != nil {
			g.logFailure(plug.Description.ID, err)
		}
	}
	return grant.TimeZone, true
}

// toldZone is the zone that the upstream tells of somebody with a linked source there, "" for none. An upstream that can't say
// now what is linked is not asked.
func (g *Gateway) toldZone(ctx context.Context, p *Person, plug *connectors.Plug, links ReadLinks) string {
	linked, unsure := g.linkedAt(p, plug.Description.ID, links)
	known := p.upstream[plug.Description.ID]
	switch {
	case linked && !g.Now().Before(known.ZoneDueAt):
		return g.readZone(ctx, p, plug)
	case linked || unsure:
		return known.TimeZone
	default:
		return ""
	}
}

// linkedAt says whether any of the person's sources is linked at the connector.
func (g *Gateway) linkedAt(p *Person, connector string, links ReadLinks) (linked, unsure bool) {
	if links == nil {
		return p.isConnected(connector), false
	}
	read, wasRead := links(connector)
	if !wasRead {
		return p.isConnected(connector), false
	}
	for _, link := range read {
		linked = linked || link.Status == health.StatusConnected
		unsure = unsure || link.Status == health.StatusUnknown
	}
	return linked, unsure
}

// zoneRead names one read of a person's zone at an upstream.
type zoneRead struct {
	connector string
	user      health.UserID
	account   string
}

// joinZoneRead is for whoever would wait for such a read that another began.
func (g *Gateway) joinZoneRead(ctx context.Context, read zoneRead) (patient context.Context, leave func(), err error) {
	return connectors.Join(ctx, g.Registry.Plug(read.connector).Description.Name)
}

// readZone asks the upstream for the person's zone and remembers it, once for all who ask at one time.
func (g *Gateway) readZone(ctx context.Context, p *Person, plug *connectors.Plug) string {
	known := p.upstream[plug.Description.ID]
	names, err := g.zoneReads.Read(ctx, []zoneRead{{known.Connector, p.ID, known.ID}}, func(ctx context.Context, _ []int) []string {
		return []string{g.askZone(ctx, plug, known)}
	})
	if err != nil { // it did not come in time, and others wait on; or too many do
		return known.TimeZone
	}
	return names[0]
}

// askZone asks, unless somebody else did since known was read.
func (g *Gateway) askZone(ctx context.Context, plug *connectors.Plug, known UpstreamID) string {
	ids, err := g.readUpstreamIDs(ctx, []health.UserID{known.User})
	if err != nil {
		g.Log.ErrorContext(ctx, "a zone could not be looked up", "connector", known.Connector, "error", err)
		return known.TimeZone
	}
	if stored, is := ids[known.User][known.Connector]; is {
		known = stored
	}
	if g.Now().Before(known.ZoneDueAt) { // read by another
		return known.TimeZone
	}
	zone, err := plug.Zone.ReadTimeZone(ctx, connectors.Account{ID: known.ID})
	known.ZoneDueAt = g.Now().Add(zoneFreshFor)
	switch {
	case err != nil && ctx.Err() != nil: // nobody waits any more, or has time to: that is no word of the upstream's
		return known.TimeZone
	case err != nil:
		g.logFailure(known.Connector, err)
		if e := health.AsError(err); e.Has(health.UpstreamUnavailable) || e.Has(health.RateLimited) {
			known.ZoneDueAt = g.Now().Add(min(max(zoneRetryAfter, e.RetryAfter), zoneFreshFor))
		}
	case zone != nil:
		known.TimeZone = zone.String()
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.NoteZone(ctx, known); err != nil {
		g.Log.ErrorContext(ctx, "a zone could not be stored", "connector", known.Connector, "error", err)
	}
	return known.TimeZone
}

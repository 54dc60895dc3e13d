package gateway

import (
	"context"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// lastKnown is what was shown last while the upstream can't be asked: the links that are stored, and for the rest what the upstream
// last offered to anybody, else the catalogue. Its list is read whole: all was checked when any of it was, and what is not stored was
// not connected then.
func (g *Gateway) lastKnown(ctx context.Context, p *Person, plug *connectors.Plug, failure error) []health.DataSourceLink {
	problem := health.ProblemOf(failure)
	g.logFailure(plug.Description.ID, failure)
	offered := g.offeredBy(plug)
	links := make([]health.DataSourceLink, 0, len(offered))
	var readAt time.Time
	for _, record := range p.links {
		if record.Connector == plug.Description.ID {
			readAt = latest(readAt, record.CheckedAt)
		}
	}
	add := func(record LinkRecord, source health.DataSource) {
		record.CheckedAt = readAt
		links = append(links, g.unknown(record, source, problem))
	}
	for id, record := range p.links {
		if record.Connector != plug.Description.ID {
			continue
		}
		if source, _, err := g.dataSource(ctx, "", id); err == nil {
			add(record, g.asShown(source))
		}
	}
	for _, source := range offered {
		if _, stored := p.links[source.ID]; !stored {
			add(g.record(p, plug, source.ID), source)
		}
	}
	g.sort(links)
	return links
}

// unknown is a link whose upstream could not be asked.
func (g *Gateway) unknown(record LinkRecord, source health.DataSource, problem *health.Problem) health.DataSourceLink {
	link := g.linkOf(record, source)
	link.Status, link.LastKnownStatus, link.Problem = health.StatusUnknown, record.lastKnown(), problem
	return link
}

// offers remembers which data sources the upstream offers to this gateway, as it does the same ones to everybody. Of somebody to whom
// nothing is linked it may show none, which means nothing.
func (g *Gateway) offers(plug *connectors.Plug, links []health.DataSourceLink) {
	if !slices.ContainsFunc(links, func(l health.DataSourceLink) bool { return l.Status == health.StatusConnected }) {
		return
	}
	same := func(l health.DataSourceLink, s health.DataSource) bool { return shownAlike(l.DataSource, s) }
	known, _ := g.offered.Load(plug)
	if offered, _ := known.([]health.DataSource); slices.EqualFunc(links, offered, same) {
		return
	}
	sources := make([]health.DataSource, len(links))
	for i, link := range links {
		sources[i] = link.DataSource
	}
	g.offered.Store(plug, sources)
}

// shownAlike says whether an upstream showed the same data source in the same way. What can be asked of it follows from the connector.
func shownAlike(a, b health.DataSource) bool {
	logo := a.LogoURL == b.LogoURL || a.LogoURL != nil && b.LogoURL != nil && *a.LogoURL == *b.LogoURL
	return a.ID == b.ID && a.Name == b.Name && a.Kind == b.Kind && logo
}

func (g *Gateway) offeredBy(plug *connectors.Plug) []health.DataSource {
	if known, ok := g.offered.Load(plug); ok {
		sources, _ := known.([]health.DataSource)
		return sources
	}
	return plug.Description.DataSources
}

// logFailure tells the operator what only they can mend, each time, and once a minute that an upstream is down. What the
// person mends is not worth a line.
func (g *Gateway) logFailure(connector string, failure error) {
	e := health.AsError(failure)
	switch e.Code {
	case health.UpstreamUnavailable, health.RateLimited:
		now := g.Now()
		last, told := g.outages.Swap(connector, now)
		if at, _ := last.(time.Time); told && now.Sub(at) < time.Minute {
			g.outages.Store(connector, at)
			return
		}
		g.Log.Warn("an upstream can't be used for now", "connector", connector, "code", e.Code, "message", e.Message, "cause", e.Cause)
	case health.UpstreamInvalid, health.Internal:
		g.Log.Error("an upstream's answer needs the operator", "connector", connector, "code", e.Code, "message", e.Message, "cause", e.Cause)
	default:
	}
}

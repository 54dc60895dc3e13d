package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"healthgraph/health"
	"healthgraph/tokens"
)

const (
	watchTimeout   = 5 * time.Second // for reading a link for a watch
	readAgainAfter = time.Second     // when it is read again after it could not be
)

// Watch tells how a person's links stand each time that one changed in this process. It is used by one goroutine.
type Watch struct {
	gateway *Gateway
	user    health.UserID
	queue   *queue
	told    map[health.DataSourceID]look
}

// Watch begins to watch the person's links: what changes from now on is told. It must be closed.
func (g *Gateway) Watch(user health.UserID) *Watch {
	return &Watch{gateway: g, user: user, queue: g.Changes.open(user), told: map[health.DataSourceID]look{}}
}

// Close ends the watch and frees what it holds. It may be called twice, and beside Next.
func (w *Watch) Close() { w.gateway.Changes.close(w.user, w.queue) }

// Next waits for a change and gives the link as it stands then. Changes that follow each other faster than they are taken are
// one, and a link that looks as it did when it was last told is not told again. A link that can't be read is told once it can:
// the error is ctx's, and nothing else.
func (w *Watch) Next(ctx context.Context) (*health.DataSourceLink, error) {
	for {
		source, ok := w.queue.take()
		if !ok {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-w.queue.ready:
			}
			continue
		}
		link, err := w.read(ctx, source)
		switch {
		case health.AsError(err).Has(health.BadUserInput):
			continue // a source beyond the catalogue that could not be remembered: it is told when it is shown again
		case err != nil:
			return nil, err
		}
		if now := lookOf(link); w.told[source] != now {
			w.told[source] = now
			return &link, nil
		}
	}
}

// read reads until the store answers.
func (w *Watch) read(ctx context.Context, source health.DataSourceID) (health.DataSourceLink, error) {
	for failures := 0; ; failures++ {
		reading, cancel := context.WithTimeout(ctx, watchTimeout)
		link, err := w.gateway.storedLink(reading, w.user, source)
		cancel()
		switch {
		case err == nil, health.AsError(err).Has(health.BadUserInput):
			return link, err
		case ctx.Err() != nil:
			return link, ctx.Err()
		case failures == 0:
			w.gateway.Log.ErrorContext(ctx, "a link that changed could not be read: whoever watches it is told later", "error", err)
		}
		if err := wait(ctx, readAgainAfter); err != nil {
			return link, err
		}
	}
}

// look is what a watch compares of a link.
type look struct {
	status         health.LinkStatus
	connectedAt    time.Time
	problem        health.Code
	says           string
	granted, lacks string
	verified       bool
}

func lookOf(link health.DataSourceLink) look {
	l := look{status: link.Status, granted: strings.Join(link.ScopesGranted, " "), lacks: strings.Join(link.ScopesMissing, " ")}
	if link.ConnectedAt != nil {
		l.connectedAt = link.ConnectedAt.UTC()
	}
	if link.Problem != nil {
		l.problem, l.says = link.Problem.Code, link.Problem.Message
	}
	l.verified = link.AccountVerified != nil && *link.AccountVerified
	return l
}

// storedLink gives one link as Links would, from the store alone: it asks no upstream and writes nothing, so that the rows of
// a person who was erased do not come back.
func (g *Gateway) storedLink(ctx context.Context, user health.UserID, id health.DataSourceID) (health.DataSourceLink, error) {
	source, plug, err := g.dataSource(ctx, "dataSource", id)
	if err != nil {
		return health.DataSourceLink{}, err
	}
	source = g.asShown(source)
	p := &Person{ID: user, grants: map[string]tokens.Record{}, links: map[health.DataSourceID]LinkRecord{}}
	records, err := g.Store.Links(ctx, []health.UserID{user})
	if err != nil {
		return health.DataSourceLink{}, err
	}
	for _, record := range records {
		p.links[record.DataSource] = record
	}
	if plug.Links != nil {
		link := g.linkOf(g.record(p, plug, id), source)
		g.addStale(&link, plug)
		return link, nil
	}
	grants, err := g.Tokens.Grants(ctx, []health.UserID{user})
	if err != nil {
		return health.DataSourceLink{}, err
	}
	for _, grant := range grants {
		p.grants[grant.Connector] = grant
	}
	links, _ := g.grantLinks(ctx, p, plug, g.Now(), nil)
	i := slices.IndexFunc(links, func(l health.DataSourceLink) bool { return l.DataSource.ID == id })
	if i < 0 {
		return g.linkOf(g.record(p, plug, id), source), nil
	}
	return links[i], nil
}

// asShown is the source with the logo that its upstream last showed.
func (g *Gateway) asShown(source health.DataSource) health.DataSource {
	if logo, shown := g.logos.Load(source.ID); shown {
		source.LogoURL, _ = logo.(*health.URL)
	}
	return source
}

// news are the changes of those records that look different from what the person's links were.
func (p *Person) news(changed []LinkRecord) []Change {
	var news []Change
	for _, record := range changed {
		was := p.links[record.DataSource]
		if was.Status == "" {
			was.Status = health.StatusNotConnected
		}
		if record.Status != was.Status || !record.ConnectedAt.Equal(was.ConnectedAt) {
			news = append(news, Change{record.User, record.Connector, record.DataSource})
		}
	}
	return news
}

func (g *Gateway) tell(news ...Change) {
	for _, change := range news {
		g.Changes.Tell(change)
	}
}

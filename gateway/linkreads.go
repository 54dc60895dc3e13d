package gateway

import (
	"context"

	"healthgraph/connectors"
	"healthgraph/health"
)

// linksRead names one read of a person's links at an upstream.
type linksRead struct {
	connector  string
	user       health.UserID
	account    string
	background bool // which may be refused where a person is not
	known      knowledge
}

// knowledge is which writes of a person's links a reader has seen. A read that began before the newest of them, a revocation
// perhaps, would show them what was: it is shared only among those who have seen the same.
type knowledge struct {
	links    int
	versions int64
}

func (p *Person) knowledgeOf(connector string) (k knowledge) {
	for _, link := range p.links {
		if link.Connector == connector {
			k.links++
			k.versions += link.Version
		}
	}
	return k
}

// readLinks asks the upstream for the people's links. Whoever asks for the same of the same person at the same time shares a call.
func (g *Gateway) readLinks(ctx context.Context, plug *connectors.Plug, people []*Person) []connectors.LinksResult {
	reads := make([]linksRead, len(people))
	accounts := make([]connectors.Account, len(people))
	for i, p := range people {
		accounts[i] = g.account(p, plug)
		reads[i] = linksRead{plug.Description.ID, p.ID, accounts[i].ID, connectors.IsInBackground(ctx), p.knowledgeOf(plug.Description.ID)}
	}
	results, err := g.linkReads.read(ctx, reads, func(ctx context.Context, missing []int) []connectors.LinksResult {
		asked := make([]connectors.Account, len(missing))
		for i, at := range missing {
			asked[i] = accounts[at]
		}
		return plug.Links.ReadLinks(ctx, asked)
	})
	if err != nil {
		results = make([]connectors.LinksResult, len(people))
		for i := range results {
			results[i].Err = health.Fail(health.UpstreamUnavailable, plug.Description.Name+" is not available: it did not answer in time", err)
		}
	}
	return results
}

package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// Person is what the store knows of one person.
type Person struct {
	ID       health.UserID
	upstream map[string]UpstreamID // by connector: the id that we gave them there
	grants   map[string]tokens.Record
	links    map[health.DataSourceID]LinkRecord
	readAt   time.Time     // before the store was asked
	maxAge   time.Duration // of upstreams' answers about them; 0: everything is read afresh
}

// isConnected says whether any of the connector's links was connected when last seen.
func (p *Person) isConnected(connector string) bool {
	for _, link := range p.links {
		if link.Connector == connector && link.Status == health.StatusConnected {
			return true
		}
	}
	return false
}

// People reads what the store knows of the people, in order, in a number of statements that does not grow with them.
// Whoever has no id yet at an upstream that takes ours gets one.
func (g *Gateway) People(ctx context.Context, users []health.UserID) ([]*Person, error) {
	readAt := g.Now()
	known, err := g.Store.Known(ctx, users)
	if err != nil {
		return nil, err
	}
	ids, err := g.upstreamIDs(ctx, users, known.UpstreamIDs)
	if err != nil {
		return nil, err
	}

	people := make([]*Person, len(users))
	byID := make(map[health.UserID]*Person, len(users))
	for i, user := range users {
		if byID[user] == nil {
			byID[user] = &Person{
				ID: user, upstream: ids[user], readAt: readAt,
				grants: map[string]tokens.Record{}, links: map[health.DataSourceID]LinkRecord{},
			}
		}
		people[i] = byID[user]
	}
	for _, link := range known.Links {
		byID[link.User].links[link.DataSource] = link
	}
	for _, grant := range known.Grants {
		byID[grant.User].grants[grant.Connector] = grant
	}
	return people, nil
}

// upstreamIDs gives every person's id at every upstream that takes ours. A person's own is not written. Random ones are written
// and read again, so that two processes that make one at the same time agree.
func (g *Gateway) upstreamIDs(ctx context.Context, users []health.UserID, stored []UpstreamID) (map[health.UserID]map[string]UpstreamID, error) {
	known := idsOf(users, stored)
	var made []UpstreamID
	for user, ids := range known {
		for _, plug := range g.Registry.Plugs() {
			connector := plug.Description.ID
			switch {
			case plug.Identifier == nil || ids[connector].ID != "":
			case mayKeepOwn(user, plug.Identifier):
				ids[connector] = UpstreamID{User: user, Connector: connector, ID: string(user)}
			default:
				made = append(made, UpstreamID{User: user, Connector: connector, ID: randomID()})
			}
		}
	}
	if len(made) == 0 {
		return known, nil
	}
	if err := g.Store.AddUpstreamIDs(ctx, made); err != nil {
		return nil, err
	}
	written, err := g.readUpstreamIDs(ctx, users)
	if err != nil {
		return nil, err
	}
	for user, ids := range written {
		maps.Copy(known[user], ids)
	}
	return known, nil
}

func (g *Gateway) readUpstreamIDs(ctx context.Context, users []health.UserID) (map[health.UserID]map[string]UpstreamID, error) {
	rows, err := g.Store.UpstreamIDs(ctx, users)
	if err != nil {
		return nil, err
	}
	return idsOf(users, rows), nil
}

// idsOf are the ids by person and connector.
func idsOf(users []health.UserID, rows []UpstreamID) map[health.UserID]map[string]UpstreamID {
	ids := make(map[health.UserID]map[string]UpstreamID, len(users))
	for _, user := range users {
		ids[user] = map[string]UpstreamID{}
	}
	for _, row := range rows {
		ids[row.User][row.Connector] = row
	}
	return ids
}

// mayKeepOwn says whether the upstream takes the person's own id. One that looks like a generated one is never handed on: it
// could be somebody else's.
func mayKeepOwn(user health.UserID, upstream connectors.Identifier) bool {
	own := string(user)
	return upstream.AcceptsID(own) && !strings.HasPrefix(strings.ToLower(own), connectors.GeneratedIDPrefix)
}

// randomID tells nothing about the person.
func randomID() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	return connectors.GeneratedIDPrefix + hex.EncodeToString(random)
}

// account is the person as the connector knows them: by the id that we gave them, or by the grant that they gave us.
func (g *Gateway) account(p *Person, plug *connectors.Plug) connectors.Account {
	connector := plug.Description.ID
	if plug.Identifier != nil {
		return connectors.Account{ID: p.upstream[connector].ID, Reuse: p.reuse(connector)}
	}
	grant := p.grants[connector]
	return connectors.Account{ID: grant.AccountID, Client: g.Tokens.ClientFor(grant, plug.Refresher), Reuse: p.reuse(connector)}
}

package rook

import (
	"context"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// ReadLinks asks for each account's list of sources: one call per account, as many at once as the client allows, and no
// more once ROOK has answered 429. Where ROOK does not serve the v2 list (404, 405, 410) its v1 map is read instead,
// which makes two calls for that account.
//
// A source that ROOK marks null, and a browser source that its list omits, is not offered to this client and left out. A
// phone source that the list omits is shown as not connected: ROOK's portal enables browser sources alone, and a phone
// source means no more than that ROOK's SDK registered the person. Nothing at all (204, {} or an empty list) is the whole
// catalogue, not connected; so is a 404 with a JSON object, which is told as Unknown: a wrong base URL gives it too.
func (c *Connector) ReadLinks(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	var brake brake
	connectors.Each(len(accounts), c.client.MaxInFlight(), func(i int) {
		results[i].Err = brake.run(func() (err error) {
			results[i].Links, results[i].Unknown, err = c.readLinks(ctx, accounts[i].ID)
			return err
		})
	})
	return results
}

func (c *Connector) readLinks(ctx context.Context, id string) (links []connectors.LinkState, unknown bool, err error) {
	if err := c.checkID(id); err != nil {
		return nil, false, err
	}
	isMap := false
	call := c.call(partLinks, "api", "v2", "user_id", id, "data_sources", "authorized")
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return nil, false, err
	}
	defer func() { answer.Release() }() // which may become the other
	switch answer.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		call = c.call(partLinks, "api", "v1", "user_id", id, "data_sources", "authorized")
		if answer, err = c.client.Do(ctx, call); err != nil {
			return nil, false, err
		}
		isMap = true
	}
	if answer.Status == http.StatusNoContent || deniesPerson(answer) {
		return linkStates(nil), answer.Status == http.StatusNotFound, nil
	}
	if err := c.client.Failure(call, answer); err != nil {
		return nil, false, err
	}
	if isMap {
		links, err = c.readMap(answer, id)
	} else {
		links, err = c.readList(answer)
	}
	return links, false, err
}

// lists are what lists of the v2 form say, by the SHA-256 of their bytes: ROOK writes nothing of the person in them, so that those who
// have linked the same sources have the same one. Of a ROOK that does write something of everybody, it keeps a hash.
var lists = memo[[sha256.Size]byte, []connectors.LinkState]{most: 1000}

// longestList is how many links a list may have that is remembered: all together are two megabytes, strings aside.
const longestList = 20

// readList gives links that are shared: nobody may change them.
func (c *Connector) readList(answer connectors.Answer) ([]connectors.LinkState, error) {
	hash := sha256.Sum256(answer.Body)
	links, known := lists.get(hash)
	if known {
		return links, nil
	}
	var list listAnswer
	if err := c.client.Decode(answer, &list); err != nil {
		return nil, err
	}
	flags, err := list.flags()
	if err != nil {
		return nil, c.invalid(err)
	}
	if links = linkStates(flags); len(links) <= longestList {
		lists.put(hash, links)
	}
	return links, nil
}

func (c *Connector) readMap(answer connectors.Answer, id string) ([]connectors.LinkState, error) {
	var sources mapAnswer
	if err := c.client.Decode(answer, &sources); err != nil {
		return nil, err
	}
	flags, err := sources.flags(id)
	if err != nil {
		return nil, c.invalid(err)
	}
	return linkStates(flags), nil
}

// listing is what a list says of one source.
type listing struct {
	link             connectors.LinkState
	listed, withheld bool
}

// linkStates turns ROOK's flags into links: the catalogue's sources in its order, then the others in ROOK's. A source
// named twice is one, connected if either is.
func linkStates(flags []sourceFlag) []connectors.LinkState {
	ours := make([]listing, len(catalogue))
	theirs := map[health.DataSourceID]*listing{}
	var others []*listing
	for _, flag := range flags {
		source := sourceNamed(flag.name, flag.image)
		l := theirs[source.ID]
		switch {
		case source.place >= 0:
			l = &ours[source.place]
		case l == nil:
			l = &listing{}
			theirs[source.ID] = l
		}
		if !flag.offered {
			l.withheld = true
			continue
		}
		if !source.known && !l.listed {
			others = append(others, l)
		}
		if earlier := l.link.DataSource.LogoURL; earlier != nil {
			source.LogoURL = earlier
		}
		l.link, l.listed = connectors.LinkState{DataSource: source.DataSource, Connected: flag.connected || l.link.Connected}, true
	}
	links := make([]connectors.LinkState, 0, len(catalogue)+len(others))
	for i, e := range catalogue {
		if ours[i].listed {
			links = append(links, ours[i].link)
		} else if len(flags) == 0 || (e.kind == health.KindSDK && !ours[i].withheld) {
			links = append(links, connectors.LinkState{DataSource: e.dataSource()})
		}
	}
	for _, l := range others {
		links = append(links, l.link)
	}
	return links
}

// sortFlags puts the entries of a JSON object, which has no order, in one that does not change from call to call.
func sortFlags(flags []sourceFlag) {
	slices.SortFunc(flags, func(a, b sourceFlag) int { return strings.Compare(a.name, b.name) })
}

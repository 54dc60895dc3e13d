package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"healthgraph/health"
)

// maxEventKey is longer than any key of an event, in bytes.
const maxEventKey = 100

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// MaxAccessEvents is the longest page of an access log.
const MaxAccessEvents = 100

// logAccess writes lines of access logs, even when the caller has gone: what they tell of has happened. That they could not be
// written does not undo it.
func (g *Gateway) logAccess(ctx context.Context, events ...health.AccessEvent) {
	if len(events) == 0 {
		return
	}
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.AddAccessEvents(ctx, events); err != nil {
		g.Log.ErrorContext(ctx, "the access log could not be written", "error", err)
	}
}

// changesSeen are the lines about links that came or went at the upstream. Several processes may see the same change: the one
// that writes it logs it.
func (g *Gateway) changesSeen(p *Person, changed []LinkRecord) (events []health.AccessEvent) {
	for _, record := range changed {
		was, is := p.links[record.DataSource].Status, record.Status
		event := health.AccessEvent{
			Key:  fmt.Sprintf("%s %d", g.ids.hash(record.User, record.DataSource), record.Version),
			User: record.User, At: record.CheckedAt, Actor: health.Actor{Kind: health.ActorUpstream},
			Connector: record.Connector, DataSource: record.DataSource,
		}
		switch {
		case is == health.StatusConnected && was != health.StatusConnected:
			event.Action = health.AccessLinked
		case was == health.StatusConnected && is != health.StatusConnected:
			event.Action = health.AccessEnded
		default:
			continue
		}
		events = append(events, event)
	}
	return events
}

// AccessLog gives a page of the person's log, newest first: at most first lines, those behind the cursor after, "" for the
// newest.
func (g *Gateway) AccessLog(ctx context.Context, user health.UserID, first int, after string) (health.AccessLogConnection, error) {
	page := health.AccessLogConnection{Edges: []health.AccessLogEdge{}, Nodes: []health.AccessLogEntry{}}
	if first < 1 || first > MaxAccessEvents {
		return page, health.Refuse("first", fmt.Sprintf("from 1 to %d, not %d", MaxAccessEvents, first))
	}
	before, err := parseCursor(after)
	if err != nil {
		return page, err
	}
	events, err := g.Store.AccessEvents(ctx, user, before, first+1)
	if err != nil {
		return page, err
	}
	for _, e := range events[:min(first, len(events))] {
		edge := health.AccessLogEdge{Cursor: cursorOf(e), Node: g.entry(e)}
		page.Edges, page.Nodes = append(page.Edges, edge), append(page.Nodes, edge.Node)
	}
	page.PageInfo = health.PageInfo{HasNextPage: len(events) > first, HasPreviousPage: after != ""}
	if n := len(page.Edges); n > 0 {
		page.PageInfo.StartCursor, page.PageInfo.EndCursor = &page.Edges[0].Cursor, &page.Edges[n-1].Cursor
	}
	return page, nil
}

// entry names the data source where the connector has but one.
func (g *Gateway) entry(e health.AccessEvent) health.AccessLogEntry {
	entry := health.AccessLogEntry{At: e.At, Action: e.Action, Actor: e.Actor.Kind}
	if e.Actor.Name != "" {
		entry.ActorName = &e.Actor.Name
	}
	if e.Connector != "" {
		entry.Connector = &e.Connector
	}
	if e.Outcome != "" {
		entry.Outcome = &e.Outcome
	}
	if plug := g.Registry.Plug(e.Connector); e.DataSource == "" && plug != nil && len(plug.Description.DataSources) == 1 {
		e.DataSource = plug.Description.DataSources[0].ID
	}
	if source, _, known := g.knownSource(e.DataSource); known {
		entry.DataSource = &source
	}
	return entry
}

// cursorOf points behind a line of the log.
func cursorOf(e health.AccessEvent) string {
	text, _ := json.Marshal([]string{e.At.Format(time.RFC3339Nano), e.Key}) // texts always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(cursor string) (health.AccessEvent, error) {
	if cursor == "" {
		return health.AccessEvent{}, nil
	}
	var parts [2]string
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	at, timeErr := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil || timeErr != nil || at.IsZero() || len(parts[1]) > maxEventKey || strings.ContainsFunc(parts[1], unprintable) {
		return health.AccessEvent{}, health.Refuse("after", "not a cursor of this list: take one from pageInfo or edges")
	}
	return health.AccessEvent{At: at.UTC(), Key: parts[1]}, nil
}

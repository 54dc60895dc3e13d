package gateway

import (
	"sync"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Change says that a link may look different from now on. It names the link and says nothing about it: whoever watches reads
// how it stands.
type Change struct {
	User       health.UserID
	Connector  string
	DataSource health.DataSourceID // "" for all of the connector's
}

// Changes tells the watches of this process what was told to it. A telling never waits for anybody. Safe for concurrent use.
//
// The gateway and the keeper of grants tell it what they did. Another source, such as one for the changes of other replicas,
// has to call Tell and nothing else.
type Changes struct {
	registry *connectors.Registry

	mu      sync.Mutex
	watches map[health.UserID]map[*queue]struct{}
}

// NewChanges makes a Changes that nobody watches yet.
func NewChanges(registry *connectors.Registry) *Changes {
	return &Changes{registry: registry, watches: map[health.UserID]map[*queue]struct{}{}}
}

// Tell tells those who watch the person's links. It is called after what changed can be read.
func (c *Changes) Tell(change Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	watches := c.watches[change.User]
	if len(watches) == 0 {
		return
	}
	changed := []health.DataSourceID{change.DataSource}
	if plug := c.registry.Plug(change.Connector); change.DataSource == "" && plug != nil {
		changed = changed[:0]
		for _, source := range plug.Description.DataSources {
			changed = append(changed, source.ID)
		}
	}
	for q := range watches {
		q.add(changed)
	}
}

// Watched says whether anybody watches the person's links.
func (c *Changes) Watched(user health.UserID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.watches[user]) > 0
}

func (c *Changes) open(user health.UserID) *queue {
	q := &queue{ready: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watches[user] == nil {
		c.watches[user] = map[*queue]struct{}{}
	}
	c.watches[user][q] = struct{}{}
	return q
}

func (c *Changes) close(user health.UserID, q *queue) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watches[user], q)
	if len(c.watches[user]) == 0 {
		delete(c.watches, user)
	}
}

// queue holds the data sources whose links changed since they were last looked at, each once: however far behind a watch is,
// it holds no more than there are sources.
type queue struct {
	mu      sync.Mutex
	waiting []health.DataSourceID
	ready   chan struct{} // has something in it while somebody waits in vain
}

func (q *queue) add(changed []health.DataSourceID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, source := range changed {
		if !q.has(source) {
			q.waiting = append(q.waiting, source)
		}
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take takes the source that has waited longest.
func (q *queue) take() (health.DataSourceID, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return "", false
	}
	source := q.waiting[0]
	q.waiting = q.waiting[1:]
	return source, true
}

// has is called with mu held.
func (q *queue) has(source health.DataSourceID) bool {
	for _, waiting := range q.waiting {
		if waiting == source {
			return true
		}
	}
	return false
}

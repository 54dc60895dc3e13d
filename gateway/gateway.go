// Package gateway federates the upstreams: it fans out, merges, and accounts for what failed. It holds what the product
// knows about links, revocations, steps and sleep.
//
// It knows no HTTP, SQL or GraphQL. Its methods are steps that a caller makes once and shares between the fields that
// need them: People, then Links, then Steps and so on. Every error that leaves it is, or wraps, a *health.Error.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/together"
	"healthgraph/tokens"
)

// Limits of a request, said out loud in the schema's descriptions.
const (
	MaxDays        = 1830 // of one stepCount: five years
	MaxSleepDays   = 366  // of one sleep: nights are not kept
	MaxDataSources = 50   // in one dataSources argument
	minYear        = 1970
	maxYear        = 2200
)

// Config makes a Gateway.
type Config struct {
	Registry   *connectors.Registry
	Store      Store
	Tokens     *tokens.Keeper
	ReturnURLs []string // that a caller may name, exactly
	// DefaultReturnURLs is where a person comes back to when the caller names nothing, by connector.
	DefaultReturnURLs map[string]string
	// StaleAfter is how long a linked source may bring nothing new before its link has the problem NO_NEW_DATA. 0 = for ever.
	StaleAfter time.Duration
	// Days seals what is kept of people's past days. nil keeps none.
	Days *tokens.Sealer
	// Forget forgets what is remembered elsewhere of a person's answers from upstreams. nil where nothing is.
	Forget func(health.UserID)
	// GrantsFreshFor is for how long a client need not ask again for links that are grants kept here. 0 = it has to.
	GrantsFreshFor time.Duration
	// Changes is told of every change of a link, and asked for them by Watch. The default is a new one.
	Changes *Changes
	Now     func() time.Time
	Log     *slog.Logger
}

// Gateway is safe for concurrent use.
type Gateway struct {
	Config
	ids *linkIDs

	mu         sync.RWMutex
	discovered map[health.DataSourceID]health.DataSource // shown by upstreams, not in the catalogue
	lookedAt   time.Time                                 // when the store was last asked for more of them

	zoneReads together.Reads[zoneRead, string]

	outages sync.Map                    // connector → when an outage was last logged
	rank    map[health.DataSourceID]int // of the catalogue's data sources, below 0
	offered sync.Map                    // plug → the data sources ([]health.DataSource) that its upstream last offered
	logos   sync.Map                    // data source → the address of its logo (*health.URL), as its upstream last showed it
}

// New reads what the store knows and makes a Gateway.
func New(ctx context.Context, config Config) (*Gateway, error) {
	clock := config.Now
	config.Now = func() time.Time { return clock().UTC().Truncate(time.Microsecond) } // as precise as the store
	key, err := config.Store.LinkKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the key of link ids: %w", err)
	}
	if config.Changes == nil {
		config.Changes = NewChanges(config.Registry)
	}
	ids, err := newLinkIDs(key)
	if err != nil {
		return nil, err
	}
	g := &Gateway{Config: config, ids: ids, discovered: map[health.DataSourceID]health.DataSource{}, rank: map[health.DataSourceID]int{}}
	g.zoneReads.Join = g.joinZoneRead
	for i, source := range config.Registry.DataSources() {
		g.rank[source.ID] = i - len(config.Registry.DataSources())
	}
	if err := g.loadDiscovered(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Gateway) loadDiscovered(ctx context.Context) error {
	sources, err := g.Store.DataSources(ctx)
	if err != nil {
		return fmt.Errorf("read the discovered data sources: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, source := range sources {
		_, known := g.discovered[source.ID] // as it was shown since
		if plug := g.Registry.Plug(source.Connector); plug != nil && !known {
			g.discovered[source.ID] = plug.Complete(source)
		}
	}
	return nil
}

// discover remembers sources that an upstream showed and the catalogue does not have, so that they can be asked for and
// revoked from now on, by every replica. What could not be stored is tried again when it is shown again. The store has the name and the
// logo that were shown first, and each process those that were shown to it last.
func (g *Gateway) discover(ctx context.Context, sources []health.DataSource) {
	var fresh, changed []health.DataSource
	g.mu.RLock()
	for _, source := range sources {
		if was, known := g.discovered[source.ID]; !known {
			fresh = append(fresh, source)
		} else if !shownAlike(was, source) {
			changed = append(changed, source)
		}
	}
	g.mu.RUnlock()
	if len(fresh) > 0 && g.addDiscovered(ctx, fresh) {
		changed = append(changed, fresh...)
	}
	if len(changed) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, source := range changed {
		g.discovered[source.ID] = source
	}
}

func (g *Gateway) addDiscovered(ctx context.Context, sources []health.DataSource) bool {
	ctx, cancel := outlive(ctx)
	defer cancel()
	err := g.Store.AddDataSources(ctx, sources)
	if err != nil {
		g.Log.ErrorContext(ctx, "discovered data sources could not be stored", "error", err)
	}
	return err == nil
}

// DataSources lists the catalogue, and after it what upstreams showed beyond it, by slug.
func (g *Gateway) DataSources() []health.DataSource {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var more []health.DataSource
	for _, source := range g.discovered {
		if _, _, known := g.Registry.DataSource(source.ID); !known {
			more = append(more, source)
		}
	}
	slices.SortFunc(more, func(a, b health.DataSource) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return append(slices.Clone(g.Registry.DataSources()), more...)
}

// dataSource finds a source by its slug. A slug that this process has not seen may have been discovered by another one:
// the store is asked about unknown slugs, once a second at most.
func (g *Gateway) dataSource(ctx context.Context, argument string, id health.DataSourceID) (health.DataSource, *connectors.Plug, error) {
	if source, plug, ok := g.knownSource(id); ok {
		return source, plug, nil
	}
	if err := g.lookAgain(ctx); err != nil {
		return health.DataSource{}, nil, err
	}
	if source, plug, ok := g.knownSource(id); ok {
		return source, plug, nil
	}
	sources := g.DataSources()
	known := make([]string, len(sources))
	for i, source := range sources {
		known[i] = string(source.ID)
	}
	return health.DataSource{}, nil, health.Refuse(argument, "there is no such data source; known are: "+strings.Join(known, ", "))
}

func (g *Gateway) lookAgain(ctx context.Context) error {
	g.mu.Lock()
	due := g.Now().Sub(g.lookedAt) >= time.Second
	if due {
		g.lookedAt = g.Now()
	}
	g.mu.Unlock()
	if !due {
		return nil
	}
	return g.loadDiscovered(ctx)
}

func (g *Gateway) knownSource(id health.DataSourceID) (health.DataSource, *connectors.Plug, bool) {
	if source, plug, ok := g.Registry.DataSource(id); ok {
		return source, plug, true
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	source, ok := g.discovered[id]
	return source, g.Registry.Plug(source.Connector), ok
}

// Filter is a dataSources argument that was found to be good. The zero Filter lets everything through.
type Filter struct {
	sources map[health.DataSourceID]string
} // slug → connector

// Filter checks a dataSources argument. nil means no argument.
func (g *Gateway) Filter(ctx context.Context, ids []string) (Filter, error) {
	switch {
	case ids == nil:
		return Filter{}, nil
	case len(ids) == 0:
		return Filter{}, health.Refuse("dataSources", "name at least one data source, or leave the argument out for all")
	case len(ids) > MaxDataSources:
		return Filter{}, health.Refuse("dataSources", fmt.Sprintf("at most %d data sources, not %d", MaxDataSources, len(ids)))
	}
	f := Filter{make(map[health.DataSourceID]string, len(ids))}
	for i, id := range ids {
		source, plug, err := g.dataSource(ctx, "dataSources", health.DataSourceID(id))
		if e := health.AsError(err); e.Has(health.BadUserInput) && len(ids) > 1 {
			e.Message = fmt.Sprintf("number %d of the list: %s", i+1, e.Message)
		}
		if err != nil {
			return Filter{}, err
		}
		f.sources[source.ID] = plug.Description.ID
	}
	return f, nil
}

// Allows says whether the source passes.
func (f Filter) Allows(id health.DataSourceID) bool {
	_, ok := f.sources[id]
	return ok || f.sources == nil
}

func (f Filter) touches(connector string) bool {
	if f.sources == nil {
		return true
	}
	for _, c := range f.sources {
		if c == connector {
			return true
		}
	}
	return false
}

// Connectors lists all connectors, in order.
func (g *Gateway) Connectors() []string { return g.LinkConnectors(Filter{}) }

// LinkConnectors lists the connectors that have to be asked for links that pass the filter, in order.
func (g *Gateway) LinkConnectors(f Filter) []string {
	var ids []string
	for _, plug := range g.Registry.Plugs() {
		if f.touches(plug.Description.ID) {
			ids = append(ids, plug.Description.ID)
		}
	}
	return ids
}

// StepConnectors lists the connectors that have steps to pass the filter, in order.
func (g *Gateway) StepConnectors(f Filter) []string {
	return slices.DeleteFunc(g.LinkConnectors(f), func(id string) bool { return !g.Registry.Plug(id).ReadsSteps() })
}

package connectors

import (
	"errors"
	"fmt"
	"slices"

	"healthgraph/health"
)

// Plug is a connector with its capabilities found: nil where it lacks one.
type Plug struct {
	Description Description
	Identifier  Identifier
	Links       LinkReader
	Authorizer  Authorizer
	Exchanger   Exchanger
	Personal    PersonalTokenTaker
	Refresher   Refresher
	Adopter     Adopter
	Profile     ProfileReader
	Revoker     Revoker
	DailySteps  DailyStepReader
	Samples     SampleReader
	DailySleep  DailySleepReader
	Sleep       SleepSessionReader
	Zone        ZoneReader
}

// NeedsGrant says whether the connector is used with a person's own grant.
func (p *Plug) NeedsGrant() bool { return p.Exchanger != nil }

// ReadsSteps says whether the connector has steps at all.
func (p *Plug) ReadsSteps() bool { return p.DailySteps != nil || p.Samples != nil }

// ReadsSleep says whether the connector has sleep at all.
func (p *Plug) ReadsSleep() bool { return p.DailySleep != nil || p.Sleep != nil }

// entry is a data source of the catalogue.
type entry struct {
	source health.DataSource
	plug   *Plug
}

// Registry is the connectors that the program was wired with, in order.
type Registry struct {
	plugs    []*Plug
	byID     map[string]*Plug
	bySource map[health.DataSourceID]entry
	sources  []health.DataSource
}

// NewRegistry finds every connector's capabilities, and refuses what fits no socket: a connector without a name or
// sources, two with the same, or a set of capabilities that cannot work together.
func NewRegistry(all ...Connector) (*Registry, error) {
	r := &Registry{byID: map[string]*Plug{}, bySource: map[health.DataSourceID]entry{}}
	for _, c := range all {
		plug := inspect(c)
		if err := r.add(plug); err != nil {
			return nil, fmt.Errorf("connector %q: %w", plug.Description.ID, err)
		}
	}
	return r, nil
}

func inspect(c Connector) *Plug {
	p := &Plug{Description: c.Describe()}
	p.Identifier, _ = c.(Identifier)
	p.Links, _ = c.(LinkReader)
	p.Authorizer, _ = c.(Authorizer)
	p.Exchanger, _ = c.(Exchanger)
	p.Personal, _ = c.(PersonalTokenTaker)
	p.Refresher, _ = c.(Refresher)
	p.Adopter, _ = c.(Adopter)
	p.Profile, _ = c.(ProfileReader)
	p.Revoker, _ = c.(Revoker)
	p.DailySteps, _ = c.(DailyStepReader)
	p.Samples, _ = c.(SampleReader)
	p.DailySleep, _ = c.(DailySleepReader)
	p.Sleep, _ = c.(SleepSessionReader)
	p.Zone, _ = c.(ZoneReader)
	return p
}

func (r *Registry) add(p *Plug) error {
	d := p.Description
	switch {
	case d.ID == "" || string(health.SlugOf(d.ID)) != d.ID:
		return errors.New("its id must be a slug of lower-case letters, digits and underscores")
	case d.Name == "":
		return errors.New("it has no name")
	case len(d.DataSources) == 0:
		return errors.New("it has no data sources")
	case r.byID[d.ID] != nil:
		return errors.New("another connector has the same id")
	case p.Links == nil && p.Exchanger == nil:
		return errors.New("nothing tells which data sources are linked: it needs ReadLinks, or Exchange for links by grant")
	case p.Links != nil && p.Identifier == nil:
		return errors.New("ReadLinks needs ids to ask for: it needs AcceptsID")
	case p.Identifier != nil && p.Exchanger != nil:
		return errors.New("an upstream either takes our ids (AcceptsID) or gives its own with a grant (Exchange)")
	case p.Refresher != nil && p.Exchanger == nil:
		return errors.New("there is Refresh without Exchange: it has nothing to renew")
	case p.Personal != nil && p.Exchanger == nil:
		return errors.New("there is PersonalGrant without Exchange: nothing is read with a person's own grant")
	case p.DailySteps != nil && p.Samples != nil:
		return errors.New("it has both daily totals and samples: one of them would be counted twice")
	case p.DailySleep != nil && p.Sleep != nil:
		return errors.New("it has both the sleep of days and sessions of sleep: one of them would be counted twice")
	}
	r.plugs = append(r.plugs, p)
	r.byID[d.ID] = p
	p.Description.DataSources = slices.Clone(d.DataSources)
	for i, source := range d.DataSources {
		if source.ID == "" || health.SlugOf(string(source.ID)) != source.ID || source.Name == "" {
			return fmt.Errorf("data source %q needs a slug and a name", source.ID)
		}
		if r.bySource[source.ID].plug != nil {
			return fmt.Errorf("data source %q is listed twice", source.ID)
		}
		source = p.Complete(source)
		p.Description.DataSources[i] = source
		r.bySource[source.ID] = entry{source, p}
		r.sources = append(r.sources, source)
	}
	return nil
}

// Complete fills in what the connector knows of every source of its own: whose it is and what can be asked of it.
func (p *Plug) Complete(source health.DataSource) health.DataSource {
	source.Connector = p.Description.ID
	source.Capabilities = []health.Capability{health.CapabilityConnections}
	if p.Authorizer != nil && source.Kind == health.KindBrowser {
		source.Capabilities = append(source.Capabilities, health.CapabilityAuthorizationURL)
	}
	if p.Personal != nil {
		source.Capabilities = append(source.Capabilities, health.CapabilityPersonalAccessToken)
	}
	if p.Revoker != nil || p.NeedsGrant() {
		source.Capabilities = append(source.Capabilities, health.CapabilityRevoke)
	}
	if p.ReadsSteps() {
		source.Capabilities = append(source.Capabilities, health.CapabilityStepCount)
	}
	if p.ReadsSleep() {
		source.Capabilities = append(source.Capabilities, health.CapabilitySleep)
	}
	return source
}

// Plugs lists the connectors in order.
func (r *Registry) Plugs() []*Plug { return r.plugs }

// Plug finds a connector by its id, nil when there is none.
func (r *Registry) Plug(id string) *Plug { return r.byID[id] }

// DataSources lists the catalogue in order.
func (r *Registry) DataSources() []health.DataSource { return r.sources }

// DataSource finds an entry of the catalogue.
func (r *Registry) DataSource(id health.DataSourceID) (health.DataSource, *Plug, bool) {
	found, ok := r.bySource[id]
	return found.source, found.plug, ok
}

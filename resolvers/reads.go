package resolvers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"healthgraph/gateway"
	"healthgraph/health"
)

// reads is one operation's dataloaders. A loader's key names a whole read: where the plan foresees that siblings will
// ask (50 people's links, overlapping ranges of days), they all have the same key, so the number of reads follows from
// the operation alone and never from a timer.
type reads struct {
	gateway   *gateway.Gateway
	plan      func() plan
	freshness *Freshness // nil where nobody asks for it

	people  memo[group, map[health.UserID]*gateway.Person]
	granted memo[linksKey, map[health.UserID][]health.DataSourceLink] // of connectors whose links are our own grants
	urls    memo[urlKey, health.AuthorizationURL]                     // each is a call of its own
	links   loader[linksKey, map[health.UserID][]health.DataSourceLink]
	zones   loader[health.UserID, gateway.Zone]
	steps   loader[daysKey, gateway.StepRead]
	samples loader[samplesKey, gateway.SampleRead]
	daily   loader[dailyKey, gateway.DailyRead]
	sleeps  loader[daysKey, gateway.SleepRead]
	kept    loader[string, map[health.UserID][]gateway.KeptDay]
}

// group is everybody whom the plan foresees (planned), or one person beside it.
type group health.UserID

const planned group = ""

type linksKey struct {
	connector string
	group     group
}

type daysKey struct {
	dailyOf
	days  health.DateRange
	zones string // in which samples are tallied, by name, separated by spaces
}

type urlKey struct {
	user        health.UserID
	source      health.DataSourceID
	redirect    health.URL
	hasRedirect bool
}

func newReads(ctx context.Context, g *gateway.Gateway, admit Admit) *reads {
	r := &reads{gateway: g}
	r.freshness, _ = ctx.Value(freshnessKey{}).(*Freshness)
	r.plan = sync.OnceValue(func() plan { return planOf(ctx, g, admit) })
	r.people.read = r.readPeople
	r.granted.read = r.readLinks
	r.links.read = r.readLinks
	r.zones.read = r.readZone
	r.steps.read = r.readSteps
	r.samples.read = r.readSamples
	r.daily.read = r.readDaily
	r.sleeps.read = r.readSleep
	r.kept.read = r.readKept
	r.urls.read = r.readURL
	return r
}

type readsKey struct{}

func withReads(ctx context.Context, r *reads) context.Context {
	return context.WithValue(ctx, readsKey{}, r)
}

func readsOf(ctx context.Context) *reads {
	r, _ := ctx.Value(readsKey{}).(*reads) // every operation has them: see AroundOperation
	return r
}

// forget makes the fields after a mutation read afresh.
func (r *reads) forget() {
	r.people.forget()
	r.granted.forget()
	r.links.forget()
	r.zones.forget()
	r.steps.forget()
	r.samples.forget()
	r.daily.forget()
	r.sleeps.forget()
	r.kept.forget()
	r.urls.forget()
}

// in gives the planned group if it holds the person, else a group of their own.
func in(users []health.UserID, user health.UserID) group {
	for _, u := range users {
		if u == user {
			return planned
		}
	}
	return group(user)
}

// members lists the people of a group.
func members(g group, users []health.UserID) []health.UserID {
	if g == planned {
		return users
	}
	return []health.UserID{health.UserID(g)}
}

func (r *reads) readPeople(ctx context.Context, g group) (map[health.UserID]*gateway.Person, error) {
	users := members(g, r.plan().people)
	people, err := r.gateway.PeopleWithin(ctx, users, r.plan().maxAge)
	if err != nil {
		return nil, err
	}
	byID := make(map[health.UserID]*gateway.Person, len(people))
	for _, p := range people {
		byID[p.ID] = p
	}
	return byID, nil
}

func (r *reads) person(ctx context.Context, user health.UserID) (*gateway.Person, error) {
	people, err := r.people.Load(ctx, in(r.plan().people, user))()
	if err != nil {
		return nil, err
	}
	return people[user], nil
}

func (r *reads) readLinks(ctx context.Context, key linksKey) (map[health.UserID][]health.DataSourceLink, error) {
	users := members(key.group, r.plan().links[key.connector])
	people := make([]*gateway.Person, len(users))
	for i, user := range users {
		person, err := r.person(ctx, user)
		if err != nil {
			return nil, err
		}
		people[i] = person
	}
	byUser := make(map[health.UserID][]health.DataSourceLink, len(users))
	for i, links := range r.gateway.Links(ctx, key.connector, people) {
		byUser[users[i]] = links
		r.linksLast(links)
	}
	return byUser, nil
}

func (r *reads) connectorLinks(ctx context.Context, user health.UserID, connector string) dataloader.Thunk[map[health.UserID][]health.DataSourceLink] {
	key := linksKey{connector, in(r.plan().links[connector], user)}
	if r.gateway.Registry.Plug(connector).Links == nil {
		return r.granted.Load(ctx, key)
	}
	return r.links.Load(ctx, key)
}

func (r *reads) readZone(ctx context.Context, user health.UserID) (gateway.Zone, error) {
	person, err := r.person(ctx, user)
	if err != nil {
		return gateway.Zone{}, err
	}
	return r.gateway.HomeZone(ctx, person, func(connector string) ([]health.DataSourceLink, bool) {
		if !slices.Contains(r.plan().links[connector], user) {
			return nil, false
		}
		links, err := r.connectorLinks(ctx, user, connector)()
		return links[user], err == nil
	}), nil
}

// zone begins to find the zone of an argument, or the person's own.
func (r *reads) zone(ctx context.Context, user health.UserID, argument *health.TimeZone) dataloader.Thunk[gateway.Zone] {
	if argument == nil {
		return r.zones.Load(ctx, user)
	}
	return func() (gateway.Zone, error) {
		return gateway.Zone{TimeZone: *argument, Origin: health.ZoneFromArgument}, nil
	}
}

// readKept looks for what is kept of the steps of everybody whom the plan foresees.
func (r *reads) readKept(ctx context.Context, connector string) (map[health.UserID][]gateway.KeptDay, error) {
	all := r.plan().readersOf("stepCount", connector)
	users := make([]health.UserID, len(all.of))
	var zones []health.TimeZone
	for i, reader := range all.of {
		users[i] = reader.user
		more, err := r.zonesOf(ctx, reader.linksOf, r.plan().zones[reader])
		if err != nil {
			return nil, err
		}
		for _, zone := range more {
			zones = withZone(zones, zone)
		}
	}
	return r.gateway.KeptSteps(ctx, connector, users, all.days, zones), nil
}

// zonesOf finds the zones behind names that were planned, in which the connector's samples are tallied. One that totals days itself
// needs none, and does not wait for the person's own.
func (r *reads) zonesOf(ctx context.Context, of linksOf, names []string) (zones []health.TimeZone, err error) {
	if !r.gateway.CutsDays(of.connector) {
		return nil, nil
	}
	for _, name := range names {
		var zone health.TimeZone
		if name == "" {
			home, err := r.zones.Load(ctx, of.user)()
			if err != nil {
				return nil, err
			}
			zone = home.TimeZone
		} else if zone, err = health.ParseTimeZone(name); err != nil {
			return nil, err
		}
		zones = withZone(zones, zone)
	}
	return zones, nil
}

func withZone(zones []health.TimeZone, zone health.TimeZone) []health.TimeZone {
	if slices.ContainsFunc(zones, func(z health.TimeZone) bool { return z.String() == zone.String() }) {
		return zones
	}
	return append(zones, zone)
}

func (r *reads) readURL(ctx context.Context, key urlKey) (health.AuthorizationURL, error) {
	var redirect *health.URL
	if key.hasRedirect {
		redirect = &key.redirect
	}
	request, err := r.gateway.AuthorizeRequest(ctx, key.source, redirect)
	if err != nil {
		return health.AuthorizationURL{}, err
	}
	person, err := r.person(ctx, key.user)
	if err != nil {
		return health.AuthorizationURL{}, err
	}
	r.lasts(time.Time{})
	return r.gateway.AuthorizationURL(ctx, person, request), nil
}

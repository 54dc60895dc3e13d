package gateway

import (
	"context"
	"encoding/json"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

// KeptDay is what an upstream said of one day of a person, sealed.
type KeptDay struct {
	User      health.UserID
	Connector string
	Metric    string
	Zone      string // in which the day begins and ends; "" = the upstream's own days
	Day       health.Date
	Version   int64 // that the upstream counts, 0 where it doesn't
	FetchedAt time.Time
	Sealed    []byte
}

// NewDays are days that one read brought of one person at one connector. They are kept only while the data sources are connected, all of
// them, and there is at least one.
type NewDays struct {
	DataSources []health.DataSourceID
	Days        []KeptDay
}

// KeptDays says which days to look for.
type KeptDays struct {
	Users     []health.UserID
	Connector string
	Metric    string
	Zones     []string
	Days      health.DateRange
}

// dayKeeper keeps the days of one read of one person at one connector, and knows those kept before. The zero dayKeeper knows and
// keeps none.
type dayKeeper struct {
	g       *Gateway
	place   tokens.DayPlace
	sources []health.DataSourceID // connected as the read begins: what was kept does not outlive any of them
	known   map[keptKey]KeptDay
	maxAge  time.Duration // of what was kept before; 0: all of it is read again
	pending []KeptDay
	others  *gathered
}

type keptKey struct {
	zone string
	day  health.Date
}

// keepAtOnce is how many days of one read wait to be written while it goes on: what a process that is killed loses of it, beside what is
// in flight.
const keepAtOnce = 200

// keeperFor looks for what is kept of the days, in one statement, unless found has been read for several people at once. A link
// that is not well has nothing kept or shown of it.
func (g *Gateway) keeperFor(ctx context.Context, p *Person, read *StepRead, links []health.DataSourceLink, of KeptDays, found *[]KeptDay) *dayKeeper {
	if g.Days == nil || read.down != nil || keptFor(of.Days.From, g.Now(), true) == 0 {
		return &dayKeeper{}
	}
	k := &dayKeeper{g: g, others: gatheredIn(ctx), known: map[keptKey]KeptDay{}, place: tokens.DayPlace{
		User: p.ID, Connector: of.Connector, AccountID: g.account(p, read.plug).ID, Metric: of.Metric,
	}}
	for _, link := range links {
		if link.Status == health.StatusConnected {
			k.sources = append(k.sources, link.DataSource.ID)
		}
	}
	if found == nil {
		days := g.keptDays(ctx, of)
		found = &days
	}
	for _, day := range *found {
		k.known[keptKey{day.Zone, day.Day}] = day
	}
	return k
}

// freshUntil is until when what is kept of a day need not be asked for again; zero: it has to be now.
func (k *dayKeeper) freshUntil(day health.Date, fetchedAt, now time.Time, hasFigure bool) time.Time {
	if !isFresh(day, fetchedAt, now, hasFigure) || k.maxAge <= 0 || now.Sub(fetchedAt) > k.maxAge {
		return time.Time{}
	}
	return fetchedAt.Add(keptFor(day, now, hasFigure))
}

func (k *dayKeeper) placeOf(zone string, day health.Date, version int64, fetchedAt time.Time) tokens.DayPlace {
	place := k.place
	place.Zone, place.Day, place.Version, place.FetchedAt = zone, day, version, fetchedAt
	return place
}

// said is what an upstream said of a day, and when it was asked. A nil figure: it has none.
type said[T any] struct {
	figure    *T
	version   int64
	fetchedAt time.Time
}

// keptOf opens what is kept of a day. What does not open was never kept: it may be another account's, or its key is gone.
func keptOf[T any](k *dayKeeper, zone string, day health.Date) (said[T], bool) {
	row, ok := k.known[keptKey{zone, day}]
	if !ok {
		return said[T]{}, false
	}
	s := said[T]{version: row.Version, fetchedAt: row.FetchedAt}
	plain, err := k.g.Days.OpenDay(k.placeOf(zone, day, row.Version, row.FetchedAt), row.Sealed)
	if err != nil || json.Unmarshal(plain, &s.figure) != nil {
		return said[T]{}, false
	}
	return s, true
}

// keep seals what an upstream said of a day, to be written by and by. Days that are asked for each time are not kept.
func keep[T any](ctx context.Context, k *dayKeeper, zone string, day health.Date, s said[T]) {
	if k.g == nil || keptFor(day, s.fetchedAt, s.figure != nil) == 0 {
		return
	}
	plain, err := json.Marshal(s.figure)
	if err == nil {
		plain, err = k.g.Days.SealDay(k.placeOf(zone, day, s.version, s.fetchedAt), plain)
	}
	if err != nil {
		k.g.Log.ErrorContext(ctx, "a day could not be sealed", "connector", k.place.Connector, "error", err)
		return
	}
	k.pending = append(k.pending, KeptDay{
		User: k.place.User, Connector: k.place.Connector, Metric: k.place.Metric, Zone: zone, Day: day,
		Version: s.version, FetchedAt: s.fetchedAt, Sealed: plain,
	})
}

// write writes what waits if there are n days or more of it, and what other reads of the operation gathered.
func (k *dayKeeper) write(ctx context.Context, n int) {
	if len(k.pending) >= max(n, 1) {
		k.g.keepDays(ctx, k.others.all(k.take()))
	}
}

// end leaves what waits to be written with what other reads bring.
func (k *dayKeeper) end(ctx context.Context) {
	if len(k.pending) > 0 {
		k.g.keepDays(ctx, k.others.add(k.take()))
	}
}

func (k *dayKeeper) take() NewDays {
	days := NewDays{k.sources, k.pending}
	k.pending = nil
	return days
}

// forget deletes what is kept of the person at the connector, and keeps no more of this read.
func (k *dayKeeper) forget(ctx context.Context) {
	if k.g != nil {
		k.g.forgetDays(ctx, k.place.Connector, k.place.User)
	}
	*k = dayKeeper{}
}

// appendLost adds the person if a link that was connected is no more.
func (p *Person) appendLost(lost []health.UserID, changed []LinkRecord) []health.UserID {
	for _, record := range changed {
		if p.links[record.DataSource].Status == health.StatusConnected && record.Status != health.StatusConnected {
			return append(lost, p.ID)
		}
	}
	return lost
}

// forgetDays deletes what is kept of the people at the connector, and what the operation gathered, even when the caller's time is up.
func (g *Gateway) forgetDays(ctx context.Context, connector string, users ...health.UserID) {
	if g.Days == nil || len(users) == 0 {
		return
	}
	gatheredIn(ctx).forget(connector, users)
	ctx, cancel := outlive(ctx)
	defer cancel()
	if err := g.Store.ForgetDays(ctx, connector, users); err != nil {
		g.Log.ErrorContext(ctx, "kept days could not be deleted", "connector", connector, "error", err)
	}
}

// isTransient says whether a failure leaves what was known before as good as it was.
func isTransient(err error) bool {
	e := health.AsError(err)
	return e.Has(health.UpstreamUnavailable) || e.Has(health.RateLimited)
}

// KeptSteps looks for what is kept of several people's steps at one connector, in one statement.
func (g *Gateway) KeptSteps(ctx context.Context, connector string, users []health.UserID, days health.DateRange, zones []health.TimeZone) map[health.UserID][]KeptDay {
	kept := map[health.UserID][]KeptDay{}
	if g.Days == nil || keptFor(days.From, g.Now(), true) == 0 {
		return kept
	}
	for _, day := range g.keptDays(ctx, KeptDays{users, connector, health.StepCountMetric, keptZones(g.Registry.Plug(connector), zones), days}) {
		kept[day.User] = append(kept[day.User], day)
	}
	return kept
}

// keptDays are none where they can't be read: the upstream is then asked for all.
func (g *Gateway) keptDays(ctx context.Context, of KeptDays) []KeptDay {
	days, err := g.Store.KeptDays(ctx, of)
	if err != nil {
		g.Log.ErrorContext(ctx, "kept days could not be read: the upstream is asked for all", "connector", of.Connector, "error", err)
	}
	return days
}

// CutsDays says whether a connector's days are cut by the clocks of a zone, rather than the upstream's own.
func (g *Gateway) CutsDays(connector string) bool {
	return g.Registry.Plug(connector).DailySteps == nil
}

// keptZones are those under which a connector's days are kept.
func keptZones(plug *connectors.Plug, zones []health.TimeZone) []string {
	if plug.DailySteps != nil {
		return []string{""}
	}
	names := make([]string, len(zones))
	for i, zone := range zones {
		names[i] = zone.String()
	}
	return names
}

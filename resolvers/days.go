package resolvers

import (
	"context"
	"strings"

	"healthgraph/gateway"
	"healthgraph/health"
)

func (r *reads) readSteps(ctx context.Context, key daysKey) (gateway.StepRead, error) {
	person, links, err := r.personWithLinks(ctx, key.linksOf)
	if err != nil {
		return gateway.StepRead{}, err
	}
	ask := gateway.StepsToRead{Days: key.days, MaxAge: r.plan().maxAge}
	if ask.Zones, err = r.zonesOf(ctx, key.linksOf, strings.Split(key.zones, " ")); err != nil {
		return gateway.StepRead{}, err
	}
	if all := r.plan().readersOf(key.field, key.connector); len(all.of) > 1 && all.days.Contains(key.days) {
		kept, err := r.kept.Load(ctx, key.connector)()
		if err != nil {
			return gateway.StepRead{}, err
		}
		found := kept[key.user]
		ask.Kept = &found
	}
	return r.gateway.ReadSteps(ctx, person, key.connector, links, ask), nil
}

func (r *reads) readSleep(ctx context.Context, key daysKey) (gateway.SleepRead, error) {
	person, links, err := r.personWithLinks(ctx, key.linksOf)
	if err != nil {
		return gateway.SleepRead{}, err
	}
	return r.gateway.ReadSleep(ctx, person, key.connector, links, key.days), nil
}

func (r *reads) personWithLinks(ctx context.Context, of linksOf) (*gateway.Person, []health.DataSourceLink, error) {
	links, err := r.connectorLinks(ctx, of.user, of.connector)()
	if err != nil {
		return nil, nil, err
	}
	person, err := r.person(ctx, of.user)
	return person, links[of.user], err
}

// stepCount reads every connector side by side, and the zone beside them.
func (r *reads) stepCount(ctx context.Context, user health.UserID, request gateway.DayRequest) (*health.StepCount, error) {
	connectors := r.gateway.StepConnectors
	if !selectsDays(ctx) {
		connectors = func(gateway.Filter) []string { return nil }
	}
	found, zone, err := daily(ctx, r, dailyField[gateway.StepRead]{"stepCount", connectors, r.gateway.StepLinks, &r.steps}, user, request)
	if err != nil {
		return nil, err
	}
	count := r.gateway.CountSteps(request, zone, found)
	r.lasts(count.FreshUntil)
	count.User, count.DataSources = user, request.Filter().DataSources()
	return &count, nil
}

// sleep does so as well.
func (r *reads) sleep(ctx context.Context, user health.UserID, request gateway.DayRequest) (*health.Sleep, error) {
	found, zone, err := daily(ctx, r, dailyField[gateway.SleepRead]{"sleep", r.gateway.SleepConnectors, r.gateway.SleepLinks, &r.sleeps}, user, request)
	if err != nil {
		return nil, err
	}
	sleep := r.gateway.Sleep(request, zone, found)
	return &sleep, nil
}

// dailyField is a field that shows days, and what it reads of each connector.
type dailyField[T any] struct {
	name       string
	connectors func(gateway.Filter) []string
	// links is what the links that pass the filter say; where there is nothing to read, that stands for the read.
	links  func(connector string, links []health.DataSourceLink, filter gateway.Filter) (read T, worthReading bool)
	loader *loader[daysKey, T]
}

// daily reads a field's connectors side by side, and the zone beside them.
func daily[T any](ctx context.Context, r *reads, field dailyField[T], user health.UserID, request gateway.DayRequest) (found []T, zone gateway.Zone, err error) {
	home := r.zone(ctx, user, request.Zone)
	found, err = sideBySide(ctx, field.connectors(request.Filter()), func(ctx context.Context, connector string) (T, error) {
		return dailyOfOne(ctx, r, field, dailyOf{linksOf{user, connector}, field.name}, request)
	})
	if err != nil {
		return nil, gateway.Zone{}, err
	}
	zone, err = home()
	return found, zone, err
}

// dailyOfOne reads one connector, unless the links that pass the filter say that there is nothing to read.
func dailyOfOne[T any](ctx context.Context, r *reads, field dailyField[T], of dailyOf, request gateway.DayRequest) (read T, err error) {
	links, err := r.connectorLinks(ctx, of.user, of.connector)()
	if err != nil {
		return read, err
	}
	if read, worthReading := field.links(of.connector, links[of.user], request.Filter()); !worthReading {
		return read, nil
	}
	days, planned := r.plan().covering(of, request.Days)
	zones := r.plan().zones[of]
	if !planned {
		zones = []string{""}
		if request.Zone != nil && of.field == "stepCount" {
			zones[0] = request.Zone.String()
		}
	}
	return field.loader.Load(ctx, daysKey{of, days, strings.Join(zones, " ")})()
}

package resolvers

import (
	"context"
	"time"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/projection"
)

// dailyKey names the days of a metric of one person at one connector, as a zone's clocks cut them.
type dailyKey struct {
	linksOf
	metric string
	zone   health.TimeZone
	days   health.DateRange
}

// statisticsOf is what the plan calls the days of a metric. The person's own zone is not known yet when the plan is made.
func statisticsOf(links linksOf, request gateway.StatisticsRequest) dailyOf {
	zone := ""
	if request.Zone != nil {
		zone = request.Zone.String()
	}
	return dailyOf{links, "quantityStatistics " + request.Metric.Name + " " + zone}
}

func (r *Resolver) quantityStatistics(ctx context.Context, user health.UserID, metric string, from, to health.Date, period *health.StatisticsPeriod, zone *health.TimeZone, unit *string) (*health.QuantityStatistics, error) {
	request, err := r.Gateway.StatisticsRequest(metric, from, to, valueOr(period, health.PeriodDay), zone, valueOr(unit, ""))
	if err != nil {
		return nil, err
	}
	return readsOf(ctx).statistics(ctx, user, request)
}

// valueOr is an argument, or what it means to write null.
func valueOr[T any](argument *T, without T) T {
	if argument == nil {
		return without
	}
	return *argument
}

// statistics reads every connector that has samples side by side, once it is known where days begin.
func (r *reads) statistics(ctx context.Context, user health.UserID, request gateway.StatisticsRequest) (*health.QuantityStatistics, error) {
	zone, err := r.zone(ctx, user, request.Zone)()
	if err != nil {
		return nil, err
	}
	found, err := sideBySide(ctx, r.gateway.SampleConnectors(gateway.Filter{}), func(ctx context.Context, connector string) (gateway.DailyRead, error) {
		links, err := r.connectorLinks(ctx, user, connector)()
		if err != nil {
			return gateway.DailyRead{}, err
		}
		if read, worthReading := r.gateway.StepLinks(connector, links[user], gateway.Filter{}); !worthReading {
			return gateway.DailyRead{StepRead: read}, nil
		}
		of := linksOf{user, connector}
		days := r.plan().covering(statisticsOf(of, request), request.Days)
		return r.daily.Load(ctx, dailyKey{of, request.Metric.Name, zone.TimeZone, days})()
	})
	if err != nil {
		return nil, err
	}
	statistics := r.gateway.Statistics(request, zone, found)
	return &statistics, nil
}

func (r *reads) readDaily(ctx context.Context, key dailyKey) (gateway.DailyRead, error) {
	metric, err := health.ParseMetric(key.metric)
	if err != nil {
		return gateway.DailyRead{}, err
	}
	links, err := r.connectorLinks(ctx, key.user, key.connector)()
	if err != nil {
		return gateway.DailyRead{}, err
	}
	person, err := r.person(ctx, key.user)
	if err != nil {
		return gateway.DailyRead{}, err
	}
	return r.gateway.ReadDaily(ctx, person, key.connector, links[key.user], metric, key.days, key.zone), nil
}

func (r *Resolver) quantity(ctx context.Context, user health.UserID, metric string, from, to time.Time, first *int, after, unit *string) (*projection.QuantityConnection, error) {
	request, err := r.Gateway.QuantityRequest(metric, from, to, first, after, valueOr(unit, ""))
	if err != nil {
		return nil, err
	}
	reads := readsOf(ctx)
	found, err := sideBySide(ctx, r.Gateway.SampleConnectors(gateway.Filter{}), func(ctx context.Context, connector string) (gateway.SampleRead, error) {
		of := linksOf{user, connector}
		links, err := reads.connectorLinks(ctx, user, connector)()
		if err != nil {
			return gateway.SampleRead{}, err
		}
		if read, worthReading := r.Gateway.StepLinks(connector, links[user], gateway.Filter{}); !worthReading {
			return gateway.NotRead(read), nil
		}
		return reads.samples.Load(ctx, samplesKey{of, request.SampleRequest})()
	})
	if err != nil {
		return nil, err
	}
	page := projection.QuantityConnection{SamplePage: r.Gateway.QuantityPage(request, found), Metric: request.Quantity}
	if request.Unit != "" {
		page.Unit = &request.Unit
	}
	return &page, nil
}

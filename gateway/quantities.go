package gateway

import (
	"context"
	"fmt"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// MaxStatisticsDays is the longest range of quantityStatistics, and of a quantity's samples: ten years.
const MaxStatisticsDays = 3660

// StatisticsRequest is the arguments of quantityStatistics, checked.
type StatisticsRequest struct {
	Metric health.Metric
	Days   health.DateRange
	Period health.StatisticsPeriod
	Zone   *health.TimeZone // nil = the person's own
	unit   health.Unit
}

// StatisticsRequest checks the arguments of quantityStatistics without any call. A unit or period of "" is the default.
func (g *Gateway) StatisticsRequest(metric string, from, to health.Date, period health.StatisticsPeriod, zone *health.TimeZone, unit string) (StatisticsRequest, error) {
	r := StatisticsRequest{Days: health.DateRange{From: from, To: to}, Period: period, Zone: zone}
	if r.Period == "" {
		r.Period = health.PeriodDay
	}
	if err := checkDays(r.Days, MaxStatisticsDays); err != nil {
		return r, err
	}
	var err error
	if r.Metric, err = health.ParseMetric(metric); err != nil {
		return r, err
	}
	if r.Metric.Kind == health.UnknownKind {
		return r, health.Refuse("metric", r.Metric.Name+" is not in the catalogue (the field metrics), so nothing tells whether its samples add up or have an average: "+
			"read them with the field quantity")
	}
	r.unit, err = r.Metric.In(unit)
	return r, err
}

// checkDays holds a range of days to a length, and to years that a clock can show.
func checkDays(days health.DateRange, most int) error {
	if n := days.Days(); n < 1 {
		return health.Refuse("to", fmt.Sprintf("the last day, %s, is before the first, %s", days.To, days.From))
	} else if n > most {
		return health.Refuse("to", fmt.Sprintf("at most %d days, not %d", most, n))
	}
	for _, bound := range []struct {
		argument string
		date     health.Date
	}{{"from", days.From}, {"to", days.To}} {
		if bound.date.Year < minYear || bound.date.Year > maxYear {
			return health.Refuse(bound.argument, fmt.Sprintf("a day of the years %d to %d", minYear, maxYear))
		}
	}
	return nil
}

// QuantityRequest is the arguments of quantity, checked.
type QuantityRequest struct {
	SampleRequest
	Quantity health.Metric
	Unit     health.Unit // "" where the metric is not known
}

// QuantityRequest checks the arguments of quantity without any call. A unit of "" is the metric's own.
func (g *Gateway) QuantityRequest(metric string, from, to time.Time, first *int, after *string, unit string) (QuantityRequest, error) {
	var r QuantityRequest
	for _, bound := range []struct {
		argument string
		at       time.Time
	}{{"from", from}, {"to", to}} {
		if year := bound.at.UTC().Year(); year < minYear || year > maxYear {
			return r, health.Refuse(bound.argument, fmt.Sprintf("an instant of the years %d to %d", minYear, maxYear))
		}
	}
	switch span := to.Sub(from); {
	case span <= 0:
		return r, health.Refuse("to", "the end has to be after the beginning")
	case span > MaxStatisticsDays*24*time.Hour:
		return r, health.Refuse("to", fmt.Sprintf("at most %d days after from", MaxStatisticsDays))
	}
	var err error
	if r.Quantity, err = health.ParseMetric(metric); err != nil {
		return r, err
	}
	if r.Unit, err = r.Quantity.In(unit); err != nil {
		return r, err
	}
	r.SampleRequest, err = NewSampleRequest(metric, health.Interval{Start: from, End: to}, first, after)
	return r, err
}

// QuantityPage puts together what was read, in the unit asked for. It calls nobody.
func (g *Gateway) QuantityPage(request QuantityRequest, reads []SampleRead) health.SamplePage {
	page := g.SamplePage(request.SampleRequest, Filter{}, reads)
	if len(reads) == 0 {
		page.Problems = append(page.Problems, noQuantities())
	}
	if request.Quantity.Unit == nil || *request.Quantity.Unit == request.Unit {
		return page
	}
	page.Samples = slices.Clone(page.Samples) // the read may serve several requests
	for i := range page.Samples {
		s := &page.Samples[i]
		s.Value, s.Unit = health.Convert(s.Value, *request.Quantity.Unit, request.Unit), request.Unit
	}
	return page
}

func noQuantities() health.Problem {
	return health.Problem{Code: health.Unsupported, Message: "no upstream of this gateway has quantities"}
}

// DailyRead is what one connector had to say about a metric's days: what was read once, for every field that needs it.
type DailyRead struct {
	reading
	result connectors.SampleResult
	daily  *daily
}

// NotReadDaily stands for a read that the links say makes no sense.
func NotReadDaily(links StepRead) DailyRead { return DailyRead{reading: links.reading} }

// ReadDaily reads one connector's samples of a metric, and makes days of them as they come. links are all of the person's links
// to it.
func (g *Gateway) ReadDaily(ctx context.Context, p *Person, connector string, links []health.DataSourceLink, metric health.Metric, days health.DateRange, zone health.TimeZone) DailyRead {
	step, _ := g.StepLinks(connector, links, Filter{})
	read := DailyRead{reading: step.reading}
	read.asked = true
	days = g.begun(days)
	read.daily = newDaily(metric, days, zone, holdAtMost)
	if days.Days() < 1 {
		return read
	}
	account := g.account(p, read.plug)
	request := connectors.SampleRequest{Metric: metric.Name, Span: health.Interval{Start: read.daily.starts[0], End: read.daily.starts[len(read.daily.starts)-1]}}
	read.result = read.plug.Samples.ReadSamples(ctx, account, request, read.daily.add)
	if read.daily.walk.disordered { // the upstream has an order of its own: once more, and now all of it is kept
		read.daily = newDaily(metric, days, zone, holdAll)
		read.result = read.plug.Samples.ReadSamples(ctx, account, request, read.daily.add)
	}
	read.isAsOldAs(read.result.Age)
	read.daily.finish(read.result)
	read.sawData(read.plug.Description.DataSources, read.result.Newest)
	g.failed(ctx, p, &read.reading, read.result.Err)
	// What is new is news; that nothing is says little, of one metric.
	g.noteData(ctx, p, read.reading, links, func(health.DataSourceLink, time.Time) bool { return false })
	return read
}

// Statistics puts together what was read. It calls nobody: the reads may serve several requests. Each period takes the first
// upstream that has a figure, in the catalogue's order.
func (g *Gateway) Statistics(request StatisticsRequest, zone Zone, reads []DailyRead) health.QuantityStatistics {
	statistics := health.QuantityStatistics{
		Metric: request.Metric, Unit: request.unit, Period: request.Period, From: request.Days.From, To: request.Days.To,
		TimeZone: zone.TimeZone, TimeZoneOrigin: zone.Origin, Problems: []health.Problem{}, Complete: true, FetchedAt: g.Now(),
	}
	if len(reads) == 0 {
		statistics.Problems = append(statistics.Problems, noQuantities())
	}
	for _, read := range reads {
		var failure error
		if read.result.ReadUntil.Before(request.Days.To.AddDays(1).Start(zone.TimeZone)) {
			failure = read.result.Err
		}
		problem, complete := read.problemOf(DayRequest{Days: request.Days}, failure, read.result.Refused)
		if problem != nil {
			statistics.Problems = append(statistics.Problems, *problem)
		}
		statistics.Complete = statistics.Complete && complete
		if read.asked {
			statistics.FetchedAt = earliest(statistics.FetchedAt, g.readAt(read.result.Age))
		}
	}
	for _, period := range request.Days.Periods(request.Period) {
		row := make([]figure[dayFigures], len(reads))
		for i, read := range reads {
			row[i] = g.periodFigure(request, period, zone.TimeZone, read)
		}
		statistics.Periods = append(statistics.Periods, g.periodOf(request, period, zone.TimeZone, row))
	}
	return statistics
}

// periodFigure is one upstream's say about a period.
func (g *Gateway) periodFigure(request StatisticsRequest, period health.PeriodRange, zone health.TimeZone, read DailyRead) figure[dayFigures] {
	f := figure[dayFigures]{connector: read.plug.Description.ID, name: read.plug.Description.Name}
	end := period.To.AddDays(1).Start(zone)
	switch {
	case !read.linked(Filter{}):
		f.presence = health.PresenceNotConnected
		return f
	case !read.asked:
		f.presence = health.PresenceUnavailable
		return f
	case read.result.Err != nil && read.result.ReadUntil.Before(end): // a part would look like a whole
		f.presence = presenceOf(read.result.Err)
		return f
	}
	total := read.daily.of(period.DateRange)
	switch {
	case total.touched && g.isUnfinished(period, zone):
		f.presence = health.PresencePartialDay
	case total.touched && request.Metric.Kind == health.Cumulative && total.sum == 0:
		f.presence = health.PresenceZero
	case total.touched:
		f.presence = health.PresenceValue
	case read.newest(Filter{}).After(end):
		f.presence = health.PresenceNoData
	default:
		f.presence = health.PresenceNotSynced
	}
	if total.touched {
		f.value, f.sources = &total, g.sourcesOf(read.reading)
	}
	return f
}

func (g *Gateway) isUnfinished(period health.PeriodRange, zone health.TimeZone) bool {
	return period.To.Compare(health.DateOf(g.Now(), zone)) >= 0
}

// periodOf is the period with what was chosen of its figures, in the unit asked for.
func (g *Gateway) periodOf(request StatisticsRequest, period health.PeriodRange, zone health.TimeZone, row []figure[dayFigures]) health.QuantityPeriod {
	verdict := choose(choice{policy: health.ChoosePreferred}, row, nil)
	shown := health.QuantityPeriod{
		From: period.From, To: period.To, Partial: period.Cut || g.isUnfinished(period, zone),
		Presence: verdict.presence, DataSources: []health.DataSource{},
	}
	if verdict.chosen < 0 {
		return shown
	}
	f := *row[verdict.chosen].value
	shown.DataSources = row[verdict.chosen].sources
	in := func(value float64) *float64 {
		value = health.RoundNoise(health.Convert(value, *request.Metric.Unit, request.unit))
		return &value
	}
	if request.Metric.Kind == health.Cumulative {
		shown.Sum = in(f.sum)
		return shown
	}
	shown.Average, shown.Minimum, shown.Maximum, shown.Count = in(f.average(*request.Metric.Averaging)), in(f.minimum), in(f.maximum), &f.count
	return shown
}

package connectortest

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// The operations about sleep.
const (
	ReadDailySleep    = "ReadDailySleep"
	ReadSleepSessions = "ReadSleepSessions"
)

// sleepOperations lists what the connector can tell of sleep.
func (s *suite) sleepOperations(connector connectors.Connector) (all []operation) {
	account := func(person *http.Client) connectors.Account {
		return connectors.Account{ID: s.harness.Accounts[0], Client: person}
	}
	if c, ok := connector.(connectors.DailySleepReader); ok {
		dates := s.harness.Days.Each()
		inputs := make([]string, len(dates))
		for i, date := range dates {
			inputs[i] = date.String()
		}
		all = append(all, operation{name: ReadDailySleep, byPerson: s.plug.NeedsGrant(), inputs: inputs, run: func(ctx context.Context, person *http.Client) []error {
			var errs []error
			for i, result := range c.ReadDailySleep(ctx, account(person), dates) {
				if result.Err == nil && i < len(dates) && result.Sleep.Date != dates[i] {
					s.violate(RuleOrder, ReadDailySleep, "a result stands at another date's place")
				}
				errs = append(errs, result.Err)
			}
			return errs
		}})
	}
	if c, ok := connector.(connectors.SleepSessionReader); ok {
		all = append(all, operation{name: ReadSleepSessions, byPerson: s.plug.NeedsGrant(), run: func(ctx context.Context, person *http.Client) []error {
			return []error{c.ReadSleepSessions(ctx, account(person), s.nights()).Err}
		}})
	}
	return all
}

// nights is the span in which the harness has sleep.
func (s *suite) nights() health.Interval {
	return health.Interval{Start: s.harness.Days.From.AddDays(-1).Start(health.UTC), End: s.harness.Days.To.AddDays(1).Start(health.UTC)}
}

// checkSleep tries what can be said of any connector's sleep when all is well.
func (s *suite) checkSleep(ctx context.Context, connector connectors.Connector) {
	account := connectors.Account{ID: s.harness.Accounts[0], Client: s.person}
	if c, ok := connector.(connectors.DailySleepReader); ok {
		slept := false
		for _, result := range c.ReadDailySleep(ctx, account, s.harness.Days.Each()) {
			if figure := result.Sleep.Figure; figure != nil {
				slept = true
				s.checkTimes(ReadDailySleep, figure.SleepTimes)
				if figure.Asleep == nil && figure.InBed == nil {
					s.violate(RuleValues, ReadDailySleep, "a figure that tells neither time asleep nor time in bed")
				}
				if figure.Bedtime != nil && figure.WakeTime != nil && figure.WakeTime.Before(*figure.Bedtime) {
					s.violate(RuleValues, ReadDailySleep, "a night that ends before it begins")
				}
			}
		}
		if !slept {
			s.violate(RuleValues, ReadDailySleep, "the harness's days have no sleep: nothing is tried")
		}
	}
	if c, ok := connector.(connectors.SleepSessionReader); ok {
		s.checkSleepRecords(ctx, c, account)
	}
}

func (s *suite) checkTimes(name string, times health.SleepTimes) {
	for _, part := range []*health.Duration{times.Asleep, times.InBed, times.Light, times.Deep, times.REM, times.Unspecified, times.Awake, times.Latency} {
		if part != nil && (*part < 0 || time.Duration(*part)%time.Second != 0) {
			s.violate(RuleValues, name, "a time that is negative or no whole seconds")
		}
	}
}

// checkSleepRecords also lets one call after the other fail, and compares what was read with the whole.
func (s *suite) checkSleepRecords(ctx context.Context, c connectors.SleepSessionReader, account connectors.Account) {
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	whole := c.ReadSleepSessions(ctx, account, s.nights())
	calls := s.upstream.calls.Load()
	if whole.Err != nil {
		return // told by checkGood
	}
	if len(whole.Records) == 0 {
		s.violate(RuleValues, ReadSleepSessions, "the harness's days have no sleep: nothing is tried")
	}
	if !slices.IsSortedFunc(whole.Records, func(a, b health.SleepRecord) int { return a.Start.Compare(b.Start) }) {
		s.violate(RuleValues, ReadSleepSessions, "the records are not in order of their start")
	}
	for _, record := range whole.Records {
		s.checkTimes(ReadSleepSessions, record.Times)
		if record.End.Before(record.Start) || record.End.Sub(record.Start) > connectors.MaxSleepRecord {
			s.violate(RuleValues, ReadSleepSessions, "a record that makes no sense")
		}
		for _, span := range record.Spans {
			if span.End.Before(span.Start) || span.Stage == "" || span.Start.Before(record.Start) || span.End.After(record.End) {
				s.violate(RuleValues, ReadSleepSessions, "a stretch without a stage, or outside of its record")
			}
		}
	}
	s.eachBroken(calls, func() {
		part := c.ReadSleepSessions(ctx, account, s.nights())
		before := func(records []health.SleepRecord) []health.SleepRecord {
			return slices.DeleteFunc(slices.Clone(records), func(r health.SleepRecord) bool { return !r.Start.Before(part.ReadUntil) })
		}
		if part.Err == nil || len(before(part.Records))+len(before(whole.Records)) > 0 && !reflect.DeepEqual(before(part.Records), before(whole.Records)) {
			s.violate(RuleValues, ReadSleepSessions, "half-way, records before ReadUntil are missing, or nothing is said")
		}
	})
}

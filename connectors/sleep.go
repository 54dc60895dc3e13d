package connectors

import (
	"context"
	"time"

	"healthgraph/health"
)

// DaySleepResult is an upstream's sleep of one day, or why it could not be read.
type DaySleepResult struct {
	Sleep health.DaySleep
	Err   error
}

// DailySleepReader reads the sleep of days. Days are the upstream's own: see its documentation for which one a night belongs to.
type DailySleepReader interface {
	Connector
	// ReadDailySleep answers for each date, in order.
	ReadDailySleep(ctx context.Context, account Account, dates []health.Date) []DaySleepResult
}

// SleepRecordsResult is what was recorded. With Err set, the records that start before ReadUntil are all there are; nothing is
// known of later ones.
type SleepRecordsResult struct {
	Records   []health.SleepRecord // in order of their start
	ReadUntil time.Time
	Refused   int // records that made no sense and were left out
	Err       error
}

// SleepSessionReader reads sleep as devices recorded it.
type SleepSessionReader interface {
	Connector
	// ReadSleepSessions gives every record that touches the span. Records of several devices may overlap.
	ReadSleepSessions(ctx context.Context, account Account, span health.Interval) SleepRecordsResult
}

// MaxSleepRecord is longer than any single record of sleep: what goes on for longer was never ended.
const MaxSleepRecord = 36 * time.Hour

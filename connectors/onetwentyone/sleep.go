package onetwentyone

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// ReadSleepSessions reads sleep page by page, with its stages: instants in UTC. It needs the scope "sleep". What makes no sense is
// left out and counted in Refused; a session keeps those of its stages that do.
//
// A failure half-way keeps what was read.
func (c *Connector) ReadSleepSessions(ctx context.Context, account connectors.Account, span health.Interval) connectors.SleepRecordsResult {
	var result connectors.SleepRecordsResult
	var latest time.Time
	ascending, names, now := true, fieldNames{}, c.client.Now()
	query := spanOf(span, pageSize)
	query.Set("include_stages", "true") // the default is false
	result.Err = c.walkItems(ctx, account, query, func(items []json.RawMessage) error {
		anyRecognised := len(items) == 0
		refused := 0
		for _, item := range items {
			record, read := names.readSleep(item, now)
			anyRecognised = anyRecognised || read.recognised
			refused += read.refused
			if !read.ok {
				continue
			}
			ascending = ascending && !record.Start.Before(latest)
			latest = record.Start
			if record.End.After(span.Start) && record.Start.Before(span.End) {
				result.Records = append(result.Records, record)
			}
		}
		if !anyRecognised {
			return c.client.Invalid("nothing has a start and an end under a name that is known")
		}
		result.Refused += refused
		return nil
	}, "api", "v1", "sleep", account.ID)
	if result.Err != nil && ascending {
		result.ReadUntil = latest // another record that starts at the same instant may stand on the next page
	}
	slices.SortStableFunc(result.Records, func(a, b health.SleepRecord) int { return a.Start.Compare(b.Start) })
	return result
}

package rook

import (
	"context"
	"encoding/json"

	"healthgraph/connectors"
	"healthgraph/health"
)

// maxSteps is more than a person walks in a day: ROOK's figure is then no count of steps.
const maxSteps = 1_000_000

// distance is the part of a physical summary that has the day's steps.
type distance struct {
	Steps json.RawMessage `json:"steps_int"`
}

// ReadDailySteps reads each day's physical summary, one call per date.
//
// Days are the person's local ones, as ROOK learnt their zone. 204, and a summary whose steps are null or missing, is a
// total without steps: never zero. A day normally has its summary after it ended. ROOK counts each day once over all of
// the person's sources and names those that it used.
func (c *Connector) ReadDailySteps(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	c.eachDay(dates, func(i int) error {
		results[i].Total.Date = dates[i]
		content, err := c.readSummary(ctx, account.ID, dates[i], physicalHealth, physicalSummary)
		if err != nil || content == nil {
			return err
		}
		steps, err := count(content.Distance.Steps, maxSteps)
		if err != nil {
			return c.invalid(err)
		}
		results[i].Total.Steps, results[i].Total.DataSources = steps, sourcesNamed(content.Metadata.Sources)
		return nil
	}, func(i int, err error) { results[i].Total.Date, results[i].Err = dates[i], err })
	return results
}

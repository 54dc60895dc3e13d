package rook

import (
	"context"
	"net/http"
	"net/url"

	"healthgraph/connectors"
	"healthgraph/health"
)

// ReadDailySteps reads each day's physical summary: one call per date, since ROOK has no range, as many at once as the
// client allows, and no more once ROOK has answered 429.
//
// Days are the person's local ones, as ROOK learnt their zone. 204, and a summary whose steps are null or missing, is a
// total without steps: never zero. A day normally has its summary after it ended. ROOK counts each day once over all of
// the person's sources and names those that it used.
func (c *Connector) ReadDailySteps(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	var brake brake
	connectors.Each(len(dates), c.client.MaxInFlight(), func(i int) {
		results[i].Total.Date = dates[i]
		results[i].Err = brake.run(func() error {
			total, err := c.readDay(ctx, account.ID, dates[i])
			if err == nil {
				results[i].Total = total
			}
			return err
		})
	})
	return results
}

func (c *Connector) readDay(ctx context.Context, id string, date health.Date) (health.DayTotal, error) {
	if err := c.checkID(id); err != nil {
		return health.DayTotal{}, err
	}
	call := c.call(partSummaries, "v2", "processed_data", "physical_health", "summary")
	call.Query = url.Values{"user_id": {id}, "date": {date.String()}}
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return health.DayTotal{}, err
	}
	if answer.Status == http.StatusNoContent || deniesPerson(answer) || deniesDay(answer, date, c.client.Now()) {
		return health.DayTotal{Date: date}, nil
	}
	if err := c.client.Failure(call, answer); err != nil {
		return health.DayTotal{}, err
	}
	return c.dayTotal(answer, id, date)
}

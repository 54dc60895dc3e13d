package onetwentyone

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// The names of the daily limit's parts. OneTwentyOne calls them headers and shows them as keys of "limit" in the body;
// whether it sends headers as well is not documented, so they are read where the body has none.
const (
	limitRemaining = "X-RateLimit-Remaining" // requests left today
	limitReset     = "X-RateLimit-Reset"     // Unix seconds
)

// latestReset bounds how far away a reset may lie to be believed: the limit is a daily one.
const latestReset = 48 * time.Hour

// limit is what an answer says of the daily limit.
type limit map[string]json.RawMessage

// limitOf reads the "limit" of a body, and the headers for what it lacks.
func limitOf(fromBody json.RawMessage, header http.Header) limit {
	var named limit
	_ = json.Unmarshal(fromBody, &named) // it may be absent, as may the headers
	read := limit{}
	for _, name := range []string{limitRemaining, limitReset} {
		if value := header.Get(name); value != "" {
			read[name] = json.RawMessage(value)
		}
		if value, has := named[name]; has {
			read[name] = value
		}
	}
	return read
}

// isSpent says whether the answer was the last one for now.
func (l limit) isSpent() bool {
	remaining, there, ok := connectors.Number(l[limitRemaining])
	return there && ok && remaining <= 0
}

// wait tells how long until requests are taken again: until the reset that it names, else until the one
// that is assumed.
func (l limit) wait(now time.Time) time.Duration {
	if reset, there, ok := connectors.Number(l[limitReset]); there && ok {
		if wait := time.Unix(int64(reset), 0).Sub(now); wait > 0 && wait <= latestReset {
			return wait
		}
	}
	return nextReset(now).Sub(now)
}

// nextReset is when OneTwentyOne's day ends where it does not say so. It documents no hour; every reset in its samples is a
// midnight in UTC. An answer that names another is followed for that answer alone: the days that the budget plans are these.
func nextReset(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

// budget plans the daily limit, which the pages give as 10,000 requests over all routes. Whose it is, the client's or each
// person's, they do not say: it is taken to be the client's, as the smaller of the two, and the setting can say otherwise. What
// an answer tells of what is left may be one person's, so it is not counted here.
func (c Config) budget() *connectors.Budget {
	return connectors.NewBudget(connectors.BudgetConfig{
		Upstream: upstream, Name: "onetwentyone", Limit: c.DailyLimit, Reserve: c.DailyReserve, Resets: nextReset,
		Store: c.Budgets, Now: c.Client.Now, Log: c.Client.Log,
	})
}

// failure is the client's, with a 429 that always says when to ask again. How OneTwentyOne says that its limit is
// exceeded is not documented.
func (c *Connector) failure(call connectors.Call, answer connectors.Answer) error {
	err := c.client.Failure(call, answer)
	var e *health.Error
	if errors.As(err, &e) && e.Code == health.RateLimited && e.RetryAfter == 0 {
		var body struct {
			Limit json.RawMessage `json:"limit"`
		}
		_ = json.Unmarshal(answer.Body, &body) // an error's body may be anything
		e.RetryAfter = limitOf(body.Limit, answer.Header).wait(c.client.Now())
	}
	return err
}

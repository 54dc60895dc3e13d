package rook

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// userInfo is the structure of the document that says who a person is.
const userInfo = "user_info"

// information is what of it tells the person's zone. The specification has a text, which may be empty.
type information struct {
	Demographics struct {
		TimeZone any `json:"time_zone_string"`
	} `json:"user_demographics"`
}

// ReadTimeZone reads the person's user_info of one day. 204, and a zone that is empty or null, no IANA name but an offset or
// a name of Windows', is none.
func (c *Connector) ReadTimeZone(ctx context.Context, account connectors.Account) (*health.TimeZone, error) {
	if err := c.checkID(account.ID); err != nil {
		return nil, err
	}
	call := c.call(partInfo, "v2", "processed_data", "user", "info")
	call.Query = url.Values{"user_id": {account.ID}, "date": {infoDate(c.client.Now()).String()}}
	answer, err := c.client.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	if answer.Status == http.StatusNoContent || deniesPerson(answer) {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	if err := c.client.Failure(call, answer); err != nil {
		return nil, err
	}
	documents, err := c.documents(answer)
	if err != nil || len(documents) == 0 {
		return nil, err
	}
	newest, _, err := newestOf(documents)
	if err != nil {
		return nil, c.invalid(err)
	}
	zone, err := newest.zone(account.ID)
	return zone, c.invalid(err)
}

// infoDate is the date to ask for: the newest that has begun everywhere on Earth. Which dates have a user_info is not documented:
// any, or those of which something was extracted, which may be today's and is yesterday's rather. So it is yesterday's in UTC until
// noon and today's from then on: never one that ROOK may refuse as not begun, and both are asked for in time.
func infoDate(now time.Time) health.Date {
	return health.DateOf(now.Add(-12*time.Hour), health.UTC)
}

// zone is the zone that the document names, if it is the person's.
func (d document) zone(id string) (*health.TimeZone, error) {
	if d.DataStructure != nil && *d.DataStructure != userInfo || d.DataStructure == nil && d.Information == nil {
		return nil, errors.New("the document is no " + userInfo)
	}
	if !isAbout(id, d.UserID) || d.Metadata != nil && d.Metadata.UserID != nil && d.Metadata.UserID != id {
		return nil, errors.New("the document is another person's")
	}
	if d.Information == nil {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	name, _ := d.Information.Demographics.TimeZone.(string)
	zone, err := health.ParseTimeZone(name)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // any text may stand there, and "" often does
	}
	return &zone, nil
}

package rook

import (
	"context"
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
	newest, err := c.readDocument(ctx, partInfo, account.ID, infoDate(c.client.Now()), "user", "info")
	if err != nil || newest == nil {
		return nil, err
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
	if err := d.check(id, userInfo, d.Information != nil); err != nil {
		return nil, err
	}
	if d.Metadata != nil && d.Metadata.UserID != nil && d.Metadata.UserID != id {
		return nil, errNotTheirs
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

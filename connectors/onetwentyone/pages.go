package onetwentyone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strconv"

	"healthgraph/connectors"
	"healthgraph/health"
)

// pageAnswer is {"pagination":{"current_page":1,"has_more":true,"next_page":"…"},"limit":{…},"data":[…]}. Of the
// pagination has_more alone is read: the documented next_page loses the sort order and sometimes part of the path, and
// one that named another host would be handed the person's token.
type pageAnswer struct {
	Pagination struct {
		HasMore *bool `json:"has_more"`
	} `json:"pagination"`
	Limit json.RawMessage `json:"limit"`
	Data  json.RawMessage `json:"data"`
}

func (a pageAnswer) items() ([]json.RawMessage, error) {
	var items []json.RawMessage
	if a.Pagination.HasMore == nil {
		return nil, errors.New("the page does not say whether more follows")
	}
	if json.Unmarshal(a.Data, &items) != nil || items == nil {
		return nil, errors.New("the page's data is no list")
	}
	return items, nil
}

// walk hands the items of each page of a list to take, as few pages as there are, until take says that it has enough or the
// list ends. next_page is never followed: see pageAnswer. The pages are asked for oldest first, since the default, newest first,
// would shift them when something arrives meanwhile.
//
// RATE_LIMITED comes without a call where the last page said that none is left.
func (c *Connector) walk(ctx context.Context, account connectors.Account, query url.Values, take func(items []json.RawMessage) (more bool, err error), path ...string) error {
	var previous json.RawMessage
	for page := 1; page <= maxPages; page++ {
		asked := maps.Clone(query)
		asked.Set("sort", "asc")
		asked.Set("page", strconv.Itoa(page))
		asked.Set("pageSize", strconv.Itoa(pageSize))
		var wire pageAnswer
		answer, err := c.get(ctx, account, asked, &wire, path...)
		if err != nil {
			return err
		}
		items, err := wire.items()
		switch {
		case err != nil:
			return c.invalid(err)
		case len(items) == 0 && *wire.Pagination.HasMore:
			return c.client.Invalid("an empty page that promises more")
		case len(items) > 0 && bytes.Equal(wire.Data, previous):
			return c.client.Invalid("the same page twice")
		}
		previous = wire.Data
		if more, err := take(items); err != nil || !more || !*wire.Pagination.HasMore {
			return err
		}
		if left := limitOf(wire.Limit, answer.Header); left.isSpent() {
			spent := health.Fail(health.RateLimited, "OneTwentyOne takes no more requests for now: its daily limit is spent", nil)
			spent.RetryAfter = left.wait(c.client.Now())
			return spent
		}
	}
	return c.client.Invalid("the pages do not end")
}

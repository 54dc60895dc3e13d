package onetwentyone

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"

	"healthgraph/connectors"
	"healthgraph/health"
)

const (
	pageSize = 10_000 // the documented maximum; always sent, since the pages disagree about the default
	maxPages = 500    // five million samples: a list that still goes on does not end

	// marginDays are asked for on each side of the span's days in UTC. Whether endDate is included, whether a plain date means
	// UTC or the person's zone, and whether a sample counts by its start or its overlap is not documented.
	marginDays = 1
)

// spanOf asks for what a list has about a span, the oldest first: the default, newest first, would shift the pages when something
// arrives meanwhile.
func spanOf(span health.Interval, size int) url.Values {
	return url.Values{
		"startDate": {health.DateOf(span.Start, health.UTC).AddDays(-marginDays).String()},
		"endDate":   {health.DateOf(span.End, health.UTC).AddDays(marginDays).String()},
		"sort":      {"asc"},
		"pageSize":  {strconv.Itoa(size)},
	}
}

// rest is what is to be known of a page before the next is asked for.
type rest struct {
	more  bool            // there is a next one, and it is wanted
	limit json.RawMessage // as the page has it
}

// walk hands the pages of a list to take, one call each, as few as there are. Of a page's pagination, has_more alone is to be
// read: the documented next_page loses the sort order and sometimes part of the path, and one that named another host would be
// handed the person's token.
//
// RATE_LIMITED comes without a call where the last page said that none is left.
func (c *Connector) walk(ctx context.Context, account connectors.Account, query url.Values, take func(page connectors.Answer) (rest, error), path ...string) error {
	for number := 1; number <= maxPages; number++ {
		query.Set("page", strconv.Itoa(number))
		if more, err := c.page(ctx, account, query, take, path...); err != nil || !more {
			return err
		}
	}
	return c.client.Invalid("the pages do not end")
}

// page hands one page to take, which keeps nothing of its body, and says whether to ask for the next one.
func (c *Connector) page(ctx context.Context, account connectors.Account, query url.Values, take func(page connectors.Answer) (rest, error), path ...string) (more bool, err error) {
	page, err := c.get(ctx, account, query, nil, path...)
	if err != nil {
		return false, err
	}
	defer page.Release()
	after, err := take(page)
	if err != nil || !after.more {
		return false, err
	}
	return true, c.spent(after.limit, page.Header)
}

// pageAnswer is {"pagination":{"current_page":1,"has_more":true,"next_page":"…"},"limit":{…},"data":[…]}.
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

// walkItems walks over the pages of a short list, and hands the items of each to take.
func (c *Connector) walkItems(ctx context.Context, account connectors.Account, query url.Values, take func(items []json.RawMessage) error, path ...string) error {
	var previous json.RawMessage
	return c.walk(ctx, account, query, func(page connectors.Answer) (rest, error) {
		var wire pageAnswer
		if err := c.client.Decode(page, &wire); err != nil {
			return rest{}, err
		}
		items, err := wire.items()
		switch {
		case err != nil:
			return rest{}, c.invalid(err)
		case len(items) == 0 && *wire.Pagination.HasMore:
			return rest{}, c.client.Invalid("an empty page that promises more")
		case len(items) > 0 && bytes.Equal(wire.Data, previous):
			return rest{}, c.client.Invalid("the same page twice")
		}
		previous = wire.Data
		return rest{*wire.Pagination.HasMore, wire.Limit}, take(items)
	}, path...)
}

package onetwentyone

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

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

// ReadSamples reads the samples of a metric page by page, as few as there are: instants in UTC. Samples that make no sense are
// left out and counted in Refused.
//
// A failure half-way keeps what was read. RATE_LIMITED comes without a call where the last page said that none is left.
func (c *Connector) ReadSamples(ctx context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	measure, err := measureOf(request.Metric)
	if err != nil {
		return connectors.SampleResult{Err: err}
	}
	r := reading{measure: measure, client: c.client, now: c.client.Now(), seen: map[any]bool{}, names: fieldNames{}, ascending: true}
	err = c.readPages(ctx, account, request, &r, func(page []health.Sample) bool {
		slices.SortFunc(page, func(a, b health.Sample) int {
			return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID))
		})
		return yield(slices.DeleteFunc(page, func(s health.Sample) bool {
			return s.End.Before(request.Span.Start) || !s.Start.Before(request.Span.End)
		}))
	})
	result := connectors.SampleResult{Refused: r.refused, Err: err}
	if err != nil && r.ascending {
		result.ReadUntil = r.latest // another sample that starts at the same instant may stand on the next page
	}
	return result
}

func (c *Connector) readPages(ctx context.Context, account connectors.Account, request connectors.SampleRequest, r *reading, yield func([]health.Sample) bool) error {
	first, last := health.DateOf(request.Span.Start, health.UTC), health.DateOf(request.Span.End, health.UTC)
	for page := 1; page <= maxPages; page++ {
		query := url.Values{
			"startDate": {first.AddDays(-marginDays).String()},
			"endDate":   {last.AddDays(marginDays).String()},
			"sort":      {"asc"}, // the default, newest first, would shift the pages when samples arrive meanwhile
			"page":      {strconv.Itoa(page)},
			"pageSize":  {strconv.Itoa(pageSize)},
		}
		var wire pageAnswer
		answer, err := c.get(ctx, account, query, &wire, "api", "v1", "quantity", account.ID, request.Metric)
		if err != nil && page == 1 {
			err = withoutMetric(request.Metric, err)
		}
		if err != nil {
			return err
		}
		err = r.add(wire)
		samples, refused := r.measure.decide(r.samples)
		r.refused += refused
		r.samples = nil
		if more := yield(samples); !more || err != nil || !*wire.Pagination.HasMore {
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

// reading is the state of one walk over the pages.
type reading struct {
	measure   measure
	client    *connectors.Client
	now       time.Time
	samples   []health.Sample // of the page that is read now
	seen      map[any]bool
	names     fieldNames
	refused   int
	previous  json.RawMessage // the page before
	latest    time.Time       // start of the last sample
	ascending bool            // so far, by start: "asc" is taken to mean that, but what it sorts on is not documented
}

// identity is what makes two samples with an id the same one.
type identity struct {
	id    string
	start int64
}

// content is what makes two samples without an id the same one.
type content struct {
	start, end int64
	value      float64
	device     string
}

func (r *reading) add(page pageAnswer) error {
	items, err := page.items()
	if err != nil {
		return r.client.Invalid(err.Error())
	}
	switch {
	case len(items) == 0 && *page.Pagination.HasMore:
		return r.client.Invalid("an empty page that promises more")
	case len(items) > 0 && bytes.Equal(page.Data, r.previous):
		return r.client.Invalid("the same page twice")
	}
	r.previous = page.Data
	anyRecognised := len(items) == 0
	refused := 0
	for _, item := range items {
		sample, recognised, ok := r.names.readSample(item, r.measure, r.now)
		anyRecognised = anyRecognised || recognised
		if !ok {
			refused++
			continue
		}
		r.keep(sample)
	}
	if !anyRecognised {
		return r.client.Invalid("no sample has a value and a start under a name that is known")
	}
	r.refused += refused
	return nil
}

func (r *reading) keep(sample health.Sample) {
	var key any = identity{sample.ID, sample.Start.UnixNano()} // an id that is not one (a type's name) costs no sample
	if sample.ID == "" {
		key = content{sample.Start.UnixNano(), sample.End.UnixNano(), sample.Value, sample.Device}
	}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.ascending = r.ascending && !sample.Start.Before(r.latest)
	r.latest = sample.Start
	r.samples = append(r.samples, sample)
}

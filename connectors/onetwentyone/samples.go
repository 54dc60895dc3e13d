package onetwentyone

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"healthgraph/connectors"
	"healthgraph/health"
)

// leastPage is asked for where few samples are expected, and beyond what is expected otherwise: the margin brings samples before
// the first that counts, and a second call is dearer than a longer page.
const leastPage = 2000

// ReadSamples reads the samples of a metric page by page, as few as there are: instants in UTC. Samples that make no sense are
// left out and counted in Refused. Where OneTwentyOne turns out not to keep the order that it was asked for, what is left is read
// to its end and handed over as one page.
//
// A failure half-way keeps what was read. RATE_LIMITED comes without a call where the last page said that none is left.
func (c *Connector) ReadSamples(ctx context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	metric, err := health.ParseMetric(request.Metric)
	if err != nil {
		return connectors.SampleResult{Err: err}
	}
	r := reading{client: c.client, reader: newSampleReader(measure{metric}, c.client.Now()), landmarks: map[health.SamplePlace]bool{}, ascending: true}
	hand := func(page []health.Sample) (more bool) {
		if !slices.IsSortedFunc(page, compareSamples) {
			slices.SortFunc(page, compareSamples)
		}
		return yield(slices.DeleteFunc(page, func(s health.Sample) bool {
			return s.End.Before(request.Span.Start) || !s.Start.Before(request.Span.End)
		}))
	}
	var held []health.Sample
	err = c.readPages(ctx, account, request, &r, func(page []health.Sample) (more bool) {
		if !r.ascending {
			held = append(held, page...)
			return true
		}
		return hand(page)
	})
	if len(held) > 0 {
		hand(held)
	}
	result := connectors.SampleResult{Newest: r.newest, Refused: r.refused, Err: err}
	if err != nil && r.ascending {
		result.ReadUntil = r.latest // another sample that starts at the same instant may stand on the next page
	}
	return result
}

func compareSamples(a, b health.Sample) int {
	return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.Device, b.Device), cmp.Compare(a.ID, b.ID))
}

func (c *Connector) readPages(ctx context.Context, account connectors.Account, request connectors.SampleRequest, r *reading, yield func([]health.Sample) bool) error {
	size := pageSize
	if request.Expect > 0 {
		size = min(leastPage+request.Expect, pageSize)
	}
	answered := false
	err := c.walk(ctx, account, spanOf(request.Span, size), func(answer connectors.Answer) (rest, error) {
		answered = true
		page, err := r.reader.readPage(answer.Body)
		if err != nil {
			return rest{}, c.invalid(err)
		}
		samples, err := r.add(page, answer.Body)
		return rest{yield(samples) && *page.hasMore, page.limit}, err
	}, "api", "v1", "quantity", account.ID, request.Metric)
	if !answered {
		return withoutMetric(request.Metric, err)
	}
	return err
}

// reading is the state of one walk over the pages. What it holds grows with the page, not with the history.
type reading struct {
	client *connectors.Client
	reader *sampleReader
	// page and before are the samples of this page and of the one before it. Samples that arrive or go while the pages are turned
	// shift the borders of the pages: what repeats is the end of the page before, as many as came.
	page, before map[health.SamplePlace]bool
	// landmarks are the first samples of all pages. A page that holds one again was shifted by a whole page, or is an earlier one:
	// then there is no telling what else repeats.
	landmarks map[health.SamplePlace]bool
	nonsense  uint64 // hash of the last page on which nothing made sense
	refused   int
	latest    time.Time // start of the last sample
	newest    time.Time // end of the newest one
	ascending bool      // so far, by start: "asc" is taken to mean that, but what it sorts on is not documented
}

// identityOf is what makes two samples the same one: device, start and id, or without an id device, start, end and value. An id that
// is not one (a type's name) costs no sample: neither those at other times, nor those of another device at the same time.
func identityOf(s health.Sample) health.SamplePlace {
	if s.ID != "" {
		s.End = s.Start
	}
	return health.PlaceOf(health.DataSourceID(s.Device), s)
}

// add gives the page's samples that are new. Of a page that it refuses it gives none.
func (r *reading) add(page samplePage, body []byte) (samples []health.Sample, err error) {
	switch {
	case page.items == 0 && *page.hasMore:
		return nil, r.client.Invalid("an empty page that promises more")
	case page.items > 0 && !page.recognised:
		return nil, r.client.Invalid("no sample has a value and a start under a name that is known")
	}
	var first health.SamplePlace
	if len(page.samples) > 0 {
		first = identityOf(page.samples[0])
	}
	var latest time.Time
	ascending := r.ascending
	if r.isAll(page) {
		samples, latest = page.samples, page.samples[len(page.samples)-1].Start
	} else if samples, latest, ascending, err = r.unseen(page.samples); err != nil {
		return nil, err
	}
	for i := range samples {
		if samples[i].End.After(r.newest) {
			r.newest = samples[i].End
		}
	}
	switch {
	case !first.IsZero():
		r.landmarks[first] = true
	case page.items > 0 && r.nonsense == xxhash.Sum64(body):
		return nil, r.client.Invalid("the same page twice")
	case page.items > 0:
		r.nonsense = xxhash.Sum64(body)
	}
	r.latest, r.ascending = latest, ascending
	r.refused += page.refused
	return samples, nil
}

// isAll says whether a page is the whole list, each of whose samples starts later than the one before it: then none stands there twice,
// and as almost all lists are of one page, nothing has to be remembered of them.
func (r *reading) isAll(page samplePage) bool {
	if *page.hasMore || len(r.landmarks) > 0 || len(page.samples) == 0 {
		return false
	}
	for i := range page.samples[1:] {
		if !page.samples[i].Start.Before(page.samples[i+1].Start) {
			return false
		}
	}
	return true
}

// unseen gives those that were not on this page already, or on the one before, when the last one starts, and whether all pages still
// ascend.
func (r *reading) unseen(all []health.Sample) (samples []health.Sample, latest time.Time, ascending bool, err error) {
	r.page, r.before = r.before, r.page
	if r.page == nil {
		r.page = make(map[health.SamplePlace]bool, len(all))
	}
	clear(r.page)
	latest, ascending = r.latest, r.ascending
	samples = all[:0]
	for _, sample := range all {
		key := identityOf(sample)
		switch {
		case r.landmarks[key]:
			return nil, latest, ascending, r.client.Invalid("a page that begins again where an earlier one did")
		case r.page[key] || r.before[key]:
			continue
		}
		r.page[key] = true
		ascending = ascending && !sample.Start.Before(latest)
		latest = sample.Start
		samples = append(samples, sample)
	}
	return samples, latest, ascending, nil
}

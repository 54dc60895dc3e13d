package onetwentyone

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPageSize is documented (api.onetwentyone.ai/quantity).
const maxPageSize = 10_000

// query is what a request for samples asks, made sense of.
type query struct {
	from, to   int64 // milliseconds, from included and to excluded
	descending bool
	page, size int
}

// quantity is GET /api/v1/quantity/{user_id}/{metric} (api.onetwentyone.ai/quantity).
func (s *Simulator) quantity(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a, ok := s.admit(w, r, "quantity")
	if !ok {
		s.mu.Unlock()
		return
	}
	sw, zone, metric := a.sw, a.person.zone, r.PathValue("metric")
	_, known := units[metric]
	known = known && !slices.Contains(strings.Fields(sw.UnknownMetrics), metric)
	var q query
	var err error
	if known {
		q, err = sw.parseQuery(r.URL.Query(), zone)
	}
	if !known || err != nil {
		s.mu.Unlock()
		if !known {
			sw.fail(w, sw.UnknownMetricStatus, "no such metric", &a.limit)
		} else {
			sw.fail(w, sw.MalformedStatus, err.Error(), &a.limit)
		}
		return
	}
	sel := s.selectSamples(a, metric, q)
	if q.page > 1 && sw.ExtraSamples > 0 {
		s.arrive(a.person, metric, sel, sw.ExtraSamples)
		sel = s.selectSamples(a, metric, q)
	}
	owner := itemOwner{userID: a.person.userID, metric: metric, writing: sw.writingOf(metric), zone: zone}
	s.mu.Unlock()

	first := (q.page - 1) * q.size
	if first >= sel.len() && q.page > 1 && sw.BeyondLast == "notFound" {
		sw.fail(w, http.StatusNotFound, "no such page", &a.limit)
		return
	}
	more := sel.len()-first > q.size || sw.NeverEnding || sw.RepeatPage
	if sw.RepeatPage {
		first = 0
	}
	body := []byte(`{"pagination":`)
	body = append(body, marshal(sw.pagination(r, q, more))...)
	if sw.limitInBody() {
		body = append(body, `,"limit":`...)
		body = append(body, marshal(a.limit)...)
	}
	body = append(body, `,"data":[`...)
	body = sw.appendItems(body, owner, sel, first, q)
	write(w, http.StatusOK, "application/json", append(body, "]}"...))
}

func (s *Simulator) selectSamples(a asked, metric string, q query) selection {
	return s.history(a.person, metric).between(q.from, q.to, a.now.UnixMilli(), a.sw.RangeBy == "overlap")
}

// pagination is the object of that name (api.onetwentyone.ai/pagination).
func (sw Switches) pagination(r *http.Request, q query, more bool) map[string]any {
	p := map[string]any{"current_page": q.page, "has_more": more}
	link := func(name string, page int, there bool) {
		switch {
		case there:
			p[name] = sw.pageLink(r, page, q.size)
		case sw.NoPage == "null":
			p[name] = nil
		}
	}
	link("next_page", q.page+1, more)
	link("prev_page", q.page-1, q.page > 1)
	return p
}

func (sw Switches) pageLink(r *http.Request, page, size int) string {
	var b strings.Builder
	switch sw.NextPage {
	case "absolute":
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		b.WriteString(scheme + r.Host)
	case "foreign":
		b.WriteString("https://foreign.example")
	}
	b.WriteString(r.URL.EscapedPath() + "?")
	in := r.URL.Query()
	for _, name := range []string{"startDate", "endDate", "sort"} {
		if in.Has(name) && (name != "sort" || sw.NextPageSort == "keep") {
			b.WriteString(name + "=" + url.QueryEscape(in.Get(name)) + "&")
		}
	}
	b.WriteString("page=" + strconv.Itoa(page) + "&pageSize=" + strconv.Itoa(size))
	return b.String()
}

// parseQuery reads the documented parameters and ignores all others.
func (sw Switches) parseQuery(in url.Values, zone *time.Location) (query, error) {
	q := query{from: math.MinInt64, to: math.MaxInt64, descending: true, page: 1, size: sw.DefaultPageSize}
	for _, name := range []string{"startDate", "endDate", "sort", "page", "pageSize"} {
		if len(in[name]) > 1 {
			return q, errors.New(name + " is given twice")
		}
	}
	if in.Has("startDate") {
		at, _, err := sw.parseDate(in.Get("startDate"), zone)
		if err != nil {
			return q, errors.New("startDate " + err.Error())
		}
		q.from = at.UnixMilli()
	}
	if in.Has("endDate") {
		at, day, err := sw.parseDate(in.Get("endDate"), zone)
		if err != nil {
			return q, errors.New("endDate " + err.Error())
		}
		switch {
		case sw.EndDate == "inclusive" && day:
			at = at.AddDate(0, 0, 1)
		case sw.EndDate == "inclusive":
			at = at.Add(time.Millisecond)
		}
		q.to = at.UnixMilli()
	}
	switch in.Get("sort") {
	case "asc":
		q.descending = false
	case "desc":
	default:
		if in.Has("sort") {
			return q, errors.New("sort must be asc or desc")
		}
	}
	var err error
	if q.page, err = sw.parseNumber(in, "page", q.page, math.MaxInt32); err != nil {
		return q, err
	}
	q.size, err = sw.parseNumber(in, "pageSize", q.size, maxPageSize)
	return q, err
}

func (sw Switches) parseNumber(in url.Values, name string, without, most int) (int, error) {
	if !in.Has(name) {
		return without, nil
	}
	n, err := strconv.Atoi(in.Get(name))
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, errors.New(name + " must be a number")
	case n >= 1 && n <= most:
		return n, nil
	case sw.OutOfRange == "clamp":
		return min(max(n, 1), most), nil
	default:
		return 0, errors.New(name + " must be from 1 to " + strconv.Itoa(most))
	}
}

// parseDate reads what passes for ISO 8601: a plain date, or a date and time with or without seconds' fractions and
// offset. day tells that it was a plain date.
func (sw Switches) parseDate(text string, zone *time.Location) (at time.Time, day bool, err error) {
	if sw.PlainDates == "utc" {
		zone = time.UTC
	}
	if at, err = time.ParseInLocation("2006-01-02", text, zone); err == nil {
		return at, true, nil
	}
	if at, err = time.ParseInLocation("2006-01-02T15:04:05", text, zone); err == nil {
		return at, false, nil
	}
	if at, err = time.Parse(time.RFC3339, text); err == nil && (sw.Offsets == "accept" || strings.HasSuffix(text, "Z")) {
		return at, false, nil
	}
	return at, false, errors.New("must be an ISO 8601 date or time")
}

package floor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"healthgraph/bench/upstreams"
)

type day struct {
	Date  string `json:"date"`
	Steps *int   `json:"steps"`
}

// sample is as OneTwentyOne sends it.
type sample struct {
	ID     string    `json:"id"`
	Value  float64   `json:"value"`
	Unit   string    `json:"unit"`
	Start  time.Time `json:"start_date"`
	End    time.Time `json:"end_date"`
	Source string    `json:"source_name"`
	Device string    `json:"source_device"`
}

// shown is a sample as the gateway answers it.
type shown struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Value float64   `json:"value"`
}

type shownSamples struct {
	Nodes []shown `json:"nodes"`
}

type stepCount struct {
	Days    []day         `json:"days,omitempty"`
	Samples *shownSamples `json:"samples,omitempty"`
}

func dates(from, to string) (list []string, err error) {
	first, err := time.Parse(time.DateOnly, from)
	last, lastErr := time.Parse(time.DateOnly, to)
	if err = errors.Join(err, lastErr); err != nil || last.Before(first) {
		return nil, errRange
	}
	for ; !first.After(last); first = first.AddDate(0, 0, 1) {
		list = append(list, first.Format(time.DateOnly))
	}
	return list, nil
}

// samples reads one page, which is all there is, of the days.
func (f *Floor) samples(ctx context.Context, account, from, to string) ([]sample, error) {
	var page struct {
		Pagination struct {
			HasMore bool `json:"has_more"`
		} `json:"pagination"`
		Data []sample `json:"data"`
	}
	err := f.get(ctx, "/api/v1/quantity/"+account+"/stepCount?startDate="+from+"&endDate="+to+"&sort=asc&page=1&pageSize=10000", asPerson(account), &page)
	if err == nil && page.Pagination.HasMore {
		err = errors.New("there is more than one page")
	}
	return page.Data, err
}

// daily adds up samples by the day on which they begin in the person's zone. None overlap, and none crosses midnight.
func (f *Floor) daily(samples []sample, dates []string) []*int {
	byDate := make(map[string]*int, len(dates))
	for _, s := range samples {
		date := s.Start.In(f.zone).Format(time.DateOnly)
		steps := byDate[date]
		if steps == nil {
			steps = new(int)
			byDate[date] = steps
		}
		*steps += int(s.Value)
	}
	list := make([]*int, len(dates))
	for i, date := range dates {
		list[i] = byDate[date]
	}
	return list
}

func (f *Floor) steps(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, to := query.Get("from"), query.Get("to")
	dates, err := dates(from, to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	samples, err := f.samples(r.Context(), query.Get("account"), from, to)
	var count stepCount
	if query.Get("samples") == strconv.FormatBool(true) {
		count.Samples = &shownSamples{make([]shown, len(samples))}
		for i, s := range samples {
			count.Samples.Nodes[i] = shown{s.Start, s.End, s.Value}
		}
	} else {
		for i, steps := range f.daily(samples, dates) {
			count.Days = append(count.Days, day{dates[i], steps})
		}
	}
	respond(w, err, map[string]stepCount{"stepCount": count})
}

// PeopleRequest asks for many people at once.
type PeopleRequest struct {
	People []Person `json:"people"`
	From   string   `json:"from"`
	To     string   `json:"to"`
}

// Person is somebody with an account of OneTwentyOne.
type Person struct {
	ID      string `json:"id"`
	Account string `json:"account"`
}

type user struct {
	ID          string     `json:"id"`
	Connections []linkOnly `json:"connections"`
	StepCount   stepCount  `json:"stepCount"`
}

func (f *Floor) people(w http.ResponseWriter, r *http.Request) {
	var asked PeopleRequest
	err := json.NewDecoder(r.Body).Decode(&asked)
	dates, datesErr := dates(asked.From, asked.To)
	if err = errors.Join(err, datesErr); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	users := make([]user, len(asked.People))
	all, ctx := errgroup.WithContext(r.Context())
	for i, person := range asked.People {
		all.Go(func() error {
			var err error
			users[i], err = f.user(ctx, person, dates)
			return err
		})
	}
	err = all.Wait()
	respond(w, err, map[string][]user{"users": users})
}

// user is one person's links and steps: of each day the higher of what the two upstreams have.
func (f *Floor) user(ctx context.Context, person Person, dates []string) (user, error) {
	all, ctx := errgroup.WithContext(ctx)
	u := user{ID: person.ID}
	fromRook := make([]*int, len(dates))
	all.Go(func() error {
		links, err := f.links(ctx, person.ID, true)
		if err != nil {
			return err
		}
		u.Connections = withoutURLs(links)
		for _, l := range links[:len(upstreams.BrowserSources)] {
			if l.Status == statusOf(true) {
				return f.rookDays(ctx, person.ID, dates, fromRook)
			}
		}
		return nil
	})
	var samples []sample
	all.Go(func() (err error) {
		samples, err = f.samples(ctx, person.Account, dates[0], dates[len(dates)-1])
		return err
	})
	if err := all.Wait(); err != nil {
		return u, err
	}
	for i, steps := range f.daily(samples, dates) {
		if steps == nil || (fromRook[i] != nil && *fromRook[i] > *steps) {
			steps = fromRook[i]
		}
		u.StepCount.Days = append(u.StepCount.Days, day{dates[i], steps})
	}
	return u, nil
}

func (f *Floor) rookDays(ctx context.Context, person string, dates []string, steps []*int) error {
	all, ctx := errgroup.WithContext(ctx)
	for i, date := range dates {
		all.Go(func() error {
			var document struct {
				Physical struct {
					Summary struct {
						Summary struct {
							Distance struct {
								Steps *int `json:"steps_int"`
							} `json:"distance"`
						} `json:"physical_summary"`
					} `json:"summary"`
				} `json:"physical_health"`
			}
			err := f.get(ctx, "/v2/processed_data/physical_health/summary?user_id="+person+"&date="+date, asClient, &document)
			steps[i] = document.Physical.Summary.Summary.Distance.Steps
			return err
		})
	}
	return all.Wait()
}

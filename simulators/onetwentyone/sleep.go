package onetwentyone

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"healthgraph/simulators/people"
)

// SleepInput is one stretch of sleep of a PersonInput.
type SleepInput struct {
	Start  time.Time `json:"start"` // RFC 3339
	End    time.Time `json:"end"`
	Stage  string    `json:"stage"` // inBed, asleep, awake, core, deep or rem
	Device string    `json:"device,omitempty"`
}

// sleepStages are the stages in the order of HealthKit's numbers, with HealthKit's names and those of the switch "light".
var sleepStages = []struct{ name, healthKit, light string }{
	{"inBed", "inBed", "in_bed"}, {"asleep", "asleepUnspecified", "asleep"}, {"awake", "awake", "awake"},
	{"core", "asleepCore", "light"}, {"deep", "asleepDeep", "deep"}, {"rem", "asleepREM", "rem"},
}

func (in SleepInput) check() error {
	if sleepStage(in.Stage) < 0 {
		return fmt.Errorf("%q is not a stage: inBed, asleep, awake, core, deep or rem", in.Stage)
	}
	return Step{Start: in.Start, End: in.End}.check()
}

func checkSleep(stretches *[]SleepInput) error {
	if stretches == nil {
		return nil
	}
	for _, stretch := range *stretches {
		if err := stretch.check(); err != nil {
			return fmt.Errorf("sleep: %w", err)
		}
	}
	return nil
}

func sleepStage(name string) int {
	return slices.IndexFunc(sleepStages, func(s struct{ name, healthKit, light string }) bool { return s.name == name })
}

// slept are the person's stretches of sleep that have ended by now, in order. The seeded ones are stages by the watch, and time in bed
// by the phone. The caller holds s.mu.
func (s *Simulator) slept(p *person, now time.Time) []SleepInput {
	if p.sleep != nil {
		return p.sleep
	}
	zone := s.histories.Zone(p.name)
	names := map[string]string{people.Awake: "awake", people.Light: "core", people.Deep: "deep", people.REM: "rem"}
	var all []SleepInput
	for day := people.DateOf(s.config.HistoryStart); day <= people.DateOf(now.In(zone)); day++ {
		for _, night := range s.histories.Nights(p.name, day) {
			all = append(all, SleepInput{night.Bed, night.Up, "inBed", people.Phone})
			for _, stage := range night.Stages {
				all = append(all, SleepInput{stage.Start, stage.End, names[stage.Name], people.Watch})
			}
		}
	}
	return slices.DeleteFunc(all, func(in SleepInput) bool { return in.End.After(now) })
}

// sleepSession is what one device recorded without a break of more than an hour.
type sleepSession struct {
	start, end time.Time
	device     string
	stages     []SleepInput
}

// sessions puts stretches together; each is one by itself where alone.
func sessions(all []SleepInput, alone bool) []sleepSession {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b SleepInput) int { return a.Start.Compare(b.Start) })
	open := map[string]int{} // by device, in found
	var found []sleepSession
	for _, in := range all {
		if i, has := open[in.Device]; has && !alone && in.Start.Sub(found[i].end) <= time.Hour {
			found[i].stages = append(found[i].stages, in)
			if in.End.After(found[i].end) {
				found[i].end = in.End
			}
			continue
		}
		open[in.Device] = len(found)
		found = append(found, sleepSession{in.Start, in.End, in.Device, []SleepInput{in}})
	}
	slices.SortStableFunc(found, func(a, b sleepSession) int { return cmp.Or(a.start.Compare(b.start), a.end.Compare(b.end)) })
	return found
}

// sleepAnswer is GET /api/v1/sleep/{user_id} (api.onetwentyone.ai/sleep), whose parameters are documented and whose answer is not.
func (s *Simulator) sleepAnswer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a, ok := s.admit(w, r, "sleep")
	if !ok {
		s.mu.Unlock()
		return
	}
	sw, zone, userID := a.sw, a.person.zone, a.person.userID
	all := s.slept(a.person, a.now)
	s.mu.Unlock()
	q, err := sw.parseQuery(r.URL.Query(), zone)
	include, includeErr := strconv.ParseBool(cmp.Or(r.URL.Query().Get("include_stages"), "false"))
	if includeErr != nil {
		err = errors.New("include_stages must be true or false")
	}
	if err != nil {
		sw.fail(w, sw.MalformedStatus, err.Error(), &a.limit)
		return
	}
	found := slices.DeleteFunc(sessions(all, sw.SleepItems == "samples"), func(in sleepSession) bool {
		from := in.start
		if sw.RangeBy == "overlap" {
			from = in.end
		}
		return from.UnixMilli() < q.from || in.start.UnixMilli() >= q.to
	})
	if q.descending {
		slices.Reverse(found)
	}
	first := min((q.page-1)*q.size, len(found))
	if first == len(found) && q.page > 1 && sw.BeyondLast == "notFound" {
		sw.fail(w, http.StatusNotFound, "no such page", &a.limit)
		return
	}
	more := len(found)-first > q.size || sw.NeverEnding || sw.RepeatPage
	if sw.RepeatPage {
		first = 0
	}
	items := []map[string]any{}
	for _, session := range found[first:min(first+q.size, len(found))] {
		items = append(items, sw.sleepItem(session, userID, zone, include))
	}
	body := map[string]any{"pagination": sw.pagination(r, q, more), "data": items}
	if sw.limitInBody() {
		body["limit"] = a.limit
	}
	write(w, http.StatusOK, "application/json", marshal(body))
}

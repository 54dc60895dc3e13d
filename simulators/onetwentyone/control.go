package onetwentyone

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"healthgraph/simulators"
)

// maxPeopleBody is the longest body of PUT /_control/people: some hundred thousand samples.
const maxPeopleBody = 64 << 20

// PersonInput is the body of PUT /_control/people/{name}. What is absent stays as it is, or as a new person has it.
type PersonInput struct {
	UserID       *string `json:"userId,omitempty"`       // a UUID; otherwise it follows from the name
	HomeTimezone *string `json:"homeTimezone,omitempty"` // IANA name
	// Scopes are what the person allows from now on. Grants already given are narrowed to them.
	Scopes *[]string `json:"scopes,omitempty"`
	// Samples replaces the histories of the metrics it names, with [] by nothing. They are served as they are, even if
	// the clock has not reached them.
	Samples map[string][]SampleInput `json:"samples,omitempty"`
	// Sleep replaces all sleep, with [] by nothing, in the same way. Stretches may overlap.
	Sleep *[]SleepInput `json:"sleep,omitempty"`
}

// SampleInput is one sample of a PersonInput.
type SampleInput struct {
	ID      string    `json:"id,omitempty"`
	Start   time.Time `json:"start"` // RFC 3339
	End     time.Time `json:"end"`
	Value   float64   `json:"value"`
	Device  string    `json:"device,omitempty"`
	Product string    `json:"product,omitempty"`
}

// PersonOutput is one of GET /_control/people, and the answer to PUT.
type PersonOutput struct {
	Name         string    `json:"name"`
	UserID       string    `json:"userId"`
	HomeTimezone string    `json:"homeTimezone"`
	Scopes       []string  `json:"scopes"`
	CreatedAt    time.Time `json:"createdAt"`
}

func (p *person) output() PersonOutput {
	return PersonOutput{p.name, p.userID, p.zone.String(), p.scopes, p.created}
}

func (s *Simulator) registerControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /_control/people", s.listPeople)
	mux.HandleFunc("PUT /_control/people/{name}", s.putPerson)
	mux.HandleFunc("POST /_control/grants/{name}/revoke", s.onPerson(func(name string) any {
		return map[string]int{"revoked": s.grants.revoke(name)}
	}))
	mux.HandleFunc("POST /_control/grants/{name}/expire", s.onPerson(func(name string) any {
		return map[string]int{"expired": s.grants.expire(name, s.control.Clock.Now())}
	}))
	mux.HandleFunc("POST /_control/pats/{name}", s.onPerson(func(name string) any {
		return map[string]string{"token": s.grants.issuePAT(name)}
	}))
	mux.HandleFunc("DELETE /_control/pats/{name}", s.onPerson(func(name string) any {
		return map[string]int{"deleted": s.grants.dropPATs(name)}
	}))
	mux.HandleFunc("PUT /_control/budget", s.putBudget)
}

// onPerson does something to a person with s.mu held, and answers 404 if there is none of that name.
func (s *Simulator) onPerson(do func(name string) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		name := r.PathValue("name")
		if s.people[name] == nil {
			simulators.WriteJSON(w, http.StatusNotFound, map[string]string{"error": "nobody is called that; see GET /_control/people"})
			return
		}
		simulators.WriteJSON(w, http.StatusOK, do(name))
	}
}

func (s *Simulator) putBudget(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Remaining *int `json:"remaining"`
	}
	daily := s.now().DailyLimit
	if err := simulators.ReadJSON(w, r, &in); err != nil {
		simulators.BadControl(w, err)
		return
	}
	if in.Remaining == nil || *in.Remaining < 0 || *in.Remaining > daily {
		simulators.BadControl(w, fmt.Errorf(`want {"remaining":n} with n from 0 to %d`, daily))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget.leave(*in.Remaining, daily, s.control.Clock.Now())
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) listPeople(w http.ResponseWriter, _ *http.Request) {
	out := []PersonOutput{}
	s.mu.Lock()
	for _, p := range s.people {
		out = append(out, p.output())
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b PersonOutput) int { return strings.Compare(a.Name, b.Name) })
	simulators.WriteJSON(w, http.StatusOK, out)
}

func (s *Simulator) putPerson(w http.ResponseWriter, r *http.Request) {
	var in PersonInput
	// Histories can be longer than what simulators.ReadJSON takes.
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPeopleBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		simulators.BadControl(w, fmt.Errorf("bad JSON: %w", err))
		return
	}
	out, err := s.SetPerson(r.PathValue("name"), in)
	if err != nil {
		simulators.BadControl(w, err)
		return
	}
	simulators.WriteJSON(w, http.StatusOK, out)
}

// histories are the samples that the input names, checked.
func (in PersonInput) histories() (map[string]*history, error) {
	histories := map[string]*history{}
	for metric, samples := range in.Samples {
		if units[metric] == "" {
			return nil, fmt.Errorf("%q is not a metric that the simulator knows", metric)
		}
		b := newBuilder()
		for _, sample := range samples {
			step := Step{sample.ID, sample.Start, sample.End, sample.Value, sample.Device, sample.Product}
			if err := step.check(); err != nil {
				return nil, fmt.Errorf("%s: %w", metric, err)
			}
			b.add(step)
		}
		histories[metric] = b.publish()
	}
	return histories, nil
}

// SetPerson is PUT /_control/people/{name}. With bad input nothing changes.
func (s *Simulator) SetPerson(name string, in PersonInput) (PersonOutput, error) {
	var zone *time.Location
	if in.HomeTimezone != nil {
		var err error
		if zone, err = time.LoadLocation(*in.HomeTimezone); err != nil || *in.HomeTimezone == "" || *in.HomeTimezone == "Local" {
			return PersonOutput{}, errors.New("homeTimezone must be an IANA name such as Europe/Paris")
		}
	}
	if in.UserID != nil && !isUUID(*in.UserID) {
		return PersonOutput{}, errors.New("userId must be a UUID")
	}
	if in.Scopes != nil {
		for _, scope := range *in.Scopes {
			if !slices.Contains(Scopes(), scope) {
				return PersonOutput{}, fmt.Errorf("scopes are of %s", strings.Join(Scopes(), ", "))
			}
		}
	}
	histories, err := in.histories()
	if err != nil {
		return PersonOutput{}, err
	}
	if err := checkSleep(in.Sleep); err != nil {
		return PersonOutput{}, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if in.UserID != nil {
		if other := s.byUserID(*in.UserID); other != nil && other.name != name {
			return PersonOutput{}, errors.New("userId is another person's")
		}
	}
	p := s.people[name]
	if p == nil {
		p = s.addPerson(name)
	}
	if in.UserID != nil {
		p.userID = *in.UserID
	}
	if zone != nil {
		p.zone = zone
	}
	if in.Scopes != nil {
		p.scopes = slices.Clone(*in.Scopes)
	}
	if in.Sleep != nil {
		p.sleep = append([]SleepInput{}, *in.Sleep...) // never nil, which is the seeded nights
	}
	for metric, h := range histories {
		delete(p.seeded, metric)
		p.given[metric] = true
		p.metrics[metric] = h
	}
	return p.output(), nil
}

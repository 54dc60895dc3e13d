// Package onetwentyone simulates the OneTwentyOne API of 121 Health as far as its public pages describe it, for
// demonstrations, tests and benchmarks. The pages are under https://api.onetwentyone.ai: /oauth, /authentication,
// /quickstart, /quantity, /sleep, /pagination, /rate-limits and /profile. What they leave open or contradict is a switch with
// a default ([Switches]); what is plainly invented is labelled so.
//
//	GET, POST  /authorize                             the page on which a person signs in and consents
//	POST       /api/token                             an authorization code for an access and a refresh token
//	POST       /api/refresh                           a refresh token for an access token
//	GET        /api/v1/quantity/{user_id}/{metric}    samples, in pages
//	GET        /api/v1/sleep/{user_id}                sessions of sleep with their stages, in pages
//	GET        /api/v1/profile/{user_id}              home zone and granted scopes
//
// Workouts, labs and supplements are left out: the body of the first is not published, and the scopes of the last two are not
// either. The body of sleep is not published, and is a guess. The route names for /_control/calls and /_control/faults are
// authorize, token, refresh, quantity, sleep and profile. Beside what package simulators offers, a test has
//
//	GET           /_control/people                 everybody: [{"name":"demo","userId":"…","homeTimezone":"Europe/Paris",…}]
//	PUT           /_control/people/{name}          adds or changes somebody, see [PersonInput]
//	POST          /_control/grants/{name}/revoke   access and refresh tokens are refused from now on
//	POST          /_control/grants/{name}/expire   access tokens are expired now; refresh tokens are still good
//	POST, DELETE  /_control/pats/{name}            {"token":"…"}: a new personal access token; DELETE ends them all
//	PUT           /_control/budget                 {"remaining":0}: what is left of the day's requests, for everybody
//
// No browser is needed to consent: a POST to /authorize with the form fields response_type=code, client_id,
// redirect_uri, state, user=demo, decision=allow and any number of scope fields answers 303 with the Location that a
// browser would be sent to, which holds code, user_id and state.
//
// People have histories of package people, which begin on [Config].HistoryStart and reach up to the simulator's clock.
// Tokens are random, and nothing writes them anywhere but into the answer that hands them over.
package onetwentyone

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"healthgraph/simulators"
	"healthgraph/simulators/people"
)

// Config sets up a simulator.
type Config struct {
	// ClientID and ClientSecret are those of the one registered client.
	ClientID, ClientSecret string
	// RedirectURIs are those that the client registered.
	RedirectURIs []string
	// Scopes are those that the client registered; nil means all of [Scopes].
	Scopes []string
	// People are the names of those who can sign in; nil means demo, person-2 and person-3.
	People []string
	// Seed is of the invented histories; empty means "healthgraph".
	Seed string
	// HistoryStart is when they begin; zero means 2025-01-01.
	HistoryStart time.Time
	// Clock, when set, is shared with others.
	Clock *simulators.Clock
	// Switches, when set, are what a reset restores, instead of DefaultSwitches.
	Switches *Switches
}

// Scopes are the four that the documentation names. A personal access token has all of them.
func Scopes() []string { return []string{"profile", "quantity", "sleep", "workout"} }

// Simulator is one simulated OneTwentyOne. Safe for concurrent use.
type Simulator struct {
	config    Config
	control   *simulators.Control
	switches  *Switches
	histories *people.People

	mu      sync.Mutex // guards all below
	people  map[string]*person
	loaded  map[string]*history // steps that a reset brings back
	arrived int                 // samples that came in the middle of paging
	grants  grants
	budget  budget
}

// New returns a simulator. Switches that [Switches.Validate] refuses are a mistake in the program and panic.
func New(config Config) *Simulator {
	if config.Scopes == nil {
		config.Scopes = Scopes()
	}
	if config.People == nil {
		config.People = []string{"demo", "person-2", "person-3"}
	}
	if config.Seed == "" {
		config.Seed = "healthgraph"
	}
	if config.HistoryStart.IsZero() {
		config.HistoryStart = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	switches := DefaultSwitches()
	if config.Switches != nil {
		switches = *config.Switches
	}
	if err := switches.Validate(); err != nil {
		panic("onetwentyone: " + err.Error())
	}
	s := &Simulator{config: config, switches: &switches, histories: people.New(config.Seed), loaded: map[string]*history{}}
	s.control = simulators.NewControl(s.switches)
	if config.Clock != nil {
		s.control.Clock = config.Clock
	}
	s.control.ErrorBody = func(_ *http.Request, status int) (string, []byte) {
		return s.now().dataError(http.StatusText(status), nil)
	}
	s.control.UserOf = s.userOf
	s.control.OnReset(s.begin)
	s.begin()
	return s
}

// begin puts people, grants and budget as they are at the start.
func (s *Simulator) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people, s.grants, s.budget, s.arrived = map[string]*person{}, newGrants(), budget{}, 0
	names := slices.Clone(s.config.People)
	for _, name := range append(names, slices.Sorted(maps.Keys(s.loaded))...) {
		if s.people[name] == nil {
			s.addPerson(name)
		}
	}
}

// Control is the simulator's control, for Go tests that do without HTTP.
func (s *Simulator) Control() *simulators.Control { return s.control }

// Switch changes the switches, for Go tests that do without HTTP. What f does is not validated.
func (s *Simulator) Switch(f func(*Switches)) { s.control.Write(func() { f(s.switches) }) }

// UserID is the UUID of a person, and empty if there is none of that name.
func (s *Simulator) UserID(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.people[name]; p != nil {
		return p.userID
	}
	return ""
}

// now is a copy of the switches, so that one answer is made by one state of them.
func (s *Simulator) now() (copied Switches) {
	s.control.Read(func() { copied = *s.switches })
	return copied
}

// Handler serves the API and the control endpoints.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	s.control.Route(mux, "authorize", "GET /authorize", s.showConsent)
	s.control.Route(mux, "authorize", "POST /authorize", s.takeConsent)
	s.control.Route(mux, "token", "POST /api/token", s.exchange)
	s.control.Route(mux, "refresh", "POST /api/refresh", s.refresh)
	s.control.Route(mux, "quantity", "GET /api/v1/quantity/{user_id}/{metric}", s.quantity)
	s.control.Route(mux, "sleep", "GET /api/v1/sleep/{user_id}", s.sleepAnswer)
	s.control.Route(mux, "profile", "GET /api/v1/profile/{user_id}", s.profile)
	s.control.Register(mux)
	s.registerControl(mux)
	return mux
}

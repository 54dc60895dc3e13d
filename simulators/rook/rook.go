// Package rook simulates the part of ROOK's API that a server-to-server client uses to link people's data sources and
// to read their daily documents: https://docs.tryrook.io/api and the OpenAPI description of ROOK 2.0.1.
//
//	GET  /api/v1/user_id/{user_id}/data_source/{data_source}/authorizer   where to send a browser (data-authorization guide)
//	GET  /api/v1/user_id/{user_id}/data_sources/authorized                a person's sources, keys in snake case (OpenAPI 2.0.1)
//	GET  /api/v2/user_id/{user_id}/data_sources/authorized                the same as a list (changelog, Flutter SDK)
//	POST /api/v1/user_id/{user_id}/data_sources/revoke_auth               ends one source (OpenAPI 2.0.1)
//	POST /api/v1/user_id/{user_id}/time_zone                              sets a person's zone (API page)
//	GET  /v2/processed_data/user/info                                     (OpenAPI 2.0.1, like those below)
//	GET  /v2/processed_data/physical_health/summary
//	GET  /v2/processed_data/sleep_health/summary
//	GET  /v2/processed_data/body_health/summary
//
// These want HTTP Basic authentication. Two pages for people do not: /consent, which stands for the provider's own page,
// and the hosted connections page at /client_uuid/{client_uuid}/user_id/{user_id}.
//
// What public material leaves open, or contradicts itself about, is a field of Switches. Figures come from package
// people: steps are whole steps of the person's local day, days are YYYY-MM-DD, lengths of time are seconds. Beside
// what package simulators offers under /_control/, GET and PUT /_control/people/{user_id} show and override one person.
//
// Somebody called "demo" has Garmin and Apple Health linked from the beginning; nobody else has anything.
package rook

import (
	"net/http"
	"strings"
	"sync"

	"healthgraph/simulators"
	"healthgraph/simulators/people"
)

// The names under which calls are counted and faults are aimed.
const (
	RouteAuthorizedV1    = "authorized_v1"
	RouteAuthorizedV2    = "authorized_v2"
	RouteAuthorizer      = "authorizer"
	RouteRevoke          = "revoke_auth"
	RoutePhysicalSummary = "physical_summary"
	RouteSleepSummary    = "sleep_summary"
	RouteBodySummary     = "body_summary"
	RouteUserInfo        = "user_info"
	RouteTimeZone        = "time_zone"
	RouteConsent         = "consent"
	RouteConnectionsPage = "connections_page"
	RouteUnknown         = "unknown" // any URL that ROOK does not have
)

// The credentials of the canned examples on https://docs.tryrook.io/api, taken when Config names none.
const (
	DummyClientUUID = "demoClientUUID"
	DummySecret     = "demoClientSecret" // published for trying out, no credential of anybody
)

// Config is what a simulator starts with. The zero value is good.
type Config struct {
	ClientUUID string            // Basic authentication's user name; DummyClientUUID if empty
	Secret     string            // its password; DummySecret if empty
	Clock      *simulators.Clock // a clock of its own if nil
	People     *people.People    // those of the seed "healthgraph" if nil
	// PublicURL is how a browser reaches the simulator, "http://localhost:8081", for the URLs that it hands out.
	// If empty, the Host of each request is believed.
	PublicURL string
}

// Simulator is a simulated ROOK environment for one client. Safe for concurrent use.
type Simulator struct {
	clientUUID, secret, publicURL string

	control *simulators.Control
	seeds   *people.People
	sw      *Switches
	mux     *http.ServeMux

	mu      sync.Mutex
	persons map[string]*person
}

// New returns a simulator in its initial state.
func New(cfg Config) *Simulator {
	if cfg.ClientUUID == "" {
		cfg.ClientUUID = DummyClientUUID
	}
	if cfg.Secret == "" {
		cfg.Secret = DummySecret
	}
	if cfg.People == nil {
		cfg.People = people.New("healthgraph")
	}
	sw := DefaultSwitches()
	s := &Simulator{
		clientUUID: cfg.ClientUUID,
		secret:     cfg.Secret,
		publicURL:  strings.TrimSuffix(cfg.PublicURL, "/"),
		control:    simulators.NewControl(&sw),
		seeds:      cfg.People,
		sw:         &sw,
		mux:        http.NewServeMux(),
	}
	if cfg.Clock != nil {
		s.control.Clock = cfg.Clock
	}
	s.seed()
	s.control.OnReset(s.seed)
	s.control.ErrorBody = func(r *http.Request, status int) (string, []byte) {
		return errorBody(r, s.switches(), status, "a fault asked for by a test")
	}
	s.routes()
	return s
}

// Handler serves the simulated API, its two pages and /_control/.
func (s *Simulator) Handler() http.Handler { return s.mux }

// Control is the Go side of /_control/.
func (s *Simulator) Control() *simulators.Control { return s.control }

// Configure changes the switches, as PATCH /_control/switches does, but unchecked.
func (s *Simulator) Configure(f func(*Switches)) { s.control.Write(func() { f(s.sw) }) }

func (s *Simulator) switches() (sw Switches) {
	s.control.Read(func() { sw = *s.sw })
	return sw
}

func (s *Simulator) routes() {
	s.api(RouteAuthorizer, "GET /api/v1/user_id/{user_id}/data_source/{data_source}/authorizer", s.authorizer)
	s.api(RouteAuthorizedV1, "GET /api/v1/user_id/{user_id}/data_sources/authorized", s.authorizedV1)
	s.api(RouteAuthorizedV2, "GET /api/v2/user_id/{user_id}/data_sources/authorized", s.authorizedV2)
	s.api(RouteRevoke, "POST /api/v1/user_id/{user_id}/data_sources/revoke_auth", s.revoke)
	s.api(RouteTimeZone, "POST /api/v1/user_id/{user_id}/time_zone", s.timeZone)
	s.api(RouteUserInfo, "GET /v2/processed_data/user/info", s.document(s.userInfo))
	s.api(RoutePhysicalSummary, "GET /v2/processed_data/physical_health/summary", s.document(s.physicalSummary))
	s.api(RouteSleepSummary, "GET /v2/processed_data/sleep_health/summary", s.document(s.sleepSummary))
	s.api(RouteBodySummary, "GET /v2/processed_data/body_health/summary", s.document(s.bodySummary))
	s.api(RouteUnknown, "/", func(w http.ResponseWriter, r *http.Request, sw Switches) {
		fail(w, r, sw, http.StatusNotFound, "there is no such URL")
	})
	s.control.Route(s.mux, RouteConsent, "GET /consent", s.consentPage)
	s.control.Route(s.mux, RouteConsent, "POST /consent", s.consentDecision)
	s.control.Route(s.mux, RouteConnectionsPage, "GET /client_uuid/{client_uuid}/user_id/{user_id}", s.connectionsPage)
	s.control.Route(s.mux, RouteConnectionsPage, "GET /client_uuid/{client_uuid}/user_id/{user_id}/{$}", s.connectionsPage)
	s.mux.HandleFunc("GET /images/{file}", image)
	s.mux.HandleFunc("GET /_control/people/{user_id}", s.showPerson)
	s.mux.HandleFunc("PUT /_control/people/{user_id}", s.changePerson)
	s.control.Register(s.mux)
}

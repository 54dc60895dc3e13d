// Package floor is what a team would write without a gateway: plain net/http and encoding/json, one authorizer call for each
// source, no GraphQL, no authentication, no database. It answers the same JSON as the gateway, and is what a gateway's cost is
// compared with.
//
// Calls of one request are made side by side, over kept connections, at most MaxInFlight at a time in the process.
package floor

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"healthgraph/bench/upstreams"
)

// MaxInFlight is how many upstream calls are made at a time.
const MaxInFlight = 64

// RedirectURI is where OneTwentyOne sends people back to.
const RedirectURI = "https://app.example/linked"

// Floor serves
//
//	GET  /connections?person=P&urls=true       a person's links
//	GET  /steps?account=A&from=F&to=T          an account's steps at OneTwentyOne; samples=true for the samples besides
//	POST /people                               the links and steps of many: PeopleRequest
type Floor struct {
	base  string // of both upstreams
	http  *http.Client
	turns chan struct{}
	zone  *time.Location
	mux   *http.ServeMux
}

// New makes a Floor in front of the upstreams at base.
func New(base string) (*Floor, error) {
	zone, err := time.LoadLocation(upstreams.Zone)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConns: 2 * MaxInFlight, MaxIdleConnsPerHost: MaxInFlight}
	f := &Floor{base: base, http: &http.Client{Transport: transport, Timeout: 8 * time.Second}, turns: make(chan struct{}, MaxInFlight), zone: zone, mux: http.NewServeMux()}
	f.mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	f.mux.HandleFunc("GET /connections", f.connections)
	f.mux.HandleFunc("GET /steps", f.steps)
	f.mux.HandleFunc("POST /people", f.people)
	return f, nil
}

func (f *Floor) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

// get asks for one thing and decodes it. A 204 leaves into as it is.
func (f *Floor) get(ctx context.Context, path string, sign func(*http.Request), into any) error {
	f.turns <- struct{}{}
	defer func() { <-f.turns }()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.base+path, http.NoBody) //nolint:gosec // of the mock upstreams
	if err != nil {
		return err
	}
	sign(request)
	response, err := f.http.Do(request) //nolint:gosec // likewise
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	switch response.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(response.Body).Decode(into)
	case http.StatusNoContent:
		return nil
	default:
		return fmt.Errorf("an upstream answered %d", response.StatusCode)
	}
}

func asClient(r *http.Request) { r.SetBasicAuth(upstreams.ClientUUID, upstreams.SecretKey) }

func asPerson(account string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+upstreams.AccessToken(account)) }
}

type dataSource struct {
	ID string `json:"id"`
}

type link struct {
	DataSource       dataSource `json:"dataSource"`
	Status           string     `json:"status"`
	AuthorizationURL *string    `json:"authorizationUrl"`
}

// linkOnly is a link without its address, where nobody asked for one.
type linkOnly struct {
	DataSource dataSource `json:"dataSource"`
	Status     string     `json:"status"`
}

func statusOf(connected bool) string {
	if connected {
		return "CONNECTED"
	}
	return "NOT_CONNECTED"
}

// links asks for each browser source. Sources that are linked in an app have no authorizer, and OneTwentyOne is linked where
// there is a token: nobody is asked for those.
func (f *Floor) links(ctx context.Context, person string, hasAccount bool) ([]link, error) {
	sources := upstreams.BrowserSources
	links := make([]link, len(sources), len(sources)+len(phoneSources)+1)
	all, ctx := errgroup.WithContext(ctx)
	for i, source := range sources {
		all.Go(func() error {
			var answer struct {
				Authorized bool    `json:"authorized"`
				URL        *string `json:"authorization_url"`
			}
			err := f.get(ctx, "/api/v1/user_id/"+person+"/data_source/"+source+"/authorizer", asClient, &answer)
			links[i] = link{dataSource{strings.ToLower(source)}, statusOf(answer.Authorized), answer.URL}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	for _, source := range phoneSources {
		links = append(links, link{dataSource{source}, statusOf(false), nil})
	}
	own := link{dataSource{"onetwentyone"}, statusOf(hasAccount), nil}
	if !hasAccount {
		page := f.base + "/authorize?" + url.Values{
			"response_type": {"code"}, "client_id": {upstreams.ClientID}, "redirect_uri": {RedirectURI}, "state": {rand.Text()},
		}.Encode()
		own.AuthorizationURL = &page
	}
	return append(links, own), nil
}

var phoneSources = []string{"apple_health", "health_connect", "samsung_health", "android"}

func withoutURLs(links []link) []linkOnly {
	only := make([]linkOnly, len(links))
	for i, l := range links {
		only[i] = linkOnly{l.DataSource, l.Status}
	}
	return only
}

func (f *Floor) connections(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	links, err := f.links(r.Context(), query.Get("person"), false)
	if query.Get("urls") == "true" {
		respond(w, err, map[string][]link{"connections": links})
		return
	}
	respond(w, err, map[string][]linkOnly{"connections": withoutURLs(links)})
}

// respond writes what GraphQL would.
func respond(w http.ResponseWriter, err error, data any) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct { // whoever asked has gone if this fails
		Data any `json:"data"`
	}{data})
}

// errRange says that a request names no days.
var errRange = errors.New("from and to must be days, from first")

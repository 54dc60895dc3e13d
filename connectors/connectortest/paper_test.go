package connectortest_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

// paper is a third connector, for people who write their steps on paper: it shows how little one is, and the suite is
// shown to see its faults (broken_test.go). It uses the gateway's own credential, as ROOK's does.
type paper struct {
	client *connectors.Client
	key    health.Secret
}

const paperKey = "a-paper-key-that-must-not-show"

var (
	_ connectors.Identifier       = (*paper)(nil)
	_ connectors.LinkReader       = (*paper)(nil)
	_ connectors.Authorizer       = (*paper)(nil)
	_ connectors.Revoker          = (*paper)(nil)
	_ connectors.DailyStepReader  = (*paper)(nil)
	_ connectors.DailySleepReader = (*paper)(nil)

	notebook = health.DataSource{ID: "notebook", Name: "Notebook", Kind: health.KindBrowser}
)

func newPaper(baseURL string, config connectors.ClientConfig) (*paper, error) {
	config.Upstream, config.BaseURL = "Paper", baseURL
	client, err := connectors.NewClient(config)
	return &paper{client, health.NewSecret(paperKey)}, err
}

func (p *paper) Describe() connectors.Description {
	return connectors.Description{ID: "paper", Name: "Paper", DataSources: []health.DataSource{notebook}}
}

func (p *paper) AcceptsID(id string) bool { return id != "" && len(id) <= 64 }

func (p *paper) call(path ...string) connectors.Call {
	return connectors.Call{Path: path, Sign: func(r *http.Request) { r.Header.Set("X-Paper-Key", p.key.Reveal()) }}
}

// get reads {"value":…}, which must be there.
func get[T any](ctx context.Context, client *connectors.Client, call connectors.Call) (T, error) {
	var answer struct {
		Value *T `json:"value"`
	}
	found, err := client.GetJSON(ctx, call, &answer)
	switch {
	case err != nil:
		return *new(T), err
	case !found || answer.Value == nil:
		return *new(T), client.Invalid("no value")
	}
	return *answer.Value, nil
}

func (p *paper) ReadLinks(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	connectors.Each(len(accounts), p.client.MaxInFlight(), func(i int) {
		connected, err := get[bool](ctx, p.client, p.call("links", accounts[i].ID))
		results[i] = connectors.LinksResult{Links: []connectors.LinkState{{DataSource: notebook, Connected: connected}}, Err: err}
	})
	return results
}

func (p *paper) CheckReturnURL(returnURL string) error {
	if _, err := health.ParseURL(returnURL); returnURL != "" && err != nil {
		return health.Refuse("redirectUrl", "paper takes absolute return URLs")
	}
	return nil
}

func (p *paper) Authorize(ctx context.Context, request connectors.AuthorizeRequest) (connectors.Authorization, error) {
	page, err := get[string](ctx, p.client, p.call("page", request.Account.ID))
	if err != nil {
		return connectors.Authorization{}, err
	}
	if u, err := url.Parse(page); err != nil || u.Host == "" {
		return connectors.Authorization{}, p.client.Invalid("the page is no address")
	}
	return connectors.Authorization{URL: page}, nil
}

func (p *paper) Revoke(ctx context.Context, account connectors.Account, _ health.DataSource) (connectors.Revocation, error) {
	call := p.call("links", account.ID)
	call.Method = http.MethodDelete
	answer, err := p.client.Do(ctx, call)
	if err == nil {
		err = p.client.Failure(call, answer)
	}
	return connectors.Revocation{WasConnected: err == nil}, err
}

func (p *paper) ReadDailySteps(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	connectors.Each(len(dates), p.client.MaxInFlight(), func(i int) {
		results[i].Total.Date = dates[i]
		steps, err := get[int](ctx, p.client, p.call("steps", account.ID, dates[i].String()))
		if results[i].Err = err; err == nil {
			results[i].Total.Steps = &steps
		}
	})
	return results
}

func (p *paper) ReadDailySleep(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DaySleepResult {
	results := make([]connectors.DaySleepResult, len(dates))
	connectors.Each(len(dates), p.client.MaxInFlight(), func(i int) {
		results[i].Sleep.Date = dates[i]
		hours, err := get[int](ctx, p.client, p.call("sleep", account.ID, dates[i].String()))
		if results[i].Err = err; err == nil {
			results[i].Sleep.Figure = &health.SleepFigure{SleepTimes: health.SleepTimes{Asleep: new(health.Duration(time.Duration(hours) * time.Hour))}}
		}
	})
	return results
}

// paperUpstream answers everything that paper asks.
func paperUpstream(w http.ResponseWriter, r *http.Request) {
	body := `{"value":7}`
	switch {
	case r.Header.Get("X-Paper-Key") != paperKey:
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, "/links/"):
		body = `{"value":true}`
	case strings.HasPrefix(r.URL.Path, "/page/"):
		body = `{"value":"https://paper.example/consent"}`
	}
	_, _ = io.WriteString(w, body)
}

func paperHarness(variant func(*paper) connectors.Connector) connectortest.Harness {
	return connectortest.Harness{
		New: func(baseURL string, config connectors.ClientConfig) (connectors.Connector, error) {
			p, err := newPaper(baseURL, config)
			return variant(p), err
		},
		Upstream:  http.HandlerFunc(paperUpstream),
		Now:       time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC),
		Accounts:  []string{"person-that-must-not-show-a", "person-that-must-not-show-b", "person-that-must-not-show-c"},
		Source:    notebook,
		ReturnURL: "https://app.example/back",
		Days:      health.DateRange{From: health.Date{Year: 2026, Month: 3, Day: 29}, To: health.Date{Year: 2026, Month: 3, Day: 31}},
		Secrets:   []string{paperKey},
	}
}

// One folder and one line make a connector: this is the line, as wiring has it.
func TestPaperIsAConnector(t *testing.T) {
	connectortest.Run(t, paperHarness(func(p *paper) connectors.Connector { return p }))

	p, err := newPaper("https://paper.example", connectors.ClientConfig{})
	require.NoError(t, err)
	registry, err := connectors.NewRegistry(p)
	require.NoError(t, err)
	source, plug, known := registry.DataSource("notebook")
	require.True(t, known)
	assert.Equal(t, "paper", plug.Description.ID)
	assert.Equal(t, []health.Capability{health.CapabilityConnections, health.CapabilityAuthorizationURL, health.CapabilityRevoke,
		health.CapabilityStepCount, health.CapabilitySleep}, source.Capabilities)
}

func TestHarnessThatIsNotUsable(t *testing.T) {
	_, err := connectortest.Check(t.Context(), connectortest.Harness{})
	assert.Error(t, err)
}

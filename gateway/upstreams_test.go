package gateway_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

// calls remembers who was asked for what.
type calls struct {
	mu  sync.Mutex
	all []string
}

func (c *calls) note(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, call)
}

func (c *calls) made() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.all...)
}

func (c *calls) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = nil
}

// lister is an upstream that takes our ids, shows a list of sources, has totals of days, and can revoke.
type lister struct {
	calls
	links      func(account string) connectors.LinksResult
	authorize  func(connectors.AuthorizeRequest) (connectors.Authorization, error)
	revocation func(source health.DataSourceID) (connectors.Revocation, error)
	day        func(date health.Date) connectors.DayResult
}

var (
	fitbit      = health.DataSource{ID: "fitbit", Name: "Fitbit", Kind: health.KindBrowser}
	appleHealth = health.DataSource{ID: "apple_health", Name: "Apple Health", Kind: health.KindSDK}
	granted     = health.DataSource{ID: "granter", Name: "Granter", Kind: health.KindBrowser}
)

func newLister() *lister {
	l := &lister{}
	l.shows()
	return l
}

// shows makes the list: the catalogue, of which those named are connected, and those named beyond it.
func (l *lister) shows(connected ...health.DataSource) {
	l.links = func(string) connectors.LinksResult {
		states := []connectors.LinkState{{DataSource: fitbit}, {DataSource: appleHealth}}
		for _, source := range connected {
			switch source.ID {
			case fitbit.ID:
				states[0].Connected = true
			case appleHealth.ID:
				states[1].Connected = true
			default:
				states = append(states, connectors.LinkState{DataSource: source, Connected: true})
			}
		}
		return connectors.LinksResult{Links: states}
	}
}

// isDown makes the list unreadable.
func (l *lister) isDown() {
	l.links = func(string) connectors.LinksResult { return connectors.LinksResult{Err: down} }
}

var down = &health.Error{Code: health.UpstreamUnavailable, Message: "Lister is not available", RetryAfter: time.Minute}

func (l *lister) Describe() connectors.Description {
	return connectors.Description{ID: "lister", Name: "Lister", DataSources: []health.DataSource{fitbit, appleHealth}}
}

func (l *lister) AcceptsID(id string) bool {
	return len(id) <= 40 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}

func (l *lister) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := make([]connectors.LinksResult, len(accounts))
	for i, account := range accounts {
		l.note("links " + account.ID)
		results[i] = l.links(account.ID)
	}
	return results
}

func (l *lister) CheckReturnURL(returnURL string) error {
	if strings.HasSuffix(returnURL, "/other") {
		return health.Refuse("url", "Lister does not come back there")
	}
	return nil
}

func (l *lister) Authorize(_ context.Context, r connectors.AuthorizeRequest) (connectors.Authorization, error) {
	l.note("authorize " + r.Account.ID + " " + string(r.DataSource.ID) + " " + r.ReturnURL)
	return l.authorize(r)
}

func (l *lister) Revoke(_ context.Context, account connectors.Account, source health.DataSource) (connectors.Revocation, error) {
	l.note("revoke " + account.ID + " " + string(source.ID))
	return l.revocation(source.ID)
}

func (l *lister) ReadDailySteps(_ context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := make([]connectors.DayResult, len(dates))
	for i, date := range dates {
		l.note("day " + account.ID + " " + date.String())
		results[i] = l.day(date)
		results[i].Total.Date = date
	}
	return results
}

// granter is an upstream with OAuth, a profile and samples.
type granter struct {
	calls
	exchangeErr error
	profile     connectors.Profile
	profileErr  error
	samples     connectortest.AllSamples
	pageLength  int // of samples; 0 = one page of all, whatever span is asked for
}

func newGranter() *granter {
	return &granter{profile: connectors.Profile{AccountID: "a-1", Scopes: []string{"steps", "profile"}}}
}

func (g *granter) Describe() connectors.Description {
	return connectors.Description{ID: "granter", Name: "Granter", DataSources: []health.DataSource{granted}, RevokeHint: "end it in Granter's app as well"}
}

func (g *granter) CheckReturnURL(string) error { return nil }

func (g *granter) Authorize(_ context.Context, r connectors.AuthorizeRequest) (connectors.Authorization, error) {
	return connectors.Authorization{URL: "https://granter.example/consent?state=" + url.QueryEscape(r.State)}, nil
}

func (g *granter) CheckReturn(query url.Values) error {
	switch {
	case query.Get("error") != "":
		return health.Fail(health.NotConnected, "the person said no", nil)
	case query.Get("code") == "":
		return health.Refuse("url", "there is no code in it")
	}
	return nil
}

func (g *granter) Exchange(_ context.Context, query url.Values, returnURL string) (connectors.Grant, error) {
	g.note("exchange " + query.Get("code") + " " + returnURL)
	if g.exchangeErr != nil {
		return connectors.Grant{}, g.exchangeErr
	}
	return connectors.Grant{AccountID: query.Get("account"), AccessToken: health.NewSecret("access-canary")}, nil
}

func (g *granter) PersonalGrant(accountID string, token health.Secret) (connectors.Grant, error) {
	if token.IsEmpty() {
		return connectors.Grant{}, health.Refuse("token", "it is empty")
	}
	return connectors.Grant{AccountID: accountID, AccessToken: token}, nil
}

func (g *granter) Refresh(_ context.Context, grant connectors.Grant) (connectors.Grant, error) {
	g.note("refresh")
	return grant, nil
}

func (g *granter) ReadProfile(_ context.Context, account connectors.Account) (connectors.Profile, error) {
	g.note("profile " + account.ID)
	return g.profile, g.profileErr
}

func (g *granter) Scopes() []string { return []string{"steps", "profile"} }

func (g *granter) ReadSamples(_ context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	for _, s := range g.samples.Samples {
		if s.End.After(g.samples.Newest) {
			g.samples.Newest = s.End
		}
	}
	first, last := request.Span.Start.Add(14*time.Hour), request.Span.End.Add(-36*time.Hour)
	g.note("samples " + account.ID + " " + first.Format(time.DateOnly) + " " + last.Format(time.DateOnly))
	if g.pageLength == 0 {
		yield(slices.Clone(g.samples.Samples))
		return g.samples.SampleResult
	}
	touching := slices.DeleteFunc(slices.Clone(g.samples.Samples), func(s health.Sample) bool {
		return s.End.Before(request.Span.Start) || !s.Start.Before(request.Span.End)
	})
	for page := range slices.Chunk(touching, g.pageLength) {
		g.note("page")
		if !yield(page) {
			return connectors.SampleResult{Newest: page[len(page)-1].End}
		}
	}
	return g.samples.SampleResult
}

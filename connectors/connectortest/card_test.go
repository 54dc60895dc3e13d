package connectortest_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

// card is paper's sister with a grant for each person and samples instead of totals, as OneTwentyOne's connector is.
type card struct{ client *connectors.Client }

var (
	_ connectors.Exchanger          = (*card)(nil)
	_ connectors.PersonalTokenTaker = (*card)(nil)
	_ connectors.Adopter            = (*card)(nil)
	_ connectors.ProfileReader      = (*card)(nil)
	_ connectors.SampleReader       = (*card)(nil)
	_ connectors.SleepSessionReader = (*card)(nil)

	aprilSecond = time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)
	stack       = health.DataSource{ID: "stack", Name: "Stack of cards", Kind: health.KindBrowser}
)

func newCard(baseURL string, config connectors.ClientConfig) (*card, error) {
	config.Upstream, config.BaseURL = "Card", baseURL
	client, err := connectors.NewClient(config)
	return &card{client}, err
}

func (c *card) Describe() connectors.Description {
	return connectors.Description{ID: "card", Name: "Card", DataSources: []health.DataSource{stack}, RevokeHint: "Burn the card."}
}

func (c *card) CheckReturnURL(returnURL string) error { return (*paper)(nil).CheckReturnURL(returnURL) }

func (c *card) Authorize(_ context.Context, request connectors.AuthorizeRequest) (connectors.Authorization, error) {
	return connectors.Authorization{URL: c.client.Address(url.Values{"state": {request.State}}, "consent").String()}, nil
}

func (c *card) CheckReturn(query url.Values) error {
	switch {
	case query.Get("error") == "access_denied":
		return health.Fail(health.NotConnected, "the person said no", nil)
	case len(query["code"]) != 1 || len(query["user"]) != 1:
		return health.Refuse("url", "no code, or more than one")
	}
	return nil
}

func (c *card) Exchange(ctx context.Context, query url.Values, _ string) (connectors.Grant, error) {
	if err := c.CheckReturn(query); err != nil {
		return connectors.Grant{}, err
	}
	return c.buy(ctx, connectors.Grant{AccountID: query.Get("user"), RefreshToken: health.NewSecret("rt")}, "token")
}

func (c *card) PersonalGrant(accountID string, token health.Secret) (connectors.Grant, error) {
	bad := func(r rune) bool { return r <= ' ' || r > '~' }
	switch text := token.Reveal(); {
	case accountID == "" || len(accountID) > 100 || strings.ContainsFunc(accountID, bad):
		return connectors.Grant{}, health.Refuse("accountId", "no holder of a card")
	case text == "" || len(text) > 4096 || strings.ContainsFunc(text, bad):
		return connectors.Grant{}, health.Refuse("token", "no token")
	}
	return connectors.Grant{AccountID: accountID, AccessToken: token}, nil
}

func (c *card) AdoptGrant(accountID string, refreshToken health.Secret) (connectors.Grant, error) {
	grant, err := c.PersonalGrant(accountID, refreshToken)
	grant.AccessToken, grant.RefreshToken, grant.ExpiresAt = health.Secret{}, grant.AccessToken, aprilSecond
	return grant, err
}

func (c *card) Refresh(ctx context.Context, grant connectors.Grant) (connectors.Grant, error) {
	return c.buy(ctx, grant, "refresh")
}

func (c *card) buy(ctx context.Context, grant connectors.Grant, endpoint string) (connectors.Grant, error) {
	token, err := get[string](ctx, c.client, connectors.Call{Method: http.MethodPost, Path: []string{endpoint}})
	if err == nil && token == "" {
		err = c.client.Invalid("an empty token")
	}
	grant.AccessToken, grant.ExpiresAt = health.NewSecret(token), c.client.Now().Add(time.Hour)
	return grant, err
}

func (c *card) ReadProfile(ctx context.Context, account connectors.Account) (connectors.Profile, error) {
	zone, err := get[string](ctx, c.client, byPerson(account, "profile"))
	if err != nil {
		return connectors.Profile{}, err
	}
	if zone, err := health.ParseTimeZone(zone); err == nil {
		return connectors.Profile{TimeZone: &zone}, nil
	}
	return connectors.Profile{}, nil
}

func (c *card) Scopes() []string { return []string{"cards"} }

func (c *card) ReadSamples(ctx context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) (result connectors.SampleResult) {
	for hour := range 3 { // a page for each, of samples one minute long
		minutes, err := get[[]float64](ctx, c.client, byPerson(account, "hours", strconv.Itoa(hour)))
		if err != nil {
			result.Err, result.ReadUntil = err, request.Span.Start.Add(time.Duration(hour)*time.Hour)
			return result
		}
		var page []health.Sample
		for minute, steps := range minutes {
			if steps < 0 {
				result.Refused++
				continue
			}
			start := request.Span.Start.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
			page = append(page, health.Sample{Start: start, End: start.Add(time.Minute), Value: steps})
		}
		if !yield(page) {
			return result
		}
	}
	return result
}

func (c *card) ReadSleepSessions(ctx context.Context, account connectors.Account, span health.Interval) (result connectors.SleepRecordsResult) {
	for night := range 2 { // a page for each, of naps one hour apart
		hours, err := get[[]float64](ctx, c.client, byPerson(account, "nights", strconv.Itoa(night)))
		start := span.Start.Add(time.Duration(night) * 24 * time.Hour)
		if err != nil {
			result.Err, result.ReadUntil = err, start
			return result
		}
		for i := range hours {
			nap := health.Interval{Start: start.Add(time.Duration(2*i) * time.Hour), End: start.Add(time.Duration(2*i+1) * time.Hour)}
			result.Records = append(result.Records, health.SleepRecord{Interval: nap, Spans: []health.SleepSpan{{Interval: nap, Stage: health.StageAsleep}}})
		}
	}
	return result
}

func byPerson(account connectors.Account, path ...string) connectors.Call {
	return connectors.Call{Path: append([]string{account.ID}, path...), HTTP: account.Client, Credential: connectors.PersonCredential}
}

func cardHarness(variant func(*card) connectors.Connector) connectortest.Harness {
	answers := map[string]string{"/token": `"at"`, "/refresh": `"at"`, "/card-holder-a/profile": `"Europe/Paris"`}
	return connectortest.Harness{
		New: func(baseURL string, config connectors.ClientConfig) (connectors.Connector, error) {
			c, err := newCard(baseURL, config)
			return variant(c), err
		},
		Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			value := answers[r.URL.Path]
			if value == "" {
				value = "[3,0,8.5]"
			}
			_, _ = io.WriteString(w, `{"value":`+value+`}`)
		}),
		Now:       aprilSecond,
		Accounts:  []string{"card-holder-a", "card-holder-b"},
		Source:    stack,
		ReturnURL: "https://app.example/back",
		Return:    url.Values{"code": {"a-code-that-must-not-show"}, "user": {"card-holder-a"}},
		Grant: connectors.Grant{AccountID: "card-holder-a", AccessToken: health.NewSecret("an-access-token-that-must-not-show"),
			RefreshToken: health.NewSecret("a-refresh-token-that-must-not-show")},
		Days: health.DateRange{From: health.Date{Year: 2026, Month: 3, Day: 29}, To: health.Date{Year: 2026, Month: 3, Day: 31}},
	}
}

func TestCardIsAConnector(t *testing.T) {
	connectortest.Run(t, cardHarness(func(c *card) connectors.Connector { return c }))
}

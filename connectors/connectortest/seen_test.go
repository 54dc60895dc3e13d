package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/connectortest"
	"healthgraph/health"
)

var unavailable = health.Fail(health.UpstreamUnavailable, "not there", nil)

// Each case breaks a few things at once, and each has to be seen for itself.
func TestTheSuiteSeesEachFaultOfPaper(t *testing.T) {
	forever := make(chan struct{})
	defer close(forever)
	var turn, busy atomic.Int64
	shared := []health.DataSource{notebook}
	type page = connectors.Authorization
	type links = []connectors.LinksResult

	for _, c := range []struct {
		want   []string
		faults faults
	}{
		{[]string{"describe: it changes"}, faults{describe: func(d connectors.Description) connectors.Description {
			d.Name = strconv.FormatInt(turn.Add(1), 10)
			return d
		}}},
		{[]string{"describe: it changes"}, faults{describe: func(d connectors.Description) connectors.Description {
			d.DataSources = shared
			return d
		}}},
		{[]string{"describe ReadLinks: HTTP status Too Many Requests: the failure names another upstream"}, faults{
			describe: func(d connectors.Description) connectors.Description { d.Name = "Papyrus"; return d },
		}},
		{[]string{"describe: a registry refuses it"}, faults{describe: func(d connectors.Description) connectors.Description {
			d.ID = "No Slug"
			return d
		}}},
		{[]string{"describe: a hint", "values AcceptsID: a generated id", "values CheckReturnURL: a text", "values Authorize: the page is",
			"order ReadLinks: the failure", "order ReadDailySteps: a result", "order ReadDailySleep: a result", "headers Revoke: a call without", "redirect Revoke: ",
			"status Revoke: HTTP status", "typed Revoke: an error that is no"}, faults{
			describe: func(d connectors.Description) connectors.Description { d.RevokeHint = "x"; return d },
			accepts:  func(id string) bool { return !strings.HasPrefix(id, connectors.GeneratedIDPrefix) },
			check:    func(string) error { return nil },
			page:     func(_ page, err error) (page, error) { return page{URL: "/consent"}, err },
			links: func(_ context.Context, r links) links {
				slices.Reverse(r)
				return r
			},
			days:   func(r []connectors.DayResult) []connectors.DayResult { slices.Reverse(r); return r },
			nights: func(r []connectors.DaySleepResult) []connectors.DaySleepResult { slices.Reverse(r); return r },
			revoke: rawRevoke(func(*paper, error) error { return errors.New("not there") }),
		}},
		{[]string{"values CheckReturnURL: a good", "values Authorize: there is a page", "order ReadLinks: 2 results", "values ReadDailySleep: a figure that tells", "secrets Revoke: an error holds an address"}, faults{
			check: func(string) error { return health.Refuse("redirectUrl", "never") },
			page:  func(a page, err error) (page, error) { a.Authorized = true; return a, err },
			links: func(_ context.Context, r links) links { return r[1:] },
			nights: func(r []connectors.DaySleepResult) []connectors.DaySleepResult {
				for i := range r {
					r[i].Sleep.Figure = &health.SleepFigure{}
				}
				return r
			},
			revoke: rawRevoke(func(_ *paper, err error) error {
				return health.Fail(health.UpstreamUnavailable, "not there", err)
			}),
		}},
		{[]string{"secrets CheckReturnURL: an error holds", "secrets Authorize: the page's URL", "concurrency ReadLinks: fails",
			"secrets Revoke: an error holds the connector's own credential"}, faults{
			check: func(s string) error { return health.Refuse("redirectUrl", s) },
			page:  func(_ page, err error) (page, error) { return page{URL: "https://paper.example/?key=" + paperKey}, err },
			links: func(_ context.Context, r links) links {
				if busy.Add(1) > 1 {
					r[0].Err = unavailable
				}
				time.Sleep(time.Millisecond)
				busy.Add(-1)
				return r
			},
			revoke: rawRevoke(func(p *paper, _ error) error {
				return health.Fail(health.UpstreamUnavailable, "not there", errors.New(p.key.Reveal()))
			}),
		}},
		{[]string{"nonsense Authorize: ", "cancel ReadLinks: goes on", "transport Revoke: "}, faults{
			page: func(a page, err error) (page, error) {
				if e := health.AsError(err); e != nil && e.Code == health.UpstreamInvalid && !errors.As(err, new(connectors.StatusError)) {
					return page{Authorized: true}, nil
				}
				return a, err
			},
			links: func(ctx context.Context, r links) links {
				if errors.Is(ctx.Err(), context.Canceled) {
					time.Sleep(2200 * time.Millisecond)
				}
				return r
			},
			revoke: onFailure(func(e *health.Error) error {
				if e.RetryAfter == 0 && e.Code == health.UpstreamUnavailable {
					e.Code = health.UpstreamInvalid
				}
				return e
			}),
		}},
		{[]string{"leak: a goroutine", "status Revoke: HTTP status Too Many Requests: Retry-After"}, faults{
			links:  func(_ context.Context, r links) links { go func() { <-forever }(); return r },
			revoke: onFailure(func(e *health.Error) error { e.RetryAfter = 0; return e }),
		}},
		{[]string{"status Revoke: HTTP status Unauthorized", "typed Revoke: an error without a message"}, faults{
			revoke: onFailure(func(e *health.Error) error {
				var status connectors.StatusError
				if errors.As(e, &status) && status == http.StatusUnauthorized {
					e.Code, e.Message = health.ReauthorizationRequired, ""
				}
				return e
			}),
		}},
		{[]string{"values Revoke: fails"}, faults{
			revoke: func(context.Context, *paper, string) (connectors.Revocation, error) {
				return connectors.Revocation{}, unavailable
			},
		}},
	} {
		violations, err := connectortest.Check(t.Context(), paperHarness(func(p *paper) connectors.Connector { return broken{p, c.faults} }))
		require.NoError(t, err)
		expectViolations(t, c.want, violations)
	}
}

func expectViolations(t *testing.T, want []string, violations []connectortest.Violation) {
	t.Helper()
	for _, beginning := range want {
		seen := slices.ContainsFunc(violations, func(v connectortest.Violation) bool { return strings.HasPrefix(v.String(), beginning) })
		assert.True(t, seen, "not seen: %s; only %v", beginning, violations)
	}
}

// careless is a card that forgets whose grant it is, and what it has read.
type careless struct{ *card }

func (c careless) CheckReturn(query url.Values) error {
	if query.Get("code") == "" {
		return health.Refuse("url", "no code")
	}
	return nil
}

func (c careless) Exchange(ctx context.Context, query url.Values, returnURL string) (connectors.Grant, error) {
	grant, err := c.card.Exchange(ctx, query, returnURL)
	grant.ExpiresAt = aprilSecond.Add(-time.Hour)
	if err != nil {
		err = health.Fail(health.AsError(err).Code, "no grant", fmt.Errorf("for the code %s", query.Get("code")))
	}
	return grant, err
}

func (c careless) PersonalGrant(accountID string, token health.Secret) (connectors.Grant, error) {
	if strings.ContainsRune(token.Reveal(), '\n') {
		return connectors.Grant{}, health.Refuse("token", "not "+token.Reveal())
	}
	grant, err := c.card.PersonalGrant(accountID, token)
	grant.ExpiresAt = aprilSecond
	return grant, err
}

func (c careless) AdoptGrant(accountID string, refreshToken health.Secret) (connectors.Grant, error) {
	grant, err := c.card.AdoptGrant(strings.ToUpper(accountID), refreshToken)
	if err != nil {
		err = health.Refuse("refreshToken", "no token")
	}
	grant.ExpiresAt = time.Time{}
	return grant, err
}

func (c careless) Refresh(ctx context.Context, grant connectors.Grant) (connectors.Grant, error) {
	next, err := c.card.Refresh(ctx, grant)
	next.RefreshToken = health.Secret{}
	if err != nil {
		err = health.Fail(health.ReauthorizationRequired, "link it again", nil)
	}
	return next, err
}

func (c careless) ReadProfile(ctx context.Context, account connectors.Account) (connectors.Profile, error) {
	call := byPerson(account, "profile")
	call.HTTP = nil
	answer, err := c.client.Do(ctx, call)
	if err == nil && answer.Status != http.StatusOK {
		err = health.Fail(health.UpstreamInvalid, "no profile", errors.New(string(answer.Body)))
	}
	return connectors.Profile{}, err
}

func (c careless) ReadSamples(ctx context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	result := c.card.ReadSamples(ctx, account, request, func(page []health.Sample) bool {
		slices.Reverse(page)
		return yield(page)
	})
	if result.Err != nil {
		result.ReadUntil = request.Span.End.Add(-24 * time.Hour)
	}
	return result
}

func (c careless) ReadSleepSessions(ctx context.Context, account connectors.Account, span health.Interval) connectors.SleepRecordsResult {
	result := c.card.ReadSleepSessions(ctx, account, span)
	slices.Reverse(result.Records)
	return result
}

func TestTheSuiteSeesEachFaultOfCard(t *testing.T) {
	violations, err := connectortest.Check(t.Context(), cardHarness(func(c *card) connectors.Connector { return careless{c} }))
	require.NoError(t, err)
	expectViolations(t, []string{
		"values CheckReturn: the person's no", "values Exchange: a grant that has expired", "secrets Exchange: an error holds a token, code or state",
		"values PersonalGrant: it is not", "secrets PersonalGrant: an error holds a token, code or state",
		"values AdoptGrant: a good account and token",
		"values Refresh: the account's id or the refresh token", "status Refresh: HTTP status", "transport Refresh: ",
		"signing ReadProfile: a call with the wrong credential", "secrets ReadProfile: an error holds text of the upstream's body",
		"nonsense ReadProfile: ", "values ReadSamples: the samples of a page are not in order", "values ReadSleepSessions: the records are not in order",
	}, violations)
	assert.False(t, slices.ContainsFunc(violations, func(v connectortest.Violation) bool { return v.Operation == connectortest.Authorize }),
		"what is right is not blamed")

	violations, err = connectortest.Check(t.Context(), cardHarness(func(c *card) connectors.Connector { return forgetful{c} }))
	require.NoError(t, err)
	expectViolations(t, []string{"values ReadSamples: half-way", "values ReadSleepSessions: half-way"}, violations)
}

// forgetful claims to have read more than it has.
type forgetful struct{ *card }

func (c forgetful) ReadSamples(ctx context.Context, account connectors.Account, request connectors.SampleRequest, yield func([]health.Sample) bool) connectors.SampleResult {
	result := c.card.ReadSamples(ctx, account, request, yield)
	if result.Err != nil {
		result.ReadUntil = request.Span.End.Add(-24 * time.Hour)
	}
	return result
}

func (c forgetful) ReadSleepSessions(ctx context.Context, account connectors.Account, span health.Interval) connectors.SleepRecordsResult {
	result := c.card.ReadSleepSessions(ctx, account, span)
	if result.Err != nil {
		result.ReadUntil = span.End
	}
	return result
}

package connectortest_test

import (
	"context"
	"errors"
	"net/http"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// faults are what a broken paper does instead; nil is as paper does.
type faults struct {
	describe func(connectors.Description) connectors.Description
	accepts  func(id string) bool
	check    func(returnURL string) error
	page     func(connectors.Authorization, error) (connectors.Authorization, error)
	links    func(ctx context.Context, results []connectors.LinksResult) []connectors.LinksResult
	revoke   func(ctx context.Context, p *paper, id string) (connectors.Revocation, error)
	days     func([]connectors.DayResult) []connectors.DayResult
	nights   func([]connectors.DaySleepResult) []connectors.DaySleepResult
}

type broken struct {
	*paper
	faults
}

func (b broken) Describe() connectors.Description {
	if b.describe != nil {
		return b.describe(b.paper.Describe())
	}
	return b.paper.Describe()
}

func (b broken) AcceptsID(id string) bool {
	if b.accepts != nil {
		return b.accepts(id)
	}
	return b.paper.AcceptsID(id)
}

func (b broken) CheckReturnURL(returnURL string) error {
	if b.check != nil {
		return b.check(returnURL)
	}
	return b.paper.CheckReturnURL(returnURL)
}

func (b broken) Authorize(ctx context.Context, request connectors.AuthorizeRequest) (connectors.Authorization, error) {
	authorization, err := b.paper.Authorize(ctx, request)
	if b.page != nil {
		return b.page(authorization, err)
	}
	return authorization, err
}

func (b broken) ReadLinks(ctx context.Context, accounts []connectors.Account) []connectors.LinksResult {
	results := b.paper.ReadLinks(ctx, accounts)
	if b.links != nil {
		return b.links(ctx, results)
	}
	return results
}

func (b broken) Revoke(ctx context.Context, account connectors.Account, source health.DataSource) (connectors.Revocation, error) {
	if b.revoke != nil {
		return b.revoke(ctx, b.paper, account.ID)
	}
	return b.paper.Revoke(ctx, account, source)
}

func (b broken) ReadDailySteps(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DayResult {
	results := b.paper.ReadDailySteps(ctx, account, dates)
	if b.days != nil {
		return b.days(results)
	}
	return results
}

func (b broken) ReadDailySleep(ctx context.Context, account connectors.Account, dates []health.Date) []connectors.DaySleepResult {
	results := b.paper.ReadDailySleep(ctx, account, dates)
	if b.nights != nil {
		return b.nights(results)
	}
	return results
}

// rawRevoke asks without the shared manners, and makes an error of whatever goes wrong.
func rawRevoke(failure func(p *paper, err error) error) func(context.Context, *paper, string) (connectors.Revocation, error) {
	return func(ctx context.Context, p *paper, id string) (connectors.Revocation, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodDelete, p.client.Address(nil, "links", id).String(), nil)
		if err != nil {
			return connectors.Revocation{}, health.Fail(health.Internal, "no request", nil)
		}
		request.Header.Set("X-Paper-Key", paperKey)
		client := &http.Client{Timeout: 100 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			return connectors.Revocation{}, failure(p, err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return connectors.Revocation{}, failure(p, errors.New(response.Status))
		}
		return connectors.Revocation{}, nil
	}
}

// onFailure changes what Revoke fails with.
func onFailure(change func(*health.Error) error) func(context.Context, *paper, string) (connectors.Revocation, error) {
	return func(ctx context.Context, p *paper, id string) (connectors.Revocation, error) {
		revocation, err := p.Revoke(ctx, connectors.Account{ID: id}, notebook)
		if err != nil {
			err = change(health.AsError(err))
		}
		return revocation, err
	}
}

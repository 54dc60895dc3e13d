package connectortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// The operations, as Violation and Harness.Answers name them.
const (
	ReadLinks      = "ReadLinks"
	Authorize      = "Authorize"
	Exchange       = "Exchange"
	Refresh        = "Refresh"
	ReadProfile    = "ReadProfile"
	Revoke         = "Revoke"
	ReadDailySteps = "ReadDailySteps"
	ReadSamples    = "ReadSamples"
	ReadTimeZone   = "ReadTimeZone"
)

// operation is one method of the connector, called with what the harness has for it.
type operation struct {
	name        string
	byPerson    bool     // uses the person's grant
	ignoresBody bool     // a 2xx is enough of an answer
	inputs      []string // texts that name the inputs in a call's address; nil where there is but one
	run         func(ctx context.Context, person *http.Client) []error
}

// operations lists what the connector can do.
func (s *suite) operations(connector connectors.Connector) []operation {
	h := s.harness
	account := func(person *http.Client) connectors.Account {
		return connectors.Account{ID: h.Accounts[0], Client: person}
	}
	var all []operation
	add := func(o operation) { all = append(all, o) }
	one := func(err error) []error { return []error{err} }

	if c, ok := connector.(connectors.LinkReader); ok {
		add(operation{name: ReadLinks, byPerson: s.plug.NeedsGrant(), inputs: h.Accounts, run: func(ctx context.Context, person *http.Client) []error {
			var accounts []connectors.Account
			for _, id := range h.Accounts {
				accounts = append(accounts, connectors.Account{ID: id, Client: person})
			}
			var errs []error
			for _, result := range c.ReadLinks(ctx, accounts) {
				errs = append(errs, result.Err)
			}
			return errs
		}})
	}
	if c, ok := connector.(connectors.Authorizer); ok {
		add(operation{name: Authorize, run: func(ctx context.Context, _ *http.Client) []error {
			_, err := c.Authorize(ctx, s.authorizeRequest())
			return one(err)
		}})
	}
	if c, ok := connector.(connectors.Exchanger); ok {
		add(operation{name: Exchange, run: func(ctx context.Context, _ *http.Client) []error {
			_, err := c.Exchange(ctx, h.Return, h.ReturnURL)
			return one(err)
		}})
	}
	if c, ok := connector.(connectors.Refresher); ok {
		add(operation{name: Refresh, run: func(ctx context.Context, _ *http.Client) []error {
			_, err := c.Refresh(ctx, h.Grant)
			return one(err)
		}})
	}
	if c, ok := connector.(connectors.ProfileReader); ok {
		add(operation{name: ReadProfile, byPerson: s.plug.NeedsGrant(), run: func(ctx context.Context, person *http.Client) []error {
			_, err := c.ReadProfile(ctx, account(person))
			return one(err)
		}})
	}
	if c, ok := connector.(connectors.Revoker); ok {
		add(operation{name: Revoke, byPerson: s.plug.NeedsGrant(), ignoresBody: true, run: func(ctx context.Context, person *http.Client) []error {
			_, err := c.Revoke(ctx, account(person), h.Source)
			return one(err)
		}})
	}
	if c, ok := connector.(connectors.DailyStepReader); ok {
		dates := h.Days.Each()
		inputs := make([]string, len(dates))
		for i, date := range dates {
			inputs[i] = date.String()
		}
		add(operation{name: ReadDailySteps, byPerson: s.plug.NeedsGrant(), inputs: inputs, run: func(ctx context.Context, person *http.Client) []error {
			var errs []error
			for i, result := range c.ReadDailySteps(ctx, account(person), dates) {
				if result.Err == nil && i < len(dates) && result.Total.Date != dates[i] {
					s.violate(RuleOrder, ReadDailySteps, "a result stands at another date's place")
				}
				errs = append(errs, result.Err)
			}
			return errs
		}})
	}
	if c, ok := connector.(connectors.SampleReader); ok {
		add(operation{name: ReadSamples, byPerson: s.plug.NeedsGrant(), run: func(ctx context.Context, person *http.Client) []error {
			return one(ReadAllSamples(ctx, c, account(person), connectors.SamplesOn(health.StepCountMetric, h.Days)).Err)
		}})
	}
	if c, ok := connector.(connectors.ZoneReader); ok {
		add(operation{name: ReadTimeZone, run: func(ctx context.Context, _ *http.Client) []error {
			_, err := c.ReadTimeZone(ctx, account(nil))
			return one(err)
		}})
	}
	return append(all, s.sleepOperations(connector)...)
}

const state = "canary-state"

func (s *suite) authorizeRequest() connectors.AuthorizeRequest {
	request := connectors.AuthorizeRequest{DataSource: s.harness.Source, ReturnURL: s.harness.ReturnURL}
	if s.plug.Exchanger != nil {
		request.State = state
	} else {
		request.Account = connectors.Account{ID: s.harness.Accounts[0]}
	}
	return request
}

// try runs the operation and holds what every outcome must keep: one result for each input, and errors that are typed and
// give nothing away.
func (s *suite) try(ctx context.Context, o operation) []*health.Error {
	var person *http.Client
	if o.byPerson {
		person = s.person
	}
	return s.inspect(o, o.run(ctx, person))
}

func (s *suite) inspect(o operation, errs []error) []*health.Error {
	if want := max(len(o.inputs), 1); len(errs) != want {
		s.violate(RuleOrder, o.name, "%d results for %d inputs", len(errs), want)
	}
	failures := make([]*health.Error, len(errs))
	for i, err := range errs {
		var typed *health.Error
		if err != nil && !errors.As(err, &typed) {
			s.violate(RuleTyped, o.name, "an error that is no *health.Error")
			typed = health.AsError(err)
		}
		if typed != nil && typed.Message == "" {
			s.violate(RuleTyped, o.name, "an error without a message")
		}
		if what := s.givesAway(err); what != "" {
			s.violate(RuleSecrets, o.name, "an error holds %s", what)
		}
		failures[i] = typed
	}
	return failures
}

// givesAway names the first thing that an error's chain should not hold, "" for nothing.
func (s *suite) givesAway(err error) string {
	text := strings.ToLower(chainText(err))
	has := func(secret string) bool { return secret != "" && strings.Contains(text, strings.ToLower(secret)) }
	h := s.harness
	switch {
	case has(bodyCanary):
		return "text of the upstream's body"
	case has(headerCanary):
		return "a header of the upstream's"
	case has(personToken) || has(handedIn) || has(h.Grant.AccessToken.Reveal()) || has(h.Grant.RefreshToken.Reveal()) || has(h.Return.Get("code")) || has(state):
		return "a token, code or state"
	case has(s.upstream.server.Listener.Addr().String()) || has(s.elsewhere.server.Listener.Addr().String()):
		return "an address"
	}
	for _, secret := range h.Secrets {
		if has(secret) {
			return "the connector's own credential"
		}
	}
	for _, id := range h.Accounts {
		if has(id) {
			return "an account's id"
		}
	}
	return ""
}

// chainText is every text that an error and those below it can be printed as.
func chainText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error() + "\n" + fmt.Sprintf("%+v\n%#v\n", err, err)
	switch wrapper := err.(type) { //nolint:errorlint // each link of the chain is looked at for itself
	case interface{ Unwrap() error }:
		return text + chainText(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		texts := []string{text}
		for _, inner := range wrapper.Unwrap() {
			texts = append(texts, chainText(inner))
		}
		return strings.Join(texts, "")
	}
	return text
}

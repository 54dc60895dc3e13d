package connectortest

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"healthgraph/connectors"
	"healthgraph/health"
)

// checkDescription gives the connector's capabilities, nil when a registry refuses it.
func (s *suite) checkDescription(connector connectors.Connector) *connectors.Plug {
	registry, err := connectors.NewRegistry(connector)
	if err != nil {
		s.violate(RuleDescribe, "", "a registry refuses it: %v", err)
		return nil
	}
	first := connector.Describe()
	first.DataSources = slices.Clone(first.DataSources)
	changed := connector.Describe()
	changed.DataSources[0].Name = "changed by a caller"
	if !reflect.DeepEqual(first, connector.Describe()) {
		s.violate(RuleDescribe, "", "it changes from call to call")
	}
	plug := registry.Plugs()[0]
	if (plug.Revoker == nil) == (first.RevokeHint == "") {
		s.violate(RuleDescribe, "", "a hint on how to revoke is due exactly where there is no Revoke")
	}
	return plug
}

// checkValues tries, when all is well, what can be said of any connector's values.
func (s *suite) checkValues(ctx context.Context, connector connectors.Connector, operations []operation) {
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	if len(operations) == 0 {
		s.violate(RuleValues, "", "it can do nothing")
	}
	if c, ok := connector.(connectors.Identifier); ok {
		for _, digits := range []int{16, 32, 40} {
			if !c.AcceptsID(connectors.GeneratedIDPrefix + strings.Repeat("0123456789abcdef", 3)[:digits]) {
				s.violate(RuleValues, "AcceptsID", "a generated id is refused")
			}
		}
		for _, id := range s.harness.Accounts {
			if !c.AcceptsID(id) {
				s.violate(RuleValues, "AcceptsID", "an account's id is refused")
			}
		}
	}
	if c, ok := connector.(connectors.Authorizer); ok {
		s.checkAuthorizer(ctx, c)
	}
	if c, ok := connector.(connectors.Exchanger); ok {
		s.checkExchanger(ctx, c)
	}
	if c, ok := connector.(connectors.PersonalTokenTaker); ok {
		s.checkPersonalGrant(c)
	}
	if c, ok := connector.(connectors.Adopter); ok {
		s.checkAdoptGrant(c)
	}
	if c, ok := connector.(connectors.ZoneReader); ok {
		s.checkZone(ctx, c)
	}
	if c, ok := connector.(connectors.Refresher); ok {
		if next, err := c.Refresh(ctx, s.harness.Grant); err == nil {
			s.checkGrant(Refresh, next)
			if next.AccountID != s.harness.Grant.AccountID || next.RefreshToken.IsEmpty() {
				s.violate(RuleValues, Refresh, "the account's id or the refresh token is lost")
			}
		}
	}
}

func (s *suite) checkAuthorizer(ctx context.Context, c connectors.Authorizer) {
	if err := c.CheckReturnURL(s.harness.ReturnURL); err != nil {
		s.violate(RuleValues, "CheckReturnURL", "a good return URL is refused")
	}
	for _, bad := range []string{"no-url-" + bodyCanary, "/relative/" + bodyCanary, "https://" + bodyCanary + ".example/%zz"} {
		err := c.CheckReturnURL(bad)
		s.expect(RuleValues, operation{name: "CheckReturnURL"}, s.inspect(operation{name: "CheckReturnURL"}, []error{err}),
			"a text that is no URL", health.BadUserInput)
	}
	authorization, err := c.Authorize(ctx, s.authorizeRequest())
	if err != nil {
		return // told by checkGood
	}
	page, err := url.Parse(authorization.URL)
	switch {
	case authorization.Authorized == (authorization.URL != ""):
		s.violate(RuleValues, Authorize, "there is a page to go to exactly where nothing is authorised yet")
	case !authorization.Authorized && (err != nil || page.Host == "" || (page.Scheme != "https" && page.Scheme != "http")):
		s.violate(RuleValues, Authorize, "the page is no absolute http or https URL")
	case s.plug.Exchanger != nil && page.Query().Get("state") != state:
		s.violate(RuleValues, Authorize, "the page is not given the state")
	}
	for _, secret := range s.harness.Secrets {
		if strings.Contains(authorization.URL, secret) {
			s.violate(RuleSecrets, Authorize, "the page's URL holds the connector's own credential")
		}
	}
}

func (s *suite) checkExchanger(ctx context.Context, c connectors.Exchanger) {
	judged := operation{name: "CheckReturn"}
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	judge := func(query url.Values, when string, code health.Code) {
		s.expect(RuleValues, judged, s.inspect(judged, []error{c.CheckReturn(query)}), when, code)
	}
	if err := c.CheckReturn(s.harness.Return); err != nil {
		s.violate(RuleValues, judged.name, "a good return is refused")
	}
	judge(url.Values{}, "a return without anything", health.BadUserInput)
	judge(url.Values{"error": {"access_denied"}, "error_description": {bodyCanary}, "state": {state}}, "the person's no", health.NotConnected)
	for name, values := range s.harness.Return {
		twice := url.Values{}
		for other, value := range s.harness.Return {
			twice[other] = value
		}
		twice[name] = append(slices.Clone(values), bodyCanary)
		judge(twice, "a parameter that stands there twice", health.BadUserInput)
	}
	if s.upstream.calls.Load() > 0 {
		s.violate(RuleValues, judged.name, "a call is made before anything is exchanged")
	}
	if grant, err := c.Exchange(ctx, s.harness.Return, s.harness.ReturnURL); err == nil {
		s.checkGrant(Exchange, grant)
	}
}

func (s *suite) checkGrant(name string, grant connectors.Grant) {
	switch {
	case grant.AccountID == "" || grant.AccessToken.IsEmpty():
		s.violate(RuleValues, name, "a grant without an account's id or an access token")
	case !grant.ExpiresAt.IsZero() && !grant.ExpiresAt.After(s.harness.Now):
		s.violate(RuleValues, name, "a grant that has expired already")
	}
}

// checkPartialSamples lets one call after the other fail, and compares what was read with the whole.
func (s *suite) checkPartialSamples(ctx context.Context, connector connectors.Connector) {
	c, ok := connector.(connectors.SampleReader)
	if !ok {
		return
	}
	account := connectors.Account{ID: s.harness.Accounts[0], Client: s.person}
	request := connectors.SamplesOn(health.StepCountMetric, s.harness.Days)
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	whole := ReadAllSamples(ctx, c, account, request)
	calls := s.upstream.calls.Load()
	if whole.Err != nil {
		return // told by checkGood
	}
	c.ReadSamples(ctx, account, request, func(page []health.Sample) bool {
		if !slices.IsSortedFunc(page, func(a, b health.Sample) int { return a.Start.Compare(b.Start) }) {
			s.violate(RuleValues, ReadSamples, "the samples of a page are not in order of their start")
		}
		return true
	})
	for _, sample := range whole.Samples {
		if sample.End.Before(sample.Start) || sample.Value < 0 || math.IsNaN(sample.Value) || math.IsInf(sample.Value, 0) {
			s.violate(RuleValues, ReadSamples, "a sample that makes no sense")
		}
	}
	s.eachBroken(calls, func() {
		part := ReadAllSamples(ctx, c, account, request)
		later := func(sample health.Sample) bool { return !sample.Start.Before(part.ReadUntil) }
		if part.Err == nil || !slices.Equal(slices.DeleteFunc(part.Samples, later), slices.DeleteFunc(slices.Clone(whole.Samples), later)) {
			s.violate(RuleValues, ReadSamples, "half-way, samples before ReadUntil are missing, or nothing is said")
		}
	})
}

// eachBroken tries something again for each of its calls, and lets that one fail.
func (s *suite) eachBroken(calls int64, try func()) {
	for broken := int64(1); broken <= calls; broken++ {
		s.upstream.behave(func(w http.ResponseWriter, r *http.Request) {
			if s.upstream.calls.Load() == broken {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			s.harness.Upstream.ServeHTTP(w, r)
		})
		try()
	}
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
}

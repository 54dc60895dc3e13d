// Package connectortest is the suite that every connector passes: what package connectors promises of a connector, tried
// against a well-behaved upstream and against one that does everything wrong.
//
// A connector's own test says what its upstream answers and why; this suite says that whatever is answered comes out as
// one typed failure that gives nothing away. A connector calls Run with a Harness. Check gives the same findings as data.
package connectortest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Harness is what the suite has to know of a connector. Ids and secrets should be texts that occur nowhere else: the suite
// looks for them in every error.
type Harness struct {
	// New makes the connector against an upstream at baseURL.
	New func(baseURL string, client connectors.ClientConfig) (connectors.Connector, error)
	// Upstream answers as the connector's upstream does when all is well, for each account, source and day below. It
	// is asked many times and must always answer the same. A reader of samples is tried best with more than one page.
	Upstream http.Handler

	Now       time.Time         // the connector's clock
	Accounts  []string          // two or more ids of people at the upstream
	Source    health.DataSource // one to link in a browser, and to revoke where that is possible
	ReturnURL string            // one that the upstream takes
	Return    url.Values        // what a browser brings back from the consent page, where there is an exchange
	Grant     connectors.Grant  // one to renew, where there is a refresh
	Days      health.DateRange  // two or more days with whatever the connector reads, such as steps
	Secrets   []string          // the own credential's texts

	// Answers says whether an operation takes a status from 400 on for an answer instead of a failure; nil: none does.
	Answers func(operation string, status int) bool
}

// The rules, as Violation names them.
const (
	RuleDescribe    = "describe"    // the description is stable, a registry takes it, and failures name the upstream as it does
	RuleValues      = "values"      // what comes out keeps the contract when all is well
	RuleOrder       = "order"       // one result for each input, in order, each failing alone
	RuleHeaders     = "headers"     // every call says who asks and what is wanted
	RuleSigning     = "signing"     // a person's calls go through the client that signs for them, and no others
	RuleStatus      = "status"      // each status comes out as the code that says whose turn it is
	RuleTransport   = "transport"   // no whole answer is UPSTREAM_UNAVAILABLE
	RuleNonsense    = "nonsense"    // a 200 that is not what was promised is UPSTREAM_INVALID
	RuleRedirect    = "redirect"    // no redirect is followed
	RuleCancel      = "cancel"      // a cancelled context ends the work at once
	RuleTyped       = "typed"       // every error is a *health.Error
	RuleSecrets     = "secrets"     // no error gives anything away
	RuleConcurrency = "concurrency" // many calls at once are as good as one
	RuleLeak        = "leak"        // nothing goes on running
)

// Violation is a rule that the connector breaks. Of each rule and operation the first one found is told.
type Violation struct {
	Rule      string
	Operation string // the method; "" where the rule is about the connector as a whole
	Detail    string
}

// String is the violation in one line.
func (v Violation) String() string {
	return strings.TrimSpace(v.Rule+" "+v.Operation) + ": " + v.Detail
}

// Run fails the test for each rule that the connector breaks. It does not belong into a parallel test: goroutines that
// other tests start meanwhile would look like the connector's.
func Run(t *testing.T, harness Harness) {
	t.Helper()
	violations, err := Check(t.Context(), harness)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

// Check tries the connector and lists the rules that it breaks. An error means that the harness is not usable.
func Check(ctx context.Context, harness Harness) ([]Violation, error) {
	if harness.New == nil || harness.Upstream == nil || len(harness.Accounts) < 2 || harness.Days.Days() < 2 || harness.Now.IsZero() {
		return nil, errors.New("the harness needs New, Upstream, Now, two Accounts and two Days")
	}
	running := goleak.IgnoreCurrent()
	s := &suite{harness: harness, upstream: startUpstream(), elsewhere: startUpstream()}
	err := s.run(ctx)
	s.upstream.stop()
	s.elsewhere.stop()
	if leak := goleak.Find(running); leak != nil {
		s.violate(RuleLeak, "", "a goroutine of the connector's outlives its calls")
	}
	return s.violations, err
}

// suite is one check of one connector.
type suite struct {
	harness             Harness
	upstream, elsewhere *upstream
	plug                *connectors.Plug
	person              *http.Client // signs as a person, where the connector needs a grant

	mu         sync.Mutex
	violations []Violation
}

func (s *suite) violate(rule, operation, format string, arguments ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Violation{rule, operation, fmt.Sprintf(format, arguments...)}
	if !slices.ContainsFunc(s.violations, func(w Violation) bool { return w.Rule == rule && w.Operation == operation }) {
		s.violations = append(s.violations, v)
	}
}

// Limits of the connector under test, small enough for the suite to reach.
const (
	patience     = 10 * time.Second      // more than any call takes that is answered
	impatience   = 50 * time.Millisecond // the timeout where the upstream does not answer
	maxBodyBytes = 1 << 20
)

func (s *suite) run(ctx context.Context) error {
	connector, err := s.connector(patience)
	if err != nil {
		return err
	}
	impatient, err := s.connector(impatience)
	if err != nil {
		return err
	}
	if s.plug = s.checkDescription(connector); s.plug == nil {
		return nil // nothing can be asked of it
	}
	if s.plug.NeedsGrant() {
		s.person = &http.Client{Transport: signer{s.upstream.transport}}
	}
	operations := s.operations(connector)
	s.checkValues(ctx, connector, operations)
	for i, o := range operations {
		if !s.checkGood(ctx, o) {
			continue // without a call of its own, or not even right when all is well
		}
		s.checkStatuses(ctx, o)
		s.checkTransport(ctx, o, s.operations(impatient)[i])
		s.checkNonsense(ctx, o)
		s.checkMutations(ctx, o)
		s.checkRedirects(ctx, o)
		s.checkCancel(ctx, o)
		s.checkOrder(ctx, o)
		s.checkSigner(ctx, o)
	}
	s.checkPartialSamples(ctx, connector)
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	s.checkSleep(ctx, connector)
	s.checkConcurrency(ctx, operations)
	return nil
}

func (s *suite) connector(timeout time.Duration) (connectors.Connector, error) {
	return s.harness.New(s.upstream.server.URL, connectors.ClientConfig{
		HTTP:         &http.Client{Transport: s.upstream.transport},
		Timeout:      timeout,
		MaxInFlight:  4,
		MaxBodyBytes: maxBodyBytes,
		Now:          func() time.Time { return s.harness.Now },
	})
}

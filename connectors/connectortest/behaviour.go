package connectortest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"healthgraph/health"
)

// checkRedirects sends the caller to another host, where a credential must never arrive.
func (s *suite) checkRedirects(ctx context.Context, o operation) {
	s.elsewhere.behave(s.harness.Upstream.ServeHTTP)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s.upstream.behave(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, s.elsewhere.server.URL+r.URL.RequestURI(), status)
		})
		s.expect(RuleRedirect, o, s.try(ctx, o), "a redirect", health.UpstreamInvalid)
	}
	if s.elsewhere.calls.Load() > 0 {
		s.violate(RuleRedirect, o.name, "another host was called")
	}
}

// promptly is how fast a cancelled operation has to return.
const promptly = 2 * time.Second

func (s *suite) checkCancel(ctx context.Context, o operation) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrived := make(chan struct{})
	var once sync.Once
	s.upstream.behave(func(_ http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(arrived) })
		<-r.Context().Done()
	})
	done := make(chan []*health.Error, 1)
	go func() { done <- s.try(ctx, o) }()
	select {
	case <-arrived:
	case <-time.After(promptly):
		s.violate(RuleCancel, o.name, "no call is made")
	}
	cancelled := time.Now()
	cancel()
	failures := <-done
	if time.Since(cancelled) > promptly {
		s.violate(RuleCancel, o.name, "goes on after its context is cancelled")
	}
	s.expect(RuleCancel, o, failures, "a cancelled context", health.UpstreamUnavailable)
}

// checkOrder lets the call about one input alone fail, where its address names it and no other.
func (s *suite) checkOrder(ctx context.Context, o operation) {
	for broken, name := range o.inputs {
		var failed atomic.Bool
		s.upstream.behave(func(w http.ResponseWriter, r *http.Request) {
			if address := r.URL.RequestURI(); strings.Contains(address, name) && namesOne(address, o.inputs) {
				failed.Store(true)
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			s.harness.Upstream.ServeHTTP(w, r)
		})
		for i, failure := range s.try(ctx, o) {
			if failed.Load() && (failure != nil) != (i == broken) {
				s.violate(RuleOrder, o.name, "the failure of one input's call shows at another's place")
			}
		}
	}
}

func namesOne(address string, inputs []string) bool {
	named := 0
	for _, input := range inputs {
		if strings.Contains(address, input) {
			named++
		}
	}
	return named == 1
}

// refusing is a signing client whose grant could not be renewed.
type refusing struct{}

// RoundTrip implements http.RoundTripper.
func (refusing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, health.Fail(health.ReauthorizationRequired, "link it again", nil)
}

// checkSigner sees that the failure of the client that signs comes out as it is.
func (s *suite) checkSigner(ctx context.Context, o operation) {
	if !o.byPerson {
		return
	}
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	failures := s.inspect(o, o.run(ctx, &http.Client{Transport: refusing{}}))
	s.expect(RuleSigning, o, failures, "a grant that can't be renewed", health.ReauthorizationRequired)
	if s.upstream.calls.Load() > 0 {
		s.violate(RuleSigning, o.name, "a call that does not go through the person's client")
	}
}

// checkConcurrency runs everything at once. Its worth is under the race detector.
func (s *suite) checkConcurrency(ctx context.Context, operations []operation) {
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	var all sync.WaitGroup
	for range 4 {
		for _, o := range operations {
			all.Go(func() {
				for range 3 {
					for _, failure := range s.try(ctx, o) {
						if failure != nil {
							s.violate(RuleConcurrency, o.name, "fails when called many times at once: %s", failure.Code)
						}
					}
				}
			})
		}
	}
	all.Wait()
}

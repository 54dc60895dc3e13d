package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"healthgraph/health"
)

// checkGood tries the operation when all is well. It is false when nothing more can be learnt from it.
func (s *suite) checkGood(ctx context.Context, o operation) bool {
	s.upstream.behave(s.harness.Upstream.ServeHTTP)
	for _, failure := range s.try(ctx, o) {
		if failure != nil {
			s.violate(RuleValues, o.name, "fails although the upstream does not: %s", failure.Code)
			return false
		}
	}
	for _, request := range s.upstream.seen() {
		if what := lacksManners(request); what != "" {
			s.violate(RuleHeaders, o.name, "%s", what)
		}
		if isSignedByPerson(request) != o.byPerson {
			s.violate(RuleSigning, o.name, "a call with the wrong credential: the person's own is due: %t", o.byPerson)
		}
	}
	return s.upstream.calls.Load() > 0
}

// expect checks that every result failed, with one of the codes.
func (s *suite) expect(rule string, o operation, failures []*health.Error, when string, codes ...health.Code) {
	for _, failure := range failures {
		switch {
		case failure == nil:
			s.violate(rule, o.name, "%s: no failure, where %v is due", when, codes)
		case !slices.Contains(codes, failure.Code):
			s.violate(rule, o.name, "%s: %s, where %v is due", when, failure.Code, codes)
		}
	}
}

func (s *suite) checkStatuses(ctx context.Context, o operation) {
	for status := 400; status < 600; status++ {
		s.upstream.answers(status, "text/plain", bodyCanary)
		s.checkStatus(ctx, o, status)
	}
	for _, status := range []int{400, 401, 403, 404, 405, 408, 409, 410, 422, 429, 500, 503} {
		s.upstream.answers(status, "application/json", `{"error":"`+bodyCanary+`","message":"`+bodyCanary+`"}`)
		s.checkStatus(ctx, o, status)
	}
}

func (s *suite) checkStatus(ctx context.Context, o operation, status int) {
	failures := s.try(ctx, o)
	if s.harness.Answers != nil && s.harness.Answers(o.name, status) {
		return
	}
	when := "HTTP status " + http.StatusText(status)
	codes := o.codesFor(status)
	s.expect(RuleStatus, o, failures, when, codes...)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		for _, failure := range failures {
			if failure != nil && failure.RetryAfter != 7*time.Second {
				s.violate(RuleStatus, o.name, "%s: Retry-After is not passed on", when)
			}
			if failure != nil && !strings.Contains(failure.Message, s.plug.Description.Name) {
				s.violate(RuleDescribe, o.name, "%s: the failure names another upstream: see ClientConfig.Upstream", when)
			}
		}
	}
}

// codesFor is whose turn it is after a status. What a refused code or refresh token looks like is each upstream's own
// way, so there both readings of a 4xx pass.
func (o operation) codesFor(status int) []health.Code {
	switch {
	case status == http.StatusTooManyRequests:
		return []health.Code{health.RateLimited}
	case status >= 500 || status == http.StatusRequestTimeout:
		return []health.Code{health.UpstreamUnavailable}
	case o.name == Exchange:
		return []health.Code{health.BadUserInput, health.UpstreamInvalid}
	case o.name == Refresh:
		return []health.Code{health.ReauthorizationRequired, health.UpstreamInvalid}
	case o.byPerson && (status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusGone):
		return []health.Code{health.ReauthorizationRequired}
	}
	return []health.Code{health.UpstreamInvalid}
}

func (s *suite) checkTransport(ctx context.Context, o, impatient operation) {
	s.upstream.breaks(false)
	s.expect(RuleTransport, o, s.try(ctx, o), "a closed connection", health.UpstreamUnavailable)
	s.upstream.resets()
	s.expect(RuleTransport, o, s.try(ctx, o), "a connection reset", health.UpstreamUnavailable)
	s.upstream.breaks(true)
	s.expect(RuleTransport, o, s.try(ctx, o), "a body cut off", health.UpstreamUnavailable)
	s.upstream.hangs()
	s.expect(RuleTransport, o, s.try(ctx, impatient), "no answer in time", health.UpstreamUnavailable)
}

func (s *suite) checkNonsense(ctx context.Context, o operation) {
	huge := `{"` + bodyCanary + `":"` + strings.Repeat("x", maxBodyBytes) + `"}`
	for what, body := range map[string]string{
		"an empty body": "", "a page of HTML": "<!doctype html><p>" + bodyCanary, "broken JSON": `{"` + bodyCanary + `":`,
		"JSON null": "null", "a JSON number": "42", "a JSON text": `"` + bodyCanary + `"`, "JSON true": "true",
		"lists in lists": `[[["` + bodyCanary + `"]]]`, "a huge body": huge,
	} {
		s.upstream.answers(http.StatusOK, "application/json", body)
		s.expectUnlessIgnored(ctx, o, what)
	}
	s.upstream.distorts(s.harness.Upstream, func(body []byte) []byte { return append(body, bytes.Repeat([]byte(" "), maxBodyBytes)...) })
	s.expectUnlessIgnored(ctx, o, "an answer that is endless")
	for _, quarters := range []int{1, 2, 3} {
		s.upstream.distorts(s.harness.Upstream, func(body []byte) []byte { return body[:max(len(body)*quarters/4, 1)] })
		s.expectUnlessIgnored(ctx, o, "an answer cut short")
	}
}

func (s *suite) expectUnlessIgnored(ctx context.Context, o operation, what string) {
	failures := s.try(ctx, o)
	if o.ignoresBody {
		failures = slices.DeleteFunc(failures, func(f *health.Error) bool { return f == nil })
	}
	s.expect(RuleNonsense, o, failures, what, health.UpstreamInvalid)
}

// checkMutations replaces each value in each answer by others of every JSON type. A connector may take that or refuse it
// as UPSTREAM_INVALID (RATE_LIMITED where it stands for what is left of a limit), and must survive it.
func (s *suite) checkMutations(ctx context.Context, o operation) {
	replacements := []any{bodyCanary, 12345.5, -1.0, true, nil, []any{}, []any{bodyCanary}, map[string]any{bodyCanary: bodyCanary}}
	var more atomic.Bool
	more.Store(true)
	for position := 0; more.Load(); position++ {
		more.Store(false)
		for _, replacement := range replacements {
			s.upstream.distorts(s.harness.Upstream, func(body []byte) []byte {
				mutated, done := mutate(body, position, replacement)
				if done {
					more.Store(true)
				}
				return mutated
			})
			failures := slices.DeleteFunc(s.try(ctx, o), func(f *health.Error) bool { return f == nil })
			s.expect(RuleNonsense, o, failures, "a value of another kind", health.UpstreamInvalid, health.RateLimited)
		}
	}
}

// mutate replaces the value at a position, counted through the document; done is false when it has none so far on.
func mutate(body []byte, position int, replacement any) (mutated []byte, done bool) {
	var document any
	if json.Unmarshal(body, &document) != nil {
		return body, false
	}
	document = replaceAt(document, &position, replacement)
	mutated, err := json.Marshal(document)
	if err != nil || position >= 0 {
		return body, false
	}
	return mutated, true
}

func replaceAt(value any, position *int, replacement any) any {
	if *position < 0 {
		return value
	}
	if *position--; *position < 0 {
		return replacement
	}
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = replaceAt(v[i], position, replacement)
		}
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			v[name] = replaceAt(v[name], position, replacement)
		}
	}
	return value
}

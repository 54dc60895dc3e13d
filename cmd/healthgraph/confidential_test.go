package main

import (
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/logtest"
	"healthgraph/simulators/rook"
)

// canary is part of all that is confidential in these tests: wherever it turns up, something leaked.
const canary = "canary-6502"

const testAudience = "https://health.example"

// senseless is a number of steps that nobody walks, counted the number of steps that the person did walk. Either is a measurement.
const senseless, counted = "987654321", "86753"

// operations are what is sent over every transport. Each goes wrong, and most hold values that are nobody's to repeat.
var operations = []string{
	`query($s: ID!) { connections(dataSources: [$s]) { status } authorizationUrl(dataSource: $s) { url } }`,
	`query($other: ID!) { connections(userId: $other) { status } user(id: $other) { id } users(ids: [$other]) { id } node(id: $other) { id } }`,
	`query($long: ID!) { connections(userId: $long) { status } user(id: $long) { id } }`,
	`query($u: URL) { authorizationUrl(dataSource: "onetwentyone", redirectUrl: $u) { url } }`,
	`query($zone: TimeZone) { stepCount(from: "2026-04-01", to: "2026-04-14", timeZone: $zone) { total } }`,
	`query($date: Date!) { stepCount(from: $date, to: "2026-04-14") { total } }`,
	`query($s: String) { accessLog(first: 3, after: $s) { nodes { at } } }`,
	`query($n: Int!) { accessLog(first: $n) { nodes { at } } }`,
	`query($s: [Int!]) { connections(dataSources: $s) { status } }`,
	`query($s: Nowhere) { connections(dataSources: [$s]) { status } }`,
	`mutation($u: URL!) { a: completeAuthorization(input: {url: $u}) { link { id } } b: completeAuthorization(input: {url: $u, dataSource: "garmin"}) { link { id } } }`,
	`mutation($input: CompleteAuthorizationInput!) { completeAuthorization(input: $input) { link { id } } }`,
	`mutation($s: ID!, $other: ID!) { a: revoke(input: {dataSource: $s}) { outcome } b: revoke(input: {dataSource: "garmin", userId: $other}) { outcome } }`,
	`mutation($other: ID!) { revokeAll(input: {userId: $other}) { complete } eraseUser(input: {userId: $other}) { erased } }`,
	`mutation($account: ID!, $pat: Secret!) { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: $account, token: $pat}) { link { id } } }`,
	`mutation($s: ID!, $pat: Secret!) { linkPersonalAccessToken(input: {dataSource: $s, accountId: $s, token: $pat}) { link { id } } }`,
	`subscription($other: ID!) { connectionChanged(userId: $other) { id } }`,
	`subscription { connectionChanged(userId: 5` + canary + `) { id } }`,
	`{ stepCount(from: "2026-04-01", to: "2026-04-14") { total days { candidates { steps } } problems { code message } } }`, // no such figure makes sense
	`{ stepCount(from: "` + canary + `", to: "2026-04-14") { total } }`,
	`{ connections(dataSources: ["` + canary + `", {a: "` + canary + `"}]) { status } }`,
	`{ accessLog(first: "` + canary + `") { nodes { at } } }`,
	`{ connections(dataSources: ["` + canary,
	`"` + canary + `" { dataSources { id } }`,
	`{ connections(dataSources: """` + canary + `""" "` + canary + `") "` + canary + `"`,
	`mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "` + canary + `", token: "` + canary + `"}) { link { id } } }`,
	`mutation { linkPersonalAccessToken(input: "` + canary + `") { link { id } } }`,
}

func confidentialVariables(account string) map[string]any {
	return map[string]any{
		"other": "other-" + canary, "long": canary + string(make([]byte, 300)), "s": "source-" + canary, "zone": "Zone/" + canary, "date": canary, "n": canary,
		"u": testReturnURL + "?code=" + canary + "&state=" + canary, "account": account, "pat": "pat_" + canary,
		"input": map[string]any{"url": map[string]any{"code": canary}, "dataSource": []any{canary}},
	}
}

// leaks is the world of these tests, in which every value that is confidential is known.
type leaks struct {
	*world
	upstreams *lying       // before both
	trap      *trap        // a connector beside the two, which panics when it is armed
	issuer    *lyingIssuer // whose documents can lie as well
	person    string
	account   string       // theirs, at OneTwentyOne
	told      *logtest.Log // whatever came back
	stopped   atomic.Bool  // the clock of the gateway panics when it is asked
}

func newLeaks(t *testing.T, change func(*settings)) *leaks {
	t.Helper()
	l := &leaks{upstreams: &lying{t: t}, trap: &trap{}, issuer: newLyingIssuer(t), person: "person-" + canary, told: &logtest.Log{}}
	l.world = newWorld(t, worldOptions{
		change: func(s *settings) {
			s.RookBaseURL, s.OneTwentyOneBaseURL = l.upstreams.before(s.RookBaseURL), l.upstreams.before(s.OneTwentyOneBaseURL)
			s.OIDCIssuers, s.JWTAudience = []string{l.issuer.url}, testAudience
			if change != nil {
				change(s)
			}
		},
		options: func(o *options) {
			o.more = append(o.more, l.trap)
			now := o.now
			o.now = func() time.Time {
				if l.stopped.Load() {
					panic(errors.New(canary))
				}
				return now()
			}
		},
	})
	l.audience = []string{testAudience}
	l.oneTwentyOnePerson(canary, `{"homeTimezone": "Europe/Paris", "samples": {"stepCount": [
		{"id": "sample-`+canary+`", "start": "2026-04-10T08:00:00Z", "end": "2026-04-10T08:10:00Z", "value": `+senseless+`, "device": "device-`+canary+`"},
		{"id": "sample-2-`+canary+`", "start": "2026-03-10T08:00:00Z", "end": "2026-03-10T20:10:00Z", "value": `+counted+`, "device": "device-`+canary+`"}]}}`)
	l.account = l.oneTwentyOne.UserID(canary)
	l.link(l.person, canary)
	return l
}

// everywhere sends an operation over each transport that takes it.
func (l *leaks) everywhere(token, query string, variables map[string]any) {
	l.t.Helper()
	for _, carry := range carriers {
		carry(l.world, l.told, token, query, variables)
	}
}

// check finds nothing confidential in what was told, logged, written to the standard error and counted.
func (l *leaks) check(stderr string) {
	l.t.Helper()
	told, logged := l.told.String(), regexp.MustCompile(`"time":"[^"]*"`).ReplaceAllString(l.log.String(), "")
	secrets := []string{canary, senseless, "sample-", "device-", l.account, testSecret, "test-client-secret", rook.DummySecret}
	for _, encoded := range []*base64.Encoding{base64.RawURLEncoding, base64.StdEncoding} {
		secrets = append(secrets, encoded.EncodeToString([]byte(canary))[:12])
	}
	for place, written := range map[string]string{"in an answer": told, "in the log": logged, "on the standard error": stderr} {
		for _, secret := range secrets {
			if at := strings.Index(written, secret); at >= 0 {
				assert.Fail(l.t, secret+" "+place, "%q", written[max(0, at-300):min(len(written), at+100)])
			}
		}
		assert.Empty(l.t, tokensIn([]byte(written)), "an authorization's state may hold their prefixes by chance, but not their form")
		assert.Empty(l.t, contains(written, signatureOf(l.token(l.person))), "a caller's token %s", place)
	}
	assert.Empty(l.t, contains(logged+stderr, counted, l.person, "evil.example"), "what a person may read of themselves is not for the log")
	assert.NotContains(l.t, told, "evil.example")
}

// TestNothingConfidentialIsInAnswersOrTheLog goes through every way in which something goes wrong, over every transport.
func TestNothingConfidentialIsInAnswersOrTheLog(t *testing.T) {
	manifest := written(t, `{"`+strings.Repeat("0", 64)+`": "{ dataSources { id } }"}`)
	for name, change := range map[string]func(*settings){
		"as it is by default": nil,
		"unknown documents are logged, limits only measured, and requests too": func(s *settings) {
			s.TrustedDocuments, s.TrustedDocumentsMode, s.Limits = manifest, "log-unknown", "measure"
			s.RateLimitMode, s.RateLimitPerson, s.RateLimitService, s.RateLimitFailures = rateLimitMeasure, "1/1", "1/1", "1/1"
		},
	} {
		t.Run(name, func(t *testing.T) {
			stderr := divertStandardError(t)
			l := newLeaks(t, change)
			for _, query := range operations {
				l.everywhere(l.token(l.person), query, confidentialVariables(l.account))
			}
			l.everywhere(l.token(l.person, "quantities:read", "scope-"+canary), `{ connections { status } }`, nil)
			l.askWithWrongTokens()
			l.askWhileUpstreamsLie()
			l.askWhileItPanics()
			l.sendWhatIsNoGraphQL()
			l.watchWhileThingsFail()
			assert.Empty(t, contains(l.told.String(), counted), "so far nobody asked for it")
			l.mend()
			l.everywhere(l.token(l.person), `{ stepCount(from: "2026-03-09", to: "2026-03-11") { total } }`, nil)
			assert.NotEmpty(t, contains(l.told.String(), counted), "whoever may read it does")
			l.check(stderr())

			taken := []string{
				"UPSTREAM_INVALID", "UPSTREAM_UNAVAILABLE", "RATE_LIMITED", "REAUTHORIZATION_REQUIRED", "NOT_CONNECTED", "FORBIDDEN", "BAD_USER_INPUT", "INTERNAL", "UNAUTHENTICATED",
				"ISSUER_UNAVAILABLE", "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_HASH_MISMATCH", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST",
				"METHOD_NOT_ALLOWED", "NOT_ACCEPTABLE", "UNSUPPORTED_MEDIA_TYPE", "PAYLOAD_TOO_LARGE", "CROSS_SITE_REFUSED", "INTROSPECTION_DISABLED",
				"close 4400", "close 4401", "close 4403", "close 4406", "close 4409", "close 4429", "close 4500", "close 1003", "close 1007", "close 1009",
				"event: complete", `"type":"error"`, `"status":"REVOKED"`,
			}
			assert.Equal(t, taken, contains(l.told.String(), taken...), "the paths that were taken")
			assert.Contains(t, l.log.String(), `"msg":"a panic was caught"`)
		})
	}
}

// askWithWrongTokens asks with every kind of token that is not good, which all hold the canary where they can.
func (l *leaks) askWithWrongTokens() {
	for _, lie := range lies {
		l.issuer.lie.Store(&lie.answer)
		l.clock.Advance(time.Minute) // it is asked anew
		l.everywhere(l.issuer.token(l.t, l.clock.Now(), nil), `{ connections { status } }`, nil)
	}
	l.issuer.lie.Store(nil)
	l.clock.Freeze(today.Add(time.Hour))
	defer l.clock.Freeze(today)
	now := l.clock.Now()
	unsigned := func(header, claims string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode([]byte(claims)) + "." + encode([]byte(canary))
	}
	apiKey, text, err := callers.NewAPIKey("service-"+canary, []string{callers.ScopeAnyUser}, now)
	require.NoError(l.t, err)
	apiKey.RevokedAt = now.Add(-time.Hour)
	require.NoError(l.t, l.app.store.AddAPIKey(l.t.Context(), apiKey))
	expired, err := callers.Issue(health.NewSecret(testSecret), health.UserID(l.person), nil, now.Add(-time.Hour), time.Minute, testAudience)
	require.NoError(l.t, err)
	tokens := []string{
		canary, canary + "." + canary + "." + canary, "hgk_" + canary, text.Reveal(), expired,
		unsigned(`{"alg":"`+canary+`","kid":"`+canary+`"}`, `{"sub":"`+l.person+`","iss":"`+canary+`","aud":["`+canary+`"],"exp":`+canary+`}`),
		unsigned(`{"alg":"HS256","kid":"`+canary+`"}`, `{"sub":"`+l.person+`","iss":"`+l.issuer.url+`","exp":9999999999}`),
		l.token("link_" + canary), // which can't be a person
		l.token(canary + strings.Repeat("x", 300)),
		l.issuer.token(l.t, now, map[string]any{"aud": "audience-" + canary}),
		l.issuer.token(l.t, now, map[string]any{"nbf": canary}),
		l.issuer.token(l.t, now, map[string]any{"sub": map[string]any{canary: canary}}),
		l.issuer.token(l.t, now, map[string]any{"scope": []any{canary, 5}}),
	}
	for _, token := range tokens {
		l.everywhere(token, `{ connections { status } }`, nil)
		assert.Empty(l.t, contains(l.told.String()+l.log.String(), signatureOf(token)), "the token itself")
	}
}

// askWhileUpstreamsLie reads and changes everything while the upstreams answer with what they should not.
func (l *leaks) askWhileUpstreamsLie() {
	for _, lie := range lies {
		returned := l.consent(l.authorizationURL("newcomer-"+canary), "person-2", "allow", "profile", "quantity")
		l.upstreams.lie("", &lie.answer)
		l.everywhere(l.token(l.person), everything, nil)
		l.everywhere(l.token("newcomer-"+canary), `mutation($u: URL!, $account: ID!, $pat: Secret!) {
			a: completeAuthorization(input: {url: $u}) { link { status } problem { code message } }
			b: linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: $account, token: $pat}) { link { status } }
			c: revoke(input: {dataSource: "garmin"}) { outcome problem { code message } }
		}`, map[string]any{"u": returned, "account": l.account, "pat": l.pat("person-2")})
		l.upstreams.lie("", nil)
		l.mend()
	}
	for _, f := range failures {
		l.fault(l.rook.Control(), f.fault)
		l.fault(l.oneTwentyOne.Control(), f.fault)
		l.everywhere(l.token(l.person), everything, nil)
		l.fault(l.rook.Control())
		l.fault(l.oneTwentyOne.Control())
		l.mend()
	}
}

// mend links the person again if what went wrong has ended that.
func (l *leaks) mend() {
	if l.links(l.person)["onetwentyone"].Status != string(health.StatusConnected) {
		l.link(l.person, canary)
	}
}

// askWhileItPanics reads and changes what the trap answers for, and has the check of tokens panic as well.
func (l *leaks) askWhileItPanics() {
	l.trap.armed.Store(true)
	for _, query := range []string{
		`{ connections { status } }`, `{ connections(dataSources: ["trap"]) { status } }`, `{ authorizationUrl(dataSource: "trap") { url } }`,
		`{ stepCount(from: "2026-04-01", to: "2026-04-14", dataSources: ["trap"]) { total } }`, `mutation { revoke(input: {dataSource: "trap"}) { outcome } }`,
		`mutation { revokeAll { complete } }`,
	} {
		l.everywhere(l.token(l.person), query, nil)
	}
	l.trap.armed.Store(false)
	l.mend()

	token := "Bearer " + l.token(l.person)
	l.stopped.Store(true)
	l.exchange(l.told, "POST", l.graphql, `{"query": "{ dataSources { id } }"}`, http.Header{"Authorization": {token}, "Content-Type": {"application/json"}})
	l.converse(l.told, http.Header{"Authorization": {token}})
	l.converse(l.told, nil, `{"type":"connection_init","payload":{"Authorization":"`+token+`"}}`)
	l.stopped.Store(false)
}

func signatureOf(token string) string {
	parts := strings.Split(token, ".")
	return parts[len(parts)-1]
}

// divertStandardError collects what libraries write there, or to the log package, by themselves.
func divertStandardError(t *testing.T) (read func() string) {
	t.Helper()
	file, err := os.Create(t.TempDir() + "/stderr")
	require.NoError(t, err)
	before := os.Stderr
	os.Stderr = file
	log.SetOutput(file)
	restore := func() {
		os.Stderr = before
		log.SetOutput(before)
	}
	t.Cleanup(restore)
	return func() string {
		restore()
		_, err := file.Seek(0, io.SeekStart)
		require.NoError(t, err)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		return string(content)
	}
}

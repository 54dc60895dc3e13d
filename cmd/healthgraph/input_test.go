package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/store/storetest"
)

// ids writes n different ids as a GraphQL list.
func ids(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprint("p-", i))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// badInput is an argument of a field, and how it is refused: the argument that is named, and what is said to be allowed.
type badInput struct {
	name, field    string
	argument, says string
}

const knownSources = "known are: garmin, oura, polar, fitbit, withings, whoop, dexcom, apple_health, health_connect, samsung_health, android, onetwentyone"

var badQueries = []badInput{
	{"an unknown data source", `connections(dataSources: ["garmin", "jawbone"]) { id }`, "dataSources", knownSources},
	{"the spelling counts", `connections(dataSources: ["Garmin"]) { id }`, "dataSources", knownSources},
	{"no data source", `connections(dataSources: []) { id }`, "dataSources", "at least one"},
	{"51 data sources", `connections(dataSources: [` + strings.Repeat(`"garmin",`, 51) + `]) { id }`, "dataSources", "at most 50"},
	{"a control character in a data source", `connections(dataSources: ["gar\u0000min"]) { id }`, "dataSources", knownSources},
	{"a huge data source", `connections(dataSources: ["` + strings.Repeat("x", 50_000) + `"]) { id }`, "dataSources", knownSources},
	{"an unknown data source to link", `authorizationUrl(dataSource: "jawbone") { url }`, "dataSource", knownSources},
	{"an empty data source to link", `authorizationUrl(dataSource: "") { url }`, "dataSource", knownSources},
	{"a return URL that is not allowed", `authorizationUrl(dataSource: "onetwentyone", redirectUrl: "https://evil.example/") { url }`, "redirectUrl", "allowed are: https://app.example/rook"},
	{"a return URL with something after an allowed one", `authorizationUrl(dataSource: "onetwentyone", redirectUrl: "https://app.example/linked/x") { url }`, "redirectUrl", "allowed are: "},
	{"a relative return URL", `authorizationUrl(dataSource: "onetwentyone", redirectUrl: "/linked") { url }`, "redirectUrl", "a URL is absolute"},
	{"a return URL too long for ROOK", `authorizationUrl(dataSource: "fitbit", redirectUrl: "https://app.example/a-return-url-that-is-longer-than-rook-takes") { url }`, "redirectUrl", "at most 50 characters, and this one has 63"},
	{"a return URL of an app for ROOK", `authorizationUrl(dataSource: "fitbit", redirectUrl: "com.example.app:/linked") { url }`, "redirectUrl", "begin with https://"},
	{"a URL of 9,000 bytes", `authorizationUrl(dataSource: "fitbit", redirectUrl: "https://app.example/` + strings.Repeat("x", 9000) + `") { url }`, "redirectUrl", "at most 8192 bytes"},
	{"a reversed date range", `stepCount(from: "2026-04-10", to: "2026-04-09") { total }`, "to", "before the first, 2026-04-10"},
	{"a date range of 367 days", `stepCount(from: "2025-01-01", to: "2026-01-02") { total }`, "to", "at most 366 days, not 367"},
	{"a date range of all time", `stepCount(from: "0001-01-01", to: "9999-12-31") { total }`, "to", "at most 366 days"},
	{"an impossible date", `stepCount(from: "2026-02-29", to: "2026-03-01") { total }`, "from", "a date is an ISO 8601 calendar day"},
	{"an impossible last date", `stepCount(from: "2026-02-28", to: "2026-13-01") { total }`, "to", "a date is an ISO 8601 calendar day"},
	{"a date that is a time", `stepCount(from: "2026-02-28T00:00:00Z", to: "2026-03-01") { total }`, "from", "a date is an ISO 8601 calendar day"},
	{"a date that is a number", `stepCount(from: 20260228, to: "2026-03-01") { total }`, "from", "a date is a string"},
	{"an unknown time zone", `stepCount(from: "2026-02-28", to: "2026-03-01", timeZone: "Europe/Atlantis") { total }`, "timeZone", "IANA name such as Europe/Paris"},
	{"the machine's time zone", `stepCount(from: "2026-02-28", to: "2026-03-01", timeZone: "Local") { total }`, "timeZone", "IANA name"},
	{"a path for a time zone", `stepCount(from: "2026-02-28", to: "2026-03-01", timeZone: "../../etc/passwd") { total }`, "timeZone", "IANA name"},
	{"an unknown data source of steps", `stepCount(from: "2026-02-28", to: "2026-03-01", dataSources: ["jawbone"]) { total }`, "dataSources", knownSources},
	{"no data source of steps", `stepCount(from: "2026-02-28", to: "2026-03-01", dataSources: []) { total }`, "dataSources", "at least one"},
	{"an empty person", `connections(userId: "") { id }`, "userId", "can't be empty"},
	{"a person with a link's prefix", `connections(userId: "link_me") { id }`, "userId", "can't begin with link_"},
	{"a person of 256 bytes", `user(id: "` + strings.Repeat("x", 256) + `") { id }`, "id", "at most 255 bytes"},
	{"control characters in a person", `user(id: "de\u0007mo") { id }`, "id", "printable UTF-8"},
	{"white space around a person", `user(id: " demo") { id }`, "id", "white space"},
}

var badMutations = []badInput{
	{"revoke: an unknown data source", `revoke(input: {dataSource: "jawbone"}) { outcome }`, "input.dataSource", knownSources},
	{"revoke: an empty person", `revoke(input: {dataSource: "garmin", userId: ""}) { outcome }`, "input.userId", "can't be empty"},
	{"completeAuthorization: no URL", `completeAuthorization(input: {url: "linked"}) { problem { code } }`, "input.url", "a URL is absolute"},
	{"completeAuthorization: no state", `completeAuthorization(input: {url: "https://app.example/linked?code=1"}) { problem { code } }`, "input.url", "carries no state"},
	{"completeAuthorization: a malformed query", `completeAuthorization(input: {url: "https://app.example/linked?code=%zz"}) { problem { code } }`, "input.url", "malformed"},
	{"completeAuthorization: an unknown data source", `completeAuthorization(input: {url: "https://app.example/rook", dataSource: "jawbone"}) { problem { code } }`, "input.dataSource", knownSources},
}

func TestARefusedArgumentIsNamedCostsNothingAndNullsItsOwnFieldAlone(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.links("demo") // what can be known about demo is
		w.link("demo", "demo")
		const neighbours = ` before: dataSources { id } refused: %s viewer { id connections(dataSources: ["onetwentyone"]) { status } } `
		for _, bad := range slices.Concat(badQueries, badQuantities) {
			t.Run(bad.name, func(t *testing.T) {
				w.spendsNothing(t, func() {
					a := w.ask(w.token("demo"), `{`+fmt.Sprintf(neighbours, bad.field)+`}`, nil)
					checkRefused(t, a, bad)
					assert.Contains(t, string(a.Data), `"viewer":{"id":"demo","connections":[{"status":"CONNECTED"}]}`)
				})
			})
		}
		for _, bad := range badMutations {
			t.Run(bad.name, func(t *testing.T) {
				w.spendsNothing(t, func() { checkRefused(t, w.ask(w.token("demo"), `mutation { refused: `+bad.field+` }`, nil), bad) })
				a := w.ask(w.token("demo"), `mutation { before: revoke(input: {dataSource: "onetwentyone"}) { outcome } refused: `+bad.field+`
					after: revoke(input: {dataSource: "onetwentyone"}) { outcome } }`, nil)
				checkRefused(t, a, bad)
				assert.JSONEq(t, `{"before": {"outcome": "REVOKED_LOCALLY_ONLY"}, "refused": null, "after": {"outcome": "ALREADY_REVOKED"}}`, string(a.Data))
				w.link("demo", "demo")
			})
		}
	})
}

func checkRefused(t *testing.T, a answer, bad badInput) {
	t.Helper()
	assert.Equal(t, http.StatusOK, a.Status)
	require.Equal(t, "BAD_USER_INPUT", a.code(), a.Raw[:min(len(a.Raw), 1000)])
	assert.Equal(t, bad.argument, a.Errors[0].Extensions["argument"])
	assert.Equal(t, []any{"refused"}, a.Errors[0].Path)
	assert.Contains(t, a.Errors[0].Message, bad.says)
	assert.Less(t, len(a.Raw), 4000, "nothing huge is repeated")
	assert.Contains(t, string(a.Data), `"refused":null`)
}

func TestTheAllowedCaseBesideEachRefusedOne(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, field := range []string{
		`connections(dataSources: ["garmin", "garmin"]) { id }`, // named twice is named once
		`connections(dataSources: [` + strings.Repeat(`"garmin",`, 50) + `]) { id }`,
		`connections(dataSources: "garmin") { id }`, // GraphQL: one value is a list of one
		`authorizationUrl(dataSource: "onetwentyone", redirectUrl: "com.example.app:/linked") { url }`,
		`authorizationUrl(dataSource: "fitbit", redirectUrl: "https://app.example/rook") { url }`,
		`authorizationUrl(dataSource: "onetwentyone", redirectUrl: "https://app.example/a-return-url-that-is-longer-than-rook-takes") { url }`,
		`stepCount(from: "2026-04-10", to: "2026-04-10") { total }`,
		`stepCount(from: "2027-01-01", to: "2028-01-01") { days { presence } }`, // 366 days
		`stepCount(from: "2028-02-29", to: "2028-03-01") { total }`,
		`stepCount(from: "2026-04-10", to: "2026-04-10", timeZone: "Asia/Kathmandu") { total }`,
		`connections(userId: "demo") { id }`,
		`user(id: "demo") { id }`,
	} {
		a := w.ask(w.token("demo"), `{ it: `+field+` }`, nil)
		assert.Empty(t, a.Errors, field)
		assert.NotContains(t, string(a.Data), `"it":null`, field)
	}
	var data struct{ Connections []link }
	w.ask(w.token("demo"), `{ connections(dataSources: ["garmin", "garmin"]) `+linkFields+` }`, nil).into(&data)
	assert.Len(t, data.Connections, 1)
}

func TestVariablesOfAWrongTypeAreRefusedBeforeAnything(t *testing.T) {
	w := newWorld(t, worldOptions{})
	const query = `query($ids: [ID!]!, $from: Date!, $zone: TimeZone, $s: [ID!]) { users(ids: $ids) { stepCount(from: $from, to: "2026-04-10", timeZone: $zone, dataSources: $s) { total } } }`
	good := map[string]any{"ids": []any{"demo"}, "from": "2026-04-09", "zone": nil, "s": []any{"garmin"}}
	assert.Empty(t, w.ask(w.token("demo"), query, good).Errors)
	for name, value := range map[string]any{"ids": []any{[]any{}}, "from": []any{1}, "zone": map[string]any{"a": 1}, "s": []any{nil}} {
		t.Run(name, func(t *testing.T) {
			variables := map[string]any{}
			for k, v := range good {
				variables[k] = v
			}
			variables[name] = value
			w.spendsNothing(t, func() {
				a := w.ask(w.token("demo"), query, variables)
				require.NotEmpty(t, a.Errors, a.Raw)
				code, _ := a.Errors[0].Extensions["code"].(string)
				assert.Contains(t, []string{"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}, code, a.Raw)
				assert.Contains(t, a.Raw, name, "what is wrong is named")
			})
		})
	}
}

func TestAHundredPeopleAreTheMost(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, field := range []string{"users", "nodes"} {
		t.Run(field, func(t *testing.T) {
			w.ask(w.service(), fmt.Sprintf(`{ it: %s(ids: %s) { id } }`, field, ids(100)), nil).into(&struct{}{})
			w.spendsNothing(t, func() {
				a := w.ask(w.service(), fmt.Sprintf(`{ it: %s(ids: %s) { id ... on User { connections { status } } } dataSources { id } }`, field, ids(101)), nil)
				assert.Equal(t, "BAD_USER_INPUT", a.code())
				assert.Equal(t, "ids", a.Errors[0].Extensions["argument"])
				assert.Contains(t, a.Errors[0].Message, "at most 100 ids, not 101")
				assert.Contains(t, string(a.Data), `"dataSources":[{"id":"garmin"}`)
			})
		})
	}
}

func TestAnotherPersonIsForbidden(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.links("demo")
	w.spendsNothing(t, func() {
		a := w.ask(w.token("demo"), `{ users(ids: ["demo", "other", "demo"]) { id } user(id: "other") { id } connections(userId: "other") { id }
			stepCount(userId: "other", from: "2026-04-09", to: "2026-04-10") { total } authorizationUrl(userId: "other", dataSource: "fitbit") { url } }`, nil)
		assert.JSONEq(t, `{"users": [{"id": "demo"}, null, {"id": "demo"}], "user": null, "connections": null, "stepCount": null, "authorizationUrl": null}`, string(a.Data))
		paths := map[string]bool{}
		for _, e := range a.Errors {
			assert.Equal(t, "FORBIDDEN", e.Extensions["code"])
			paths[fmt.Sprint(e.Path...)] = true
		}
		assert.Equal(t, map[string]bool{"users1": true, "user": true, "connections": true, "stepCount": true, "authorizationUrl": true}, paths)
		m := w.ask(w.token("demo"), `mutation { revoke(input: {dataSource: "garmin", userId: "other"}) { outcome } }`, nil)
		assert.Equal(t, "FORBIDDEN", m.code())
	})
	w.ask(w.service(), `{ users(ids: ["demo", "other"]) { id } connections(userId: "other") { id } }`, nil).into(&struct{}{})
}

func TestAServiceSaysForWhom(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.spendsNothing(t, func() {
		for _, field := range []string{`connections { id }`, `authorizationUrl(dataSource: "fitbit") { url }`, `stepCount(from: "2026-04-09", to: "2026-04-10") { total }`} {
			a := w.ask(w.service(), `{ it: `+field+` viewer { id } }`, nil)
			assert.Equal(t, "BAD_USER_INPUT", a.code(), field)
			assert.Equal(t, "userId", a.Errors[0].Extensions["argument"], field)
			assert.JSONEq(t, `{"it": null, "viewer": null}`, string(a.Data))
		}
		a := w.ask(w.service(), `mutation { revoke(input: {dataSource: "garmin"}) { outcome } }`, nil)
		assert.Equal(t, "input.userId", a.Errors[0].Extensions["argument"])
	})
}

func TestNobodyIsLetInWithoutAGoodToken(t *testing.T) {
	w := newWorld(t, worldOptions{})
	good := w.token("demo")
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	issue := func(secret, subject string, at time.Time) string {
		token, err := callers.Issue(health.NewSecret(secret), health.UserID(subject), nil, at, time.Hour)
		require.NoError(t, err)
		return token
	}
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for name, authorization := range map[string]string{
		"none": "", "no scheme": good, "another scheme": "Basic " + good, "empty": "Bearer ", "not a JWT": "Bearer hello", "two parts": "Bearer " + head + "." + payload,
		"unsigned": "Bearer " + encode(`{"alg":"none"}`) + "." + payload + ".", "an altered payload": "Bearer " + head + "." + encode(`{"sub":"other","exp":4102444800}`) + "." + signature,
		"another secret": "Bearer " + issue("another secret of at least thirty-two bytes", "demo", today), "expired": "Bearer " + issue(testSecret, "demo", today.Add(-2*time.Hour)),
		"a link's prefix": "Bearer " + issue(testSecret, "link_demo", today), "no subject": "Bearer " + issue(testSecret, "", today), "huge": "Bearer " + strings.Repeat("A", 40_000),
	} {
		t.Run(name, func(t *testing.T) {
			w.spendsNothing(t, func() {
				a, err := w.post(authorization, `{"query": "{ connections { id } }"}`)
				require.NoError(t, err)
				assert.Equal(t, http.StatusUnauthorized, a.Status)
				assert.Equal(t, "UNAUTHENTICATED", a.code())
				assert.Zero(t, w.statements.count(), "SQL statements")
			})
		})
	}
	a, err := w.post("bearer "+good, `{"query": "{ connections { id } }"}`)
	require.NoError(t, err)
	assert.Empty(t, a.Errors)
}

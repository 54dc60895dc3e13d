package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/store/storetest"
)

// pat makes a personal access token at OneTwentyOne.
func (w *world) pat(person string) string {
	w.t.Helper()
	var made struct{ Token string }
	require.NoError(w.t, json.Unmarshal([]byte(w.control(w.oneTwentyOne.Handler(), http.MethodPost, "/_control/pats/"+person, "")), &made))
	return made.Token
}

const personalTokenMutation = `mutation($source: ID!, $account: ID!, $token: Secret!, $who: ID) {
	linkPersonalAccessToken(input: {dataSource: $source, accountId: $account, token: $token, userId: $who}) { link { status accountVerified scopesGranted } }
}`

// hand hands a personal access token of OneTwentyOne's in.
func (w *world) hand(bearer string, account, token any, more map[string]any) answer {
	w.t.Helper()
	variables := map[string]any{"source": "onetwentyone", "account": account, "token": token}
	for name, value := range more {
		variables[name] = value
	}
	return w.ask(bearer, personalTokenMutation, variables)
}

func TestAPersonLinksByATokenThatTheyMadeAtOneTwentyOne(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		account, token := w.oneTwentyOne.UserID("demo"), w.pat("demo")
		w.forgetCalls()
		a := w.hand(w.token("person-1"), strings.ToUpper(account), token, nil)
		assert.JSONEq(t, `{"linkPersonalAccessToken":{"link":{"status":"CONNECTED","accountVerified":true,
			"scopesGranted":["profile","quantity","sleep","workout"]}}}`, string(a.Data), a.Raw)
		assert.Equal(t, map[string]int{"onetwentyone.profile": 1}, w.calls())
		got := w.steps("person-1", someDays+`, dataSources: ["onetwentyone"]`)
		assert.NotNil(t, got.Total)
		assert.Empty(t, got.Problems)
		log := w.accessLog(w.token("person-1"), nil)
		require.Len(t, log, 1)
		assert.Equal(t, []string{"LINKED", "PERSON"}, []string{log[0].Action, log[0].Actor})

		// Another person's, an unlinked one's by a service, and its own again.
		other := w.hand(w.token("person-2"), account, w.pat("demo"), nil)
		assert.Equal(t, "ACCOUNT_IN_USE", other.code())
		assert.Equal(t, "NOT_CONNECTED", w.links("person-2")["onetwentyone"].Status)
		assert.Equal(t, "FORBIDDEN", w.hand(w.token("stranger"), account, token, map[string]any{"who": "person-1"}).code())
		assert.Equal(t, "BAD_USER_INPUT", w.hand(w.service(), account, token, nil).code(), "a service says whose")
		require.Empty(t, w.hand(w.service(), w.oneTwentyOne.UserID("person-2"), w.pat("person-2"), map[string]any{"who": "person-2"}).Errors)
		assert.Equal(t, "SERVICE", w.accessLog(w.token("person-2"), nil)[0].Actor)
		require.Empty(t, w.hand(w.token("person-1"), account, w.pat("demo"), nil).Errors)

		// Deleted at OneTwentyOne: there is nothing to renew it with.
		w.control(w.oneTwentyOne.Handler(), http.MethodDelete, "/_control/pats/demo", "")
		w.forgetCalls()
		w.steps("person-1", someDays+`, dataSources: ["onetwentyone"]`)
		assert.Equal(t, map[string]int{"onetwentyone.quantity": 1}, w.calls())
		l := w.links("person-1")["onetwentyone"]
		assert.Equal(t, relink, l.Status)
		assert.NotEmpty(t, l.Problem.AuthorizationURL)
		require.Empty(t, w.hand(w.token("person-1"), account, w.pat("demo"), nil).Errors)
		assert.Equal(t, "CONNECTED", w.links("person-1")["onetwentyone"].Status)
		assert.Empty(t, contains(w.log.String()+strings.Join(w.rows(), "\n"), token, "pat_"))
	})
}

func TestOnlyATokenThatProvedGoodIsKept(t *testing.T) {
	const canary = "canary-7714"
	w := newWorld(t, worldOptions{})
	demo, other, good := w.oneTwentyOne.UserID("demo"), w.oneTwentyOne.UserID("person-2"), w.pat("demo")
	const nobodys = "11111111-2222-4333-8444-555555555555"
	var written strings.Builder
	for name, c := range map[string]struct {
		account, token any
		more           map[string]any
		fault          []simulators.Fault
		code, argument string
		calls          int
	}{
		"not a UUID":            {"demo", canary, nil, nil, "BAD_USER_INPUT", "input.accountId", 0},
		"a UUID and more":       {demo + "/" + canary, good, nil, nil, "BAD_USER_INPUT", "input.accountId", 0},
		"an empty token":        {demo, "", nil, nil, "BAD_USER_INPUT", "input.token", 0},
		"a token with a space":  {demo, canary + " " + canary, nil, nil, "BAD_USER_INPUT", "input.token", 0},
		"a token of two lines":  {demo, canary + "\r\nX-Canary: " + canary, nil, nil, "BAD_USER_INPUT", "input.token", 0},
		"a token not in ASCII":  {demo, canary + "é", nil, nil, "BAD_USER_INPUT", "input.token", 0},
		"a huge token":          {demo, strings.Repeat(canary, 400), nil, nil, "BAD_USER_INPUT", "input.token", 0},
		"an unknown source":     {demo, canary, map[string]any{"source": "nothing"}, nil, "BAD_USER_INPUT", "input.dataSource", 0},
		"a source without any":  {demo, canary, map[string]any{"source": "fitbit"}, nil, "BAD_USER_INPUT", "input.dataSource", 0},
		"an unknown token":      {demo, canary, nil, nil, "BAD_USER_INPUT", "input.token", 1},
		"another's account":     {other, good, nil, nil, "BAD_USER_INPUT", "input.token", 1},
		"nobody's account":      {nobodys, good, nil, nil, "BAD_USER_INPUT", "input.token", 1},
		"it is down":            {demo, good, nil, []simulators.Fault{status(503, "30")}, unavailable, "", 1},
		"it takes no more":      {demo, good, nil, []simulators.Fault{status(429, "60")}, limited, "", 1},
		"it talks nonsense":     {demo, good, nil, []simulators.Fault{kind(simulators.KindHTML)}, invalid, "", 1},
		"it does not say whose": {demo, good, nil, []simulators.Fault{{Route: "*", Kind: simulators.KindEmpty}}, invalid, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w.fault(w.oneTwentyOne.Control(), c.fault...)
			defer w.fault(w.oneTwentyOne.Control())
			w.forgetCalls()
			a := w.hand(w.token("person-1"), c.account, c.token, c.more)
			assert.Equal(t, c.code, a.code(), a.Raw)
			argument, _ := a.Errors[0].Extensions["argument"].(string)
			assert.Equal(t, c.argument, argument)
			assert.Equal(t, c.calls, w.calls()["onetwentyone.profile"])
			written.WriteString(a.Raw)
		})
	}
	assert.Contains(t, w.hand(w.token("person-1"), demo, good, map[string]any{"source": "fitbit"}).Errors[0].Message, "these can: onetwentyone")
	assert.Empty(t, w.rowsOf("grants"))
	assert.Empty(t, w.rowsOf("access_log"))
	assert.Empty(t, contains(written.String()+w.log.String(), canary, good))
	require.Empty(t, w.hand(w.token("person-1"), demo, good, nil).Errors)
}

// Wherever a token stands by mistake, GraphQL's own errors do not repeat it.
func TestATokenThatStandsInTheWrongPlaceDoesNotComeBack(t *testing.T) {
	const canary = "canary_7715"
	w := newWorld(t, worldOptions{})
	for name, document := range map[string]string{
		"a name":               `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "x", token: ` + canary + `}) { link { id } } }`,
		"a list":               `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "x", token: ["` + canary + `"]}) { link { id } } }`,
		"an object":            `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "x", token: {a: "` + canary + `"}}) { link { id } } }`,
		"a default":            `mutation($t: Secret = ` + canary + `) { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "x", token: $t}) { link { id } } }`,
		"in place of input":    `mutation { linkPersonalAccessToken(input: "` + canary + `") { link { id } } }`,
		"in a list for input":  `mutation { linkPersonalAccessToken(input: ["` + canary + `"]) { link { id } } }`,
		"for the account":      `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: ` + canary + `, token: "x"}) { link { id } } }`,
		"for the account, too": `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "` + canary + `", token: "x"}) { link { id } } }`,
		"for the source":       `mutation { linkPersonalAccessToken(input: {dataSource: {a: "` + canary + `"}, accountId: "x", token: "x"}) { link { id } } }`,
		"for a boolean":        `{ viewer @include(if: "` + canary + `") { id } }`,
		"for a number":         `{ viewer { accessLog(first: "` + canary + `") { nodes { at } } } }`,
		"without a colon":      `mutation { linkPersonalAccessToken(input: {token "` + canary + `"}) { link { id } } }`,
		"after the document":   `{ viewer { id } } "` + canary + `"`,
		"after the document,":  `{ viewer { id } } ` + canary,
		"an escape":            `{ node(id: "\u` + canary + `") { id } }`,
		"unterminated":         `{ node(id: "` + canary + `) { id } }`,
	} {
		a := w.ask(w.token("person-1"), document, nil)
		require.NotEmpty(t, a.Errors, name)
		assert.NotContains(t, a.Raw, canary, name)
		assert.NotEmpty(t, a.Errors[0].Message, name)
	}
	for name, token := range map[string]any{"a list": []any{canary}, "an object": map[string]any{canary: canary}, "null": nil, "a number": 7715, "true": true} {
		a := w.hand(w.token("person-1"), w.oneTwentyOne.UserID("demo"), token, nil)
		require.NotEmpty(t, a.Errors, name)
		assert.Empty(t, contains(a.Raw, canary, "7715"), name)
	}
	assert.NotContains(t, w.log.String(), canary)
	a := w.ask(w.token("person-1"), `{ viewer { accessLog(first: "x") { nodes { at } } } }`, nil)
	assert.Equal(t, "Int cannot represent non-integer value", a.Errors[0].Message, "what is wrong is told all the same")
	assert.Equal(t, `Expected value of type "ID!", found null.`, w.ask(w.token("person-1"), `{ node(id: null) { id } }`, nil).Errors[0].Message)
	a = w.ask(w.token("person-1"), `mutation { linkPersonalAccessToken(input: {dataSource: "onetwentyone", accountId: "`+
		w.oneTwentyOne.UserID("demo")+`", token: "`+w.pat("demo")+`"}) { link { status } } }`, nil)
	assert.Empty(t, a.Errors, "a literal will do")
}

func TestTheCatalogueTellsWhatCanBeLinkedByAToken(t *testing.T) {
	w := newWorld(t, worldOptions{})
	var data struct {
		DataSources []struct {
			ID           string
			Capabilities []string
		}
	}
	w.ask(w.token("person-1"), `{ dataSources { id capabilities } }`, nil).into(&data)
	for _, source := range data.DataSources {
		if source.ID == "onetwentyone" {
			assert.Equal(t, []string{"CONNECTIONS", "AUTHORIZATION_URL", "PERSONAL_ACCESS_TOKEN", "REVOKE", "STEP_COUNT", "SLEEP"}, source.Capabilities)
		} else {
			assert.NotContains(t, source.Capabilities, "PERSONAL_ACCESS_TOKEN")
		}
	}
}

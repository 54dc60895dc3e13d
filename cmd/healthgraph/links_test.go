package main

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
	"healthgraph/simulators/onetwentyone"
	"healthgraph/store/storetest"
)

// begin asks where to link OneTwentyOne, and gives the URL that the browser comes back to after the person's decision.
func (w *world) begin(user, redirect, decision string) string {
	w.t.Helper()
	var data struct {
		AuthorizationURL page `json:"authorizationUrl"`
	}
	variables := map[string]any{"u": nil}
	if redirect != "" {
		variables["u"] = redirect
	}
	w.ask(w.token(user), `query($u: URL) { authorizationUrl(dataSource: "onetwentyone", redirectUrl: $u) `+pageFields+` }`, variables).into(&data)
	require.NotEmpty(w.t, data.AuthorizationURL.URL)
	return w.consent(data.AuthorizationURL.URL, "person-2", decision, "profile", "quantity")
}

func TestOneTwentyOneIsLinkedRevokedAndLinkedAgain(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		before := w.links("p")["onetwentyone"]
		assert.Equal(t, "NOT_CONNECTED", before.Status)
		var ids []string
		for _, redirect := range []string{"", testReturnURL, "com.example.app:/linked"} {
			w.clock.Advance(time.Minute)
			returned := w.begin("p", redirect, "allow")
			w.forgetCalls()
			done := w.complete("p", returned, nil).completed()
			assert.Equal(t, map[string]int{"onetwentyone.token": 1, "onetwentyone.profile": 1}, w.calls())
			assert.Nil(t, done.Problem)
			assert.Equal(t, "CONNECTED", done.Link.Status)
			assert.Equal(t, w.clock.Now().Format(time.RFC3339), done.Link.ConnectedAt)
			assert.Equal(t, []string{"profile", "quantity"}, done.Link.ScopesGranted)
			assert.Equal(t, done.Link, w.links("p")["onetwentyone"])
			ids = append(ids, done.Link.ID)

			w.forgetCalls()
			ended := w.revoke("p", "onetwentyone")
			assert.Equal(t, []string{"REVOKED_LOCALLY_ONLY", "REVOKED", "UNSUPPORTED"}, []string{ended.Outcome, ended.Link.Status, ended.Problem.Code})
			assert.Contains(t, ended.Problem.Message, "121 app", "what is left for the person to do")
			assert.Equal(t, "ALREADY_REVOKED", w.revoke("p", "onetwentyone").Outcome)
			assert.Empty(t, w.calls(), "it offers no call for that")
			assert.Equal(t, []string{before.ID, "REVOKED"}, []string{ended.Link.ID, w.links("p")["onetwentyone"].Status})
			for _, row := range w.rows() {
				assert.NotContains(t, row, "grants", "the grant is gone")
			}
		}
		assert.Equal(t, []string{before.ID, before.ID, before.ID}, ids, "stable for ever")
	})
}

func TestAPersonWhoSaysNoIsNotConnectedWhichIsNoError(t *testing.T) {
	w := newWorld(t, worldOptions{})
	returned := w.begin("p", "", "deny")
	w.forgetCalls()
	done := w.complete("p", returned, nil).completed()
	assert.Equal(t, []string{"NOT_CONNECTED", "NOT_CONNECTED"}, []string{done.Link.Status, done.Problem.Code})
	assert.Contains(t, done.Problem.Message, "did not allow")
	again := w.complete("p", returned, nil)
	assert.Equal(t, "BAD_USER_INPUT", again.code())
	assert.Equal(t, "NOT_CONNECTED", again.Errors[0].Extensions["linkStatus"])
	assert.Empty(t, w.calls())
	assert.Equal(t, "CONNECTED", w.complete("p", w.begin("p", "", "allow"), nil).completed().Link.Status)
}

func TestAReturnIsUsedOnceHoweverOftenItIsHandedIn(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		returned := w.begin("p", "", "allow")
		w.forgetCalls()
		answers := make([]answer, 20)
		errs := make([]error, len(answers))
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i], errs[i] = w.try(w.token("p"), completion, map[string]any{"url": returned}) })
		}
		all.Wait()
		finished := 0
		for i, a := range answers {
			require.NoError(t, errs[i])
			if len(a.Errors) == 0 {
				finished++
				continue
			}
			assert.Equal(t, "BAD_USER_INPUT", a.code())
			assert.Equal(t, "input.url", a.Errors[0].Extensions["argument"])
			assert.Contains(t, []any{"CONNECTED", "NOT_CONNECTED"}, a.Errors[0].Extensions["linkStatus"], "as it stood then")
		}
		assert.Equal(t, 1, finished)
		assert.Equal(t, 1, w.calls()["onetwentyone.token"], "one exchange")
		late := w.complete("p", returned, nil)
		assert.Equal(t, "CONNECTED", late.Errors[0].Extensions["linkStatus"])
		assert.Equal(t, 1, w.calls()["onetwentyone.token"])
	})
}

// withQuery changes the query of a URL.
func withQuery(t *testing.T, address string, change func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	change(q)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestWhatIsNotTheReturnOfThePersonWhoBeganIsRefused(t *testing.T) {
	w := newWorld(t, worldOptions{})
	other := newWorld(t, worldOptions{})
	returned := w.begin("p", "", "allow")
	foreign := other.begin("p", "", "allow")
	set := func(name, value string) string {
		return withQuery(t, returned, func(q url.Values) { q.Set(name, value) })
	}
	state := func() string { u, _ := url.Parse(returned); return u.Query().Get("state") }()
	for _, test := range []struct {
		name, user, url string
		source          any
		code, says      string
	}{
		{"another person's", "q", returned, nil, "FORBIDDEN", "another person began this link"},
		{"another gateway's state", "p", foreign, nil, "BAD_USER_INPUT", "not made by this gateway"},
		{"a made-up state", "p", set("state", "abc"), nil, "BAD_USER_INPUT", "not made by this gateway"},
		{"an altered state", "p", set("state", state[:40]+"A"+state[41:]+"A"), nil, "BAD_USER_INPUT", "not made by this gateway"},
		{"a huge state", "p", set("state", strings.Repeat("A", 8000)), nil, "BAD_USER_INPUT", "not made by this gateway"},
		{"no state", "p", withQuery(t, returned, func(q url.Values) { q.Del("state") }), nil, "BAD_USER_INPUT", "carries no state"},
		{"two states", "p", withQuery(t, returned, func(q url.Values) { q.Add("state", state) }), nil, "BAD_USER_INPUT", "more than one state"},
		{"no code", "p", withQuery(t, returned, func(q url.Values) { q.Del("code") }), nil, "BAD_USER_INPUT", "no code"},
		{"no user_id", "p", withQuery(t, returned, func(q url.Values) { q.Del("user_id") }), nil, "BAD_USER_INPUT", "no user_id"},
		{"a user_id that is none", "p", set("user_id", "../../admin"), nil, "BAD_USER_INPUT", "no user_id"},
		{"two codes", "p", withQuery(t, returned, func(q url.Values) { q.Add("code", "x") }), nil, "BAD_USER_INPUT", "twice"},
		{"another path than it was sent to", "p", strings.Replace(returned, "/linked", "/elsewhere", 1), nil, "BAD_USER_INPUT", "not the return URL"},
		{"another host", "p", strings.Replace(returned, "app.example", "evil.example", 1), nil, "BAD_USER_INPUT", "not the return URL"},
		{"another scheme", "p", strings.Replace(returned, "https:", "http:", 1), nil, "BAD_USER_INPUT", "not the return URL"},
		{"for a data source that there is not", "p", returned, "nonsense", "BAD_USER_INPUT", "known are: garmin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.spendsNothing(t, func() {
				a := w.complete(test.user, test.url, test.source)
				assert.Equal(t, test.code, a.code())
				assert.Contains(t, a.Errors[0].Message, test.says)
				assert.Contains(t, []any{"input.url", "input.dataSource"}, a.Errors[0].Extensions["argument"])
			})
		})
	}
	t.Run("expired", func(t *testing.T) {
		w.clock.Freeze(today.Add(30 * time.Minute))
		w.spendsNothing(t, func() {
			a := w.complete("p", returned, nil)
			assert.Equal(t, "BAD_USER_INPUT", a.code())
			assert.Contains(t, a.Errors[0].Message, "expired")
		})
	})
	t.Run("after all that, the person who began can finish, until the last moment", func(t *testing.T) {
		w.oneTwentyOne.Switch(func(s *onetwentyone.Switches) { s.CodeLifetime *= 10 })
		w.clock.Freeze(today.Add(30*time.Minute - time.Second))
		more := withQuery(t, returned, func(q url.Values) { q.Set("utm_source", "more") })
		assert.Equal(t, "CONNECTED", w.complete("p", more, "onetwentyone").completed().Link.Status)
	})
}

func TestAServiceFinishesForThePersonWhoBegan(t *testing.T) {
	w := newWorld(t, worldOptions{})
	a := w.ask(w.service(), completion, map[string]any{"url": w.begin("p", "", "allow")})
	assert.Equal(t, "CONNECTED", a.completed().Link.Status)
	assert.Equal(t, "CONNECTED", w.links("p")["onetwentyone"].Status)

	named := `mutation($url: URL!, $u: ID) { completeAuthorization(input: {url: $url, userId: $u}) { link ` + linkFields + ` problem ` + problemFields + ` } }`
	refused := w.ask(w.service(), named, map[string]any{"url": w.begin("q", "", "allow"), "u": "somebody-else"})
	assert.Equal(t, "FORBIDDEN", refused.code(), "the state says whose it is")
}

func TestAnAccountIDThatTheBrowserTamperedWithLinksNobodyElsesData(t *testing.T) {
	w := newWorld(t, worldOptions{})
	stolen := w.oneTwentyOne.UserID("person-3")
	returned := withQuery(t, w.begin("p", "", "allow"), func(q url.Values) { q.Set("user_id", stolen) })
	w.complete("p", returned, nil) // OneTwentyOne refuses the token for that account, as it does for a scope that is missing
	got := w.steps("p", someDays)
	assert.Nil(t, got.Total)
	require.Len(t, got.Problems, 1)
	assert.Equal(t, relink, got.Problems[0].Code)
	assert.Equal(t, "DEFAULT", got.TimeZoneOrigin, "nor their time zone")
}

func TestACodeThatOneTwentyOneRefusesIsRefusedInput(t *testing.T) {
	w := newWorld(t, worldOptions{})
	returned := w.begin("p", "", "allow")
	w.clock.Advance(11 * time.Minute) // the code has expired, the state has not
	a := w.complete("p", returned, nil)
	assert.Equal(t, "BAD_USER_INPUT", a.code())
	assert.Equal(t, "input.url", a.Errors[0].Extensions["argument"])
	assert.Contains(t, a.Errors[0].Message, "start again")
	assert.Equal(t, "NOT_CONNECTED", w.links("p")["onetwentyone"].Status)
}

func TestAGrantIsKeptEvenWhenTheTimeIsUpOnceItsCodeIsSpent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{change: func(s *settings) { s.OperationTimeout, s.UpstreamTimeout = shortWhile, time.Minute }})
	returned := w.begin("p", "", "allow")
	w.fault(w.oneTwentyOne.Control(), simulators.Fault{Route: "profile", Kind: simulators.KindSlow, DelayMs: tooSlow})
	assert.Equal(t, "CONNECTED", w.complete("p", returned, nil).completed().Link.Status)
	w.fault(w.oneTwentyOne.Control())
	got := w.steps("p", someDays)
	assert.Equal(t, "PROFILE", got.TimeZoneOrigin, "read later")
	assert.NotNil(t, got.Total)
}

package onetwentyone_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/onetwentyone"
	"healthgraph/health"
)

func TestAuthorizeBuildsThePage(t *testing.T) {
	connector, _ := against(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	for returnURL, want := range map[string]string{"": back, "com.example.app:/back?x=1&y=2": "com.example.app:/back?x=1&y=2"} {
		got, err := connector.Authorize(t.Context(), connectors.AuthorizeRequest{ReturnURL: returnURL, State: "a b&c"})
		require.NoError(t, err)
		page, err := url.Parse(got.URL)
		require.NoError(t, err)
		assert.Equal(t, "/authorize", page.Path)
		assert.Equal(t, url.Values{"response_type": {"code"}, "client_id": {"client-1"}, "redirect_uri": {want}, "state": {"a b&c"}}, page.Query())
	}
	_, err := connector.Authorize(t.Context(), connectors.AuthorizeRequest{})
	assert.Equal(t, health.Internal, code(err), "nobody could tell whose return it is")
	_, err = connector.Authorize(t.Context(), connectors.AuthorizeRequest{State: "s", ReturnURL: "/back"})
	assert.Equal(t, health.BadUserInput, code(err))
}

func TestCheckReturnURL(t *testing.T) {
	connector, _ := answering(t, http.StatusOK, "")
	for returnURL, accepted := range map[string]bool{
		"": true, back: true, "http://localhost:3000/back": true, "com.example.app:/back": true,
		"/back": false, "back": false, back + "#x": false, back + "#": false, "javascript:alert(1)": false, "https://": false,
	} {
		err := connector.CheckReturnURL(returnURL)
		assert.Equal(t, accepted, err == nil, returnURL)
		assert.True(t, accepted || code(err) == health.BadUserInput, returnURL)
	}
	config := configured("", connectors.ClientConfig{})
	config.RedirectURI = ""
	connector, err := onetwentyone.New(config)
	require.NoError(t, err)
	assert.Equal(t, health.BadUserInput, code(connector.CheckReturnURL("")), "no default")
	assert.NoError(t, connector.CheckReturnURL(back))
}

func TestCheckReturn(t *testing.T) {
	connector, _ := against(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	for query, want := range map[string]health.Code{
		"code=abc&user_id=" + accountID:                     "",
		"code=abc&user_id=" + strings.ToUpper(accountID):    "",
		"code=abc&state=s&tab=1&tab=2&user_id=" + accountID: "", // the app's own parameters may repeat
		"":                                      health.BadUserInput,
		"user_id=" + accountID:                  health.BadUserInput,
		"code=abc":                              health.BadUserInput,
		"code=abc&user_id=me":                   health.BadUserInput,
		"code=abc&user_id=" + accountID + "%0A": health.BadUserInput,
		"code=" + strings.Repeat("x", 3000) + "&user_id=" + accountID: health.BadUserInput,
		"code=%FF%FE&user_id=" + accountID:                            health.BadUserInput, // not UTF-8
		"code=a%00b&user_id=" + accountID:                             health.BadUserInput,
		"code=caf%C3%A9&user_id=" + accountID:                         health.BadUserInput,
		"code=a&code=b&user_id=" + accountID:                          health.BadUserInput,
		"code=a&user_id=" + accountID + "&user_id=" + accountID:       health.BadUserInput,
		"error=access_denied&state=s":                                 health.NotConnected,
		"error=access_denied&error=x":                                 health.BadUserInput,
		"error=server_error&error_description=secret":                 health.UpstreamInvalid,
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		err = connector.CheckReturn(values)
		assert.Equal(t, want, code(err), query)
		_, exchangeErr := answeringExchange(t, values)
		assert.Equal(t, want, code(exchangeErr), query)
		if want == health.BadUserInput {
			assert.Equal(t, "url", health.AsError(err).Argument)
		}
	}
}

func answeringExchange(t *testing.T, values url.Values) (connectors.Grant, error) {
	t.Helper()
	connector, _ := answering(t, http.StatusOK, `{"access_token":"at"}`)
	return connector.Exchange(t.Context(), values, "")
}

var returned = url.Values{"code": {"c-1"}, "user_id": {strings.ToUpper(accountID)}}

func TestExchange(t *testing.T) {
	hour := noon.Add(time.Hour)
	for name, c := range map[string]struct {
		body    string
		refresh string
		expires time.Time
		code    health.Code
	}{
		"as documented":           {body: `{"access_token":"at","refresh_token":"rt"}`, refresh: "rt", expires: hour},
		"no refresh token":        {body: `{"access_token":"at","refresh_token":null}`, expires: hour},
		"with a lifetime":         {body: `{"access_token":"at","expires_in":60}`, expires: noon.Add(time.Minute)},
		"a lifetime as text":      {body: `{"access_token":"at","expires_in":"60"}`, expires: noon.Add(time.Minute)},
		"a lifetime of nonsense":  {body: `{"access_token":"at","expires_in":{}}`, expires: hour},
		"a negative lifetime":     {body: `{"access_token":"at","expires_in":-5}`, expires: hour},
		"no access token":         {body: `{"refresh_token":"rt"}`, code: health.UpstreamInvalid},
		"an empty access token":   {body: `{"access_token":""}`, code: health.UpstreamInvalid},
		"a token with a new line": {body: `{"access_token":"a\r\nb"}`, code: health.UpstreamInvalid},
		"a token that is long":    {body: `{"access_token":"` + strings.Repeat("x", 9000) + `"}`, code: health.UpstreamInvalid},
		"a token that is a list":  {body: `{"access_token":["at"]}`, code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			connector, _ := answering(t, http.StatusOK, c.body)
			grant, err := connector.Exchange(t.Context(), returned, "")
			require.Equal(t, c.code, code(err))
			if c.code != "" {
				return
			}
			assert.Equal(t, accountID, grant.AccountID)
			assert.Equal(t, "at", grant.AccessToken.Reveal())
			assert.Equal(t, c.refresh, grant.RefreshToken.Reveal())
			assert.Equal(t, c.expires, grant.ExpiresAt)
		})
	}
}

// Both encodings carry the same parameters, in the body alone, without grant_type.
func TestTokenEncodings(t *testing.T) {
	var path, query, contentType, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		path, query, contentType, body = r.Method+" "+r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), string(content)
		_, _ = io.WriteString(w, `{"access_token":"at"}`)
	}))
	t.Cleanup(server.Close)
	grant := connectors.Grant{AccountID: accountID, RefreshToken: health.NewSecret("rt")}
	for encoding, wantType := range map[onetwentyone.TokenEncoding]string{onetwentyone.JSON: "application/json", onetwentyone.Form: "application/x-www-form-urlencoded"} {
		config := configured(server.URL, connectors.ClientConfig{})
		config.TokenEncoding = encoding
		connector, err := onetwentyone.New(config)
		require.NoError(t, err)
		sent := func() map[string]string {
			assert.Equal(t, wantType, contentType)
			assert.Empty(t, query)
			parameters := map[string]string{}
			if encoding == onetwentyone.JSON {
				require.NoError(t, json.Unmarshal([]byte(body), &parameters))
				return parameters
			}
			form, err := url.ParseQuery(body)
			require.NoError(t, err)
			for name := range form {
				parameters[name] = form.Get(name)
			}
			return parameters
		}
		_, err = connector.Exchange(t.Context(), returned, "https://other.example/back")
		require.NoError(t, err)
		assert.Equal(t, "POST /api/token", path)
		assert.Equal(t, map[string]string{"code": "c-1", "redirect_uri": "https://other.example/back", "client_id": "client-1", "client_secret": clientSecret}, sent())
		_, err = connector.Refresh(t.Context(), grant)
		require.NoError(t, err)
		assert.Equal(t, "POST /api/refresh", path)
		assert.Equal(t, map[string]string{"refresh_token": "rt", "user_id": accountID, "client_id": "client-1", "client_secret": clientSecret}, sent())
	}
}

func TestRefresh(t *testing.T) {
	grant := connectors.Grant{AccountID: accountID, AccessToken: health.NewSecret("at-1"), RefreshToken: health.NewSecret("rt-1"), ExpiresAt: noon}
	for body, wantRefresh := range map[string]string{
		`{"access_token":"at-2","expires_in":3600}`:      "rt-1",
		`{"access_token":"at-2","refresh_token":"rt-2"}`: "rt-2",
		`{"access_token":"at-2","refresh_token":""}`:     "rt-1",
	} {
		connector, _ := answering(t, http.StatusOK, body)
		next, err := connector.Refresh(t.Context(), grant)
		require.NoError(t, err)
		assert.Equal(t, "at-2", next.AccessToken.Reveal())
		assert.Equal(t, wantRefresh, next.RefreshToken.Reveal())
		assert.Equal(t, accountID, next.AccountID)
		assert.Equal(t, noon.Add(time.Hour), next.ExpiresAt)
	}
}

func TestRefusals(t *testing.T) {
	const exchange, refresh = "exchange", "refresh"
	for _, c := range []struct {
		status   int
		body     string
		exchange health.Code
		refresh  health.Code
	}{
		{400, `{"error":"invalid_grant"}`, health.BadUserInput, health.ReauthorizationRequired},
		{400, ``, health.BadUserInput, health.ReauthorizationRequired},
		{400, `<html>`, health.BadUserInput, health.ReauthorizationRequired},
		{404, `{"error":"unknown"}`, health.BadUserInput, health.ReauthorizationRequired},
		{410, ``, health.BadUserInput, health.ReauthorizationRequired},
		{422, ``, health.BadUserInput, health.ReauthorizationRequired},
		{401, ``, health.UpstreamInvalid, health.ReauthorizationRequired},
		{403, ``, health.UpstreamInvalid, health.ReauthorizationRequired},
		{401, `{"error":"invalid_grant"}`, health.BadUserInput, health.ReauthorizationRequired},
		{401, `{"error":"invalid_client"}`, health.UpstreamInvalid, health.UpstreamInvalid},
		{400, `{"error":"invalid_client"}`, health.UpstreamInvalid, health.UpstreamInvalid},
		{403, `{"error":{"code":"unauthorized_client"}}`, health.UpstreamInvalid, health.UpstreamInvalid},
		{400, `{"code":"invalid_client"}`, health.UpstreamInvalid, health.UpstreamInvalid},
		{400, `{"error":"invalid_request"}`, health.UpstreamInvalid, health.UpstreamInvalid},
		{415, ``, health.UpstreamInvalid, health.UpstreamInvalid},
		{429, `{"error":"invalid_grant"}`, health.RateLimited, health.RateLimited},
		{500, `{"error":"invalid_grant"}`, health.UpstreamUnavailable, health.UpstreamUnavailable},
		{204, ``, health.UpstreamInvalid, health.UpstreamInvalid},
		{302, ``, health.UpstreamInvalid, health.UpstreamInvalid},
	} {
		connector, _ := answering(t, c.status, c.body)
		_, err := connector.Exchange(t.Context(), returned, "")
		assert.Equal(t, c.exchange, code(err), "%s %d %s", exchange, c.status, c.body)
		_, err = connector.Refresh(t.Context(), connectors.Grant{AccountID: accountID, RefreshToken: health.NewSecret("rt")})
		assert.Equal(t, c.refresh, code(err), "%s %d %s", refresh, c.status, c.body)
	}
}

package rook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/connectors/rook"
	"healthgraph/health"
)

var oura = health.DataSource{ID: "oura", Name: "Oura", Kind: health.KindBrowser}

func TestCheckReturnURL(t *testing.T) {
	connector := answering(t, http.StatusOK, "")
	fifty := "https://app.example/" + strings.Repeat("x", 30)
	for returnURL, accepted := range map[string]bool{
		"": true, "https://app.example/back": true, fifty: true,
		fifty + "x": false, "http://app.example/": false, "app.example": false, "com.example.app:/back": false, "https://": false,
	} {
		err := connector.CheckReturnURL(returnURL)
		if accepted {
			assert.NoError(t, err, returnURL)
			continue
		}
		assert.Equal(t, health.BadUserInput, code(err), returnURL)
		assert.NotContains(t, err.Error(), "app.example")
	}
	assert.ErrorContains(t, connector.CheckReturnURL(fifty+"x"), "at most 50 characters, and this one has 51")
}

func TestAuthorize(t *testing.T) {
	page := "https://provider.example/oauth?client_id=x&state=y"
	for name, c := range map[string]struct {
		status int
		body   string
		want   connectors.Authorization
		code   health.Code
	}{
		"not yet":                      {body: file(t, "authorizer.json"), want: connectors.Authorization{URL: page}},
		"already, URL absent":          {body: `{"data_source":"Oura","authorized":true}`, want: connectors.Authorization{Authorized: true}},
		"already, URL null":            {body: `{"data_source":"Oura","authorized":true,"authorization_url":null}`, want: connectors.Authorization{Authorized: true}},
		"another spelling":             {body: `{"data_source":"OURA","authorized":true}`, want: connectors.Authorization{Authorized: true}},
		"a URL alone":                  {body: `{"authorization_url":"` + page + `"}`, want: connectors.Authorization{URL: page}},
		"a local page, as ROOK itself": {body: `{"authorized":false,"authorization_url":"http://localhost:1/consent"}`, want: connectors.Authorization{URL: "http://localhost:1/consent"}},
		"neither":                      {body: `{"data_source":"Oura","authorized":false}`, code: health.UpstreamInvalid},
		"neither, null":                {body: `{"data_source":"Oura","authorized":false,"authorization_url":null}`, code: health.UpstreamInvalid},
		"nothing":                      {body: `{}`, code: health.UpstreamInvalid},
		"another source":               {body: `{"data_source":"Polar","authorized":true}`, code: health.UpstreamInvalid},
		"a relative page":              {body: `{"authorized":false,"authorization_url":"/consent"}`, code: health.UpstreamInvalid},
		"a page that runs a script":    {body: `{"authorized":false,"authorization_url":"javascript:alert(1)"}`, code: health.UpstreamInvalid},
		"a page that is too long":      {body: `{"authorized":false,"authorization_url":"https://a.example/` + strings.Repeat("x", 9000) + `"}`, code: health.UpstreamInvalid},
		"no content":                   {status: 204, code: health.UpstreamInvalid},
		"refused":                      {status: 422, body: `{"error":"Unprocessable Entity"}`, code: health.UpstreamInvalid},
		"unknown":                      {status: 404, body: `{"error":"Not Found"}`, code: health.UpstreamInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			status := c.status
			if status == 0 {
				status = http.StatusOK
			}
			got, err := answering(t, status, c.body).Authorize(t.Context(), connectors.AuthorizeRequest{Account: person, DataSource: oura})
			assert.Equal(t, c.code, code(err))
			assert.Equal(t, c.want, got)
		})
	}
}

// Over https a page over plain http is refused: it could be anybody's.
func TestAuthorizeWantsASafePage(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"authorized":false,"authorization_url":"http://provider.example/oauth"}`)
	}))
	t.Cleanup(server.Close)
	connector, err := newConnector(server.URL, connectors.ClientConfig{HTTP: server.Client()})
	require.NoError(t, err)
	_, err = connector.(connectors.Authorizer).Authorize(t.Context(), connectors.AuthorizeRequest{Account: person, DataSource: oura})
	assert.Equal(t, health.UpstreamInvalid, code(err))
}

func TestAuthorizeAsksInROOKsWords(t *testing.T) {
	var asked string
	connector := against(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.RequestURI()
		_, _ = io.WriteString(w, `{"authorized":true}`)
	})
	for want, source := range map[string]health.DataSource{
		"Whoop":       {ID: "whoop", Name: "WHOOP", Kind: health.KindBrowser},
		"Acme%20Ring": {ID: "acme_ring", Name: "Acme Ring", Kind: health.KindBrowser},
	} {
		_, err := connector.Authorize(t.Context(), connectors.AuthorizeRequest{Account: person, DataSource: source, ReturnURL: "https://app.example/?x=1"})
		require.NoError(t, err)
		assert.Equal(t, "/api/v1/user_id/person-a/data_source/"+want+"/authorizer?redirect_url=https%3A%2F%2Fapp.example%2F%3Fx%3D1", asked)
	}
}

func TestAuthorizeRefusesBeforeItAsks(t *testing.T) {
	connector := against(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
	_, err := connector.Authorize(t.Context(), connectors.AuthorizeRequest{Account: person,
		DataSource: health.DataSource{ID: "apple_health", Name: "Apple Health", Kind: health.KindSDK}})
	assert.Equal(t, health.Unsupported, code(err))
	assert.ErrorContains(t, err, "SDK")
	_, err = connector.Authorize(t.Context(), connectors.AuthorizeRequest{Account: person, DataSource: oura, ReturnURL: "http://app.example"})
	assert.Equal(t, health.BadUserInput, code(err))
}

func TestRevoke(t *testing.T) {
	for status, c := range map[int]struct {
		was, unsure bool
		code        health.Code
	}{
		200: {was: true}, 204: {unsure: true}, 422: {was: false},
		400: {code: health.UpstreamInvalid}, 401: {code: health.UpstreamInvalid}, 404: {code: health.UpstreamInvalid},
		429: {code: health.RateLimited}, 500: {code: health.UpstreamUnavailable},
	} {
		var method, path, body string
		connector := against(t, func(w http.ResponseWriter, r *http.Request) {
			content, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			method, path, body = r.Method, r.URL.Path, string(content)
			w.WriteHeader(status)
			if status == http.StatusOK {
				_, err = w.Write([]byte(`{"message":"revoked"}`))
				assert.NoError(t, err)
			}
		})
		got, err := connector.Revoke(t.Context(), person, health.DataSource{ID: "apple_health", Name: "Apple Health", Kind: health.KindSDK})
		assert.Equal(t, c.code, code(err), status)
		if c.code == "" {
			assert.Equal(t, connectors.Revocation{WasConnected: c.was, Unsure: c.unsure, LateData: rook.LateData}, got, status)
		}
		assert.Equal(t, `POST /api/v1/user_id/person-a/data_sources/revoke_auth {"data_source":"Apple Health"}`, method+" "+path+" "+body)
	}
}

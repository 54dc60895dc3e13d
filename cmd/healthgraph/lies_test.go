package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// lie is an answer that no upstream should give, with the canary wherever an answer has room.
type lie struct {
	name   string
	answer http.HandlerFunc
}

// saying answers with a status, headers in pairs, and a body.
func saying(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Request-Id", canary)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // whoever asked may have gone
	}
}

// raw answers with what is no HTTP, or hardly.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = conn.Write([]byte(answer)) // whoever asked may have gone
		_ = conn.Close()
	}
}

var lies = []lie{
	{"an error that tells", saying(500, `{"error":"`+canary+`","detail":{"token":"`+canary+`"}}`)},
	{"a refusal of OAuth", saying(400, `{"error":"invalid_grant","error_description":"`+canary+`"}`)},
	{"a refusal of another kind", saying(400, `{"error":"`+canary+`"}`)},
	{"a credential that is not good", saying(401, `{"error":"`+canary+`"}`, "WWW-Authenticate", `Bearer error_description="`+canary+`"`)},
	{"a scope that is missing", saying(403, `{"detail":"`+canary+`"}`)},
	{"nobody of that name", saying(404, `{"error":"user `+canary+` not found"}`)},
	{"a status of nobody's", saying(299, canary)},
	{"a redirect", saying(302, "", "Location", "https://"+canary+".example/"+canary)},
	{"a wait that is no number", saying(429, canary, "Retry-After", canary)},
	{"a wait that is no date", saying(503, canary, "Retry-After", "Wed, 99 "+canary)},
	{"a text in place of an object", saying(200, `"`+canary+`"`)},
	{"JSON that is cut off", saying(200, `{"data_sources":[{"name":"`+canary)},
	{"JSON that is none", saying(200, `{"`+canary+`": `+canary+`}`)},
	{"texts in place of numbers", saying(200, `{"items":[{"id":"`+canary+`","value":"`+canary+`","start":"`+canary+`"}],"user_id":"`+canary+`","access_token":5,"expires_in":"`+canary+`","issuer":"`+canary+`","jwks_uri":"`+canary+`","keys":"`+canary+`"}`)},
	{"lists of texts", saying(200, `["`+canary+`"]`)},
	{"times that are none", saying(200, `{"data_sources":[{"data_source":"`+canary+`","status":"`+canary+`","image":"::`+canary+`"}],"authorization_url":"http://`+canary+`\u0000","homeTimezone":"`+canary+`","keys":[{"kty":"`+canary+`","kid":"`+canary+`"}]}`)},
	{"a page", saying(200, `<html>`+canary, "Content-Type", "text/html")},
	{"no gzip", saying(200, canary, "Content-Encoding", "gzip")},
	{"a header that is none", raw("HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n")},
	{"a status that is none", raw("HTTP/1.1 " + canary + "\r\n\r\n")},
	{"another protocol", raw(canary + "/1.0 200 OK\r\n\r\n")},
	{"a transfer of nobody's", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n")},
	{"a length that is none", raw("HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n")},
	{"a chunk that is none", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n")},
}

// lying stands before upstreams, and answers in their place while it has a lie.
type lying struct {
	t      *testing.T
	answer atomic.Pointer[http.HandlerFunc]
	to     atomic.Value // the end of the paths that it answers
}

func (l *lying) lie(to string, answer *http.HandlerFunc) {
	l.to.Store(to)
	l.answer.Store(answer)
}

// before gives the address at which the upstream of that address is to be found.
func (l *lying) before(address string) string {
	l.t.Helper()
	upstream, err := url.Parse(address)
	require.NoError(l.t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream); r.Out.Host = r.In.Host }}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // the simulator cut it off
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer := l.answer.Load(); answer != nil && strings.HasSuffix(r.URL.Path, l.to.Load().(string)) {
			(*answer)(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	l.t.Cleanup(server.Close)
	return server.URL
}

// lyingIssuer is an identity provider that can lie.
type lyingIssuer struct {
	signer

	url string
	lie atomic.Pointer[http.HandlerFunc]
}

func newLyingIssuer(t *testing.T) *lyingIssuer {
	t.Helper()
	i := &lyingIssuer{signer: newSigner(t, "kid-"+canary)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch lie := i.lie.Load(); {
		case lie != nil:
			(*lie)(w, r)
		case r.URL.Path == "/"+canary+"/keys":
			_, _ = w.Write(i.jwks) // whoever asked may have gone
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"}) // likewise
		}
	}))
	t.Cleanup(server.Close)
	i.url = server.URL + "/" + canary
	return i
}

// token is a person's, of this issuer, unless the claims say otherwise, which can be anything.
func (i *lyingIssuer) token(t *testing.T, at time.Time, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": i.url, "aud": testAudience, "sub": "person-" + canary, "exp": at.Add(time.Hour).Unix(), "scope": "connections:read"}
	maps.Copy(all, claims)
	payload, err := json.Marshal(all)
	require.NoError(t, err)
	signed, err := jws.Sign(payload, jws.WithKey(jwa.ES256(), i.key))
	require.NoError(t, err)
	return string(signed)
}

// trap is a connector that can do everything, and panics with the canary while it is armed, or when it is asked for a page. Its
// only data source is linked for everybody while linked says so.
type trap struct{ armed, pages, linked atomic.Bool }

var trapped = health.DataSource{ID: "trap", Name: "Trap", Kind: health.KindBrowser}

var (
	_ connectors.Identifier      = (*trap)(nil)
	_ connectors.LinkReader      = (*trap)(nil)
	_ connectors.DailyStepReader = (*trap)(nil)
	_ connectors.Authorizer      = (*trap)(nil)
	_ connectors.Revoker         = (*trap)(nil)
)

// snap panics with a value whose every form holds the canary.
func (t *trap) snap(armed *atomic.Bool) {
	if armed.Load() {
		panic(struct{ Token, Person string }{canary, canary})
	}
}

func (t *trap) Describe() connectors.Description {
	return connectors.Description{ID: "trap", Name: "Trap", DataSources: []health.DataSource{trapped}}
}

func (t *trap) AcceptsID(string) bool { return true }

func (t *trap) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	t.snap(&t.armed)
	results := make([]connectors.LinksResult, len(accounts))
	for i := range results {
		results[i].Links = []connectors.LinkState{{DataSource: trapped, Connected: t.linked.Load()}}
	}
	return results
}

func (t *trap) ReadDailySteps(_ context.Context, _ connectors.Account, dates []health.Date) []connectors.DayResult {
	t.snap(&t.armed)
	return make([]connectors.DayResult, len(dates))
}

func (t *trap) CheckReturnURL(string) error { return nil }

func (t *trap) Authorize(context.Context, connectors.AuthorizeRequest) (connectors.Authorization, error) {
	t.snap(&t.armed)
	t.snap(&t.pages)
	return connectors.Authorization{URL: "https://trap.example"}, nil
}

func (t *trap) Revoke(context.Context, connectors.Account, health.DataSource) (connectors.Revocation, error) {
	t.snap(&t.armed)
	return connectors.Revocation{}, nil
}

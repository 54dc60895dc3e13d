package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// ambient stands for whatever a browser would add to a request by itself, such as a cookie: it lets everybody in who has it.
func ambient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("session"); err != nil {
			refuse(w, r, http.StatusUnauthorized, "UNAUTHENTICATED", "no cookie")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func TestAPageOfAnotherSiteCannotUseWhatABrowserAddsByItself(t *testing.T) {
	ran := 0
	allow := func(origin string) bool { return origin == "https://app.example" }
	handler := ambient(preflighted{allow, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran++ })})
	const json = "application/json"
	for name, c := range map[string]struct {
		method  string
		headers map[string][]string
		runs    bool
	}{
		"a link or an image":                   {http.MethodGet, nil, false},
		"an address that is typed":             {http.MethodGet, map[string][]string{"Sec-Fetch-Site": {"none"}}, false},
		"HEAD":                                 {http.MethodHead, nil, false},
		"a form":                               {http.MethodPost, map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}}, false},
		"a form of text":                       {http.MethodPost, map[string][]string{"Content-Type": {"text/plain"}}, false},
		"text that says it is JSON":            {http.MethodPost, map[string][]string{"Content-Type": {"text/plain;application/json"}}, false},
		"text with a charset":                  {http.MethodPost, map[string][]string{"Content-Type": {"TEXT/plain; charset=utf-8"}}, false},
		"a form with a file":                   {http.MethodPost, map[string][]string{"Content-Type": {"multipart/form-data; boundary=x"}}, false},
		"a beacon without a type":              {http.MethodPost, nil, false},
		"an empty type":                        {http.MethodPost, map[string][]string{"Content-Type": {""}}, false},
		"a type that is none":                  {http.MethodPost, map[string][]string{"Content-Type": {"json"}}, true}, // no browser sends it unasked, and the endpoint takes it for no JSON
		"a type that can't be read":            {http.MethodPost, map[string][]string{"Content-Type": {"application/json;;="}}, false},
		"two types, one of them simple":        {http.MethodPost, map[string][]string{"Content-Type": {json, "text/plain"}}, false},
		"headers that pages may set":           {http.MethodGet, map[string][]string{"Accept": {json}, "Accept-Language": {"en"}, "Content-Language": {"en"}, "Range": {"bytes=0-"}}, false},
		"headers that are there but empty":     {http.MethodGet, map[string][]string{"Apollo-Require-Preflight": {""}, "Authorization": {""}}, false},
		"JSON":                                 {http.MethodPost, map[string][]string{"Content-Type": {json}}, true},
		"JSON, GET":                            {http.MethodGet, map[string][]string{"Content-Type": {json}}, true},
		"Authorization":                        {http.MethodGet, map[string][]string{"Authorization": {"Bearer x"}}, true},
		"the operation's name":                 {http.MethodGet, map[string][]string{"X-Apollo-Operation-Name": {"Q"}}, true},
		"Apollo's own header":                  {http.MethodGet, map[string][]string{"Apollo-Require-Preflight": {"true"}}, true},
		"another client's":                     {http.MethodGet, map[string][]string{"GraphQL-Preflight": {"1"}}, true},
		"JSON of our own page":                 {http.MethodPost, map[string][]string{"Content-Type": {json}, "Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://gateway.example"}}, true},
		"JSON of a page that may":              {http.MethodPost, map[string][]string{"Content-Type": {json}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.example"}}, true},
		"JSON that a browser sent unasked":     {http.MethodPost, map[string][]string{"Content-Type": {json}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, false},
		"JSON of a neighbour":                  {http.MethodPost, map[string][]string{"Content-Type": {json}, "Sec-Fetch-Site": {"same-site"}, "Origin": {"https://other.app.example"}}, false},
		"JSON of a page that hides its origin": {http.MethodPost, map[string][]string{"Content-Type": {json}, "Sec-Fetch-Site": {"cross-site"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ran = 0
			r := httptest.NewRequestWithContext(t.Context(), c.method, "/graphql?query=%7Bviewer%7Bid%7D%7D", strings.NewReader(`{"query":"{ viewer { id } }"}`))
			for header, values := range c.headers {
				r.Header[http.CanonicalHeaderKey(header)] = values
			}
			r.AddCookie(&http.Cookie{Name: "session", Value: "s"})
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if c.runs {
				assert.Equal(t, http.StatusOK, w.Code)
				assert.Equal(t, 1, ran)
				return
			}
			assert.Equal(t, http.StatusForbidden, w.Code)
			assert.Contains(t, w.Body.String(), `"code":"CROSS_SITE_REFUSED"`)
			assert.Zero(t, ran)
		})
	}
}

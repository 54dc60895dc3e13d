package callers_test

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

func TestAnIssuersKeysAreForItsOwnTokensAlone(t *testing.T) {
	a, b := newProvider(t, [3]string{"rsa", "k1", ""}), newProvider(t, [3]string{"p256", "k1", ""}, [3]string{"p256", "k2", ""})
	s := newSite(t, func(c *callers.Config) {
		c.Secret, c.JWKS = health.NewSecret(sharedSecret), document(t, [3]string{"ed25519", "k1", ""})
	}, a, b)
	iss := func(issuer any) claims { return claims{"iss": issuer} }
	local := func(issuer any) claims { return good(claims{"aud": audience, "iss": issuer}) }
	for name, c := range map[string]struct {
		token string
		want  health.Code
	}{
		"A's":                            {a.token("rsa", "k1", nil), taken},
		"A's without a kid":              {a.token("rsa", "", nil), taken},
		"B's":                            {b.token("p256", "k2", nil), taken},
		"B's under the kid that A has":   {b.token("p256", "k1", nil), taken},
		"A's key that says B":            {a.token("rsa", "k1", iss(b.url)), refused},
		"A's key that says B, no kid":    {a.token("rsa", "", iss(b.url)), refused},
		"B's key that says A":            {b.token("p256", "k1", iss(a.url)), refused},
		"B's kid that says A":            {b.token("p256", "k2", iss(a.url)), refused},
		"A's key that says nobody":       {a.token("rsa", "k1", iss(nil)), refused},
		"A's key that says a stranger":   {a.token("rsa", "k1", iss("https://stranger.example")), refused},
		"A with a slash":                 {a.token("rsa", "k1", iss(a.url+"/")), refused},
		"A in capitals":                  {a.token("rsa", "k1", iss(strings.ToUpper(a.url))), refused},
		"a list with A":                  {a.token("rsa", "k1", iss([]string{a.url})), refused},
		"the secret":                     {signHS256(t, local(nil)), taken},
		"the secret and a stranger":      {signHS256(t, local("https://stranger.example")), taken},
		"the secret that says A":         {signHS256(t, local(a.url)), refused},
		"the file's key":                 {sign(t, jwa.EdDSA(), keys()["ed25519"], "k1", local(nil)), taken},
		"the file's key that says A":     {sign(t, jwa.EdDSA(), keys()["ed25519"], "k1", local(a.url)), refused},
		"another key under A's kid":      {a.token("p256", "k1", nil), refused},
		"another RSA key":                {a.token("other rsa", "k1", nil), refused},
		"another algorithm of A's key":   {sign(t, jwa.PS256(), keys()["rsa"], "k1", good(claims{"iss": a.url, "aud": audience})), refused},
		"for another audience":           {a.token("rsa", "k1", claims{"aud": "other"}), refused},
		"for no audience":                {a.token("rsa", "k1", claims{"aud": nil}), refused},
		"for an audience in a list":      {a.token("rsa", "k1", claims{"aud": []string{"other", audience}}), taken},
		"for others in a list":           {a.token("rsa", "k1", claims{"aud": []string{"other"}}), refused},
		"without exp":                    {a.token("rsa", "k1", claims{"exp": nil}), refused},
		"exp in a text":                  {a.token("rsa", "k1", claims{"exp": "9999999999"}), refused},
		"exp negative":                   {a.token("rsa", "k1", claims{"exp": -1}), refused},
		"exp beyond all time":            {a.token("rsa", "k1", claims{"exp": json.RawMessage("1e30")}), refused},
		"expired within the skew":        {a.token("rsa", "k1", claims{"exp": now.Add(-29 * time.Second).Unix()}), taken},
		"expired":                        {a.token("rsa", "k1", claims{"exp": now.Add(-30 * time.Second).Unix()}), refused},
		"nbf to come":                    {a.token("rsa", "k1", claims{"nbf": now.Add(31 * time.Second).Unix()}), refused},
		"iat to come":                    {a.token("rsa", "k1", claims{"iat": now.Add(31 * time.Second).Unix()}), refused},
		"two issuers, the last of them":  {twice(t, b.url, a.url), taken},
		"two issuers, the first of them": {twice(t, a.url, b.url), refused},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, s.code(c.token)) })
	}
}

// twice is a token of the RSA key whose payload has iss two times.
func twice(t *testing.T, first, second string) string {
	t.Helper()
	payload := fmt.Sprintf(`{"iss":%q,"sub":"person-1","aud":%q,"exp":%d,"iss":%q}`, first, audience, now.Add(time.Hour).Unix(), second)
	headers := jws.NewHeaders()
	require.NoError(t, headers.Set("kid", "k1"))
	signed, err := jws.Sign([]byte(payload), jws.WithKey(jwa.RS256(), keys()["rsa"], jws.WithProtectedHeaders(headers)))
	require.NoError(t, err)
	return string(signed)
}

func TestAPublishedKeyIsNoSharedSecretAndAKeyInATokenIsNone(t *testing.T) {
	p, strangers := newProvider(t, [3]string{"rsa", "k1", ""}), newProvider(t, [3]string{"other rsa", "k1", ""})
	s := newSite(t, func(c *callers.Config) { c.Secret = health.NewSecret(sharedSecret) }, p)
	require.Equal(t, taken, s.code(p.token("rsa", "k1", nil)))
	private := keys()["rsa"].(*rsa.PrivateKey)
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	require.NoError(t, err)
	mine := good(claims{"iss": p.url, "aud": audience})
	for _, secret := range [][]byte{der, x509.MarshalPKCS1PublicKey(&private.PublicKey), private.N.Bytes(), p.jwks, []byte(sharedSecret)} {
		for _, kid := range []string{"k1", "", "k2"} {
			assert.Equal(t, refused, s.code(sign(t, jwa.HS256(), secret, kid, mine)))
		}
	}
	payload := base64.RawURLEncoding.EncodeToString([]byte(text(t, mine)))
	for _, algorithm := range []string{"none", "None", "NONE", "", "HS256", "RS256"} {
		assert.Equal(t, refused, s.code(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"`+algorithm+`","kid":"k1"}`))+"."+payload+"."))
	}
	public, err := jwk.Import(&keys()["other rsa"].(*rsa.PrivateKey).PublicKey)
	require.NoError(t, err)
	for _, header := range []claims{{"jwk": public}, {"jwk": public, "kid": "k1"}, {"jku": strangers.url + keysPath, "kid": "k1"}, {"x5u": strangers.url + keysPath}} {
		headers := jws.NewHeaders()
		for name, value := range header {
			require.NoError(t, headers.Set(name, value))
		}
		for key, want := range map[string]health.Code{"other rsa": refused, "rsa": taken} {
			signed, err := jws.Sign([]byte(text(t, mine)), jws.WithKey(jwa.RS256(), keys()[key], jws.WithProtectedHeaders(headers)))
			require.NoError(t, err)
			assert.Equal(t, want, s.code(string(signed)), header)
		}
	}
	assert.Zero(t, strangers.called(keysPath), "nobody is asked whom a token names")
}

func text(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

func TestKeysThatCannotCheckTokensAreLeftOut(t *testing.T) {
	p := newProvider(t)
	var listed []json.RawMessage
	add := func(jwks []byte) {
		var set struct{ Keys []json.RawMessage }
		require.NoError(t, json.Unmarshal(jwks, &set))
		listed = append(listed, set.Keys...)
	}
	for _, entry := range [][3]string{{"rsa", "hs", "HS256"}, {"rsa", "none", "none"}, {"rsa", "enc", "RSA-OAEP"}, {"p256", "rs", "RS256"}, {"other rsa", "good", ""}} {
		add(document(t, entry))
	}
	add(alone(t, &keys()["rsa"].(*rsa.PrivateKey).PublicKey, "enc"))
	for _, raw := range []string{
		`{"kty":"oct","kid":"oct","k":"` + base64.RawURLEncoding.EncodeToString([]byte(sharedSecret)) + `"}`,
		`{"kty":"oct","kid":"oct","alg":"HS256","k":"` + base64.RawURLEncoding.EncodeToString([]byte(sharedSecret)) + `"}`,
		`{"kty":"XYZ","kid":"new"}`, `{}`, `7`, `null`, `"canary"`, `{"kty":"OKP","crv":"X25519","x":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `"}`,
	} {
		listed = append(listed, json.RawMessage(raw))
	}
	p.answers(nil, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": listed})
	})
	s := newSite(t, nil, p)
	assert.Equal(t, taken, s.code(p.token("other rsa", "good", nil)))
	for _, kid := range []string{"hs", "none", "enc", ""} {
		assert.Equal(t, refused, s.code(p.token("rsa", kid, nil)), kid)
	}
	assert.Equal(t, refused, s.code(p.token("p256", "rs", nil)))
	for _, kid := range []string{"oct", ""} {
		assert.Equal(t, refused, s.code(sign(t, jwa.HS256(), []byte(sharedSecret), kid, good(claims{"iss": p.url, "aud": audience}))))
	}
	assert.Contains(t, s.log.String(), `"keys":1}`)
}

func TestDocumentsThatAreNotAsPromisedAreNotUsed(t *testing.T) {
	elsewhere := newProvider(t, [3]string{"rsa", "k1", ""})
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.url+r.URL.Path, status) }
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"issuer":`))
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	dripping := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	huge := body(`{"keys":[],"x":"` + strings.Repeat("x", 1<<20) + `"}`)
	names := func(issuer, jwks string) http.HandlerFunc {
		return body(`{"issuer":"` + issuer + `","jwks_uri":"` + jwks + `"}`)
	}
	for name, c := range map[string]struct {
		discovery func(p *provider) http.HandlerFunc
		keys      http.HandlerFunc
		cause     string
	}{
		"500":                      {nil, status(500), "its JWKS was answered with HTTP status 500"},
		"404":                      {nil, status(404), "HTTP status 404"},
		"204":                      {nil, status(204), "HTTP status 204"},
		"a redirect":               {nil, redirect(302), "HTTP status 302"},
		"another redirect":         {nil, redirect(308), "HTTP status 308"},
		"a redirected discovery":   {func(*provider) http.HandlerFunc { return redirect(301) }, nil, "HTTP status 301"},
		"huge":                     {nil, huge, "its JWKS has more than 512 KiB"},
		"a huge discovery":         {func(*provider) http.HandlerFunc { return huge }, nil, "its discovery document has more than 512 KiB"},
		"cut short":                {nil, cut, "there was no whole answer for its JWKS"},
		"silence":                  {nil, silent, "its JWKS did not come in time"},
		"dripping":                 {func(*provider) http.HandlerFunc { return dripping }, nil, "its discovery document did not come in time"},
		"empty":                    {nil, body(""), "its JWKS is no JSON object"},
		"HTML":                     {nil, body("<html>canary</html>"), "its JWKS is no JSON object"},
		"a list":                   {nil, body("[]"), "its JWKS is no JSON object"},
		"null":                     {nil, body("null"), "its JWKS is no JSON object"},
		"two objects":              {nil, body(`{"keys":[]}{"keys":[]}`), "its JWKS is no JSON object"},
		"no keys":                  {nil, body(`{"canary":[]}`), "its JWKS has no list of keys"},
		"keys of another spelling": {nil, body(`{"Keys":[]}`), "its JWKS has no list of keys"},
		"keys are null":            {nil, body(`{"keys":null}`), "its JWKS has no list of keys"},
		"keys are no list":         {nil, body(`{"keys":"canary"}`), "its JWKS has no list of keys"},
		"too many keys":            {nil, body(`{"keys":[` + strings.Repeat("{},", 100) + `{}]}`), "its JWKS has more than 100 keys"},
		"another issuer":           {func(p *provider) http.HandlerFunc { return names(elsewhere.url, p.url+keysPath) }, nil, "names another issuer"},
		"the issuer with a slash":  {func(p *provider) http.HandlerFunc { return names(p.url+"/", p.url+keysPath) }, nil, "names another issuer"},
		"no issuer":                {func(*provider) http.HandlerFunc { return body("{}") }, nil, "names another issuer"},
		"no jwks_uri":              {func(p *provider) http.HandlerFunc { return body(`{"issuer":"` + p.url + `"}`) }, nil, "no jwks_uri that is https://"},
		"a jwks_uri over http":     {func(p *provider) http.HandlerFunc { return names(p.url, "http://canary.example/keys") }, nil, "no jwks_uri that is https://"},
		"a file for a jwks_uri":    {func(p *provider) http.HandlerFunc { return names(p.url, "file:///etc/canary") }, nil, "no jwks_uri that is https://"},
		"a user in the jwks_uri":   {func(p *provider) http.HandlerFunc { return names(p.url, "https://canary:canary@canary.example/keys") }, nil, "no jwks_uri that is https://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, [3]string{"rsa", "k1", ""})
			s, fresh := newSite(t, nil, p), newSite(t, nil, p)
			token := p.token("rsa", "k1", nil)
			require.Equal(t, taken, s.code(token))
			var discovery http.HandlerFunc
			if c.discovery != nil {
				discovery = c.discovery(p)
			}
			p.answers(discovery, c.keys)
			s.clock.move(10 * time.Minute)
			s.Refresh(t.Context())
			assert.Equal(t, taken, s.code(token), "the keys read before stay in use")
			assert.Equal(t, waiting, fresh.code(token))
			p.answers(nil, nil)
			for _, each := range []*site{s, fresh} {
				assert.Contains(t, each.log.String(), c.cause)
				assert.NotContains(t, each.log.String(), "canary")
				assert.NotContains(t, each.log.String(), "http://")
				each.clock.move(30 * time.Second)
				each.Refresh(t.Context())
				assert.Equal(t, taken, each.code(token), "once it is as promised")
			}
			assert.Zero(t, elsewhere.called(discoveryPath)+elsewhere.called(keysPath))
		})
	}
}

func TestAnIssuerOnTheInternetIsReadOverHTTPSAlone(t *testing.T) {
	const issuer = "https://example.com/realms/health/" // httptest's certificate is for example.com
	var jwksURI atomic.Value
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.String() {
		case "/realms/health" + discoveryPath:
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "jwks_uri": jwksURI.Load()})
		case "/keys?p=policy":
			_, _ = w.Write(document(t, [3]string{"rsa", "k1", ""}))
		default:
			http.NotFound(w, r)
		}
	})
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := newProvider(t, [3]string{"rsa", "k1", ""})
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	token := plain.token("rsa", "k1", claims{"iss": issuer})
	for name, c := range map[string]struct {
		jwksURI, direct string
		roots           *x509.CertPool
		want            health.Code
	}{
		"as promised":              {"https://example.com/keys?p=policy", "", roots, taken},
		"by its URL directly":      {"", "https://example.com/keys?p=policy", roots, taken},
		"a certificate of nobody":  {"https://example.com/keys?p=policy", "", x509.NewCertPool(), waiting},
		"a jwks_uri over http":     {"http://example.com/keys?p=policy", "", roots, waiting},
		"a jwks_uri on this host":  {plain.url + keysPath, "", roots, waiting},
		"a jwks_uri with no host":  {"https:///keys", "", roots, waiting},
		"a jwks_uri with a broken": {"https://%zz/", "", roots, waiting},
	} {
		t.Run(name, func(t *testing.T) {
			jwksURI.Store(c.jwksURI)
			s := newSite(t, func(config *callers.Config) {
				config.Issuers = []callers.IssuerConfig{{Issuer: issuer, JWKSURL: c.direct}}
				config.Transport = &http.Transport{
					TLSClientConfig: &tls.Config{RootCAs: c.roots},
					DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
						if address == "example.com:443" {
							address = secure.Listener.Addr().String()
						}
						return (&net.Dialer{}).DialContext(ctx, network, address)
					},
				}
			})
			assert.Equal(t, c.want, s.code(token))
			assert.Zero(t, plain.called(keysPath))
		})
	}
}

func TestAnIssuerHasAnAddressThatCanBeTrusted(t *testing.T) {
	for address, good := range map[string]bool{
		"https://id.example": true, "https://id.example/": true, "https://id.example:8443/realms/a": true, "http://127.0.0.1:8080": true, "http://[::1]/x": true, "http://localhost:80": true,
		"http://id.example": false, "http://127.0.0.1.example": false, "http://localhost.example": false, "https://canary@id.example": false, "https://id.example/?canary": false,
		"https://id.example?": false, "https://id.example/#canary": false, "canary": false, "//id.example": false, "ftp://id.example": false, "https://": false, "": false, "https://id.example/%zz": false,
	} {
		discovered, direct := callers.IssuerConfig{Issuer: address}, callers.IssuerConfig{Issuer: "any text", JWKSURL: address}
		assert.Equal(t, good, discovered.Check() == nil, address)
		if address != "" && !strings.Contains(address, "?") { // a JWKS may be told by a query
			assert.Equal(t, good, direct.Check() == nil, address)
		}
		_, err := callers.NewVerifier(callers.Config{Issuers: []callers.IssuerConfig{discovered}, Audience: audience, Now: clock})
		assert.Equal(t, good, err == nil, address)
		if err != nil {
			assert.NotContains(t, err.Error(), "canary")
		}
	}
	one := callers.IssuerConfig{Issuer: "https://id.example"}
	for says, config := range map[string]callers.Config{
		"audience": {Issuers: []callers.IssuerConfig{one}}, "issuer 2 is configured twice": {Issuers: []callers.IssuerConfig{one, one}, Audience: audience},
		"issuer of a JWKS URL is missing": {Issuers: []callers.IssuerConfig{{JWKSURL: "https://id.example/keys"}}, Audience: audience},
	} {
		_, err := callers.NewVerifier(config)
		assert.ErrorContains(t, err, says)
	}
}

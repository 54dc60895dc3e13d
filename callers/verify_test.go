package callers_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

func TestATokenSaysWhoIsAsking(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	for _, header := range []string{"Bearer ", "bearer ", "BEARER ", "Bearer  "} {
		caller, err := v.Verify(t.Context(), header+signHS256(t, good(claims{"scope": "  a users:any\tquantities:read "})))
		require.NoError(t, err, header)
		assert.Equal(t, now.Add(time.Hour+30*time.Second).Unix(), caller.ExpiresAt.Unix(), "when it is refused from, the skew included")
		caller.ExpiresAt = time.Time{}
		assert.Equal(t, callers.Caller{Subject: "person-1", Scopes: []string{"users:any", "quantities:read"}}, caller)
	}
	caller, err := v.Verify(t.Context(), "Bearer "+signHS256(t, good(nil)))
	require.NoError(t, err)
	assert.False(t, caller.IsService())
	assert.True(t, caller.May(callers.ScopeConnectionsWrite))
}

func TestAHeaderWithoutABearerTokenIsRefused(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	token := signHS256(t, good(nil))
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + token, token, "Token " + token, " Bearer " + token, "Bearer\t" + token, "Bearer " + token + " " + token, "Bearer " + token + ",x"} {
		caller, err := v.Verify(t.Context(), header)
		require.Error(t, err, "%.12q", header)
		assert.Zero(t, caller)
		assert.Equal(t, health.Unauthenticated, health.AsError(err).Code)
		assert.NotContains(t, err.Error(), token)
	}
}

func TestTheClaimsDecide(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	for name, c := range map[string]struct {
		change claims
		taken  bool
	}{
		"good":                        {nil, true},
		"expired":                     {claims{"exp": now.Add(-time.Minute).Unix()}, false},
		"expired within the skew":     {claims{"exp": now.Add(-29 * time.Second).Unix()}, true},
		"expired at the skew":         {claims{"exp": now.Add(-31 * time.Second).Unix()}, false},
		"no exp":                      {claims{"exp": nil}, false},
		"exp is null":                 {claims{"exp": json.RawMessage("null")}, false},
		"exp is 0":                    {claims{"exp": 0}, false},
		"exp is no number":            {claims{"exp": "tomorrow"}, false},
		"exp is negative":             {claims{"exp": -1}, false},
		"exp is a number in a text":   {claims{"exp": strconv.FormatInt(now.Add(time.Hour).Unix(), 10)}, false},
		"exp is a list":               {claims{"exp": []int64{now.Add(time.Hour).Unix()}}, false},
		"exp with a fraction":         {claims{"exp": json.RawMessage("9999999999.5")}, true},
		"exp in the last year":        {claims{"exp": 253402300799}, true},
		"exp after the last year":     {claims{"exp": 253402300800}, false},
		"exp is a huge number":        {claims{"exp": json.RawMessage("1e300")}, false},
		"exp is no finite number":     {claims{"exp": json.RawMessage("1e999")}, false},
		"exp under another spelling":  {claims{"exp": nil, "EXP": now.Add(time.Hour).Unix()}, false},
		"nbf is a text":               {claims{"nbf": "0"}, false},
		"iat is null":                 {claims{"iat": json.RawMessage("null")}, false},
		"nbf in the past":             {claims{"nbf": now.Add(-time.Hour).Unix()}, true},
		"nbf within the skew":         {claims{"nbf": now.Add(29 * time.Second).Unix()}, true},
		"nbf in the future":           {claims{"nbf": now.Add(time.Minute).Unix()}, false},
		"iat in the future":           {claims{"iat": now.Add(time.Minute).Unix()}, false},
		"no iat":                      {claims{"iat": nil}, true},
		"no sub":                      {claims{"sub": nil}, false},
		"an empty sub":                {claims{"sub": ""}, false},
		"sub is a number":             {claims{"sub": 7}, false},
		"sub is a list":               {claims{"sub": []string{"person-1"}}, false},
		"sub with a space at its end": {claims{"sub": "canary-sub "}, false},
		"sub with a line break":       {claims{"sub": "canary\nsub"}, false},
		"sub like a link":             {claims{"sub": "link_canary"}, false},
		"sub nearly like a link":      {claims{"sub": "Link_canary"}, true},
		"the longest sub":             {claims{"sub": strings.Repeat("x", 255)}, true},
		"too long a sub":              {claims{"sub": strings.Repeat("x", 256)}, false},
		"sub under another spelling":  {claims{"sub": nil, "SUB": "person-1"}, false},
		"other claims":                {claims{"aud": "x", "iss": "y", "roles": []string{"users:any"}, "Scope": "users:any"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			token := signHS256(t, good(c.change))
			if !c.taken {
				requireRefused(t, v, token)
				_, err := v.Verify(t.Context(), "Bearer "+token)
				assert.NotContains(t, err.Error(), "canary")
				return
			}
			caller, err := v.Verify(t.Context(), "Bearer "+token)
			require.NoError(t, err)
			assert.Equal(t, good(c.change)["sub"], string(caller.Subject))
			assert.False(t, caller.IsService(), "only the claims scope and scp make a service")
		})
	}
}

func TestOneWhoseTokenExpiredIsToldSo(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	_, err := v.Verify(t.Context(), "Bearer "+signHS256(t, good(claims{"exp": now.Add(-time.Hour).Unix()})))
	assert.ErrorContains(t, err, "expired")
	_, err = v.Verify(t.Context(), "Bearer "+sign(t, jwa.HS256(), []byte(strings.Repeat("x", 32)), "", good(claims{"exp": now.Add(-time.Hour).Unix()})))
	assert.NotContains(t, err.Error(), "expired", "nothing is told of a token that somebody else signed")
}

func TestWhatIsNotSignedWithOurKeyIsRefused(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	token := signHS256(t, good(nil))
	parts := strings.Split(token, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for name, bad := range map[string]string{
		"another secret":          sign(t, jwa.HS256(), []byte(strings.Repeat("x", 32)), "", good(nil)),
		"another algorithm":       sign(t, jwa.HS512(), []byte(sharedSecret), "", good(nil)),
		"alg none":                encode(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".",
		"alg None":                encode(`{"alg":"None"}`) + "." + parts[1] + ".",
		"alg none, signature on":  encode(`{"alg":"none"}`) + "." + parts[1] + "." + parts[2],
		"no alg":                  encode(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
		"no signature":            parts[0] + "." + parts[1] + ".",
		"two parts":               parts[0] + "." + parts[1],
		"four parts":              token + ".x",
		"a payload of our own":    parts[0] + "." + encode(`{"sub":"person-3","exp":9999999999}`) + "." + parts[2],
		"signature altered":       parts[0] + "." + parts[1] + "." + flip(parts[2]),
		"header altered":          encode(`{"alg":"HS256"}`) + "." + parts[1] + "." + parts[2],
		"no JSON":                 encode("x") + "." + encode("y") + "." + encode("z"),
		"garbage":                 "garbage",
		"binary":                  "\x00\xff\x00",
		"huge":                    strings.Repeat("A", 1<<16),
		"huge, and signed":        signHS256(t, good(claims{"x": strings.Repeat("A", 1<<14)})),
		"a list for an object":    sign(t, jwa.HS256(), []byte(sharedSecret), "", nil),
		"dots":                    "..",
		"an unsigned JSON object": `{"payload":"` + parts[1] + `","signatures":[]}`,
	} {
		t.Run(name, func(t *testing.T) { requireRefused(t, v, bad) })
	}
	_, err := v.Verify(t.Context(), "Bearer "+token)
	assert.NoError(t, err, "as it was")
}

func TestASecretHasAtLeast32Bytes(t *testing.T) {
	for length, taken := range map[int]bool{1: false, 31: false, 32: true, 4096: true} {
		secret := strings.Repeat("c", length)
		_, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(secret), Now: clock})
		assert.Equal(t, taken, err == nil, "%d bytes", length)
		_, issueErr := callers.Issue(health.NewSecret(secret), "person-1", nil, now, time.Hour)
		assert.Equal(t, taken, issueErr == nil, "%d bytes", length)
		if !taken && length > 1 {
			assert.NotContains(t, err.Error(), secret)
		}
	}
	_, err := callers.NewVerifier(callers.Config{Now: clock})
	assert.ErrorContains(t, err, "no key")
}

func TestAnIssuedTokenIsTaken(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	everything := []string{callers.ScopeConnectionsRead, callers.ScopeConnectionsWrite, callers.ScopeQuantitiesRead}
	for _, c := range []struct{ scopes, held []string }{
		{nil, everything},
		{[]string{callers.ScopeAnyUser}, append([]string{callers.ScopeAnyUser}, everything...)},
		{[]string{callers.ScopeConnectionsRead, "b"}, everything[:1]},
	} {
		token, err := callers.Issue(health.NewSecret(sharedSecret), "person-1", c.scopes, now, time.Hour)
		require.NoError(t, err)
		assert.NotContains(t, token, "canary")
		caller, err := v.Verify(t.Context(), "Bearer "+token)
		require.NoError(t, err)
		assert.Equal(t, health.UserID("person-1"), caller.Subject)
		assert.ElementsMatch(t, c.held, caller.Scopes)
	}
	token, err := callers.Issue(health.NewSecret(sharedSecret), "person-1", nil, now.Add(-2*time.Hour), time.Hour)
	require.NoError(t, err)
	requireRefused(t, v, token)
}

// flip alters the first letter.
func flip(s string) string {
	if strings.HasPrefix(s, "A") {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func TestATokenForAnotherIsRefused(t *testing.T) {
	v, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(sharedSecret), JWKS: document(t, [3]string{"rsa", "k1", ""}), Audience: "healthgraph", Now: clock})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		aud   any
		taken bool
	}{
		"ours":                  {"healthgraph", true},
		"ours in a list":        {[]string{"other", "healthgraph"}, true},
		"ours alone in a list":  {[]string{"healthgraph"}, true},
		"another's":             {"other", false},
		"others'":               {[]string{"other", "more"}, false},
		"nobody's":              {[]string{}, false},
		"none":                  {nil, false},
		"null":                  {json.RawMessage("null"), false},
		"a number":              {7, false},
		"a list of other types": {[]any{"healthgraph", 7}, false},
		"ours in another case":  {"Healthgraph", false},
		"ours with more":        {"healthgraph2", false},
		"ours in a text":        {"other healthgraph", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, token := range []string{signHS256(t, good(claims{"aud": c.aud})), sign(t, jwa.RS256(), keys()["rsa"], "k1", good(claims{"aud": c.aud}))} {
				if !c.taken {
					requireRefused(t, v, token)
					continue
				}
				_, err := v.Verify(t.Context(), "Bearer "+token)
				assert.NoError(t, err)
			}
		})
	}
	issued, err := callers.Issue(health.NewSecret(sharedSecret), "person-1", nil, now, time.Hour, "healthgraph")
	require.NoError(t, err)
	_, err = v.Verify(t.Context(), "Bearer "+issued)
	assert.NoError(t, err)
	_, err = verifier(t, sharedSecret, nil).Verify(t.Context(), "Bearer "+issued)
	assert.NoError(t, err, "who has no audience configured asks for none")
}

func TestTheHeaderHasToNameTheAlgorithmOfTheKey(t *testing.T) {
	v := verifier(t, sharedSecret, document(t, [3]string{"rsa", "k1", ""}))
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"person-1","exp":9999999999}`))
	for header, taken := range map[string]bool{
		`{"alg":"RS256"}`: true, `{"alg":"RS512"}`: false, `{"alg":"PS256"}`: false, `{"alg":"HS256"}`: false, `{"alg":"none"}`: false, `{"alg":"rs256"}`: false,
		`{"alg":null}`: false, `{"alg":["RS256"]}`: false, `{"Alg":"RS256"}`: false, `{"typ":"JWT"}`: false, `{}`: false, `null`: false,
	} {
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + payload
		digest := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(nil, keys()["rsa"].(*rsa.PrivateKey), crypto.SHA256, digest[:])
		require.NoError(t, err)
		token := signed + "." + base64.RawURLEncoding.EncodeToString(signature)
		if !taken {
			requireRefused(t, v, token)
			continue
		}
		_, err = v.Verify(t.Context(), "Bearer "+token)
		assert.NoError(t, err, header)
	}
}

func TestAHeaderThatWantsToBeUnderstoodIsRefused(t *testing.T) {
	v := verifier(t, "", document(t, [3]string{"rsa", "k1", ""}))
	for _, header := range []claims{{"crit": []string{"exp"}, "exp": 1}, {"crit": []string{"canary"}, "canary": true}, {"b64": true}} {
		requireRefused(t, v, signWithHeader(t, keys()["rsa"], header))
	}
	_, err := v.Verify(t.Context(), "Bearer "+signWithHeader(t, keys()["rsa"], claims{"canary": true}))
	assert.NoError(t, err, "what is not critical is ignored")
}

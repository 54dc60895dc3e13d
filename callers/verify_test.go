package callers_test

import (
	"encoding/base64"
	"encoding/json"
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
		caller, err := v.Verify(header + signHS256(t, good(claims{"scope": "  a users:any\tb "})))
		require.NoError(t, err, header)
		assert.Equal(t, callers.Caller{Subject: "person-1", Scopes: []string{"a", "users:any", "b"}}, caller)
	}
	caller, err := v.Verify("Bearer " + signHS256(t, good(nil)))
	require.NoError(t, err)
	assert.Empty(t, caller.Scopes)
	assert.False(t, caller.IsService())
}

func TestAHeaderWithoutABearerTokenIsRefused(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	token := signHS256(t, good(nil))
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + token, token, "Token " + token, " Bearer " + token, "Bearer\t" + token, "Bearer " + token + " " + token, "Bearer " + token + ",x"} {
		caller, err := v.Verify(header)
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
		"scope is no text":            {claims{"scope": []string{"users:any"}}, true},
		"other claims":                {claims{"aud": "x", "iss": "y", "roles": []string{"admin"}, "scp": "users:any"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			token := signHS256(t, good(c.change))
			if !c.taken {
				requireRefused(t, v, token)
				_, err := v.Verify("Bearer " + token)
				assert.NotContains(t, err.Error(), "canary")
				return
			}
			caller, err := v.Verify("Bearer " + token)
			require.NoError(t, err)
			assert.Equal(t, good(c.change)["sub"], string(caller.Subject))
			assert.False(t, caller.IsService(), "only the text of the claim scope makes a service")
		})
	}
}

func TestOneWhoseTokenExpiredIsToldSo(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	_, err := v.Verify("Bearer " + signHS256(t, good(claims{"exp": now.Add(-time.Hour).Unix()})))
	assert.ErrorContains(t, err, "expired")
	_, err = v.Verify("Bearer " + sign(t, jwa.HS256(), []byte(strings.Repeat("x", 32)), "", good(claims{"exp": now.Add(-time.Hour).Unix()})))
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
		"dots":                    "..",
		"an unsigned JSON object": `{"payload":"` + parts[1] + `","signatures":[]}`,
	} {
		t.Run(name, func(t *testing.T) { requireRefused(t, v, bad) })
	}
	_, err := v.Verify("Bearer " + token)
	assert.NoError(t, err, "as it was")
}

func TestASecretHasAtLeast32Bytes(t *testing.T) {
	for length, taken := range map[int]bool{1: false, 31: false, 32: true, 4096: true} {
		secret := strings.Repeat("c", length)
		_, err := callers.NewVerifier(health.NewSecret(secret), nil, clock)
		assert.Equal(t, taken, err == nil, "%d bytes", length)
		_, issueErr := callers.Issue(health.NewSecret(secret), "person-1", nil, now, time.Hour)
		assert.Equal(t, taken, issueErr == nil, "%d bytes", length)
		if !taken && length > 1 {
			assert.NotContains(t, err.Error(), secret)
		}
	}
	_, err := callers.NewVerifier(health.NewSecret(""), nil, clock)
	assert.ErrorContains(t, err, "no key")
}

func TestAnIssuedTokenIsTaken(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	for _, scopes := range [][]string{nil, {callers.ScopeAnyUser}, {"a", "b"}} {
		token, err := callers.Issue(health.NewSecret(sharedSecret), "person-1", scopes, now, time.Hour)
		require.NoError(t, err)
		assert.NotContains(t, token, "canary")
		caller, err := v.Verify("Bearer " + token)
		require.NoError(t, err)
		assert.Equal(t, health.UserID("person-1"), caller.Subject)
		assert.ElementsMatch(t, scopes, caller.Scopes)
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

package callers_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v3/jwa"

	"healthgraph/callers"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
)

// FuzzAuthorization: whatever stands in the header, there is a caller with a good id and known scopes, or a refusal that
// repeats nothing of it, and nobody but the issuer itself is asked.
func FuzzAuthorization(f *testing.F) {
	p := newProvider(f, [3]string{"rsa", "k1", ""})
	token := signHS256(f, good(claims{"aud": audience}))
	parts := strings.Split(token, ".")
	db := storetest.Open(f, store.Config{URL: storetest.SQLite(f)})
	key, text, err := callers.NewAPIKey("a-service", []string{callers.ScopeAnyUser}, now)
	if err == nil {
		err = db.AddAPIKey(f.Context(), key)
	}
	if err != nil {
		f.Fatal(err)
	}
	_, invented := key.Rotated(now)
	for _, seed := range []string{
		"", "Bearer", "Bearer ", "Basic " + token, "Bearer " + token, "bearer\t" + token, "Bearer  " + token + " ", "Bearer ..", "Bearer a.b.c", "Bearer " + strings.Repeat("A", 1<<15),
		"Bearer " + parts[0] + "." + parts[1] + ".", "Bearer e30.e30.", "Bearer bnVsbA.bnVsbA.bnVsbA", "Bearer W10.W10.W10", "Bearer " + parts[0] + "=." + parts[1] + "." + parts[2],
		"Bearer " + sign(f, jwa.RS256(), keys()["rsa"], "k1", good(claims{"iss": p.url, "aud": audience})),
		"Bearer " + sign(f, jwa.RS256(), keys()["rsa"], "k2", good(claims{"iss": p.url, "aud": []string{audience}, "scope": "users:any"})),
		"Bearer " + signHS256(f, good(claims{"iss": p.url})), "Bearer " + signHS256(f, good(claims{"scp": []any{1, "x"}, "exp": "x"})),
		"Bearer hgk_", "Bearer hgk_aaaaaaaaaa_" + strings.Repeat("a", 59), "Bearer " + text.Reveal(), "Bearer " + invented.Reveal(),
		"Bearer {}", "Bearer \x00\xff",
	} {
		f.Add(seed)
	}
	v, err := callers.NewVerifier(callers.Config{
		Secret: health.NewSecret(sharedSecret), Issuers: []callers.IssuerConfig{{Issuer: p.url}}, Audience: audience, APIKeys: db, Now: clock,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		caller, err := v.Verify(t.Context(), authorization)
		if err == nil {
			if _, parseErr := health.ParseUserID(string(caller.Subject)); parseErr != nil {
				t.Errorf("a caller without a good id: %v", parseErr)
			}
			for _, scope := range caller.Scopes {
				if !callers.IsScope(scope) {
					t.Error("a caller with an unknown scope")
				}
			}
			return
		}
		failure := health.AsError(err)
		if failure.Code != health.Unauthenticated || failure.Unwrap() != nil {
			t.Errorf("refused with %s, cause %v", failure.Code, failure.Unwrap())
		}
		for word := range strings.FieldsFuncSeq(authorization, func(r rune) bool { return r == ' ' || r == '.' }) {
			if len(word) > 20 && strings.Contains(err.Error(), word) {
				t.Error("the refusal repeats what was sent")
			}
		}
	})
}

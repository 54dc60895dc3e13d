package callers

import (
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"healthgraph/health"
)

// Issue signs a token with the HS256 secret, for development, scripts and the demo. audience is whom it is for, none for
// anybody.
func Issue(secret health.Secret, subject health.UserID, scopes []string, issuedAt time.Time, lifetime time.Duration, audience ...string) (string, error) {
	key, err := secretKey(secret)
	if err != nil {
		return "", err
	}
	builder := jwt.NewBuilder().Subject(string(subject)).IssuedAt(issuedAt).Expiration(issuedAt.Add(lifetime))
	if len(scopes) > 0 {
		builder = builder.Claim("scope", strings.Join(scopes, " "))
	}
	if len(audience) > 0 {
		builder = builder.Audience(audience)
	}
	token, err := builder.Build()
	if err != nil {
		return "", fmt.Errorf("build a token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.HS256(), key.material))
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return string(signed), nil
}

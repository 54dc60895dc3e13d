package callers

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"healthgraph/health"
)

// MinSecretBytes is the shortest HS256 secret taken: shorter ones can be guessed from one token.
const MinSecretBytes = 32

// clockSkew is how far the issuer's clock may be from ours.
const clockSkew = 30 * time.Second

// Verifier checks bearer tokens.
type Verifier struct {
	keys jwk.Set
	now  func() time.Time
}

// NewVerifier takes an HS256 secret (empty for none) and a JWKS document (nil for none), at least one of them. A key's
// algorithm comes from the key, never from the token.
func NewVerifier(secret health.Secret, jwks []byte, now func() time.Time) (*Verifier, error) {
	keys := jwk.NewSet()
	if !secret.IsEmpty() {
		key, err := secretKey(secret)
		if err != nil {
			return nil, err
		}
		if err := keys.AddKey(key); err != nil {
			return nil, errors.New("the JWT secret can't be used as a key")
		}
	}
	if jwks != nil {
		if err := addPublicKeys(keys, jwks); err != nil {
			return nil, err
		}
	}
	if keys.Len() == 0 {
		return nil, errors.New("no key to check tokens with: set a JWT secret or a JWKS file")
	}
	return &Verifier{keys, now}, nil
}

func secretKey(secret health.Secret) (jwk.Key, error) {
	if len(secret.Reveal()) < MinSecretBytes {
		return nil, fmt.Errorf("the JWT secret needs at least %d bytes", MinSecretBytes)
	}
	key, err := jwk.Import([]byte(secret.Reveal()))
	if err != nil {
		return nil, errors.New("the JWT secret can't be used as a key")
	}
	return key, key.Set(jwk.AlgorithmKey, jwa.HS256())
}

// addPublicKeys takes the RSA, EC and Ed25519 keys of a JWKS. A symmetric key has no place in a file of public keys.
func addPublicKeys(keys jwk.Set, jwks []byte) error {
	parsed, err := jwk.Parse(jwks)
	if err != nil {
		return errors.New("the JWKS file is not a JSON Web Key Set")
	}
	for i := range parsed.Len() {
		key, _ := parsed.Key(i)
		public, err := key.PublicKey()
		if err != nil {
			return fmt.Errorf("key %d of the JWKS file can't be used", i+1)
		}
		if err := setAlgorithm(public); err != nil {
			return fmt.Errorf("key %d of the JWKS file: %w", i+1, err)
		}
		if err := keys.AddKey(public); err != nil {
			return fmt.Errorf("key %d of the JWKS file stands there twice", i+1)
		}
	}
	return nil
}

func setAlgorithm(key jwk.Key) error {
	allowed := map[string][]string{
		"RSA": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
		"EC":  {"ES256", "ES384", "ES512"},
		"OKP": {"EdDSA"},
	}[key.KeyType().String()]
	if allowed == nil {
		return errors.New("only RSA, EC and Ed25519 keys are taken")
	}
	if named, ok := key.Algorithm(); ok {
		for _, algorithm := range allowed {
			if named.String() == algorithm {
				return nil
			}
		}
		return fmt.Errorf("its algorithm must be one of %s", strings.Join(allowed, ", "))
	}
	algorithm := map[string]jwa.SignatureAlgorithm{"RSA": jwa.RS256(), "EC": curveAlgorithm(key), "OKP": jwa.EdDSA()}[key.KeyType().String()]
	if err := key.Set(jwk.AlgorithmKey, algorithm); err != nil {
		return errors.New("its algorithm can't be set")
	}
	return nil
}

func curveAlgorithm(key jwk.Key) jwa.SignatureAlgorithm {
	var curve jwa.EllipticCurveAlgorithm
	_ = key.Get(jwk.ECDSACrvKey, &curve) // a key of another type has none: the value is not used then
	switch curve.String() {
	case "P-384":
		return jwa.ES384()
	case "P-521":
		return jwa.ES512()
	default:
		return jwa.ES256()
	}
}

// Verify reads the value of an Authorization header. Its error is UNAUTHENTICATED and never repeats any of it.
func (v *Verifier) Verify(authorization string) (Caller, error) {
	scheme, token, found := strings.Cut(authorization, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Caller{}, health.Fail(health.Unauthenticated, "a bearer token is needed: Authorization: Bearer <JWT>", nil)
	}
	parsed, err := jwt.Parse([]byte(strings.TrimSpace(token)),
		jwt.WithKeySet(v.keys, jws.WithRequireKid(false)), jwt.WithClock(jwt.ClockFunc(v.now)), jwt.WithAcceptableSkew(clockSkew), jwt.WithRequiredClaim(jwt.ExpirationKey))
	if err != nil {
		if errors.Is(err, jwt.TokenExpiredError()) {
			return Caller{}, health.Fail(health.Unauthenticated, "the bearer token has expired", nil)
		}
		return Caller{}, health.Fail(health.Unauthenticated, "the bearer token is not valid here: it must be a JWT with an exp, signed with a key that this gateway knows", nil)
	}
	subject, _ := parsed.Subject()
	user, err := health.ParseUserID(subject)
	if err != nil {
		return Caller{}, health.Fail(health.Unauthenticated, "the bearer token's sub can't be a person: "+health.AsError(err).Message, nil)
	}
	var scope string
	_ = parsed.Get("scope", &scope) // absent, or not a string: no scope
	return Caller{Subject: user, Scopes: strings.Fields(scope)}, nil
}

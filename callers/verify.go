package callers

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"healthgraph/health"
)

// maxTokenBytes is the longest token that is looked at.
const maxTokenBytes = 16 << 10

// Config says whose tokens are good. At least one of Secret, JWKS and Issuers is needed, and an Audience with Issuers: an
// issuer signs for others too.
type Config struct {
	Secret        health.Secret // of HS256 tokens; empty for none
	JWKS          []byte        // a document with public keys; nil for none
	Issuers       []IssuerConfig
	APIKeys       APIKeyStore // nil: no API key is good
	Audience      string      // that every token has to name in `aud`; empty: not checked
	RequireScopes bool        // a token without a list of scopes holds none, rather than all for its person
	Now           func() time.Time
	Log           *slog.Logger      // of what an operator should know of issuers and API keys; may be nil without either
	Transport     http.RoundTripper // to the issuers; nil: one of its own
}

// Verifier checks bearer tokens. Safe for concurrent use.
type Verifier struct {
	config  Config
	secret  []verificationKey // one or none
	file    atomic.Pointer[[]verificationKey]
	issuers map[string]*issuer // by `iss`
	apiKeys *keyring           // nil for none
	check   func(key any, token []byte, algorithm jwa.SignatureAlgorithm) (payload []byte, err error)
}

// NewVerifier checks the configuration. It asks no issuer: see Watch.
func NewVerifier(config Config) (*Verifier, error) {
	v := &Verifier{config: config, issuers: map[string]*issuer{}, check: jws.VerifyCompactFast}
	v.file.Store(&[]verificationKey{})
	if !config.Secret.IsEmpty() {
		key, err := secretKey(config.Secret)
		if err != nil {
			return nil, err
		}
		v.secret = []verificationKey{key}
	}
	if config.JWKS != nil {
		if _, err := v.ReplaceJWKS(config.JWKS); err != nil {
			return nil, err
		}
	}
	if config.APIKeys != nil {
		v.apiKeys = &keyring{store: config.APIKeys, now: config.Now, log: config.Log}
	}
	if err := v.addIssuers(); err != nil {
		return nil, err
	}
	if len(v.secret) == 0 && config.JWKS == nil && len(v.issuers) == 0 {
		return nil, errors.New("no key to check tokens with: set a JWT secret, a JWKS file or an issuer")
	}
	return v, nil
}

func (v *Verifier) addIssuers() error {
	fetch := newFetcher(v.config.Transport)
	for n, c := range v.config.Issuers {
		if err := c.Check(); err != nil {
			return fmt.Errorf("issuer %d: %w", n+1, err)
		}
		if v.issuers[c.Issuer] != nil {
			return fmt.Errorf("issuer %d is configured twice", n+1)
		}
		v.issuers[c.Issuer] = &issuer{config: c, number: n + 1, fetch: fetch, now: v.config.Now, log: v.config.Log}
	}
	if len(v.issuers) > 0 && v.config.Audience == "" {
		return errors.New("the tokens of issuers need an audience")
	}
	return nil
}

// ReplaceJWKS takes the keys of another document in place of those before, and says how many there are. At an error those
// before stay.
func (v *Verifier) ReplaceJWKS(jwks []byte) (int, error) {
	keys, err := fileKeys(jwks)
	if err != nil {
		return 0, err
	}
	v.file.Store(&keys)
	return len(keys), nil
}

// errUnsigned is of a token about which nothing is known: what it says is not repeated, nor what is wrong with it.
var errUnsigned = errors.New("the bearer token is not valid here: it must be a JWT with an exp, signed with a key that this gateway knows")

// Verify reads the value of an Authorization header. Its error is UNAUTHENTICATED, CodeIssuerUnavailable, or INTERNAL where
// API keys can't be read, and never repeats any of it.
func (v *Verifier) Verify(ctx context.Context, authorization string) (Caller, error) {
	scheme, credential, found := strings.Cut(authorization, " ")
	credential = strings.TrimSpace(credential)
	if !found || !strings.EqualFold(scheme, "Bearer") || credential == "" {
		return Caller{}, unauthenticated(errors.New("a bearer token is needed: Authorization: Bearer <JWT>"))
	}
	if v.apiKeys != nil && strings.HasPrefix(credential, apiKeyPrefix) {
		return v.apiKeys.verify(ctx, credential)
	}
	return v.verifyToken(ctx, []byte(credential))
}

func unauthenticated(why error) error { return health.Fail(health.Unauthenticated, why.Error(), nil) }

// verifyToken checks a JWT. Which keys may have signed it follows from the `iss` that it claims: the keys of an issuer are for
// its own tokens, and the secret and the file for those of everybody who is no issuer.
func (v *Verifier) verifyToken(ctx context.Context, token []byte) (Caller, error) {
	keyID, claims, ok := readToken(token)
	if !ok {
		return Caller{}, unauthenticated(errUnsigned)
	}
	keys := slices.Concat(v.secret, *v.file.Load())
	if issuer := v.issuers[textOf(claims, "iss")]; issuer != nil {
		var err error
		if keys, err = issuer.keysFor(ctx, keyID); err != nil {
			return Caller{}, err
		}
	}
	if !v.isSigned(token, keys) {
		return Caller{}, unauthenticated(errUnsigned)
	}
	err := checkTimes(claims, v.config.Now())
	if err == nil {
		err = checkAudience(claims, v.config.Audience)
	}
	if err != nil {
		return Caller{}, unauthenticated(err)
	}
	caller, err := callerOf(claims, v.config.RequireScopes)
	if err != nil {
		return Caller{}, unauthenticated(err)
	}
	expires, _, _ := instantOf(claims, "exp") // checkTimes has read it
	caller.ExpiresAt = expires.Add(clockSkew)
	return caller, nil
}

// readToken reads the kid and the claims of a compact JWS, of which nothing is known yet.
func readToken(token []byte) (keyID string, claims map[string]json.RawMessage, ok bool) {
	if len(token) > maxTokenBytes {
		return "", nil, false
	}
	parts := bytes.Split(token, []byte("."))
	if len(parts) != 3 {
		return "", nil, false
	}
	var objects [2]map[string]json.RawMessage
	for i := range objects {
		decoded, err := base64.RawURLEncoding.DecodeString(string(parts[i]))
		if err != nil {
			return "", nil, false
		}
		if objects[i], ok = decodeObject(decoded); !ok {
			return "", nil, false
		}
	}
	return textOf(objects[0], "kid"), objects[1], true
}

package callers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"healthgraph/health"
)

// MinSecretBytes is the shortest HS256 secret taken: shorter ones can be guessed from one token.
const MinSecretBytes = 32

// verificationKey checks signatures of one algorithm, which comes from the key and never from a token.
type verificationKey struct {
	id        string // its kid; "" for none
	algorithm jwa.SignatureAlgorithm
	material  any         // a public key, or the bytes of a shared secret
	seen      *seenTokens // nil for a secret, which is quicker than to remember
}

// errNoKeySet says that a document is no JWKS. The document is not told.
var errNoKeySet = errors.New("the JWKS file is not a JSON Web Key Set")

// secretKey makes a key of an HS256 secret.
func secretKey(secret health.Secret) (verificationKey, error) {
	if len(secret.Reveal()) < MinSecretBytes {
		return verificationKey{}, fmt.Errorf("the JWT secret needs at least %d bytes", MinSecretBytes)
	}
	return verificationKey{algorithm: jwa.HS256(), material: []byte(secret.Reveal())}, nil
}

// fileKeys takes the RSA, EC and Ed25519 keys of a JWKS, all or none: whoever wrote the file meant each of them. A symmetric
// key has no place in a file of public keys.
func fileKeys(jwks []byte) ([]verificationKey, error) {
	parsed, err := jwk.Parse(jwks)
	if err != nil {
		return nil, errNoKeySet
	}
	if parsed.Len() == 0 {
		return nil, errors.New("the JWKS file has no key")
	}
	var keys []verificationKey
	for i := range parsed.Len() {
		key, _ := parsed.Key(i)
		usable, err := publicKey(key)
		if err != nil {
			return nil, fmt.Errorf("key %d of the JWKS file: %w", i+1, err)
		}
		keys = append(keys, usable)
	}
	return keys, nil
}

// publicKey takes the public half of a key, with the algorithm that the key names, or else the usual one of its type. RSA keys
// of less than 2,048 bits are refused by jwk.
func publicKey(key jwk.Key) (verificationKey, error) {
	var material any
	public, err := key.PublicKey()
	if err == nil {
		err = jwk.Export(public, &material)
	}
	if err != nil {
		return verificationKey{}, errors.New("it can't be used")
	}
	allowed := algorithmsOf(material)
	if len(allowed) == 0 {
		return verificationKey{}, errors.New("only RSA, EC and Ed25519 keys are taken")
	}
	if use, ok := key.KeyUsage(); ok && use != jwk.ForSignature.String() {
		return verificationKey{}, errors.New("its use is not sig")
	}
	algorithm := allowed[0]
	if named, ok := key.Algorithm(); ok {
		if !slices.Contains(allowed, named.String()) {
			return verificationKey{}, fmt.Errorf("its algorithm must be one of %s", strings.Join(allowed, ", "))
		}
		algorithm = named.String()
	}
	signature, ok := jwa.LookupSignatureAlgorithm(algorithm)
	if !ok {
		return verificationKey{}, errors.New("its algorithm can't be used")
	}
	id, _ := key.KeyID()
	return verificationKey{id, signature, material, &seenTokens{}}, nil
}

// algorithmsOf are those that a public key of the type may be for, the usual one first. None is for secrets.
func algorithmsOf(material any) []string {
	switch key := material.(type) {
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		if algorithm, ok := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[key.Curve.Params().Name]; ok {
			return []string{algorithm}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// isSigned says whether one of the keys has signed the compact JWS, with the algorithm that the key is for and the header names.
// A header with crit or b64 is refused; keys that a header holds or points at are not looked at. What one of these very keys is known
// to have signed is not checked again.
func (v *Verifier) isSigned(token []byte, keys []verificationKey) bool {
	hash := sha256.Sum256(token)
	if slices.ContainsFunc(keys, func(key verificationKey) bool { return key.seen != nil && key.seen.has(hash) }) {
		return true
	}
	return slices.ContainsFunc(keys, func(key verificationKey) bool {
		if _, err := v.check(key.material, token, key.algorithm); err != nil {
			return false
		}
		if key.seen != nil {
			key.seen.add(hash)
		}
		return true
	})
}

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"sync"
	"time"
)

// issuer signs bearer tokens with RS256, as most identity providers do.
type issuer struct {
	key  *rsa.PrivateKey
	made sync.Map // subject → token
}

const (
	keyID    = "bench"
	audience = "healthgraph"
)

func newIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return &issuer{key: key}, err
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// jwks is the public key as the gateway reads it.
func (i *issuer) jwks() ([]byte, error) {
	return json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": keyID, "alg": "RS256", "use": "sig",
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
}

// token gives a subject's, always the same: a client keeps its own.
func (i *issuer) token(subject, scope string) (string, error) {
	if made, known := i.made.Load(subject); known {
		text, _ := made.(string) // nothing else is stored
		return text, nil
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": keyID})
	if err != nil {
		return "", err
	}
	now := time.Now()
	claims := map[string]any{"iss": "https://id.example", "sub": subject, "aud": audience, "iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix()}
	if scope != "" {
		claims["scope"] = scope
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encode(header) + "." + encode(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	token := signed + "." + encode(signature)
	i.made.Store(subject, token)
	return token, nil
}

package callers

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"healthgraph/health"
)

// The text of an API key is hgk_ID_SECRETCHECKSUM, in lower-case base32 (a to z, 2 to 7): 10 characters of id, which is no
// secret, 52 random ones (260 bits), and the CRC-32 of all before it in 7, by which a mistyped key is known.
const (
	apiKeyPrefix   = "hgk_"
	apiKeyIDChars  = 10
	secretChars    = 52
	checksumChars  = 7
	apiKeyChars    = len(apiKeyPrefix) + apiKeyIDChars + len("_") + secretChars + checksumChars
	base32Alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var base32Lower = base32.NewEncoding(base32Alphabet).WithPadding(base32.NoPadding)

// APIKey is what is kept of a service's key. A zero time is none.
type APIKey struct {
	ID            string
	Name          health.UserID // of the service, in people's access logs
	Scopes        []string
	Hash          health.Secret // SHA-256 of the key's text, 32 bytes. The text has 260 random bits: no slower hash is needed
	PreviousHash  health.Secret // of the text before a rotation; empty for none
	PreviousUntil time.Time     // when that stops working
	CreatedAt     time.Time
	ExpiresAt     time.Time
	RevokedAt     time.Time
	LastUsedAt    time.Time // within the hour
}

// NewAPIKey makes a key that can be stored, and its text, which can't be had again. The scopes must be known, and users:any
// among them: a service is nobody itself.
func NewAPIKey(name string, scopes []string, now time.Time) (APIKey, health.Secret, error) {
	subject, err := health.ParseUserID(name)
	if err != nil {
		return APIKey{}, health.Secret{}, errors.New("the name can't be used: " + health.AsError(err).Message)
	}
	if slices.ContainsFunc(scopes, func(scope string) bool { return !IsScope(scope) }) {
		return APIKey{}, health.Secret{}, errors.New("the scopes are " + strings.Join(append(slices.Clone(whatScopes), ScopeAnyUser), ", "))
	}
	if !slices.Contains(scopes, ScopeAnyUser) {
		return APIKey{}, health.Secret{}, errors.New("the scope " + ScopeAnyUser + " is missing: a service acts for people, and the other scopes say what it may do for them")
	}
	id := strings.ToLower(rand.Text()[:apiKeyIDChars])
	text, hash := newAPIKeyText(id)
	return APIKey{ID: id, Name: subject, Scopes: scopes, Hash: hash, CreatedAt: now}, text, nil
}

// Rotated gives the key with another text, and that text. The one before works until then, unless it is the zero time.
func (k APIKey) Rotated(until time.Time) (APIKey, health.Secret) {
	k.PreviousHash, k.PreviousUntil = health.Secret{}, until
	if !until.IsZero() {
		k.PreviousHash = k.Hash
	}
	var text health.Secret
	text, k.Hash = newAPIKeyText(k.ID)
	return k, text
}

// IsLive says whether the key works at that time: it is neither revoked nor expired.
func (k APIKey) IsLive(at time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || at.Before(k.ExpiresAt))
}

// IsRotating says whether the text before a rotation still works at that time.
func (k APIKey) IsRotating(at time.Time) bool {
	return k.IsLive(at) && !k.PreviousHash.IsEmpty() && at.Before(k.PreviousUntil)
}

// opens compares hashes in constant time.
func (k APIKey) opens(hash string, at time.Time) bool {
	same := func(h health.Secret) bool { return subtle.ConstantTimeCompare([]byte(h.Reveal()), []byte(hash)) == 1 }
	return k.IsLive(at) && (same(k.Hash) || (k.IsRotating(at) && same(k.PreviousHash)))
}

func newAPIKeyText(id string) (text, hash health.Secret) {
	body := apiKeyPrefix + id + "_" + strings.ToLower((rand.Text() + rand.Text())[:secretChars])
	whole := body + checksum(body)
	return health.NewSecret(whole), health.NewSecret(hashOf(whole))
}

func checksum(body string) string {
	return base32Lower.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return string(sum[:])
}

// parseAPIKey gives the id of a text that may be a key, which is whatever its checksum fits.
func parseAPIKey(text string) (id string, ok bool) {
	if len(text) != apiKeyChars || !strings.HasPrefix(text, apiKeyPrefix) {
		return "", false
	}
	body := text[:apiKeyChars-checksumChars]
	id, secret, _ := strings.Cut(strings.TrimPrefix(body, apiKeyPrefix), "_")
	foreign := func(r rune) bool { return !strings.ContainsRune(base32Alphabet, r) }
	if len(id) != apiKeyIDChars || strings.ContainsFunc(id+secret, foreign) || checksum(body) != text[len(body):] {
		return "", false
	}
	return id, true
}

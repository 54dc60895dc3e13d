package tokens

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"
)

// StableSealer seals the same bytes to the same bytes, with AES-SIV (RFC 5297): for ids, which have to be found again. Grants are
// sealed by a Sealer.
type StableSealer struct{ siv *subtle.AESSIV }

// NewStableSealer derives its key from another one, for one purpose.
func NewStableSealer(key []byte, purpose string) (StableSealer, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, purpose, subtle.AESSIVKeySize)
	if err != nil {
		return StableSealer{}, fmt.Errorf("derive a key: %w", err)
	}
	siv, err := subtle.NewAESSIV(derived)
	if err != nil {
		return StableSealer{}, fmt.Errorf("make a sealer: %w", err)
	}
	return StableSealer{siv}, nil
}

// Overhead is how much longer than the plain bytes the sealed ones are.
const Overhead = 16

// Seal gives the sealed bytes.
func (s StableSealer) Seal(plain []byte) []byte {
	sealed, err := s.siv.EncryptDeterministically(plain, nil)
	if err != nil { // of more bytes than there are
		panic(err)
	}
	return sealed
}

// Open gives the plain bytes, if Seal made the sealed ones.
func (s StableSealer) Open(sealed []byte) ([]byte, bool) {
	plain, err := s.siv.DecryptDeterministically(sealed, nil)
	return plain, err == nil
}

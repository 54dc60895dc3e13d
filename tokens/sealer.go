package tokens

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/tink"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Sealer encrypts with a Tink AEAD keyset. What it seals opens only for the same purpose and place. Safe for concurrent use,
// also while its keyset is replaced.
type Sealer struct{ aead *replaceable }

// NewSealer reads a keyset in clear. Its errors never repeat any of it.
func NewSealer(keysetJSON []byte) (*Sealer, error) {
	return Wrapping{}.NewSealer(keysetJSON)
}

// Replace takes another keyset, in the same form, in place of the one in use, and says how many keys it has. After an error
// the old one stays in use. A keyset that shares no key with it is refused: it would open nothing that is stored.
func (s *Sealer) Replace(keysetJSON []byte) (int, error) {
	current := s.aead.current.Load()
	next, err := current.kept.ReadKeyset(keysetJSON)
	if err != nil {
		return 0, err
	}
	if !next.shares(current) {
		return 0, errors.New("it has none of the keys in use, so that it is another keyset: restart to use it all the same")
	}
	s.aead.current.Store(next)
	return len(next.Keys()), nil
}

// replaceable is an AEAD whose keys can be replaced between two uses.
type replaceable struct{ current atomic.Pointer[Keyset] }

var _ tink.AEAD = (*replaceable)(nil)

// Encrypt encrypts under the primary key of the keyset in use.
func (r *replaceable) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return r.current.Load().aead.Encrypt(plaintext, associatedData)
}

// Decrypt decrypts under whichever key of the keyset in use fits.
func (r *replaceable) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return r.current.Load().aead.Decrypt(ciphertext, associatedData)
}

// errUnsealed says that bytes do not open: altered, moved to another row, or sealed under a keyset that is gone.
var errUnsealed = errors.New("sealed bytes do not open under this keyset")

// place binds sealed tokens to their row, so that a row copied to another person does not open.
func place(user health.UserID, connector, accountID string) []byte {
	bound, _ := json.Marshal([]string{"grant", connector, string(user), accountID}) // strings always encode
	return bound
}

type sealedTokens struct {
	Access  string `json:"a"`
	Refresh string `json:"r,omitempty"`
}

func (s *Sealer) sealGrant(user health.UserID, connector string, grant connectors.Grant) ([]byte, error) {
	plain, err := json.Marshal(sealedTokens{grant.AccessToken.Reveal(), grant.RefreshToken.Reveal()})
	if err != nil {
		return nil, errors.New("tokens can't be encoded")
	}
	sealed, err := s.aead.Encrypt(plain, place(user, connector, grant.AccountID))
	if err != nil {
		return nil, fmt.Errorf("seal a grant: %w", err)
	}
	return sealed, nil
}

func (s *Sealer) openGrant(r Record) (connectors.Grant, error) {
	plain, err := s.aead.Decrypt(r.Sealed, place(r.User, r.Connector, r.AccountID))
	if err != nil {
		return connectors.Grant{}, errUnsealed
	}
	var tokens sealedTokens
	if err := connectors.Unmarshal(plain, &tokens); err != nil {
		return connectors.Grant{}, errUnsealed
	}
	return connectors.Grant{
		AccountID:    r.AccountID,
		AccessToken:  health.NewSecret(tokens.Access),
		RefreshToken: health.NewSecret(tokens.Refresh),
		ExpiresAt:    r.ExpiresAt,
	}, nil
}

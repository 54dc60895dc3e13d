package tokens

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Sealer encrypts with a Tink AEAD keyset. What it seals opens only for the same purpose and place.
type Sealer struct{ aead tink.AEAD }

// WriteKeyset makes a new keyset (AES-256-GCM) and writes it in Tink's JSON form, in clear: whoever reads it can open
// every grant.
func WriteKeyset(w io.Writer) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a keyset: %w", err)
	}
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(w)); err != nil {
		return fmt.Errorf("write the keyset: %w", err)
	}
	return nil
}

// NewSealer reads a keyset that WriteKeyset made. Its errors never repeat any of it.
func NewSealer(keysetJSON []byte) (*Sealer, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(keysetJSON)))
	if err != nil {
		return nil, errors.New("it is not a Tink keyset in JSON: make one with `healthgraph keys create`")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, errors.New("its keys are not for AEAD: make a keyset with `healthgraph keys create`")
	}
	return &Sealer{primitive}, nil
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
	if err := json.Unmarshal(plain, &tokens); err != nil {
		return connectors.Grant{}, errUnsealed
	}
	return connectors.Grant{
		AccountID:    r.AccountID,
		AccessToken:  health.NewSecret(tokens.Access),
		RefreshToken: health.NewSecret(tokens.Refresh),
		ExpiresAt:    r.ExpiresAt,
	}, nil
}

package tokens

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"healthgraph/health"
)

// State is what a sealed state says: who began to link what, and where the browser was to come back to.
type State struct {
	User       health.UserID       `json:"u"`
	DataSource health.DataSourceID `json:"s"`
	ReturnURL  string              `json:"r"`
	ExpiresAt  time.Time           `json:"e"`
	Nonce      string              `json:"n"`
}

// StateLifetime is how long a person may take on the consent page.
const StateLifetime = 30 * time.Minute

// ErrState says that a text is not a state of ours, or was altered.
var ErrState = errors.New("not a state that this gateway made")

// maxStateBytes bounds what is worth decrypting.
const maxStateBytes = 16 << 10

var statePurpose = []byte("oauth state")

// MintState seals a new state, which writes nothing anywhere. The text is URL-safe.
func (k *Keeper) MintState(user health.UserID, source health.DataSourceID, returnURL string) (string, time.Time, error) {
	state := State{
		User: user, DataSource: source, ReturnURL: returnURL,
		ExpiresAt: k.now().Add(StateLifetime).UTC().Truncate(time.Second),
		Nonce:     rand.Text(),
	}
	plain, err := json.Marshal(state)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("encode a state: %w", err)
	}
	sealed, err := k.sealer.aead.Encrypt(plain, statePurpose)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("seal a state: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sealed), state.ExpiresAt, nil
}

// OpenState opens a sealed state, or gives ErrState. Whether it has expired or been spent is for the caller to ask.
func (k *Keeper) OpenState(text string) (State, error) {
	if len(text) > maxStateBytes {
		return State{}, ErrState
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return State{}, ErrState
	}
	plain, err := k.sealer.aead.Decrypt(sealed, statePurpose)
	if err != nil {
		return State{}, ErrState
	}
	var state State
	if err := json.Unmarshal(plain, &state); err != nil {
		return State{}, ErrState
	}
	return state, nil
}

// SpendState says whether this is the first use of the state.
func (k *Keeper) SpendState(ctx context.Context, state State) (bool, error) {
	return k.store.SpendState(ctx, state.Nonce, state.ExpiresAt, k.now())
}

package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// forgetAtOnce bounds how many expired nonces one call removes, so that none waits for long.
const forgetAtOnce = 1000

type spentStateRow struct {
	bun.BaseModel `bun:"table:spent_states,alias:spent_states"`

	Nonce     string    `bun:"nonce,pk"`
	ExpiresAt time.Time `bun:"expires_at"`
}

// SpendState remembers a nonce until expiresAt, and says whether this is the first time that it is seen. A first time also
// forgets up to 1,000 nonces that expired before now.
func (s *Store) SpendState(ctx context.Context, nonce string, expiresAt, now time.Time) (bool, error) {
	row := spentStateRow{Nonce: nonce, ExpiresAt: expiresAt}
	result, err := s.write.NewInsert().Model(&row).On("CONFLICT (nonce) DO NOTHING").Exec(ctx)
	rows, err := changed("spend a state", result, err)
	if err != nil || rows == 0 {
		return false, err
	}
	// The state is spent: that tidying failed is no reason to turn the person away. What stays is for the next call.
	_, _ = deleteOldest(s.write, (*spentStateRow)(nil), "nonce", "expires_at", now, forgetAtOnce).Exec(ctx)
	return true, nil
}

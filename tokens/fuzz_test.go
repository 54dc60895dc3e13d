package tokens_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/tokens"
)

// A state that comes back through a browser opens only as it was made.
func FuzzOpenState(f *testing.F) {
	var keyset bytes.Buffer
	require.NoError(f, tokens.WriteKeyset(&keyset))
	sealer, err := tokens.NewSealer(keyset.Bytes())
	require.NoError(f, err)
	keeper := tokens.NewKeeper(tokens.KeeperConfig{Sealer: sealer, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	good, _, err := keeper.MintState("person-1", "onetwentyone", "https://app.example/linked")
	require.NoError(f, err)
	for _, seed := range []string{good, good + "A", good[:len(good)-1], "", "A", "=", "-_-_", "\x00", "AAAAAAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		state, err := keeper.OpenState(text)
		if text == good {
			require.NoError(t, err)
			require.EqualValues(t, "person-1", state.User)
			return
		}
		require.ErrorIs(t, err, tokens.ErrState)
		require.Zero(t, state)
	})
}

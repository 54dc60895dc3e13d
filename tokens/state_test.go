package tokens_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
	"healthgraph/tokens"
)

func TestAStateSaysWhoBeganWhat(t *testing.T) {
	v := newVault(t)
	rapid.Check(t, func(r *rapid.T) {
		user := health.UserID(rapid.StringMatching(`[a-zé"\\ ]{1,60}`).Draw(r, "user"))
		page := rapid.StringMatching(`https://[a-z]{1,9}\.example/[a-z?&="]{0,300}`).Draw(r, "page")
		text, expires, err := v.MintState(user, "source", page)
		require.NoError(r, err)
		require.Regexp(r, `^[A-Za-z0-9_-]+$`, text, "fit for a URL")
		require.NotContains(r, text, string(user)+"\"")
		state, err := v.OpenState(text)
		require.NoError(r, err)
		require.Equal(r, tokens.State{User: user, DataSource: "source", ReturnURL: page, ExpiresAt: expires, Nonce: state.Nonce}, state)
		require.GreaterOrEqual(r, len(state.Nonce), 20)
	})
}

func TestAStateLastsHalfAnHour(t *testing.T) {
	v := newVault(t)
	_, expires, err := v.MintState("person-1", "source", "")
	require.NoError(t, err)
	assert.WithinDuration(t, v.clock.Now().Add(tokens.StateLifetime), expires, time.Second)
	assert.Equal(t, 30*time.Minute, tokens.StateLifetime)
}

func TestNoStateIsLikeAnother(t *testing.T) {
	v := newVault(t)
	texts, nonces := map[string]bool{}, map[string]bool{}
	for range 100 {
		text, _, err := v.MintState("person-1", "source", "")
		require.NoError(t, err)
		state, err := v.OpenState(text)
		require.NoError(t, err)
		texts[text], nonces[state.Nonce] = true, true
	}
	assert.Len(t, texts, 100)
	assert.Len(t, nonces, 100)
}

const urlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func TestAStateThatWasAlteredDoesNotOpen(t *testing.T) {
	v := newVault(t)
	text, _, err := v.MintState("person-1", "source", "https://app.example/back")
	require.NoError(t, err)
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	for i := range sealed {
		altered := append([]byte{}, sealed...)
		altered[i] ^= 1
		_, err := v.OpenState(base64.RawURLEncoding.EncodeToString(altered))
		require.ErrorIs(t, err, tokens.ErrState, "byte %d", i)
	}
	grant := v.link("person-1", time.Hour)
	for name, other := range map[string]string{
		"empty": "", "shorter": text[:len(text)-1], "longer": text + "A", "padded": text + "=", "spaces": " " + text, "other alphabet": "+/" + text[2:],
		"huge": strings.Repeat("A", 16<<10+1), "a sealed grant": base64.RawURLEncoding.EncodeToString(grant.Sealed), "in clear": base64.RawURLEncoding.EncodeToString([]byte(`{"u":"person-1"}`)),
	} {
		_, err := v.OpenState(other)
		require.ErrorIs(t, err, tokens.ErrState, name)
	}
	for i := range 3 { // of one length of three, the last letter has bits to spare: one state has one form
		text, _, err := v.MintState("person-1", "source", strings.Repeat("x", i))
		require.NoError(t, err)
		if len(text)%4 != 0 {
			last := strings.IndexByte(urlAlphabet, text[len(text)-1])
			_, err := v.OpenState(text[:len(text)-1] + string(urlAlphabet[last|1]))
			require.ErrorIs(t, err, tokens.ErrState)
		}
	}
	_, err = v.another(newKeyset(t)).OpenState(text)
	require.ErrorIs(t, err, tokens.ErrState, "another keyset's")
	_, err = v.another(v.keyset).OpenState(text)
	require.NoError(t, err, "another process's")
}

func TestTheLongestArgumentsMakeAStateThatOpens(t *testing.T) {
	v := newVault(t)
	text, _, err := v.MintState(health.UserID(strings.Repeat("é", 127)), "source", "https://app.example/"+strings.Repeat("x", health.MaxURLBytes-20))
	require.NoError(t, err)
	_, err = v.OpenState(text)
	assert.NoError(t, err)
}

func TestAStateIsSpentOnce(t *testing.T) {
	v := newVault(t)
	text, _, err := v.MintState("person-1", "source", "")
	require.NoError(t, err)
	state, err := v.OpenState(text)
	require.NoError(t, err)
	keepers := []*tokens.Keeper{v.Keeper, v.another(v.keyset)}
	var firsts atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			first, err := keepers[i%2].SpendState(t.Context(), state)
			assert.NoError(t, err)
			if first {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, firsts.Load())

	other, _, err := v.MintState("person-1", "source", "")
	require.NoError(t, err)
	state, err = v.OpenState(other)
	require.NoError(t, err)
	first, err := v.SpendState(t.Context(), state)
	require.NoError(t, err)
	assert.True(t, first, "another state is spent by itself")
}

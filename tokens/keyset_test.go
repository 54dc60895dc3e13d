package tokens_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/tokens"
)

// changed is the keyset after f, read and written as files are.
func changed(t *testing.T, keyset []byte, f func(*tokens.Keyset) error) []byte {
	t.Helper()
	keys, err := tokens.ReadKeyset(keyset)
	require.NoError(t, err)
	require.NoError(t, f(keys))
	var b bytes.Buffer
	require.NoError(t, keys.Write(&b))
	return b.Bytes()
}

func add(k *tokens.Keyset) error { _, err := k.Add(); return err }
func use(k *tokens.Keyset) error { _, err := k.UseNewest(); return err }

// retireOld removes all but the primary key.
func retireOld(k *tokens.Keyset) error {
	for _, key := range k.Keys() {
		if !key.Primary {
			if err := k.Retire(key.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// process is a second process whose keyset can be replaced.
type process struct {
	*tokens.Keeper
	sealer *tokens.Sealer
}

func (v *vault) process(keyset []byte) process {
	v.t.Helper()
	sealer, err := tokens.NewSealer(keyset)
	require.NoError(v.t, err)
	return process{tokens.NewKeeper(tokens.KeeperConfig{Store: v.store, Sealer: sealer, ShareAccounts: true, Now: v.clock.Now, Log: slog.New(slog.NewJSONHandler(v.log, nil))}), sealer}
}

func TestANewKeyWaitsUntilItIsUsedAndThePrimaryOneIsNeverRetired(t *testing.T) {
	keys, err := tokens.ReadKeyset(newKeyset(t))
	require.NoError(t, err)
	_, err = keys.UseNewest()
	require.ErrorIs(t, err, tokens.ErrNoneWaiting)
	first := keys.Keys()[0].ID
	passedOver, err := keys.Add()
	require.NoError(t, err)
	newest, err := keys.Add()
	require.NoError(t, err)
	assert.Equal(t, []tokens.Key{{first, true, false, "enabled"}, {passedOver, false, true, "enabled"}, {newest, false, true, "enabled"}}, keys.Keys())
	used, err := keys.UseNewest()
	require.NoError(t, err)
	assert.Equal(t, newest, used)
	assert.Equal(t, []tokens.Key{{first, false, false, "enabled"}, {passedOver, false, false, "enabled"}, {newest, true, false, "enabled"}}, keys.Keys())
	_, err = keys.UseNewest()
	require.ErrorIs(t, err, tokens.ErrNoneWaiting, "an old key is never gone back to")
	require.ErrorContains(t, keys.Retire(newest), "primary")
	require.NoError(t, keys.Retire(first))
	require.ErrorContains(t, keys.Retire(first), "no such key")
	assert.Len(t, keys.Keys(), 2)
}

func TestWhatIsToldOfAKeysetIsNoKey(t *testing.T) {
	keyset := changed(t, newKeyset(t), add)
	var content struct {
		Key []struct{ KeyData struct{ Value string } }
	}
	require.NoError(t, json.Unmarshal(keyset, &content))
	require.Len(t, content.Key, 2)
	keys, err := tokens.ReadKeyset(keyset)
	require.NoError(t, err)
	for _, key := range content.Key {
		require.NotEmpty(t, key.KeyData.Value)
		assert.NotContains(t, fmt.Sprintf("%+v", keys.Keys()), key.KeyData.Value)
	}
}

func TestAStateMintedBeforeARotationOpensUntilItsKeyIsRetired(t *testing.T) {
	v := newVault(t)
	p := v.process(v.keyset)
	state, _, err := p.MintState("person-1", "up", "https://app.example")
	require.NoError(t, err)
	keyset := v.keyset
	for _, step := range []func(*tokens.Keyset) error{add, use} {
		keyset = changed(t, keyset, step)
		_, err = p.sealer.Replace(keyset)
		require.NoError(t, err)
		opened, err := p.OpenState(state)
		require.NoError(t, err)
		assert.Equal(t, health.UserID("person-1"), opened.User)
	}
	_, err = p.sealer.Replace(changed(t, keyset, retireOld))
	require.NoError(t, err)
	_, err = p.OpenState(state)
	require.ErrorIs(t, err, tokens.ErrState)
}

func TestABrokenOrAnotherKeysetIsNotTakenInPlaceOfTheOneInUse(t *testing.T) {
	v := newVault(t)
	p := v.process(v.keyset)
	record := v.link("person-1", time.Hour)
	for name, bad := range map[string][]byte{"empty": nil, "text": []byte("canary"), "cut short": v.keyset[:len(v.keyset)/2], "another": newKeyset(t)} {
		_, err := p.sealer.Replace(bad)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), canary)
		assert.True(t, p.Opens(record), name)
	}
	n, err := p.sealer.Replace(changed(t, v.keyset, add))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.True(t, p.Opens(record))
}

func TestFiftyReadersNeverFailWhileTwoProcessesAreRotated(t *testing.T) {
	v := newVault(t)
	early, late := v.process(v.keyset), v.process(v.keyset)
	for i := range 5 {
		v.link(person(i), time.Hour)
	}
	var all sync.WaitGroup
	var stopped atomic.Bool
	var reads atomic.Int64
	for i := range 50 {
		mine, other := early, late
		if i%2 == 0 {
			mine, other = late, early
		}
		user := person(i % 5)
		all.Go(func() {
			for !stopped.Load() {
				records, err := mine.Grants(t.Context(), []health.UserID{user})
				if !assert.NoError(t, err) || !assert.Len(t, records, 1) {
					return
				}
				status, err := v.read(mine.Keeper, records[0])
				if !assert.NoError(t, err) || !assert.Equal(t, http.StatusOK, status) {
					return
				}
				state, _, err := other.MintState(user, "up", "https://app.example")
				assert.NoError(t, err)
				if _, err = mine.OpenState(state); !assert.NoError(t, err) {
					return
				}
				reads.Add(1)
			}
		})
	}
	someReads := func() {
		for before := reads.Load(); reads.Load() < before+50 && !t.Failed(); time.Sleep(time.Millisecond) {
		}
	}
	keyset := v.keyset
	for _, step := range []func(*tokens.Keyset) error{add, use} {
		keyset = changed(t, keyset, step)
		for _, p := range []process{early, late} {
			_, err := p.sealer.Replace(keyset)
			require.NoError(t, err)
			assert.NoError(t, p.Save(t.Context(), tokens.Linked{User: "person-0", Connector: "up", Grant: v.issue(time.Hour)}))
			someReads() // while the other process has not looked yet
		}
	}
	p, err := tokens.Reseal(t.Context(), v.store, early.sealer, func(tokens.ResealProgress) {})
	require.NoError(t, err)
	assert.Equal(t, tokens.ResealProgress{Total: 5, Done: 5, Resealed: 4, Skipped: 1}, p)
	someReads()
	stopped.Store(true)
	all.Wait()

	_, err = late.sealer.Replace(changed(t, keyset, retireOld))
	require.NoError(t, err)
	for i := range 5 {
		status, err := v.read(late.Keeper, v.record(person(i)))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)
	}
	v.assertSilent()
}

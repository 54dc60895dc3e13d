package tokens_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/tokens"
)

func TestWhatIsStoredTellsNoToken(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Hour)
	assert.NotContains(t, string(record.Sealed), canary)
	assert.NotContains(t, fmt.Sprintf("%+v", record), canary)
	again := v.link("person-1", time.Hour)
	assert.NotEqual(t, record.Sealed, again.Sealed)
	assert.Equal(t, record.Version+1, again.Version)
}

func TestASealedGrantOpensForItsOwnRowAlone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tokens.Record)
		opens  bool
	}{
		"as it was":              {func(*tokens.Record) {}, true},
		"other plain columns":    {func(r *tokens.Record) { r.TimeZone, r.Scopes, r.Version = "UTC", []string{"x"}, 7 }, true},
		"another person's":       {func(r *tokens.Record) { r.User = "person-3" }, false},
		"another connector's":    {func(r *tokens.Record) { r.Connector = "down" }, false},
		"another account's":      {func(r *tokens.Record) { r.AccountID = "account2" }, false},
		"a border moved":         {func(r *tokens.Record) { r.User, r.AccountID = "person-11", "ccount" }, false},
		"its first byte altered": {func(r *tokens.Record) { r.Sealed[0] ^= 1 }, false},
		"its middle altered":     {func(r *tokens.Record) { r.Sealed[len(r.Sealed)/2] ^= 1 }, false},
		"its last byte altered":  {func(r *tokens.Record) { r.Sealed[len(r.Sealed)-1] ^= 1 }, false},
		"cut short":              {func(r *tokens.Record) { r.Sealed = r.Sealed[:len(r.Sealed)-1] }, false},
		"empty":                  {func(r *tokens.Record) { r.Sealed = nil }, false},
		"a quote in the person":  {func(r *tokens.Record) { r.User = `first","x` }, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t)
			record := v.link("person-1", time.Hour)
			c.change(&record)
			status, err := v.read(v.Keeper, record)
			if c.opens {
				require.NoError(t, err)
				assert.Equal(t, 200, status)
				return
			}
			assert.Equal(t, health.ReauthorizationRequired, codeOf(err), "the person can link again")
			reads, refreshes := v.counts()
			assert.Equal(t, [2]int{0, 0}, [2]int{reads, refreshes}, "nothing was sent")
			assert.NotContains(t, health.AsError(err).Unwrap().Error(), canary)
			assert.False(t, v.record("person-1").Refused(), "which says nothing of the grant")
			v.assertSilent()
		})
	}
}

func TestAnotherKeysetOpensNothing(t *testing.T) {
	v := newVault(t)
	record := v.link("person-1", time.Hour)
	_, err := v.read(v.another(newKeyset(t)), record)
	assert.Equal(t, health.ReauthorizationRequired, codeOf(err))
	status, err := v.read(v.another(v.keyset), record)
	require.NoError(t, err)
	assert.Equal(t, 200, status)
}

func TestWhatIsNoKeysetIsRefusedWithoutBeingRepeated(t *testing.T) {
	good := newKeyset(t)
	_, err := tokens.NewSealer(good)
	require.NoError(t, err)
	for _, bad := range [][]byte{nil, []byte("canary"), []byte(`{"canary":1}`), good[:len(good)/2], []byte(`{"primaryKeyId":1,"key":[]}`)} {
		_, err := tokens.NewSealer(bad)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
		assert.ErrorContains(t, err, "healthgraph keys create")
	}
}

func TestEveryKeysetIsAnother(t *testing.T) {
	one, other := newKeyset(t), newKeyset(t)
	assert.NotEqual(t, one, other)
}

func TestForgettingSaysWhetherThereWasAGrant(t *testing.T) {
	v := newVault(t)
	v.link("person-1", time.Hour)
	v.link("person-2", time.Hour)
	for _, want := range []bool{true, false} {
		was, err := v.Forget(t.Context(), "person-1", "up", health.AccessEvent{})
		require.NoError(t, err)
		assert.Equal(t, want, was)
	}
	assert.Equal(t, health.UserID("person-2"), v.record("person-2").User)
}

func TestAProfileIsRememberedUnlessThePersonLinkedAgain(t *testing.T) {
	v := newVault(t)
	paris, err := health.ParseTimeZone("Europe/Paris")
	require.NoError(t, err)
	old := v.link("person-1", time.Hour)
	saved, err := v.SaveProfile(t.Context(), old, connectors.Profile{TimeZone: &paris, Scopes: []string{"steps"}})
	require.NoError(t, err)
	assert.Equal(t, "Europe/Paris", saved.TimeZone)
	assert.Equal(t, "Europe/Paris", v.record("person-1").TimeZone)
	assert.Equal(t, saved.Version, v.record("person-1").Version)

	v.link("person-1", time.Hour)
	saved, err = v.SaveProfile(t.Context(), old, connectors.Profile{TimeZone: &paris})
	require.NoError(t, err)
	assert.Equal(t, "Europe/Paris", saved.TimeZone, "good for the operation under way")
	assert.Empty(t, v.record("person-1").TimeZone, "but it was the old account's")

	require.NoError(t, v.Save(t.Context(), tokens.Linked{User: "person-2", Connector: "up", Grant: v.issue(time.Hour), Profile: &connectors.Profile{TimeZone: &paris}}))
	assert.Equal(t, "Europe/Paris", v.record("person-2").TimeZone)
	assert.Nil(t, v.record("person-2").Scopes, "not known is not none")
}

package tokens_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// onBoth runs the test with a vault on either database, and a process whose keyset has a newer primary key than the vault's.
func onBoth(t *testing.T, test func(t *testing.T, v *vault, rotated process)) {
	t.Helper()
	storetest.Both(t, func(t *testing.T, url string) {
		v := newVault(t)
		v.store = storetest.Open(t, store.Config{URL: url})
		v.keyset = changed(t, v.keyset, add)
		v.Keeper = v.another(v.keyset)
		test(t, v, v.process(changed(t, v.keyset, use)))
		v.assertSilent()
	})
}

// all is every grant, in order.
func (v *vault) all() []tokens.Record {
	v.t.Helper()
	records, err := v.store.GrantsAfter(v.t.Context(), "", "", 10000)
	require.NoError(v.t, err)
	return records
}

// newOnly is a process that has nothing but the new key.
func (v *vault) newOnly() process {
	v.t.Helper()
	keyset := changed(v.t, changed(v.t, v.keyset, use), retireOld)
	return v.process(keyset)
}

func reseal(t *testing.T, s tokens.Store, p process) tokens.ResealProgress {
	t.Helper()
	progress, err := tokens.Reseal(t.Context(), s, p.sealer, func(tokens.ResealProgress) {})
	require.NoError(t, err)
	return progress
}

// between does something before each write of a resealing.
type between struct {
	tokens.Store
	before func(tokens.Record)
}

func (b between) UpdateGrant(ctx context.Context, record tokens.Record, events ...health.AccessEvent) (bool, error) {
	b.before(record)
	return b.Store.UpdateGrant(ctx, record, events...)
}

func TestResealingChangesNothingButTheKeyAndTheSecondTimeNothingAtAll(t *testing.T) {
	onBoth(t, func(t *testing.T, v *vault, rotated process) {
		const people = 201 // more than a page
		for i := range people {
			v.link(person(i), time.Hour)
		}
		foreign := v.another(newKeyset(t))
		require.NoError(t, foreign.Save(t.Context(), tokens.Linked{User: "lost", Connector: "up", Grant: v.issue(time.Hour)}))
		require.NoError(t, rotated.Save(t.Context(), tokens.Linked{User: "new", Connector: "up", Grant: v.issue(time.Hour)}))
		damaged := v.record("new")
		damaged.Sealed[len(damaged.Sealed)-1] ^= 1
		require.NoError(t, v.store.PutGrant(t.Context(), damaged))

		before := v.all()
		var told []tokens.ResealProgress
		p, err := tokens.Reseal(t.Context(), v.store, rotated.sealer, func(p tokens.ResealProgress) { told = append(told, p) })
		require.NoError(t, err)
		assert.Equal(t, tokens.ResealProgress{Total: people + 2, Done: people + 2, Resealed: people, Skipped: 1, Unopenable: 1}, p, "what is done is not opened")
		require.Len(t, told, 2)
		assert.Equal(t, 200, told[0].Done)
		after, only := v.all(), v.newOnly()
		for i, r := range after {
			if r.User == "lost" || r.User == "new" {
				assert.Equal(t, before[i], r)
				continue
			}
			assert.NotEqual(t, before[i].Sealed, r.Sealed)
			assert.True(t, only.Opens(r))
			assert.Equal(t, before[i].Version+1, r.Version)
			r.Sealed = before[i].Sealed
			assertUnchanged(t, before[i], r)
		}
		status, err := v.read(only.Keeper, v.record(person(7)))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, status)

		assert.Equal(t, tokens.ResealProgress{Total: people + 2, Done: people + 2, Skipped: people + 1, Unopenable: 1}, reseal(t, v.store, rotated))
		assert.Equal(t, after, v.all())
	})
}

func TestResealingOverwritesNeitherANewLinkNorAnEndedOne(t *testing.T) {
	onBoth(t, func(t *testing.T, v *vault, rotated process) {
		for i := range 3 {
			v.link(person(i), time.Hour)
		}
		var once [3]sync.Once
		relinked := v.issue(2 * time.Hour)
		p := reseal(t, between{v.store, func(r tokens.Record) {
			switch r.User {
			case person(0): // in a process that has not heard of the new primary key
				once[0].Do(func() {
					assert.NoError(t, v.Save(t.Context(), tokens.Linked{User: r.User, Connector: "up", Grant: relinked}))
				})
			case person(1):
				once[1].Do(func() { _, err := v.Forget(t.Context(), r.User, "up", health.AccessEvent{}); assert.NoError(t, err) })
			default:
				once[2].Do(func() {
					assert.NoError(t, rotated.Save(t.Context(), tokens.Linked{User: r.User, Connector: "up", Grant: relinked}))
				})
			}
		}}, rotated)
		assert.Equal(t, tokens.ResealProgress{Total: 3, Done: 3, Resealed: 1, Skipped: 2}, p)
		require.Len(t, v.all(), 2)
		v.endAccess()
		v.access[relinked.AccessToken.Reveal()] = true
		only := v.newOnly()
		for _, r := range v.all() {
			status, err := v.read(only.Keeper, r)
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, status, "the new link's token")
		}
		_, refreshes := v.counts()
		assert.Zero(t, refreshes)
	})
}

func TestRenewalsAndTwoResealingsAtOnceLoseNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, v *vault, rotated process) {
		const people = 30
		var records []tokens.Record
		for i := range people {
			records = append(records, v.link(person(i), time.Minute)) // each is about to be renewed
		}
		var all sync.WaitGroup
		for _, r := range records {
			all.Go(func() {
				status, err := v.read(v.Keeper, r)
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, status)
			})
		}
		for range 2 {
			all.Go(func() { assert.Equal(t, people, reseal(t, v.store, rotated).Done) })
		}
		all.Wait()
		reseal(t, v.store, rotated) // what was renewed under the old key behind their backs
		only := v.newOnly()
		for _, r := range v.all() {
			status, err := v.read(only.Keeper, r) // renews it, where nobody did
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, status)
			assert.False(t, v.record(r.User).Refused())
			assert.Empty(t, v.record(r.User).Lease)
		}
		_, refreshes := v.counts()
		assert.Equal(t, people, refreshes, "each refresh token was used once, and what it gave was kept")
	})
}

func TestAnInterruptedResealingGoesOnWhereItWas(t *testing.T) {
	onBoth(t, func(t *testing.T, v *vault, rotated process) {
		for i := range 10 {
			v.link(person(i), time.Hour)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p, err := tokens.Reseal(ctx, between{v.store, func(r tokens.Record) {
			if r.User == person(4) {
				cancel()
			}
		}}, rotated.sealer, func(tokens.ResealProgress) {})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, tokens.ResealProgress{Total: 10, Done: 4, Resealed: 4}, p)
		for _, r := range v.all() {
			assert.True(t, rotated.Opens(r), "nothing is half done")
		}
		assert.Equal(t, tokens.ResealProgress{Total: 10, Done: 10, Resealed: 6, Skipped: 4}, reseal(t, v.store, rotated))
	})
}

package tokens_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// outcomes in short, for tables.
const (
	accepted = tokens.ImportAccepted
	known    = tokens.ImportKnown
	linked   = tokens.ImportLinked
	inUse    = tokens.ImportInUse
)

func keeperOf(v *vault, share bool) *tokens.Keeper {
	v.t.Helper()
	sealer, err := tokens.NewSealer(v.keyset)
	require.NoError(v.t, err)
	return tokens.NewKeeper(tokens.KeeperConfig{Store: v.store, Sealer: sealer, ShareAccounts: share, Now: v.clock.Now, Log: slog.New(slog.NewJSONHandler(v.log, nil))})
}

// old is a grant that another system held, by its refresh token.
func old(user, account, refresh string) tokens.Imported {
	return tokens.Imported{User: health.UserID(user), Grant: connectors.Grant{
		AccountID: account, RefreshToken: health.NewSecret(canary + refresh), ExpiresAt: time.Unix(0, 0).UTC(),
	}}
}

func personal(user, account, token string) tokens.Imported {
	return tokens.Imported{User: health.UserID(user), Grant: connectors.Grant{AccountID: account, AccessToken: health.NewSecret(canary + token)}}
}

func imported(t *testing.T, i *tokens.Importer, given ...tokens.Imported) []tokens.ImportOutcome {
	t.Helper()
	outcomes, err := i.Import(t.Context(), given)
	require.NoError(t, err)
	return outcomes
}

func TestTheOrderOfAnImportDecides(t *testing.T) {
	given := []tokens.Imported{
		old("p1", "a1", "r1"), old("p1", "a1", "r1"), old("p1", "a2", "r2"), old("p2", "a2", "r2"), old("p3", "a1", "r3"),
		personal("p3", "a3", "t3"), personal("p3", "a3", "t3"), personal("p3", "a3", "t4"), old("p3", "a3", "t3"), old("p4", "a3", "r4"), old("p4", "a4", "r4"),
	}
	for share, want := range map[bool][]tokens.ImportOutcome{
		false: {accepted, known, linked, accepted, inUse, accepted, known, linked, linked, inUse, accepted},
		true:  {accepted, known, linked, accepted, accepted, linked, linked, linked, linked, accepted, linked},
	} {
		for _, batch := range []int{1, 3, len(given)} {
			v := newVault(t)
			for _, rehearse := range []bool{true, false} {
				i := keeperOf(v, share).NewImporter("up", rehearse)
				var outcomes []tokens.ImportOutcome
				for chunk := range slices.Chunk(given, batch) {
					outcomes = append(outcomes, imported(t, i, chunk...)...)
				}
				assert.Equal(t, want, outcomes, "shared %v, in batches of %d, rehearsed %v", share, batch, rehearse)
				stored, err := v.store.CountGrants(t.Context())
				require.NoError(t, err)
				assert.Equal(t, rehearse, stored == 0, "a rehearsal stores nothing")
			}
			v.assertSilent()
		}
	}
}

func TestAnImportedGrantIsRenewedBeforeItsFirstUse(t *testing.T) {
	v := newVault(t)
	i := keeperOf(v, false).NewImporter("up", false)
	held := v.issue(time.Hour)
	one := tokens.Imported{User: "p1", Grant: connectors.Grant{AccountID: held.AccountID, RefreshToken: held.RefreshToken, ExpiresAt: time.Unix(0, 0).UTC()}}
	assert.Equal(t, []tokens.ImportOutcome{accepted}, imported(t, i, one))
	record := v.record("p1")
	assert.True(t, record.VerifiedAt.IsZero())
	log, err := v.store.AccessEvents(t.Context(), "p1", health.AccessEvent{}, 10)
	require.NoError(t, err)
	require.Len(t, log, 1)
	assert.Equal(t, health.AccessImported, log[0].Action)
	assert.Equal(t, health.Actor{Kind: health.ActorOperator}, log[0].Actor)

	status, err := v.read(v.Keeper, record)
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, 1, v.refreshes)
	again := v.record("p1")
	assert.Equal(t, []tokens.ImportOutcome{linked}, imported(t, i, one), "its refresh token was good for one use")
	assert.Equal(t, again, v.record("p1"), "and the newer one stays")
	v.assertSilent()
}

func TestAPersonalTokenIsNeverRenewed(t *testing.T) {
	v := newVault(t)
	i := keeperOf(v, false).NewImporter("up", false)
	held := v.issue(time.Hour)
	one := tokens.Imported{User: "p1", Grant: connectors.Grant{AccountID: held.AccountID, AccessToken: held.AccessToken}}
	imported(t, i, one)
	v.clock.advance(1000 * time.Hour)
	status, err := v.read(v.Keeper, v.record("p1"))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	v.endAccess()
	status, err = v.read(v.Keeper, v.record("p1"))
	require.NoError(t, err)
	assert.Equal(t, 401, status)
	assert.True(t, v.record("p1").Refused())
	assert.Zero(t, v.refreshes)
	assert.Equal(t, []tokens.ImportOutcome{known}, imported(t, i, one), "refused or not")
	assert.True(t, v.record("p1").Refused())
}

func TestAnImportOverwritesNoLinkThatItCanNotOpenEither(t *testing.T) {
	v := newVault(t)
	one := old("p1", "a1", "r1")
	imported(t, v.another(newKeyset(t)).NewImporter("up", false), one)
	before := v.record("p1")
	assert.Equal(t, []tokens.ImportOutcome{linked}, imported(t, keeperOf(v, false).NewImporter("up", false), one))
	assert.Equal(t, before, v.record("p1"))
	assert.Equal(t, []tokens.ImportOutcome{accepted}, imported(t, keeperOf(v, false).NewImporter("elsewhere", false), one), "another upstream is another matter")
}

func TestAnInterruptedImportGoesOnWhenItIsRunAgain(t *testing.T) {
	v := newVault(t)
	given := []tokens.Imported{old("p1", "a1", "r1"), old("p2", "a2", "r2"), old("p2", "a3", "r3"), old("p3", "a1", "r4"), old("p3", "a3", "r5"), old("p4", "a4", "r6")}
	url := storetest.SQLite(t)
	v.store = storetest.Open(t, store.Config{URL: url})
	db := storetest.DB(t, url)
	_, err := db.ExecContext(t.Context(), "CREATE TRIGGER full BEFORE INSERT ON access_log WHEN new.person = 'p3' BEGIN SELECT RAISE(ABORT, 'canary'); END")
	require.NoError(t, err)
	i := keeperOf(v, false).NewImporter("up", false)
	outcomes, err := i.Import(t.Context(), given)
	require.Error(t, err)
	assert.Equal(t, []tokens.ImportOutcome{accepted, accepted, linked, inUse}, outcomes, "as far as it came")
	records, err := v.Grants(t.Context(), []health.UserID{"p3"})
	require.NoError(t, err)
	assert.Empty(t, records, "a grant and its line in the access log are one")
	_, err = db.ExecContext(t.Context(), "DROP TRIGGER full")
	require.NoError(t, err)

	assert.Equal(t, []tokens.ImportOutcome{known, known, linked, inUse, accepted, known}, imported(t, i, given...))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes, err = i.Import(ended, given)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, outcomes)
}

func TestImportsAtOnceStoreEachGrantOnce(t *testing.T) {
	v := newVault(t)
	var given []tokens.Imported
	for n := range 300 {
		given = append(given, old(fmt.Sprintf("p%03d", n), fmt.Sprintf("a%03d", n*7%300), "r"))
	}
	counts := make([]map[tokens.ImportOutcome]int, 4)
	var all sync.WaitGroup
	for n := range counts {
		all.Go(func() {
			mine := slices.Clone(given)
			if n%2 == 1 {
				slices.Reverse(mine)
			}
			counts[n] = map[tokens.ImportOutcome]int{}
			i := keeperOf(v, false).NewImporter("up", false)
			for chunk := range slices.Chunk(mine, 50) {
				outcomes, err := i.Import(t.Context(), chunk)
				assert.NoError(t, err)
				for _, o := range outcomes {
					counts[n][o]++
				}
			}
		})
	}
	all.Wait()
	sum := 0
	for _, count := range counts {
		assert.Equal(t, len(given), count[accepted]+count[known])
		sum += count[accepted]
	}
	assert.Equal(t, len(given), sum)
}

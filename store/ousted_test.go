package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/store"
	"healthgraph/store/storetest"
	"healthgraph/tokens"
)

// Whoever loses an account to another's proof does not ask for it, so somebody has to say it.
func TestWhoIsOustedIsTold(t *testing.T) {
	var told []string
	s := storetest.Open(t, store.Config{URL: storetest.SQLite(t), OnOusted: func(user health.UserID, connector string) {
		told = append(told, string(user)+" "+connector)
	}})
	grant := tokens.Record{User: "person-1", Connector: "onetwentyone", AccountID: "account", Sealed: []byte("sealed"), ConnectedAt: time.Now().UTC()}
	require.NoError(t, s.PutGrant(t.Context(), grant))
	grant.User = "person-2"
	require.ErrorIs(t, s.PutGrant(t.Context(), grant), tokens.ErrAccountInUse)
	assert.Empty(t, told, "nothing happened")
	grant.VerifiedAt = time.Now().UTC()
	require.NoError(t, s.PutGrant(t.Context(), grant))
	assert.Equal(t, []string{"person-1 onetwentyone"}, told)
}

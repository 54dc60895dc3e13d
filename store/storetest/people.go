package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

func personDeleted(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	both := []health.UserID{"person-1", "person-2"}
	for _, user := range both {
		require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{{User: user, Connector: "rook", ID: "id of " + string(user)}}))
		_, err := s.PutLinks(ctx, []gateway.LinkRecord{link(user, "oura"), link(user, "fitbit")})
		require.NoError(t, err)
		require.NoError(t, s.PutGrant(ctx, grant(user), event(user, noon)))
		require.NoError(t, s.KeepDays(ctx, newDays([]health.DataSourceID{"oura"}, keptDay(user, "2026-03-01", 1, noon))))
	}
	deleted, err := s.DeletePerson(ctx, "person-1", event("link_hash", noon))
	require.NoError(t, err)
	assert.Equal(t, 6, deleted)
	assert.Empty(t, kept(t, s, allDays, "person-1"))
	assert.Len(t, kept(t, s, allDays, "person-2"), 1)
	assert.Empty(t, accessLog(t, s, "person-1"))
	assert.Len(t, accessLog(t, s, "person-2"), 1)
	assert.Len(t, accessLog(t, s, "link_hash"), 1, "the receipt, which names nobody")

	ids, err := s.UpstreamIDs(ctx, both)
	require.NoError(t, err)
	assert.Len(t, ids, 1)
	links, err := s.Links(ctx, both)
	require.NoError(t, err)
	assert.Len(t, links, 2)
	grants, err := s.Grants(ctx, both)
	require.NoError(t, err)
	require.Len(t, grants, 1)
	assert.Equal(t, health.UserID("person-2"), grants[0].User, "nobody else's")

	deleted, err = s.DeletePerson(ctx, "person-1", event("link_hash", noon))
	require.NoError(t, err)
	assert.Zero(t, deleted, "again")
}

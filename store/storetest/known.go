package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

// known is what the three single reads give, whatever is in it.
func known(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	full := link("person-1", "oura")
	at := noon
	for _, field := range []*time.Time{&full.ConnectedAt, &full.CheckedAt, &full.PendingSince, &full.RevokedAt, &full.LateDataUntil} {
		at = at.Add(time.Minute) // no two are alike
		*field = at
	}
	put(t, s, 4, full, link("person-1", "fitbit"), link("person-2", "oura"), link("person-3", "oura"))
	require.NoError(t, s.NoteData(ctx, []gateway.DataNote{{User: "person-1", DataSource: "oura", Latest: noon.Add(-time.Hour), CheckedAt: noon.Add(-time.Minute)}}))
	require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{{User: "person-1", Connector: "rook", ID: "hg-1", TimeZone: "Asia/Tokyo", ZoneDueAt: noon}, {User: "person-2", Connector: "rook", ID: "hg-2"}}))
	whole, bare := grant("person-1"), grant("person-2")
	whole.RefusedAt, whole.VerifiedAt, whole.Shared, whole.Lease, whole.LeaseUntil = noon.Add(2*time.Minute), noon.Add(3*time.Minute), true, "holder", noon.Add(4*time.Minute)
	bare.Scopes, bare.Sealed, bare.TimeZone, bare.ExpiresAt = nil, []byte{9}, "", time.Time{}
	require.NoError(t, s.PutGrant(ctx, whole))
	require.NoError(t, s.PutGrant(ctx, bare))

	for _, users := range [][]health.UserID{nil, {"nobody"}, {"person-1"}, {"person-2"}, {"person-1", "person-2"}, append(manyUsers(), "person-1", "person-2")} {
		links, err := s.Links(ctx, users)
		require.NoError(t, err)
		ids, err := s.UpstreamIDs(ctx, users)
		require.NoError(t, err)
		grants, err := s.Grants(ctx, users)
		require.NoError(t, err)
		got, err := s.Known(ctx, users)
		require.NoError(t, err)
		assert.ElementsMatch(t, links, got.Links)
		assert.ElementsMatch(t, ids, got.UpstreamIDs)
		assert.ElementsMatch(t, grants, got.Grants)
	}
	all, err := s.Known(ctx, []health.UserID{"person-1", "person-2", "person-3"})
	require.NoError(t, err)
	assert.Equal(t, []int{4, 2, 2}, []int{len(all.Links), len(all.UpstreamIDs), len(all.Grants)})
}

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

// zones stand with the id that they were told of, beside a link, and end with it.
func zones(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	first := gateway.UpstreamID{User: "person-1", Connector: "rook", ID: "1"}
	other := gateway.UpstreamID{User: "person-1", Connector: "other", ID: "1"}
	second := gateway.UpstreamID{User: "person-2", Connector: "rook", ID: "2"}
	all := func(want ...gateway.UpstreamID) {
		t.Helper()
		got, err := s.UpstreamIDs(ctx, []health.UserID{"person-1", "person-2"})
		require.NoError(t, err)
		assert.ElementsMatch(t, want, got)
	}
	require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{first, other}))
	all(first, other)

	require.NoError(t, s.NoteZone(ctx, second))
	all(first, other)
	put(t, s, 2, link("person-1", "oura"), link("person-2", "oura"))
	second.TimeZone, second.ZoneDueAt = "Europe/Paris", noon
	require.NoError(t, s.NoteZone(ctx, second), "an id that was not written")
	all(first, other, second)
	taken := gateway.UpstreamID{User: "person-2", Connector: "rook", ID: first.ID}
	require.NoError(t, s.NoteZone(ctx, taken), "another id than the one that is kept")
	all(first, other, second)

	first.TimeZone, first.ZoneDueAt = "Asia/Tokyo", noon.Add(time.Hour)
	require.NoError(t, s.NoteZone(ctx, first))
	all(first, other, second)
	first.TimeZone, first.ZoneDueAt = "", noon.Add(2*time.Hour)
	require.NoError(t, s.NoteZone(ctx, first), "none is an answer")
	all(first, other, second)
	require.NoError(t, s.AddUpstreamIDs(ctx, []gateway.UpstreamID{{User: "person-1", Connector: "rook", ID: "1"}}), "what is there stays")
	all(first, other, second)

	elsewhere := first
	elsewhere.ID, elsewhere.TimeZone = "3", "Europe/Paris"
	require.NoError(t, s.NoteZone(ctx, elsewhere))
	all(first, other, second)

	_, err := s.DeletePerson(ctx, "person-1", event("link_hash", noon))
	require.NoError(t, err)
	require.NoError(t, s.NoteZone(ctx, first), "a read that ends late brings nobody back")
	all(second)
}

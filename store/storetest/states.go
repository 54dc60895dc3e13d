package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/gateway"
	"healthgraph/health"
	"healthgraph/store"
)

func spend(t *testing.T, s *store.Store, nonce string, expiresAt, now time.Time) bool {
	t.Helper()
	first, err := s.SpendState(t.Context(), nonce, expiresAt, now)
	require.NoError(t, err)
	return first
}

func spentStates(t *testing.T, s *store.Store) {
	t.Helper()
	later := noon.Add(10 * time.Minute)
	assert.True(t, spend(t, s, "a", later, noon))
	assert.False(t, spend(t, s, "a", later, noon))
	assert.False(t, spend(t, s, "a", later.Add(time.Hour), noon))
	assert.True(t, spend(t, s, "A", later.Add(time.Hour), noon))

	assert.True(t, spend(t, s, "b", later.Add(time.Hour), later), "not forgotten at the instant itself")
	assert.False(t, spend(t, s, "a", later, later))
	assert.True(t, spend(t, s, "c", later.Add(time.Hour), later.Add(time.Microsecond)))
	assert.True(t, spend(t, s, "a", later, later), "forgotten after it expired")
	assert.False(t, spend(t, s, "A", later, later), "each at its own time")
}

func spentStatesRaced(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	for i := range 3 {
		var first atomic.Int64
		nonce := fmt.Sprint("nonce ", i)
		race(func(int) {
			did, err := s.SpendState(ctx, nonce, noon, noon.Add(-time.Minute))
			assert.NoError(t, err)
			if did {
				first.Add(1)
			}
		})
		assert.EqualValues(t, 1, first.Load())
	}
	// Different ones at once, each of which forgets what expired.
	race(func(i int) {
		did, err := s.SpendState(ctx, strconv.Itoa(i), noon.Add(time.Hour), noon.Add(time.Minute))
		assert.NoError(t, err)
		assert.True(t, did)
	})
}

func dataSources(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.AddDataSources(ctx, nil))
	none, err := s.DataSources(ctx)
	require.NoError(t, err)
	assert.Empty(t, none)

	logo := health.URL("https://logos.example/withings.svg?a=1&b='2'")
	withings := health.DataSource{ID: "withings", Name: "Withings", Connector: "rook", Kind: health.KindBrowser, LogoURL: &logo}
	dexcom := health.DataSource{ID: "dexcom", Name: "Dexcom ‘G7’", Connector: "rook", Kind: health.KindSDK}
	require.NoError(t, s.AddDataSources(ctx, []health.DataSource{withings}))
	changed := withings
	changed.Name, changed.Connector = "Other", "other"
	dexcomToo := dexcom
	dexcomToo.Name = "Other"
	require.NoError(t, s.AddDataSources(ctx, []health.DataSource{changed, dexcom, dexcomToo}))
	got, err := s.DataSources(ctx)
	require.NoError(t, err)
	assert.Equal(t, []health.DataSource{dexcom, withings}, got)

	race(func(i int) {
		a, b := health.DataSource{ID: "a"}, health.DataSource{ID: "b"}
		if i%2 == 0 {
			a, b = b, a
		}
		assert.NoError(t, s.AddDataSources(ctx, []health.DataSource{a, b}))
	})
	got, err = s.DataSources(ctx)
	require.NoError(t, err)
	assert.Len(t, got, 4)
}

func linkKey(t *testing.T, s *store.Store) {
	t.Helper()
	key, err := s.LinkKey(t.Context())
	require.NoError(t, err)
	assert.Len(t, key, 32)
	assert.NotEqual(t, make([]byte, 32), key)
	again, err := s.LinkKey(t.Context())
	require.NoError(t, err)
	assert.Equal(t, key, again)
}

func endedContext(t *testing.T, s *store.Store) {
	t.Helper()
	require.NoError(t, s.Ping(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Ping":           func() error { return s.Ping(ctx) },
		"UpstreamIDs":    func() error { _, err := s.UpstreamIDs(ctx, []health.UserID{"person-1"}); return err },
		"AddUpstreamIDs": func() error { return s.AddUpstreamIDs(ctx, []gateway.UpstreamID{{User: "person-1"}}) },
		"Links":          func() error { _, err := s.Links(ctx, []health.UserID{"person-1"}); return err },
		"Link":           func() error { _, err := s.LinksByID(ctx, []health.LinkID{"link_1"}); return err },
		"PutLinks":       func() error { _, err := s.PutLinks(ctx, []gateway.LinkRecord{link("person-1", "oura")}); return err },
		"NoteData": func() error {
			return s.NoteData(ctx, []gateway.DataNote{{User: "person-1", DataSource: "oura", Latest: noon, CheckedAt: noon}})
		},
		"Known":              func() error { _, err := s.Known(ctx, []health.UserID{"person-1"}); return err },
		"Grants":             func() error { _, err := s.Grants(ctx, []health.UserID{"person-1"}); return err },
		"PutGrant":           func() error { return s.PutGrant(ctx, grant("person-1")) },
		"UpdateGrant":        func() error { _, err := s.UpdateGrant(ctx, grant("person-1")); return err },
		"DeleteGrant":        func() error { _, err := s.DeleteGrant(ctx, "person-1", "rook"); return err },
		"Due":                func() error { _, err := s.Due(ctx, gateway.Due{}, true, 1); return err },
		"CountDue":           func() error { _, err := s.CountDue(ctx, gateway.Due{}, false); return err },
		"DropGrant":          func() error { _, err := s.DropGrant(ctx, grant("person-1")); return err },
		"TakeLease":          func() error { _, _, err := s.TakeLease(ctx, "work", "one", noon, noon); return err },
		"KeepLease":          func() error { _, err := s.KeepLease(ctx, "work", "one", "", noon); return err },
		"AddAccessEvents":    func() error { return s.AddAccessEvents(ctx, []health.AccessEvent{event("person-1", noon)}) },
		"AccessEvents":       func() error { _, err := s.AccessEvents(ctx, "person-1", health.AccessEvent{}, 1); return err },
		"ForgetAccessEvents": func() error { _, err := s.ForgetAccessEvents(ctx, noon, 1); return err },
		"DeletePerson":       func() error { _, err := s.DeletePerson(ctx, "person-1", event("link_hash", noon)); return err },
		"SpendState":         func() error { _, err := s.SpendState(ctx, "nonce", noon, noon); return err },
		"DataSources":        func() error { _, err := s.DataSources(ctx); return err },
		"AddDataSources":     func() error { return s.AddDataSources(ctx, []health.DataSource{{ID: "oura"}}) },
		"AddAPIKey":          func() error { return s.AddAPIKey(ctx, apiKey("aaaaaaaaaa")) },
		"APIKeys":            func() error { _, err := s.APIKeys(ctx); return err },
		"LiveAPIKeys":        func() error { _, err := s.LiveAPIKeys(ctx, noon); return err },
		"RotateAPIKey":       func() error { _, err := s.RotateAPIKey(ctx, apiKey("a"), apiKey("a")); return err },
		"RevokeAPIKey":       func() error { _, err := s.RevokeAPIKey(ctx, "aaaaaaaaaa", noon); return err },
		"NoteAPIKeyUse":      func() error { return s.NoteAPIKeyUse(ctx, "aaaaaaaaaa", noon, noon) },
		"LinkKey":            func() error { _, err := s.LinkKey(ctx); return err },
	} {
		assert.ErrorIs(t, call(), context.Canceled, name)
	}
	assert.Empty(t, stored(t, s, "person-1"))
}

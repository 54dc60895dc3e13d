package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// fragile is a connector that panics at an answer that nobody thought of.
type fragile struct{ broken atomic.Bool }

func (*fragile) Describe() connectors.Description {
	return connectors.Description{ID: "fragile", Name: "Fragile", DataSources: []health.DataSource{beltClip}}
}

func (*fragile) AcceptsID(string) bool { return true }

func (f *fragile) ReadLinks(_ context.Context, accounts []connectors.Account) []connectors.LinksResult {
	if f.broken.Load() {
		panic("canary")
	}
	results := make([]connectors.LinksResult, len(accounts))
	for i := range results {
		results[i] = connectors.LinksResult{Links: []connectors.LinkState{{DataSource: beltClip, Connected: true}}}
	}
	return results
}

// TestAConnectorThatPanicsInTheBackgroundEndsARoundAlone ends the test's process where it ends more.
func TestAConnectorThatPanicsInTheBackgroundEndsARoundAlone(t *testing.T) {
	f := &fragile{}
	w := newWorld(t, worldOptions{
		change:  func(s *settings) { s.ReconcilePerHour, s.ReconcileAfter = 3_600_000, 24*time.Hour },
		options: func(o *options) { o.more = append(o.more, f) },
	})
	w.links("demo")
	w.aDayLater()
	f.broken.Store(true)
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		background{w.app, w.settings, slog.New(slog.NewJSONHandler(w.log, nil)), time.Millisecond}.run(ctx)
	})
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), `"connector":"fragile"`) }, 10*time.Second, time.Millisecond)
	f.broken.Store(false)
	w.clock.Freeze(today.Add(26 * time.Hour)) // its lease has ended, as that of a process that died
	require.Eventually(t, func() bool {
		return strings.Contains(w.log.String(), `"msg":"links were reconciled","connector":"fragile"`)
	}, 10*time.Second, time.Millisecond, "the next round")
	stop()
	work.Wait()
	require.Contains(t, w.log.String(), "a panic of type string")
	require.NotContains(t, w.log.String(), "canary")
}

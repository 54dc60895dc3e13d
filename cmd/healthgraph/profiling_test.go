package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProfilesAreForThisMachineAlone(t *testing.T) {
	for address, good := range map[string]bool{
		"": true, "127.0.0.1:6060": true, "[::1]:0": true,
		":6060": false, "0.0.0.0:6060": false, "192.0.2.1:6060": false, "localhost:6060": false, "127.0.0.1": false, "profiles": false,
	} {
		var c complaints
		(&profilingSettings{ProfilingListen: address}).complain(&c)
		assert.Equal(t, good, len(c) == 0, address)
	}
}

func TestProfiles(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	listener, err := listen(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { profiling(ctx, listener, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() { stop(); serving.Wait() })
	own := listener.Addr().String()
	for path, hosts := range map[string]map[string]int{
		"/debug/pprof/heap":              {own: 200, "rebound.example": 421},
		"/debug/pprof/profile?seconds=1": {own: 200, "rebound.example": 421},
		"/debug/pprof/cmdline":           {own: 404}, // it can hold secrets
		"/graphql":                       {own: 404},
	} {
		for host, status := range hosts {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+own+path, http.NoBody)
			require.NoError(t, err)
			request.Host = host
			answer, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			assert.Equal(t, status, answer.StatusCode, "%s of %s", path, host)
		}
	}
}

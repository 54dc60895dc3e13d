package connectors_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
	"healthgraph/simulators"
)

func TestNobodyWaitsForAnUpstreamThatAnswersNobody(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 2, MaxWaiting: 10, Timeout: 4 * time.Second})
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 10_000})
	var all sync.WaitGroup
	began := time.Now()
	for range 2 {
		all.Go(func() { assert.Equal(t, health.UpstreamUnavailable, code(p.ask(t.Context(), "GET", "data"))) })
	}
	require.Eventually(t, func() bool { return p.control.Calls().PeakInFlight == 2 }, time.Second, time.Millisecond)
	var waiting sync.WaitGroup
	for range 5 {
		waiting.Go(func() {
			e := p.ask(t.Context(), "GET", "data")
			assert.Equal(t, health.UpstreamUnavailable, code(e))
			assert.Contains(t, e.Message, "answered nobody")
			assert.Equal(t, time.Second, e.RetryAfter)
		})
	}
	waiting.Wait()
	took := time.Since(began)
	assert.GreaterOrEqual(t, took, 2*time.Second)
	assert.Less(t, took, 3900*time.Millisecond, "long before the two are over")
	assert.Contains(t, p.ask(t.Context(), "GET", "data").Message, "answered nobody", "and nobody begins to wait")
	assert.Less(t, time.Since(began), 3900*time.Millisecond)
	all.Wait()
	assert.Equal(t, 2, p.control.Calls().Total)
	p.fault()
	assert.Nil(t, p.ask(t.Context(), "GET", "data"))
}

// One that is slow, and answers, is waited for: here for twice as long as nothing at all may come.
func TestASlowUpstreamIsWaitedFor(t *testing.T) {
	p := newPaper(t, connectors.ClientConfig{MaxInFlight: 1, MaxWaiting: 10, Timeout: 4 * time.Second})
	p.fault(simulators.Fault{Route: "*", Kind: simulators.KindSlow, DelayMs: 650})
	var all sync.WaitGroup
	for range 7 {
		all.Go(func() { assert.Nil(t, p.ask(t.Context(), "GET", "data")) })
	}
	all.Wait()
	assert.Equal(t, 7, p.control.Calls().Total)
}

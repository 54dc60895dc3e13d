package connectors

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

const (
	breakerWindow = 10 * time.Second // over which failures are counted
	breakerShare  = 0.5              // of the calls in it that fail
	breakerJitter = 0.2              // of the pause, so that replicas do not come back in step
)

// verdict is what an attempt says of the part of the upstream that it was made to.
type verdict int

const (
	saysNothing verdict = iota // the caller left, or the attempt failed on our side
	isWell                     // it answered, whatever it said of the request
	hasFailed                  // 5xx, no answer in time, the connection lost or refused
)

// breaker leaves one part of an upstream in peace after it failed too often, and then lets one call at a time find out whether
// it is back. It is failsafe-go's circuit breaker with one thing more: the result of a call that began before the state last
// changed is not counted, since a probe and a call that hung from before would otherwise be taken for each other.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]

	mu    sync.Mutex // held during every use of circuit
	epoch int        // counts its changes of state
}

func newBreaker(config ClientConfig, part string) *breaker {
	b := &breaker{}
	log := config.Log.With("upstream", config.Upstream, "part", part)
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(breakerShare, uint(config.BreakAfter), breakerWindow). //nolint:gosec // not negative
		WithSuccessThreshold(1).
		WithDelay(config.BreakFor).WithJitterFactor(breakerJitter).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			b.epoch++
			switch {
			case e.OldState == circuitbreaker.ClosedState:
				log.Warn("an upstream fails too often and is left in peace for moments", "calls", e.Metrics().Executions(), "failed", e.Metrics().Failures())
			case e.NewState == circuitbreaker.ClosedState:
				log.Info("an upstream that was left in peace answers again")
			}
		}).Build()
	return b
}

// refuses says for how long no call is to be made; 0 when one may be tried.
func (b *breaker) refuses() time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.circuit.RemainingDelay()
}

// probeTime is when to ask again while another call finds out whether the upstream is back.
const probeTime = time.Second

// permit lets a call be made, whose verdict is then told to record with the epoch, exactly once; or says how long to wait.
func (b *breaker) permit() (epoch int, wait time.Duration) {
	if b == nil {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.circuit.TryAcquirePermit() {
		return 0, max(b.circuit.RemainingDelay(), probeTime)
	}
	return b.epoch, 0
}

// record counts a result. A probe that says nothing leaves the breaker open for another while: its place must not be lost.
func (b *breaker) record(epoch int, v verdict) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case epoch != b.epoch:
	case v == isWell:
		b.circuit.RecordSuccess()
	case v == hasFailed || b.circuit.IsHalfOpen():
		b.circuit.RecordFailure()
	}
}

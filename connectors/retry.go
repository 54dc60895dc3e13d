package connectors

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

const (
	firstPause = 100 * time.Millisecond // before the first repetition, then twice as long each time; a half more or less
	// longestPause is what a caller is made to wait for an upstream that says when to ask again. Beyond that they are told.
	longestPause = 2 * time.Second
	// leastTime is what must be left of the caller's deadline after a pause for another attempt to be worth its while.
	leastTime = 100 * time.Millisecond

	// A repetition costs ten, and every call earns one: in the long run at most one of ten calls is a repetition, however many
	// fail. The purse holds ten repetitions.
	retryCost, callEarns, fullPurse = 10, 1, 100
)

// retries repeats calls that are worth it. The loop is failsafe-go's; the budget is not: its own is a share of what is in flight
// and lets three at a time through always, so that one caller after another would triple the load on an upstream that is down.
type retries struct {
	executor failsafe.Executor[outcome]
	most     int
	purse    atomic.Int64
}

func newRetries(most int) *retries {
	r := &retries{most: most}
	r.purse.Store(fullPurse)
	r.executor = failsafe.With(retrypolicy.NewBuilder[outcome]().
		HandleIf(func(o outcome, _ error) bool { return o.again }).
		WithMaxRetries(most).ReturnLastFailure().
		WithDelayFunc(func(exec failsafe.ExecutionAttempt[outcome]) time.Duration { return exec.LastResult().pause }).
		Build())
	return r
}

// run makes attempts after the first, which was worth repeating, until one is not, and gives the last.
func (r *retries) run(ctx context.Context, first outcome, attempt func() outcome) outcome {
	last, made := first, 0
	// The error is ctx's, during a pause: then what the last attempt gave says more.
	_, _ = r.executor.WithContext(ctx).Get(func() (outcome, error) {
		if made > 0 {
			last = r.judged(ctx, attempt(), made)
		}
		made++
		return last, nil
	})
	return last
}

// judged decides whether the attempt that followed so many others is the last.
func (r *retries) judged(ctx context.Context, o outcome, made int) outcome {
	if o.again {
		o.pause = pauseBefore(made, o.retryAfter)
		o.again = made < r.most && leavesTime(ctx, o.pause) && r.spend()
	}
	return o
}

// pauseBefore is how long to wait before the next attempt: what the upstream asks for and a little more, else longer each time.
func pauseBefore(made int, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked + rand.N(firstPause) //nolint:gosec // nobody gains by guessing it
	}
	pause := min(firstPause<<made, longestPause/2)
	return pause/2 + rand.N(pause) //nolint:gosec // likewise
}

func leavesTime(ctx context.Context, pause time.Duration) bool {
	deadline, has := ctx.Deadline()
	return ctx.Err() == nil && pause <= longestPause+firstPause && (!has || time.Until(deadline) >= pause+leastTime)
}

func (r *retries) earn() {
	if r.purse.Add(callEarns) > fullPurse {
		r.purse.Add(-callEarns)
	}
}

func (r *retries) spend() bool {
	if r.purse.Add(-retryCost) < 0 {
		r.purse.Add(retryCost)
		return false
	}
	return true
}

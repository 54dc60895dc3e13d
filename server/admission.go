package server

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"healthgraph/health"
)

// Admission bounds the operations under way. Of a zero field the default holds.
//
// The bound is a fixed one. One that follows the time that operations take would shrink when an upstream is slow, and turn away
// those who ask another.
type Admission struct {
	Operations int           // at a time; 500 for each CPU that the process may use
	Waiting    int           // that wait for their turn over HTTP; as many as Operations. The next one is turned away at once
	Wait       time.Duration // for a turn, and then it is turned away; 1 s
}

func (a Admission) withDefaults() Admission {
	const forEach = 500
	if a.Operations == 0 {
		a.Operations = forEach * runtime.GOMAXPROCS(0)
	}
	if a.Waiting == 0 {
		a.Waiting = a.Operations
	}
	if a.Wait == 0 {
		a.Wait = time.Second
	}
	return a
}

// PerUpstream is how many of the operations may wait for one upstream: half of them, so that the rest finds a place while it hangs.
func (a Admission) PerUpstream() int { return max(a.withDefaults().Operations/2, 1) }

// admission lets operations begin, one after the other.
type admission struct {
	Admission

	places  bulkhead.Bulkhead[any]
	waiting atomic.Int64
	log     *slog.Logger

	mu   sync.Mutex
	shed int // since it was last told
	told time.Time
}

func newAdmission(config Admission, log *slog.Logger) *admission {
	a := &admission{Admission: config.withDefaults(), log: log}
	a.places = bulkhead.New[any](uint(a.Operations)) //nolint:gosec // not negative
	return a
}

// errOverloaded says that there is no place for an operation.
var errOverloaded = errors.New("too many operations are under way")

// enter takes a place: at once, or after others within the time that may be waited. It is errOverloaded where there is none, or
// ctx's error. leave may be called more than once.
func (a *admission) enter(ctx context.Context) (leave func(), err error) {
	if leave, ok := a.tryEnter(); ok {
		return leave, nil
	}
	defer a.waiting.Add(-1)
	if a.waiting.Add(1) > int64(a.Waiting) {
		return nil, a.full(ctx)
	}
	switch err := a.places.AcquirePermitWithMaxWait(ctx, a.Wait); {
	case errors.Is(err, bulkhead.ErrFull):
		return nil, a.full(ctx)
	case err != nil:
		return nil, err //nolint:wrapcheck // ctx's
	}
	return sync.OnceFunc(a.places.ReleasePermit), nil
}

// tryEnter is enter for those who can't wait.
func (a *admission) tryEnter() (leave func(), ok bool) {
	if !a.places.TryAcquirePermit() {
		return nil, false
	}
	return sync.OnceFunc(a.places.ReleasePermit), true
}

// full logs once a minute how many were turned away.
func (a *admission) full(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shed++
	if now := time.Now(); a.told.IsZero() || now.Sub(a.told) >= tellEvery {
		a.log.WarnContext(ctx, "operations were turned away: too many are under way", "operations", a.shed, "atATime", a.Operations)
		a.told, a.shed = now, 0
	}
	return errOverloaded
}

const messageOverloaded = "too many operations are under way here: ask again after retryAfter"

// overloaded tells to come back, not all at the same moment.
func overloaded() *health.Error {
	wait := time.Duration(1+rand.N(3)) * time.Second //nolint:gosec // nobody gains by guessing it
	return &health.Error{Code: codeOverloaded, Message: messageOverloaded, RetryAfter: wait}
}

// turnedAway answers a request for which there is no place. Who has left needs no answer.
func turnedAway(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errOverloaded) {
		refuseUntil(w, r, http.StatusServiceUnavailable, overloaded())
	}
}

// admit takes a place for an operation over a WebSocket. It does not wait: whatever else goes on there would have to wait as well.
func (a *admission) admit(ctx context.Context) (leave func(), failures gqlerror.List) {
	leave, ok := a.tryEnter()
	if ok {
		return leave, nil
	}
	_ = a.full(ctx) // logs it
	why := overloaded()
	return func() {}, gqlerror.List{{Message: why.Message, Extensions: map[string]any{
		"code": why.Code, "retryAfter": health.Duration(why.RetryAfter).String(),
	}}}
}

// isContinuous says whether an operation goes on: such a one gives its place back when it has begun, and is bounded as a stream.
func isContinuous(operation *graphql.OperationContext) bool {
	return operation.Operation.Operation == ast.Subscription
}

package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// fault is an error of ours as a client sees it: INTERNAL, and the correlation id of the line in the log that it leaves.
func (e *endpoint) fault(ctx context.Context, err error) gqlerror.List {
	return e.executor.DispatchError(ctx, gqlerror.List{gqlerror.Wrap(err)}).Errors
}

// panicked is fault of what a panic was recovered with.
func (e *endpoint) panicked(ctx context.Context, recovered any) gqlerror.List {
	err := e.executor.PresentRecoveredError(ctx, recovered)
	var shown *gqlerror.Error
	if !errors.As(err, &shown) {
		return e.fault(ctx, err)
	}
	return gqlerror.List{shown}
}

// broken answers a request that one of the two ended.
func (*endpoint) broken(w http.ResponseWriter, r *http.Request, faults gqlerror.List) {
	refuseWith(w, r, http.StatusInternalServerError, faults[0].Message, faults[0].Extensions)
}

// recovered answers a request whose handling panicked. It is deferred.
func (e *endpoint) recovered(w http.ResponseWriter, r *http.Request) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p) // which ends the connection, and is meant to
	default:
		e.broken(w, r, e.panicked(r.Context(), p))
	}
}

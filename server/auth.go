package server

import (
	"math"
	"net/http"
	"strconv"

	"healthgraph/callers"
	"healthgraph/health"
)

// authenticated lets nobody pass without a good bearer token, before any other work.
type authenticated struct {
	verifier *callers.Verifier
	next     http.Handler
}

func (a authenticated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, err := a.verifier.Verify(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		turnAway(w, r, health.AsError(err))
		return
	}
	a.next.ServeHTTP(w, r.WithContext(callers.NewContext(r.Context(), caller)))
}

// turnAway answers a request whose caller is not known, or can't be known for now.
func turnAway(w http.ResponseWriter, r *http.Request, e *health.Error) {
	var status int
	switch e.Code {
	case health.Unauthenticated:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", `Bearer realm="healthgraph"`)
	case callers.CodeIssuerUnavailable:
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	default:
		status = http.StatusInternalServerError
	}
	refuse(w, r, status, string(e.Code), e.Message)
}

package server

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"healthgraph/callers"
	"healthgraph/health"
)

// authenticated lets nobody pass without a good bearer token, before any other work.
type authenticated struct {
	verifier *callers.Verifier
	rates    *rates // of tokens that are not good
	next     http.Handler
}

func (a authenticated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	authorization := r.Header.Values("Authorization")
	if len(authorization) > 1 { // a proxy in front may have looked at the other one
		refuse(w, r, http.StatusBadRequest, codeBadRequest, "more than one header Authorization")
		return
	}
	if !a.rates.letsTry(w, r) {
		return
	}
	caller, err := a.verifier.Verify(r.Context(), strings.Join(authorization, ""))
	if err != nil {
		e := health.AsError(err)
		if e.Code == health.Unauthenticated && !a.rates.failed(w, r) {
			return
		}
		turnAway(w, r, e)
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

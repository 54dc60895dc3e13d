package server

import (
	"net/http"
	"strings"

	"healthgraph/callers"
	"healthgraph/health"
)

// authenticated lets nobody pass without a good bearer token, before any other work.
type authenticated struct {
	verifier *callers.Verifier
	rates    *rates // of tokens that are not good
	faults   *endpoint
	next     http.Handler
}

func (a authenticated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !a.rates.letsTry(w, r) {
		return
	}
	caller, err := a.verifier.Verify(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		e := health.AsError(err)
		if e.Code == health.Unauthenticated && !a.rates.failed(w, r) {
			return
		}
		a.faults.turnAway(w, r, e)
		return
	}
	a.next.ServeHTTP(w, r.WithContext(callers.NewContext(r.Context(), caller)))
}

// turnAway answers a request whose caller is not known, or can't be known for now.
func (e *endpoint) turnAway(w http.ResponseWriter, r *http.Request, why *health.Error) {
	switch why.Code {
	case health.Unauthenticated:
		challenge := `Bearer realm="healthgraph"`
		if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
			challenge += `, error="invalid_token"` // RFC 6750, section 3.1: only where there was one
		}
		w.Header().Set("WWW-Authenticate", challenge)
		refuse(w, r, http.StatusUnauthorized, string(why.Code), why.Message)
	case callers.CodeIssuerUnavailable:
		refuseUntil(w, r, http.StatusServiceUnavailable, why)
	default:
		e.broken(w, r, e.fault(r.Context(), why))
	}
}

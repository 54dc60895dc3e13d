package server

import (
	"net/http"

	"healthgraph/callers"
	"healthgraph/health"
)

// authenticated lets nobody pass without a good bearer token, before any other work.
type authenticated struct {
	verifier *callers.Verifier
	next     http.Handler
}

func (a authenticated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, err := a.verifier.Verify(r.Header.Get("Authorization"))
	if err != nil {
		e := health.AsError(err)
		w.Header().Set("WWW-Authenticate", `Bearer realm="healthgraph"`)
		refuse(w, r, http.StatusUnauthorized, string(e.Code), e.Message)
		return
	}
	a.next.ServeHTTP(w, r.WithContext(callers.NewContext(r.Context(), caller)))
}

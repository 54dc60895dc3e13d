package rook

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"healthgraph/simulators"
)

// revoke ends the link named by {"data_source":"Whoop"} and answers {"message":…} (OpenAPI 2.0.1).
func (s *Simulator) revoke(w http.ResponseWriter, r *http.Request, sw Switches) {
	user, now := r.PathValue("user_id"), s.control.Clock.Now()
	if r.ContentLength == 0 && sw.EmptyRevoke == "revokeAll" {
		s.change(user, func(p *person) {
			for name := range p.links {
				p.revokeLink(name, now, sw)
			}
		})
		simulators.WriteJSON(w, http.StatusOK, object{"message": "all data sources revoked"})
		return
	}
	var in struct {
		DataSource string `json:"data_source"`
	}
	if !readBody(w, r, sw, &in) {
		return
	}
	allowed := sourceNames()
	if sw.RevokableSources == "listed2024" {
		allowed = revokable2024
	}
	src, ok := findSource(in.DataSource, sw.CaseInsensitiveSources)
	if !ok || !slices.Contains(allowed, src.name) {
		fail(w, r, sw, http.StatusUnprocessableEntity, "data_source must be one of "+strings.Join(allowed, ", "))
		return
	}
	var revoked bool
	s.change(user, func(p *person) { revoked = p.revokeLink(src.name, now, sw) })
	switch {
	case revoked || sw.RevokeNotConnectedStatus == http.StatusOK:
		simulators.WriteJSON(w, http.StatusOK, object{"message": fmt.Sprintf("data source %s revoked", src.name)})
	case sw.RevokeNotConnectedStatus == http.StatusNoContent:
		w.WriteHeader(http.StatusNoContent)
	default:
		fail(w, r, sw, http.StatusUnprocessableEntity, "data_source is not authorized for this user")
	}
}

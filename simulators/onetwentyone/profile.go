package onetwentyone

import (
	"net/http"
	"time"
)

// profile is GET /api/v1/profile/{user_id} (api.onetwentyone.ai/profile): data is an object, and there are no pages.
// The scopes are those of the token, all of them for a personal access token.
func (s *Simulator) profile(w http.ResponseWriter, r *http.Request) {
	type data struct {
		UserID       string   `json:"user_id"`
		CreatedAt    string   `json:"created_at"`
		HomeTimezone string   `json:"home_timezone"`
		Scopes       []string `json:"scopes"`
	}
	type answer struct {
		Limit *limit `json:"limit,omitempty"`
		Data  data   `json:"data"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.admit(w, r, "profile")
	if !ok {
		return
	}
	out := answer{Data: data{a.person.userID, a.person.created.UTC().Format(time.RFC3339), a.person.zone.String(), a.scopes}}
	if a.sw.limitInBody() {
		out.Limit = &a.limit
	}
	write(w, http.StatusOK, "application/json", marshal(out))
}

package rook

import (
	"net/http"
	"slices"

	"healthgraph/simulators"
)

// state is one source in a person's list.
type state struct {
	name       string // display name
	authorized *bool  // nil: not offered to this client
}

func (s *Simulator) states(user string, sw Switches) (list []state, known bool) {
	now := s.control.Clock.Now()
	known = s.peek(user, func(p *person) {
		for _, src := range sources {
			st := state{name: src.name}
			if !p.notOffered[src.name] && !slices.Contains(sw.NullSources, src.name) {
				l, ok := p.links[src.name]
				authorized := ok && l.listed(now)
				st.authorized = &authorized
			}
			list = append(list, st)
		}
	})
	for _, name := range sw.ExtraSources {
		list = append(list, state{name, new(bool)})
	}
	return list, known
}

// listed is states, unless the answer for an unknown person is not a list.
func (s *Simulator) listed(w http.ResponseWriter, r *http.Request, sw Switches) ([]state, bool) {
	list, known := s.states(r.PathValue("user_id"), sw)
	switch {
	case known || sw.UnknownUserStatus == http.StatusOK:
		return list, true
	case sw.UnknownUserStatus == http.StatusNoContent:
		w.WriteHeader(http.StatusNoContent)
	default:
		fail(w, r, sw, http.StatusNotFound, "the user is not known")
	}
	return nil, false
}

// authorizedV1 answers {"user_id":…,"sources":{"garmin":true,"dexcom":null,…}} (OpenAPI 2.0.1, Flutter SDK).
func (s *Simulator) authorizedV1(w http.ResponseWriter, r *http.Request, sw Switches) {
	list, ok := s.listed(w, r, sw)
	if !ok {
		return
	}
	keys := map[string]*bool{}
	for _, st := range list {
		if st.name == "Samsung Health" && !sw.V1SamsungHealth {
			continue
		}
		keys[styled(st.name, sw.V1KeyStyle)] = st.authorized
	}
	simulators.WriteJSON(w, http.StatusOK, object{"user_id": r.PathValue("user_id"), "sources": keys})
}

// authorizedV2 answers {"data_sources":[{"data_source":…,"authorized":…,"image":…},…]} (changelog, Flutter SDK).
func (s *Simulator) authorizedV2(w http.ResponseWriter, r *http.Request, sw Switches) {
	if !sw.V2List {
		fail(w, r, sw, http.StatusNotFound, "there is no such URL")
		return
	}
	list, ok := s.listed(w, r, sw)
	if !ok {
		return
	}
	entries := []object{}
	for _, st := range list {
		if st.authorized == nil && sw.V2NullSources == "absent" {
			continue
		}
		entries = append(entries, object{
			"data_source": styled(st.name, sw.NameStyle),
			sw.FlagName:   st.authorized,
			"image":       s.imageURL(r, st.name),
		})
	}
	simulators.WriteJSON(w, http.StatusOK, object{"data_sources": entries})
}

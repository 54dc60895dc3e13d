package rook

import "sync"

// found remembers what spellings stand for: the lists of all people repeat the same dozen, and finding out takes longer than all
// else about a list. What ROOK calls its sources tells nothing of anybody.
var found spellings

type spellings struct {
	mu    sync.RWMutex
	found map[spelling]sourceFound
}

// ROOK has a few dozen spellings. Of one that has no end of them no more is kept at a time than so many, so long: a megabyte.
const (
	mostSpellings   = 1000
	longestSpelling = 500 // bytes
)

func (s *spellings) of(wanted spelling) sourceFound {
	s.mu.RLock()
	f, known := s.found[wanted]
	s.mu.RUnlock()
	if known {
		return f
	}
	f = wanted.find()
	if len(wanted.name)+len(wanted.image) > longestSpelling {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil || len(s.found) >= mostSpellings {
		s.found = map[spelling]sourceFound{}
	}
	s.found[wanted] = f
	return f
}

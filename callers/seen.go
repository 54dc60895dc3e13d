package callers

import (
	"crypto/sha256"
	"sync"
)

// maxSeen bounds how many tokens are remembered of one key: some 100 bytes each.
const maxSeen = 8192

// seenTokens remembers which tokens a key has signed, by their SHA-256 and never themselves: to check a signature of RSA or an elliptic
// curve costs more than the rest of a request's parsing. It says that a token is signed, and nothing else: its times, audience and
// subject are read at each request. It belongs to one key and is forgotten with it.
type seenTokens struct {
	mu          sync.Mutex
	young, aged map[[sha256.Size]byte]struct{} // once young is full it is aged, and what was aged is forgotten
}

func (s *seenTokens) has(token [sha256.Size]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.young[token]; found {
		return true
	}
	_, found := s.aged[token]
	if found {
		s.remember(token) // what is in use stays
	}
	return found
}

func (s *seenTokens) add(token [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(token)
}

// remember needs the lock held.
func (s *seenTokens) remember(token [sha256.Size]byte) {
	if len(s.young) >= maxSeen/2 {
		s.young, s.aged = nil, s.young
	}
	if s.young == nil {
		s.young = map[[sha256.Size]byte]struct{}{}
	}
	s.young[token] = struct{}{}
}

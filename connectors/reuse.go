package connectors

import (
	"time"

	"healthgraph/health"
)

// Reuse says which earlier answer may stand for a read of an account. A connector has no use for it: it is for whoever remembers
// answers in front of one. The zero Reuse says that none may.
type Reuse struct {
	User health.UserID // whose account it is
	// State is a number for all that is known of the person's links to the upstream. An answer that was given in another state,
	// before a revocation perhaps, is not reused. 0: nothing is known, so nothing is remembered.
	State  uint64
	MaxAge time.Duration // how old an answer may be at most; 0: it has to be read afresh
	// Reused, where it is set, is told the age of samples that come from an earlier read, before any is handed over.
	Reused func(Age)
}

// Age says when an upstream was asked for an answer. The zero Age is that of an answer given just now.
type Age struct {
	ReadAt     time.Time
	FreshUntil time.Time // until then it may stand for another read; zero: it is good for this once
}

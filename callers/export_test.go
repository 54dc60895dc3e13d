package callers

import (
	"sync/atomic"

	"github.com/lestrrat-go/jwx/v3/jwa"
)

// MaxSeen is how many tokens are remembered of one key.
const MaxSeen = maxSeen

// CountChecks counts the signatures that are computed from now on.
func CountChecks(v *Verifier) *atomic.Int64 {
	var n atomic.Int64
	check := v.check
	v.check = func(key any, token []byte, algorithm jwa.SignatureAlgorithm) ([]byte, error) {
		n.Add(1)
		return check(key, token, algorithm)
	}
	return &n
}

// Seen counts the tokens that are remembered of the keys of the file.
func Seen(v *Verifier) int {
	n := 0
	for _, key := range *v.file.Load() {
		n += len(key.seen.young) + len(key.seen.aged)
	}
	return n
}

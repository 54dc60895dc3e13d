package limits

import (
	"iter"
	"slices"
	"sync/atomic"
)

// Limit names a limit, as extensions.limit of an error and a counter do.
type Limit string

// The limits.
const (
	Depth      Limit = "depth"
	Aliases    Limit = "aliases"
	RootFields Limit = "rootFields"
	Directives Limit = "directives"
	Fields     Limit = "fields"
	Tokens     Limit = "tokens"
	QueryBytes Limit = "queryBytes"
	BodyBytes  Limit = "bodyBytes"
	Cost       Limit = "cost"
)

// words is what a limit counts, for people.
func (l Limit) words() string {
	switch l {
	case Depth:
		return "levels of fields"
	case RootFields:
		return "root fields"
	case Fields:
		return "fields with fragments expanded"
	default:
		return string(l)
	}
}

// all are the limits in the order of their counters.
var all = [...]Limit{Depth, Aliases, RootFields, Directives, Fields, Tokens, QueryBytes, BodyBytes, Cost}

// Counters count the operations that were over each limit, refused or only measured, for whoever reads metrics.
type Counters struct {
	over [len(all)]atomic.Int64
}

// Add counts an operation that is over the limit.
func (c *Counters) Add(limit Limit) { c.over[slices.Index(all[:], limit)].Add(1) }

// All gives each limit with the number of operations that were over it.
func (c *Counters) All() iter.Seq2[Limit, int64] {
	return func(yield func(Limit, int64) bool) {
		for i, limit := range all {
			if !yield(limit, c.over[i].Load()) {
				return
			}
		}
	}
}

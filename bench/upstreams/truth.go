package upstreams

import (
	"slices"
	"time"
)

// Linked says which of BrowserSources a ROOK user_id has linked, in their order.
func Linked(user string) []string {
	var names []string
	for i, name := range BrowserSources {
		if linked(user)>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return names
}

// HasLinked says whether a ROOK user_id has linked one of them.
func HasLinked(user, source string) bool { return slices.Contains(Linked(user), source) }

// Variant tells which of Variants a ROOK user_id or an account is.
func Variant(id string) int { return variant(id) }

// OneTwentyOneSteps are the steps of a day as an account with 30 samples has them. newest is the last day that has figures.
func OneTwentyOneSteps(account string, newest, day time.Time) int {
	i := Days - 1 - int(newest.Sub(day).Hours()/24)
	return fewSteps(variant(account), i)
}

// fewSteps is the only sample of the i-th day.
func fewSteps(variant, i int) int { return 4500 + 97*variant + 53*i }

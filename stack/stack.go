// Package stack spares goroutines that make an upstream call the growing of their stacks. Such a call is some 8 KB deep; a stack begins at a
// quarter of that, and is copied each time that it has to double, with all calls that are under way by then.
package stack

// Grow makes room for a call that is deep. It is called where a goroutine begins, with little on its stack to be copied.
//
//go:noinline
func Grow() {
	var room [deep]byte
	use(&room)
}

const deep = 8 << 10 // bytes; the next power of two is what the stack then has

//go:noinline
func use(*[deep]byte) {}

//go:build unix

package store

import (
	"errors"
	"net"
	"syscall"
)

// silent says whether a connection is open and has nothing to read, without waiting and without reading. A server says
// nothing on a connection that is not in use, other than that it goes, or that a setting of it changed: a new connection is
// right for both.
func silent(socket net.Conn) bool {
	plain, ok := socket.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	// Read would heed the deadline of the statement before, which has passed.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, peeked = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT) //nolint:gosec // a descriptor is an int
	})
	return err == nil && errors.Is(peeked, syscall.EAGAIN)
}

package main

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// writeGrace is how much longer than its operation a client may take to read the answer.
const writeGrace = 30 * time.Second

// bounded is a server of which nobody can take more than a share: headers and bodies have a size and a time. longest bounds a
// request as a whole. most is how many connections are open at a time; 0 is no bound.
func bounded(handler http.Handler, longest time.Duration, most int) *http.Server {
	s := &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            10 * time.Second,
		ReadTimeout:                  30 * time.Second,
		WriteTimeout:                 longest,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               64 << 10,
		DisableGeneralOptionsHandler: true, // which would answer OPTIONS * itself, without our headers
	}
	if most > 0 {
		c := &connections{most: most, waiting: list.New(), places: map[net.Conn]*list.Element{}}
		s.ConnState = c.changed
	}
	return s
}

// connections are those that are open. When there are as many as may be and one more comes, the one that has been waited for
// longest is closed: a connection that has sent no whole header, or has no request under way. So idle and slow ones, however many,
// keep nobody out. While all have a request under way, the newcomer is closed.
type connections struct {
	most int

	mu      sync.Mutex
	open    int
	waiting *list.List // of net.Conn, the longest first
	places  map[net.Conn]*list.Element
}

// changed is called by the server, for a new connection before anything is read of it. A connection that was hijacked is its new
// owner's to bound.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place, ok := c.places[conn]; ok {
		c.waiting.Remove(place)
		delete(c.places, conn)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.places[conn] = c.waiting.PushBack(conn)
	case http.StateClosed, http.StateHijacked:
		c.open--
	case http.StateActive:
	}
	if state != http.StateNew {
		return
	}
	c.open++
	if c.open <= c.most {
		return
	}
	longest, ok := c.waiting.Remove(c.waiting.Front()).(net.Conn)
	if ok {
		delete(c.places, longest)
		if over, ok := longest.(*tls.Conn); ok {
			longest = over.NetConn() // without a farewell, for which nobody waits here
		}
		_ = longest.Close() // the server notices, and says StateClosed
	}
}

package storetest

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Line is a TCP line to a server: it counts what is open, and can go dead without a word, as a network does.
type Line struct {
	// URL is the server's, by way of the line.
	URL string

	to    string
	mu    sync.Mutex
	open  int
	works chan struct{} // closed while it does
	done  chan struct{}
}

// NewLine makes a line to the server of a PostgreSQL URL, until the test ends.
func NewLine(t *testing.T, serverURL string) *Line {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal("the server's URL can't be read")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("make a line: %v", err)
	}
	l := &Line{to: u.Host, works: make(chan struct{}), done: make(chan struct{})}
	close(l.works)
	u.Host = listener.Addr().String()
	l.URL = u.String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		close(l.done)
		all.Wait()
	})
	return l
}

// Open counts the connections that both ends hold open.
func (l *Line) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Cut makes the line go dead: what is sent does not arrive, and nobody is told.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.works = make(chan struct{})
}

// Mend lets everything through that was held up.
func (l *Line) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.works)
}

// carry connects a caller to the server until either hangs up.
func (l *Line) carry(caller net.Conn) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.to)
	if err != nil {
		_ = caller.Close()
		return
	}
	l.count(1)
	defer l.count(-1)
	var hungUp sync.Once
	ended := make(chan struct{})
	hangUp := func() { hungUp.Do(func() { close(ended) }) }
	var both sync.WaitGroup
	both.Go(func() { defer hangUp(); l.copy(server, caller) })
	both.Go(func() { defer hangUp(); l.copy(caller, server) })
	select {
	case <-ended:
	case <-l.done:
	}
	_, _ = caller.Close(), server.Close()
	both.Wait()
}

func (l *Line) count(by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open += by
}

// copy carries one direction, holding everything back while the line is dead.
func (l *Line) copy(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		works := l.works
		l.mu.Unlock()
		select {
		case <-works:
		case <-l.done:
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

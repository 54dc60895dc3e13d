package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/uptrace/bun/driver/pgdriver"
)

// errNoTLS is what an operator reads whose server was not set up for TLS.
var errNoTLS = errors.New("the PostgreSQL server offers no TLS: sslmode=disable in the database URL allows a connection without it")

// noTLS is the driver's own text for that, which has no error of its own.
const noTLS = "pgdriver: SSL is not enabled on the server"

// connector is the driver's, with the ends that it leaves loose tied up.
type connector struct{ *pgdriver.Connector }

// Connect makes one connection. The driver leaves the socket of an attempt that failed open until it is collected as
// garbage, and with it the server's session, which counts against the server's limit.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	config := *c.Config()
	dial := config.Dialer
	var socket net.Conn
	config.Dialer = func(ctx context.Context, network, address string) (_ net.Conn, err error) {
		socket, err = dial(ctx, network, address)
		return socket, err
	}
	conn, err := pgdriver.NewConnector(pgdriver.WithConfig(&config)).Connect(ctx)
	switch {
	case err == nil:
		return conn, nil
	case err.Error() == noTLS:
		err = errNoTLS
	}
	if socket != nil {
		_ = socket.Close()
	}
	return nil, fmt.Errorf("connect: %w", err)
}

// stillThere is asked before a pooled connection is used again. A server that went away has said so on each of them by then;
// without a look, each would cost one operation its answer. What is found here is thrown away before anything was sent,
// so that taking another connection instead is safe. A statement that was sent is never sent again: nobody knows whether
// the server has run it.
func stillThere(_ context.Context, c *pgdriver.Conn) error {
	socket := c.Conn()
	if encrypted, ok := socket.(*tls.Conn); ok {
		socket = encrypted.NetConn()
	}
	if !silent(socket) {
		_ = c.Close()
		return driver.ErrBadConn
	}
	return nil
}

// silenceDriver stops the driver from writing addresses to standard error, past our log, when a connection turns out to be
// broken. The error itself comes back to the caller, or another connection does.
var silenceDriver = sync.OnceFunc(func() { pgdriver.Logger = nowhere{} })

type nowhere struct{}

// Printf writes nothing.
func (nowhere) Printf(context.Context, string, ...any) {}

package server

import (
	"bufio"
	"context"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"healthgraph/callers"
	"healthgraph/health"
)

// sockets serves GraphQL over WebSockets, in the subprotocol graphql-transport-ws. gqlgen's own transport knows few of its
// close codes and no bounds.
type sockets struct {
	endpoint    *endpoint
	verifier    *callers.Verifier
	rates       *rates
	streams     *Streams
	allowOrigin func(origin string) bool
	now         func() time.Time
	log         *slog.Logger
}

// upgradable lets through to sockets what wants to become one. Such a request may bring its token later.
type upgradable struct {
	sockets *sockets
	next    http.Handler
}

func (u upgradable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.Header.Values("Authorization")) > 1 { // a proxy in front may have looked at the other one
		refuse(w, r, http.StatusBadRequest, codeBadRequest, "more than one header Authorization")
		return
	}
	if isHandshake(r) {
		u.sockets.ServeHTTP(w, r)
		return
	}
	u.next.ServeHTTP(w, r)
}

// isHandshake says whether a request wants to become a WebSocket.
func isHandshake(r *http.Request) bool { return hasToken(r.Header, "Upgrade", "websocket") }

func hasToken(header http.Header, name, token string) bool {
	for _, value := range header.Values(name) {
		for part := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// ServeHTTP refuses what can be refused as HTTP, and then speaks the subprotocol until the connection ends.
func (s *sockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")))
	if r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1) || !hasToken(r.Header, "Connection", "upgrade") ||
		r.Header.Get("Sec-WebSocket-Version") != "13" || len(r.Header.Values("Sec-WebSocket-Key")) != 1 || err != nil || len(key) != 16 {
		w.Header().Set("Sec-WebSocket-Version", "13")
		refuse(w, r, http.StatusBadRequest, codeBadRequest, "this is no handshake of a WebSocket, version 13")
		return
	}
	if !s.sameOrigin(r) {
		refuse(w, r, http.StatusForbidden, string(health.Forbidden), "pages of this origin may not call from a browser")
		return
	}
	if !s.rates.letsTry(w, r) { // wherever the token is going to be
		return
	}
	var let *credential
	if header := r.Header.Get("Authorization"); header != "" {
		if let, err = newCredential(r.Context(), s.verifier, header); err != nil {
			e := health.AsError(err)
			if e.Code != health.Unauthenticated || s.rates.failed(w, r) {
				s.endpoint.turnAway(w, r, e)
			}
			return
		}
	}
	leave, ok := s.streams.enter()
	if !ok {
		refuseFull(w, r, http.StatusServiceUnavailable, messageFull)
		return
	}
	defer leave()
	// The origin was looked at above, by the list that pages have to be on for other calls as well.
	taken := &takenOver{ResponseWriter: w}
	conn, err := websocket.Accept(taken, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true})
	if err != nil { // it has answered
		s.log.WarnContext(r.Context(), "a WebSocket could not be opened", "error", err)
		return
	}
	c := &socket{sockets: s, conn: conn, line: taken.line, from: s.rates.sourceOf(r), credential: let, acknowledged: make(chan struct{}), operations: map[string]*operation{}}
	c.run(context.WithoutCancel(r.Context())) // which means nothing any more for a connection that was taken over
}

// sameOrigin says whether the page that asks, if it is one, is from here or from an origin that may call.
func (s *sockets) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if page, err := url.Parse(origin); err == nil && page.Host != "" && strings.EqualFold(page.Host, r.Host) {
		return true
	}
	return s.allowOrigin != nil && s.allowOrigin(origin)
}

// socket is one connection. Three kinds of goroutines use it: one reads, one watches the time, and one for each operation.
type socket struct {
	*sockets

	conn         *websocket.Conn
	line         net.Conn      // below conn
	from         source        // where the client's token comes from
	acknowledged chan struct{} // closed when credential is for good
	credential   *credential   // of the header, and then of connection_init; nil = none yet
	heard        atomic.Int64  // when the last message came, by the machine's clock in ns
	all          sync.WaitGroup

	mu         sync.Mutex
	operations map[string]*operation // by id, those of which the client may still hear
	running    int                   // those whose goroutine has not ended, the ended ones of a client in a hurry included
}

// beforeInit is how long a message may be of a client that nobody knows yet, in bytes: a token, and something around it.
const beforeInit = 16 << 10

func (c *socket) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	c.heard.Store(time.Now().UnixNano())
	c.conn.SetReadLimit(min(beforeInit, c.streams.limits.MessageBytes))
	var leave func()
	defer func() {
		cancel()
		c.all.Wait()
		if leave != nil {
			leave()
		}
	}()
	c.all.Go(func() { c.guard(ctx) })
	if c.conn.Subprotocol() != subprotocol {
		c.close(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	why := c.read(ctx, &leave)
	cancel() // whatever is under way ends before the client has answered the close
	c.close(why.code, why.reason)
}

// closeTimeout is for a client to agree that the connection is closed.
const closeTimeout = 5 * time.Second

// close ends the connection, and waits for the client to agree. Only the first one counts.
func (c *socket) close(code websocket.StatusCode, reason string) {
	_ = c.line.SetDeadline(time.Now().Add(closeTimeout)) // the library waits for ever for the rest of a message that is too long
	_ = c.conn.Close(code, reason)                       // a client that has gone already does not hear it
}

// read handles messages until one of them, or the client's leaving, ends the connection.
func (c *socket) read(ctx context.Context, leave *func()) (why ending) {
	defer func() {
		if p := recover(); p != nil {
			_ = c.endpoint.panicked(ctx, p) // logs it
			why = ending{closeInternal, "Internal server error"}
		}
	}()
	for {
		kind, data, err := c.conn.Read(ctx)
		if err != nil { // it is closed already, or the client does not keep to WebSocket
			return ending{websocket.StatusProtocolError, "this is not WebSocket"}
		}
		c.heard.Store(time.Now().UnixNano())
		message, wrong := readMessage(kind, data)
		if wrong == nil {
			wrong = c.handle(ctx, message, leave)
		}
		if wrong != nil {
			return *wrong
		}
	}
}

func (c *socket) handle(ctx context.Context, message fromClient, leave *func()) *ending {
	switch message.Type {
	case typePing:
		c.write(ctx, toClient{Type: typePong})
	case typeInit:
		return c.init(ctx, message, leave)
	case typeSubscribe:
		if !c.isAcknowledged() {
			return &ending{closeUnauthor, "Unauthorized"}
		}
		return c.subscribe(ctx, *message.ID, message.Payload)
	case typeComplete:
		c.forget(*message.ID)
	}
	return nil
}

// init lets the client in, with the token of its message or else that of the handshake's header.
func (c *socket) init(ctx context.Context, message fromClient, leave *func()) *ending {
	if c.isAcknowledged() {
		return &ending{closeInitTwice, "Too many initialisation requests"}
	}
	authorization, wrong := authorizationOf(message.Payload)
	if wrong != nil {
		return wrong
	}
	if authorization != "" {
		if wrong := c.present(ctx, authorization); wrong != nil {
			return wrong
		}
	}
	if c.credential == nil {
		return &ending{closeForbidden, "Forbidden"}
	}
	if c.rates.wait(ctx, c.credential.caller) > 0 {
		return &ending{websocket.StatusTryAgainLater, "too many requests of this caller: come back later"}
	}
	var ok bool
	if *leave, ok = c.streams.admit(c.credential.caller); !ok {
		*leave = nil
		return &ending{websocket.StatusTryAgainLater, "too many connections of this caller are open"}
	}
	c.conn.SetReadLimit(c.streams.limits.MessageBytes)
	close(c.acknowledged)
	c.write(ctx, toClient{Type: typeAck})
	return nil
}

// present looks at the token in connection_init, as authenticated does at that of a header.
func (c *socket) present(ctx context.Context, authorization string) *ending {
	tooMany := &ending{websocket.StatusTryAgainLater, "too many tokens from here were not good: come back later"}
	if c.rates.barred(ctx, c.from) > 0 { // since the handshake
		return tooMany
	}
	let, err := newCredential(ctx, c.verifier, authorization)
	if err == nil {
		c.credential = let
		return nil
	}
	switch health.AsError(err).Code {
	case health.Unauthenticated:
		if c.rates.failure(ctx, c.from) > 0 {
			return tooMany
		}
		return &ending{closeForbidden, "Forbidden"}
	case callers.CodeIssuerUnavailable:
		return &ending{websocket.StatusTryAgainLater, "tokens can't be verified for now: come back later"}
	default:
		return &ending{closeInternal, "Internal server error"}
	}
}

func (c *socket) isAcknowledged() bool {
	select {
	case <-c.acknowledged:
		return true
	default:
		return false
	}
}

// guard closes the connection when its time is up.
func (c *socket) guard(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			_ = c.endpoint.panicked(ctx, p) // logs it
			c.close(closeInternal, "Internal server error")
		}
	}()
	limits := c.streams.limits
	initialised, lifetime := time.NewTimer(limits.InitTimeout), time.NewTimer(limits.Lifetime)
	recheck, ping := time.NewTimer(limits.Lifetime), time.NewTicker(limits.Ping)
	defer func() { initialised.Stop(); lifetime.Stop(); recheck.Stop(); ping.Stop() }()
	acknowledged := c.acknowledged // nil once it happened
	for {
		select {
		case <-ctx.Done():
			return
		case <-acknowledged:
			acknowledged = nil
			initialised.Stop()
			recheck.Reset(c.credential.checkAfter(c.now(), limits.Recheck))
		case <-initialised.C:
			c.close(closeInitTimeout, "Connection initialisation timeout")
		case <-recheck.C:
			if acknowledged != nil {
				continue // nobody is in yet
			}
			if c.credential.check(ctx) != nil {
				c.close(closeUnauthor, "Unauthorized")
			}
			recheck.Reset(c.credential.checkAfter(c.now(), limits.Recheck))
		case <-ping.C:
			if time.Since(time.Unix(0, c.heard.Load())) > 2*limits.Ping {
				c.close(websocket.StatusGoingAway, "nothing was heard for too long")
			} else if acknowledged == nil {
				c.write(ctx, toClient{Type: typePing})
			}
		case <-lifetime.C:
			c.close(websocket.StatusGoingAway, "a connection does not last longer: connect again")
		case <-c.streams.closing:
			c.close(websocket.StatusGoingAway, "the gateway is going away")
			return
		}
	}
}

// write sends a message, whatever became of the operation meanwhile: half a message would be the end of the connection. A
// client that does not take it in time has lost it.
func (c *socket) write(ctx context.Context, message toClient) {
	body, err := encode(message)
	if err != nil {
		c.log.ErrorContext(ctx, "a message could not be encoded", "error", err)
		c.close(closeInternal, "Internal server error")
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.streams.limits.Write)
	defer cancel()
	if c.conn.Write(ctx, websocket.MessageText, body) != nil {
		_ = c.conn.CloseNow() // whoever reads finds out
	}
}

// takenOver remembers the connection below a WebSocket.
type takenOver struct {
	http.ResponseWriter

	line net.Conn
}

// Hijack implements http.Hijacker.
func (t *takenOver) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	line, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.line = line
	return line, buffered, err
}

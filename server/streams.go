package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"healthgraph/callers"
	"healthgraph/health"
)

// StreamLimits bound what stays open: WebSockets and event streams. Of a zero field the default holds.
type StreamLimits struct {
	Connections          int           // at a time, of everybody; 1,000
	ConnectionsPerCaller int           // at a time, of one caller; 20
	Operations           int           // under way on one WebSocket; 50
	MessageBytes         int64         // of one message from a client; 256 KiB
	InitTimeout          time.Duration // from the opening of a WebSocket to connection_init; 10 s
	Lifetime             time.Duration // of a connection, after which a client connects anew; 1 h
	Ping                 time.Duration // between two pings. A client that sends nothing for twice as long has gone; 20 s
	Write                time.Duration // for a client to take what is sent to it; 10 s
	Recheck              time.Duration // between two looks at a caller's credential, which is also looked at when it ends; 1 min
}

func (l StreamLimits) withDefaults() StreamLimits {
	count := func(field *int, standard int) {
		if *field == 0 {
			*field = standard
		}
	}
	span := func(field *time.Duration, standard time.Duration) {
		if *field == 0 {
			*field = standard
		}
	}
	count(&l.Connections, 1000)
	count(&l.ConnectionsPerCaller, 20)
	count(&l.Operations, 50)
	if l.MessageBytes == 0 {
		l.MessageBytes = 256 << 10
	}
	span(&l.InitTimeout, 10*time.Second)
	span(&l.Lifetime, time.Hour)
	span(&l.Ping, 20*time.Second)
	span(&l.Write, 10*time.Second)
	span(&l.Recheck, time.Minute)
	return l
}

// Streams counts the connections that stay open, and ends them all when the process does.
type Streams struct {
	limits  StreamLimits
	closing chan struct{} // closed when all have to end

	mu       sync.Mutex
	open     int
	byCaller map[caller]int
	all      sync.WaitGroup
}

// caller is whom connections are counted for: a service may have the name of a person.
type caller struct {
	subject health.UserID
	service bool
}

// NewStreams makes a Streams with nothing open.
func NewStreams(limits StreamLimits) *Streams {
	return &Streams{limits: limits.withDefaults(), closing: make(chan struct{}), byCaller: map[caller]int{}}
}

// Shutdown tells all that is open to end, and lets nothing more in. It does not wait.
func (s *Streams) Shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
	default:
		close(s.closing)
	}
}

// Wait waits until nothing is open, after Shutdown. It is an error if that takes longer than what the slowest client is given.
func (s *Streams) Wait() error {
	done := make(chan struct{})
	go func() { s.all.Wait(); close(done) }()
	timer := time.NewTimer(s.limits.Write + 2*closeTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errors.New("some connections did not end in time")
	}
}

// Open says how many connections are open.
func (s *Streams) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// enter counts a connection, or refuses it. leave has to be called once.
func (s *Streams) enter() (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return nil, false
	default:
	}
	if s.open >= s.limits.Connections {
		return nil, false
	}
	s.open++
	s.all.Add(1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		s.all.Done()
	}, true
}

// admit counts a caller's connection, or refuses it. leave has to be called once.
func (s *Streams) admit(c callers.Caller) (leave func(), ok bool) {
	who := caller{c.Subject, c.IsService()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byCaller[who] >= s.limits.ConnectionsPerCaller {
		return nil, false
	}
	s.byCaller[who]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.byCaller[who]--; s.byCaller[who] == 0 {
			delete(s.byCaller, who)
		}
	}, true
}

// What a client hears for whom there is no room.
const (
	messageFull          = "too many connections are open here: come back later"
	messageFullForCaller = "too many connections of this caller are open: close one first, or come back later"
	comeBackAfter        = 5 * time.Second
)

// refuseFull answers a request for which there is no room.
func refuseFull(w http.ResponseWriter, r *http.Request, status int, message string) {
	refuseUntil(w, r, status, &health.Error{Code: health.RateLimited, Message: message, RetryAfter: comeBackAfter})
}

// credential is what a connection was let in with. It is looked at again while the connection stays open.
type credential struct {
	verifier      *callers.Verifier
	authorization string // the value of an Authorization header
	caller        callers.Caller
}

func newCredential(ctx context.Context, verifier *callers.Verifier, authorization string) (*credential, error) {
	c, err := verifier.Verify(ctx, authorization)
	if err != nil {
		return nil, err
	}
	return &credential{verifier, authorization, c}, nil
}

// check says whether the credential would no longer let anybody in. That nobody can tell for now ends nothing.
func (c *credential) check(ctx context.Context) error {
	_, err := c.verifier.Verify(ctx, c.authorization)
	if health.AsError(err).Has(health.Unauthenticated) {
		return err
	}
	return nil
}

// soonest keeps a credential that has ended by the clock, but is still taken, from being looked at all the time.
const soonest = 50 * time.Millisecond

// checkAfter is when the credential has to be looked at again.
func (c *credential) checkAfter(now time.Time, recheck time.Duration) time.Duration {
	if c.caller.ExpiresAt.IsZero() {
		return recheck
	}
	return max(soonest, min(recheck, c.caller.ExpiresAt.Sub(now)))
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"healthgraph/bench/floor"
)

// lineEach is how many people there are to one who asks over a WebSocket.
const lineEach = 10

// line is one person's WebSocket, in the subprotocol graphql-transport-ws: all that they ask goes over it, and a subscription to
// their links is held open.
type line struct {
	conn   *websocket.Conn
	person floor.Person
	ids    map[string]string // of the person's links, by data source
	closed chan struct{}     // when nothing more is read

	mu      sync.Mutex
	asked   int
	waiting map[string]chan<- lineMessage // by operation
	told    []string                      // what the subscription said: "source STATUS"
	wrong   []error                       // what must never be
	closing bool                          // by us
}

type lineMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

const (
	watching    = "links" // the id of the subscription
	watchLinks  = `subscription { connectionChanged { id status dataSource { id } } }`
	askLinks    = `{ viewer { id } connections { id dataSource { id } } }`
	endTheLink  = `mutation { revoke(input: {dataSource: "onetwentyone"}) { outcome } }`
	lineTimeout = time.Minute // as HTTP has
)

// openLines connects every tenth person, whose questions go over their line from now on.
func (s *soak) openLines(ctx context.Context) error {
	lines := map[string]*line{}
	for i := 0; i < len(s.people); i += lineEach {
		l, err := s.dial(ctx, s.people[i])
		if err != nil {
			return err
		}
		s.lines, lines[l.person.ID] = append(s.lines, l), l
	}
	for i, q := range s.asked {
		if q.kind != asksBoth {
			s.asked[i].line = lines[q.people[0].ID]
		}
	}
	return nil
}

// dial opens a line and begins its subscription.
func (s *soak) dial(ctx context.Context, person floor.Person) (*line, error) {
	token, err := s.issuer.token(person.ID, "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lineTimeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.gateway.url, "http")+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // it has none
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 20)
	l := &line{conn: conn, person: person, ids: map[string]string{}, closed: make(chan struct{}), waiting: map[string]chan<- lineMessage{}}
	acknowledged := make(chan lineMessage, 1)
	l.waiting[""] = acknowledged
	go l.read(context.WithoutCancel(ctx))
	payload, err := json.Marshal(map[string]string{"Authorization": "Bearer " + token})
	if err != nil {
		return nil, err
	}
	if err := l.send(ctx, lineMessage{Type: "connection_init", Payload: payload}); err != nil {
		return nil, err
	}
	select {
	case <-acknowledged:
	case <-l.closed:
		return nil, errors.Join(l.wrong...)
	}
	if err := l.send(ctx, lineMessage{ID: watching, Type: "subscribe", Payload: query(watchLinks)}); err != nil {
		return nil, err
	}
	// Operations are taken up in order: when this one is answered the subscription has begun.
	var answer bytes.Buffer
	status, _, err := l.exchange(ctx, query(askLinks), &answer)
	var a struct {
		Data struct {
			Viewer      struct{ ID string }
			Connections []struct {
				ID         string
				DataSource struct{ ID string }
			}
		}
	}
	if err = errors.Join(err, json.Unmarshal(answer.Bytes(), &a)); err != nil || status != http.StatusOK || a.Data.Viewer.ID != person.ID {
		return nil, errors.Join(err, fmt.Errorf("the WebSocket of %s: %d: %.300s", person.ID, status, answer.Bytes()))
	}
	for _, link := range a.Data.Connections {
		l.ids[link.DataSource.ID] = link.ID
	}
	return l, nil
}

func query(text string) json.RawMessage {
	payload, _ := json.Marshal(map[string]string{"query": text}) // texts always encode
	return payload
}

func (l *line) send(ctx context.Context, message lineMessage) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return l.conn.Write(ctx, websocket.MessageText, body)
}

// read hands messages to whom they are for, until the connection ends.
func (l *line) read(ctx context.Context) {
	defer close(l.closed)
	for {
		_, data, err := l.conn.Read(ctx)
		var message lineMessage
		if err == nil {
			err = json.Unmarshal(data, &message)
		}
		if err == nil && message.Type == "ping" {
			err = l.send(ctx, lineMessage{Type: "pong"})
		}
		l.mu.Lock()
		if err != nil {
			if !l.closing {
				l.wrong = append(l.wrong, fmt.Errorf("the WebSocket of %s ended: %w", l.person.ID, err))
			}
			l.mu.Unlock()
			return
		}
		l.take(message)
		l.mu.Unlock()
	}
}

func (l *line) take(message lineMessage) {
	waiting, asked := l.waiting[message.ID]
	switch {
	case message.Type == "ping":
	case message.ID == watching && message.Type == "next":
		l.hear(message.Payload)
	case asked:
		delete(l.waiting, message.ID)
		waiting <- message
	case message.Type == "complete" && message.ID != watching: // after the answer
	case l.closing:
	default:
		l.wrong = append(l.wrong, fmt.Errorf("%s was sent %s for %q: %.300s", l.person.ID, message.Type, message.ID, message.Payload))
	}
}

// hear notes an event, which has to be about a link of this person's.
func (l *line) hear(payload []byte) {
	var event struct {
		Data struct {
			ConnectionChanged struct {
				ID, Status string
				DataSource struct{ ID string }
			}
		}
	}
	err := json.Unmarshal(payload, &event)
	link := event.Data.ConnectionChanged
	if err != nil || link.ID == "" || l.ids[link.DataSource.ID] != link.ID {
		l.wrong = append(l.wrong, fmt.Errorf("%s was told %.300s", l.person.ID, payload))
		return
	}
	l.told = append(l.told, link.DataSource.ID+" "+link.Status)
}

// exchange is request's, over the line: an operation that there is no room for is a 503, and another that was refused a 400.
func (l *line) exchange(ctx context.Context, payload []byte, into *bytes.Buffer) (status int, retryAfter string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lineTimeout)
	defer cancel()
	answered := make(chan lineMessage, 1)
	l.mu.Lock()
	l.asked++
	id := strconv.Itoa(l.asked)
	l.waiting[id] = answered
	l.mu.Unlock()
	if err := l.send(ctx, lineMessage{ID: id, Type: "subscribe", Payload: payload}); err != nil {
		return 0, "", err
	}
	select {
	case message := <-answered:
		into.Write(message.Payload)
		switch message.Type {
		case "next":
			return http.StatusOK, "", nil
		case "error":
			return refusal(message.Payload)
		}
		return 0, "", fmt.Errorf("%s instead of an answer", message.Type)
	case <-l.closed:
		return 0, "", errors.New("the WebSocket has ended")
	case <-ctx.Done():
		return 0, "", ctx.Err()
	}
}

func refusal(payload []byte) (status int, retryAfter string, err error) {
	var failures []struct {
		Extensions struct{ Code, RetryAfter string }
	}
	if err := json.Unmarshal(payload, &failures); err != nil {
		return 0, "", err
	}
	if len(failures) == 1 && failures[0].Extensions.Code == "OVERLOADED" {
		return http.StatusServiceUnavailable, failures[0].Extensions.RetryAfter, nil
	}
	return http.StatusBadRequest, "", nil
}

// heard ends a link of each person's who has a line, by a mutation over it, which their subscription has to tell, and nobody else's.
// So far each link stood as their upstream has it.
func (s *soak) heard(ctx context.Context) error {
	for _, l := range s.lines {
		var answer bytes.Buffer
		status, _, err := l.exchange(ctx, query(endTheLink), &answer)
		if err != nil || status != http.StatusOK || !strings.Contains(answer.String(), "REVOKED_LOCALLY_ONLY") {
			return errors.Join(err, fmt.Errorf("a mutation of %s: %d: %.300s", l.person.ID, status, answer.Bytes()))
		}
	}
	const ended = "onetwentyone REVOKED"
	var errs []error
	until := time.Now().Add(10 * time.Second)
	for _, l := range s.lines {
		told := func() []string { l.mu.Lock(); defer l.mu.Unlock(); return l.told }
		for ; time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
			if all := told(); len(all) > 0 && all[len(all)-1] == ended {
				break
			}
		}
		all := told()
		for i, event := range all {
			if source, status, _ := strings.Cut(event, " "); i < len(all)-1 && status != standing(l.person, source) {
				errs = append(errs, fmt.Errorf("%s was told that %s", l.person.ID, event))
			}
		}
		if len(all) == 0 || all[len(all)-1] != ended {
			errs = append(errs, fmt.Errorf("%s was not told that %s: %v", l.person.ID, ended, all))
		}
	}
	return errors.Join(errs...)
}

// closeLines ends them, and tells what was wrong with them.
func (s *soak) closeLines() error {
	var errs []error
	for _, l := range s.lines {
		l.mu.Lock()
		l.closing = true
		l.mu.Unlock()
		_ = l.conn.Close(websocket.StatusNormalClosure, "") // whatever comes of it, it is closed
		<-l.closed
		errs = append(errs, l.wrong...)
	}
	s.lines = nil
	for i := range s.asked {
		s.asked[i].line = nil
	}
	return errors.Join(errs...)
}

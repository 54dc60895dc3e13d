package cache

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"healthgraph/health"
	"healthgraph/sharing"
)

const (
	redisTimeout = 20 * time.Millisecond // that a read waits for the Redis at most, before it asks the upstream
	redisConnect = time.Second           // which nobody waits for
	redisReady   = 2                     // connections
	keyPrefix    = "healthgraph:answer:"
	waitingMost  = 64 // answers that are to be written; of more, some are not shared
)

// Sealer seals what leaves the process. What was sealed for one place opens for no other.
type Sealer interface {
	SealAnswer(place, plain []byte) ([]byte, error)
	OpenAnswer(place, sealed []byte) ([]byte, error)
}

// SharedConfig makes a Shared.
type SharedConfig struct {
	URL    string
	Key    []byte // what names are hashed with: the same for all processes that share
	Sealer Sealer
	Now    func() time.Time
	Log    *slog.Logger
	// Timeout is how long a read waits for the Redis at most; 0 is 20 milliseconds.
	Timeout time.Duration
}

// Shared are answers in a Redis, sealed, under names that tell nothing of anybody. One that is away or slow has no answer: that is
// never an error, and delays a read by its time-out once in a second.
type Shared struct {
	*sharing.Client

	key     []byte
	sealer  Sealer
	waiting chan toShare
	closing chan struct{}
	writer  sync.WaitGroup
}

// toShare is an answer on its way to the Redis.
type toShare struct {
	key      key
	entry    any
	freshFor time.Duration
}

// NewShared connects to nothing yet.
func NewShared(c SharedConfig) (*Shared, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = redisTimeout
	}
	client, err := sharing.New(sharing.Config{
		URL: c.URL, Timeout: timeout, Connect: max(timeout, redisConnect), Ready: redisReady,
		What: "remembered answers", Meanwhile: "each process remembers its own", Now: c.Now, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	s := &Shared{Client: client, key: c.Key, sealer: c.Sealer, waiting: make(chan toShare, waitingMost), closing: make(chan struct{})}
	s.writer.Go(s.write)
	return s, nil
}

// Close ends it. What waits is not written.
func (s *Shared) Close() error {
	close(s.closing)
	s.writer.Wait()
	return s.Client.Close()
}

// put shares an answer by and by: nobody waits for it.
func (s *Shared) put(k key, entry any, freshFor time.Duration) {
	select {
	case s.waiting <- toShare{k, entry, freshFor}:
	default:
	}
}

func (s *Shared) write() {
	for {
		select {
		case w := <-s.waiting:
			s.writeOne(w)
		case <-s.closing:
			return
		}
	}
}

func (s *Shared) writeOne(w toShare) {
	plain, err := json.Marshal(w.entry)
	if err != nil {
		return // such as of a value that is not a number, which JSON has no word for
	}
	sealed, err := s.sealer.SealAnswer(w.key.place(), plain)
	if err != nil {
		return
	}
	name, person := s.name(w.key.place()), s.person(w.key.user)
	s.Ask(context.Background(), func(ctx context.Context) error {
		_, err := s.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, name, sealed, w.freshFor)
			p.SAdd(ctx, person, name)
			p.Expire(ctx, person, longestFresh)
			return nil
		})
		return err
	})
}

// longestFresh is how long any answer is fresh at most, and so how long the names of a person's are kept.
const longestFresh = 24 * time.Hour

// get gives what is sealed under the names, nil where there is nothing.
func (s *Shared) get(ctx context.Context, names []string) (sealed []any) {
	s.Ask(ctx, func(ctx context.Context) (err error) {
		sealed, err = s.MGet(ctx, names...).Result()
		return err
	})
	return sealed
}

// forget deletes all answers about a person.
func (s *Shared) forget(user health.UserID) {
	person := s.person(user)
	s.Ask(context.Background(), func(ctx context.Context) error {
		names, err := s.SMembers(ctx, person).Result()
		if err == nil {
			err = s.Del(ctx, append(names, person)...).Err()
		}
		return err
	})
}

// findShared finds the answers elsewhere, and remembers them here.
func findShared[V any](ctx context.Context, c *Cache, all []wanted, elsewhere []int, found []*entry[V], hold hold[V]) {
	s := c.config.Shared
	names := make([]string, len(elsewhere))
	for j, i := range elsewhere {
		names[j] = s.name(all[i].key.place())
	}
	now := c.config.Now()
	for j, sealed := range s.get(ctx, names) {
		text, there := sealed.(string)
		if !there {
			continue
		}
		i := elsewhere[j]
		plain, err := s.sealer.OpenAnswer(all[i].key.place(), []byte(text))
		e := &entry[V]{}
		if err != nil || json.Unmarshal(plain, e) != nil || !goodFor(all[i].reuse, e.State, e.Age, now) {
			continue // altered, sealed under a key that is gone, or of another state
		}
		found[i] = e
		c.Counters.Shared.Add(1)
		put(c, all[i].key, hold(e.Value), e.State, e.Age, e.Age.FreshUntil.Sub(now))
	}
}

// place is what an answer is bound to.
func (k key) place() []byte {
	place, _ := json.Marshal([]any{"answer", k.kind, k.connector, string(k.user), k.account, k.day.String(), k.metric, k.from, k.to}) // always encodes
	return place
}

func (s *Shared) name(place []byte) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(place)
	return keyPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// person is the name under which the names of a person's answers are.
func (s *Shared) person(user health.UserID) string {
	place, _ := json.Marshal([]string{"person", string(user)}) // always encodes
	return s.name(place)
}

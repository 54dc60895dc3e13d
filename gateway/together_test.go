package gateway_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// reader reads a key as itself, when it is let.
type reader struct {
	gateway.Together[string, string]
	t     *testing.T
	gate  chan struct{}
	reads atomic.Int64
	ended atomic.Int64 // by their context
}

func newReader(t *testing.T) *reader {
	t.Helper()
	return &reader{t: t, gate: make(chan struct{})}
}

func (r *reader) read(ctx context.Context, keys ...string) ([]string, error) {
	return r.Read(ctx, keys, func(ctx context.Context, missing []int) []string {
		r.reads.Add(1)
		values := make([]string, len(missing))
		select {
		case <-r.gate:
			for i, at := range missing {
				values[i] = "read " + keys[at]
			}
		case <-ctx.Done():
			r.ended.Add(1)
		}
		return values
	})
}

func (r *reader) waits(n int) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.Waiting() == n }, 10*time.Second, time.Millisecond)
}

func TestIdenticalReadsAreMadeOnce(t *testing.T) {
	r := newReader(t)
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			key := []string{"a", "b", "c"}[i%3]
			values, err := r.read(t.Context(), key)
			assert.NoError(t, err)
			assert.Equal(t, []string{"read " + key}, values)
		})
	}
	r.waits(60)
	all.Go(func() { // joins two, and reads the others in one batch
		values, err := r.read(t.Context(), "d", "b", "e", "a", "d")
		assert.NoError(t, err)
		assert.Equal(t, []string{"read d", "read b", "read e", "read a", "read d"}, values)
	})
	require.Eventually(t, func() bool { return r.reads.Load() == 4 }, 10*time.Second, time.Millisecond)
	close(r.gate)
	all.Wait()
	assert.EqualValues(t, 4, r.reads.Load())
	assert.Zero(t, r.Waiting())

	_, err := r.read(t.Context(), "a")
	require.NoError(t, err)
	assert.EqualValues(t, 5, r.reads.Load(), "nothing is remembered")
}

func TestWhoLeavesDoesNotEndTheReadOfOthers(t *testing.T) {
	r := newReader(t)
	first, leave := context.WithCancel(t.Context())
	second, leaveToo := context.WithCancel(t.Context())
	var left, stays sync.WaitGroup
	left.Go(func() {
		_, err := r.read(first, "a")
		assert.ErrorIs(t, err, context.Canceled)
	})
	r.waits(1)
	left.Go(func() {
		_, err := r.read(second, "a")
		assert.ErrorIs(t, err, context.Canceled)
	})
	stays.Go(func() {
		values, err := r.read(t.Context(), "a")
		assert.NoError(t, err)
		assert.Equal(t, []string{"read a"}, values)
	})
	r.waits(3)
	leave() // the one who began it
	leaveToo()
	left.Wait()
	assert.Zero(t, r.ended.Load())
	r.gate <- struct{}{}
	stays.Wait()
	assert.EqualValues(t, 1, r.reads.Load())
}

func TestAReadEndsWhenAllHaveLeft(t *testing.T) {
	r := newReader(t)
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { _, _ = r.read(ctx, "a") })
	}
	r.waits(5)
	leave()
	all.Wait()
	assert.EqualValues(t, 1, r.ended.Load())
	close(r.gate)
	values, err := r.read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, []string{"read a"}, values, "who comes then reads anew")
	assert.EqualValues(t, 2, r.reads.Load())
}

func TestWhoHasMoreTimeReadsAgainWhatADeadlineEnded(t *testing.T) {
	r := newReader(t)
	hasty, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { _, _ = r.read(hasty, "a") })
	r.waits(1)
	all.Go(func() {
		values, err := r.read(t.Context(), "b", "a")
		assert.NoError(t, err)
		assert.Equal(t, []string{"read b", "read a"}, values)
	})
	r.waits(3)
	require.Eventually(t, func() bool { return r.ended.Load() == 1 }, 10*time.Second, time.Millisecond)
	close(r.gate)
	all.Wait()
	assert.EqualValues(t, 3, r.reads.Load())
}

func TestAPanicIsEverybodys(t *testing.T) {
	r := newReader(t)
	var panicked atomic.Int64
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			defer func() {
				if recover() != nil {
					panicked.Add(1)
				}
			}()
			_, _ = r.Read(t.Context(), []string{"a"}, func(context.Context, []int) []string {
				<-r.gate
				panic("broken")
			})
		})
	}
	r.waits(3)
	close(r.gate)
	all.Wait()
	assert.EqualValues(t, 3, panicked.Load())
	assert.Zero(t, r.Waiting())
}

// Whoever asks for one person does not wait for a crowd.
func TestNobodyJoinsALargeBatch(t *testing.T) {
	r := newReader(t)
	keys := make([]string, 17)
	for i := range keys {
		keys[i] = string(rune('a' + i))
	}
	var all sync.WaitGroup
	all.Go(func() { _, _ = r.read(t.Context(), keys...) })
	require.Eventually(t, func() bool { return r.reads.Load() == 1 }, 10*time.Second, time.Millisecond)
	assert.Zero(t, r.Waiting())
	all.Go(func() { _, _ = r.read(t.Context(), keys[1:]...) })
	r.waits(16 * 16)
	close(r.gate)
	all.Wait()
}

// gated lets the lister answer when the gate opens: each account by its own list.
func (h *house) gated(lists map[string][]health.DataSource) (open func()) {
	gate := make(chan struct{})
	h.lister.links = func(account string) connectors.LinksResult {
		<-gate
		states := []connectors.LinkState{}
		for _, source := range []health.DataSource{fitbit, appleHealth} {
			states = append(states, connectors.LinkState{DataSource: source, Connected: slices.ContainsFunc(lists[account], func(s health.DataSource) bool { return s.ID == source.ID })})
		}
		return connectors.LinksResult{Links: states}
	}
	return sync.OnceFunc(func() { close(gate) })
}

func (h *house) readersOfLinks(n int) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return gateway.ReadersOfLinks(h.Gateway) == n }, 20*time.Second, time.Millisecond)
}

func TestTwoPeopleAtTheSameInstantShareNothing(t *testing.T) {
	h := newHouse(t)
	open := h.gated(map[string][]health.DataSource{"person-1": {fitbit}, "person-2": {appleHealth}})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			user := []health.UserID{"person-1", "person-2"}[i%2]
			links := h.links(user, "lister")
			want := map[health.DataSourceID]health.LinkStatus{"fitbit": health.StatusConnected, "apple_health": health.StatusNotConnected}
			if user == "person-2" {
				want["fitbit"], want["apple_health"] = want["apple_health"], want["fitbit"]
			}
			for source, status := range want {
				assert.Equal(t, status, links[source].Status, "%s %s", user, source)
				assert.Equal(t, user, links[source].User)
			}
		})
	}
	h.readersOfLinks(64)
	open()
	all.Wait()
	assert.ElementsMatch(t, []string{"links person-1", "links person-2"}, h.lister.made(), "and each is asked about once")
}

// A read that began before the person's link changed here is not for those who come after the change.
func TestAReadIsNotSharedAcrossAChange(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.links("person-1", "lister")
	h.lister.forget()
	gate := make(chan struct{})
	var asked atomic.Int64
	h.lister.links = func(string) connectors.LinksResult {
		first := asked.Add(1) == 1
		if first {
			<-gate
		}
		return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit, Connected: first}, {DataSource: appleHealth}}}
	}
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		return connectors.Revocation{WasConnected: true}, nil
	}
	var early sync.WaitGroup
	early.Go(func() { h.links("person-1", "lister") })
	h.readersOfLinks(1)
	require.Eventually(t, func() bool { return asked.Load() == 1 }, 10*time.Second, time.Millisecond)
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	assert.Equal(t, []any{health.RevokedUpstream, health.StatusRevoked}, []any{payload.Outcome, payload.Link.Status})
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status)
	assert.EqualValues(t, 3, asked.Load())
	close(gate)
	early.Wait()
	assert.Equal(t, health.StatusRevoked, h.links("person-1", "lister")["fitbit"].Status, "nor does the early one's answer come back")
}

// What may be refused because nobody waits for it is not shared with somebody who does.
func TestABackgroundReadIsNotSharedWithPeople(t *testing.T) {
	h := newHouse(t)
	open := h.gated(nil)
	person := h.person("person-1")
	var all sync.WaitGroup
	all.Go(func() { h.Links(connectors.InBackground(t.Context()), "lister", []*gateway.Person{person}) })
	all.Go(func() { h.Links(t.Context(), "lister", []*gateway.Person{person}) })
	h.readersOfLinks(2)
	open()
	all.Wait()
	assert.Len(t, h.lister.made(), 2)
}

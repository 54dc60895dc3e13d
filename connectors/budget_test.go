package connectors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// ledger is a store of one budget that can fail, and counts how often it is asked.
type ledger struct {
	mu     sync.Mutex
	resets time.Time
	taken  int
	asked  int
	fails  bool
}

// TakeShare is as package store has it.
func (l *ledger) TakeShare(_ context.Context, _ string, resetsAt time.Time, n, ceiling int) (granted, taken int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if l.fails {
		return 0, 0, errors.New("away")
	}
	if !l.resets.Equal(resetsAt) {
		l.resets, l.taken = resetsAt, 0
	}
	granted = max(min(n, ceiling-l.taken), 0)
	l.taken += granted
	return granted, max(l.taken, ceiling*(1-min(granted, 1))), nil
}

type day struct {
	*paper
	*ledger

	now  time.Time
	told *bytes.Buffer
}

func tomorrow(now time.Time) time.Time { return now.Truncate(24 * time.Hour).Add(24 * time.Hour) }

// newDay is noon of a day with so many calls, counted in the ledger.
func newDay(t *testing.T, l *ledger, limit, reserve int) *day {
	t.Helper()
	d := &day{ledger: l, now: noon, told: &bytes.Buffer{}}
	clock := func() time.Time { return d.now }
	d.paper = newPaper(t, connectors.ClientConfig{Now: clock, Budget: connectors.NewBudget(connectors.BudgetConfig{
		Upstream: "Paper", Name: "paper", Limit: limit, Reserve: reserve, Resets: tomorrow, Store: l, Now: clock, Log: slog.New(slog.NewTextHandler(d.told, nil)),
	})})
	return d
}

// spend makes calls until one is refused, and says how many were made.
func (d *day) spend(ctx context.Context) (int, *health.Error) {
	d.Helper()
	for n := range 100_000 {
		if e := d.ask(ctx, "GET", "data"); e != nil {
			return n, e
		}
	}
	return 0, nil
}

func TestABudgetIsSpentExactlyAndItsReserveIsKept(t *testing.T) {
	d := newDay(t, &ledger{}, 300, 100)
	made, e := d.spend(connectors.InBackground(t.Context()))
	assert.Equal(t, 200, made, "background work leaves the reserve")
	assert.Equal(t, []any{health.RateLimited, 12 * time.Hour}, []any{e.Code, e.RetryAfter}, "until the reset")
	made, e = d.spend(t.Context())
	assert.Equal(t, 100, made, "which is for people")
	assert.Equal(t, []any{health.RateLimited, 12 * time.Hour}, []any{e.Code, e.RetryAfter})
	assert.Contains(t, e.Message, "daily limit is spent")

	_, err := d.Do(t.Context(), connectors.Call{Path: []string{"tokens"}, Essential: true})
	require.NoError(t, err, "a token is bought all the same")
	assert.Equal(t, 301, d.calls(), "and nothing that was refused arrived")

	asked := d.asked
	for range 10 {
		d.spend(t.Context())
		d.spend(connectors.InBackground(t.Context()))
	}
	assert.Equal(t, asked, d.asked, "what is spent is spent: the store is not asked again")
	for _, line := range []string{"no more than the reserve is left of the calls of a day", "the calls of a day are spent"} {
		assert.Equal(t, 1, strings.Count(d.told.String(), line), line)
	}

	d.now = d.now.Add(12 * time.Hour)
	made, _ = d.spend(connectors.InBackground(t.Context()))
	assert.Equal(t, 200, made, "a new day")
}

func TestSharesAreFewWritesAndLittleIsLost(t *testing.T) {
	l := &ledger{}
	one := newDay(t, l, 10_000, 2_000)
	for range 120 {
		assert.Nil(t, one.ask(t.Context(), "GET", "data"))
	}
	assert.Equal(t, []int{3, 150}, []int{l.asked, l.taken}, "shares of fifty")

	two := newDay(t, l, 10_000, 2_000) // while the first one dies, and with it its 30
	l.taken = 9_980
	made, _ := two.spend(t.Context())
	assert.Equal(t, 20, made)

	small := &ledger{}
	made, _ = newDay(t, small, 5, 2).spend(t.Context())
	assert.Equal(t, []int{5, 5}, []int{made, small.taken}, "of a small budget one by one, so that others have some too")
}

// A share that people took beyond the reserve is not for background work of the same process.
func TestBackgroundWorkDoesNotUseWhatPeopleTook(t *testing.T) {
	l := &ledger{}
	d := newDay(t, l, 1_000, 500) // shares of ten
	assert.Nil(t, d.ask(t.Context(), "GET", "data"))
	l.taken = 495
	for range 9 {
		assert.Nil(t, d.ask(t.Context(), "GET", "data"))
	}
	assert.Nil(t, d.ask(t.Context(), "GET", "data"), "the first of the share up to 505")
	made, e := d.spend(connectors.InBackground(t.Context()))
	assert.Equal(t, []any{0, health.RateLimited}, []any{made, code(e)})
	assert.Nil(t, d.ask(t.Context(), "GET", "data"))
}

func TestManyCallersShareABudget(t *testing.T) {
	l := &ledger{}
	one, two := newDay(t, l, 200, 0), newDay(t, l, 200, 0)
	var refused [2]int
	for i, d := range []*day{one, two} {
		var mu sync.Mutex
		connectors.Each(150, 10, func(int) {
			if e := d.ask(t.Context(), "GET", "data"); e != nil {
				mu.Lock()
				defer mu.Unlock()
				refused[i]++
			}
		})
	}
	assert.Equal(t, 200, one.calls()+two.calls())
	assert.Equal(t, 100, refused[0]+refused[1])
}

func TestWithoutTheStoreNobodyIsRefused(t *testing.T) {
	l := &ledger{fails: true}
	d := newDay(t, l, 100, 10)
	for range 200 {
		assert.Nil(t, d.ask(t.Context(), "GET", "data"))
	}
	assert.Equal(t, []int{200, 1}, []int{d.calls(), l.asked}, "asked once in five seconds")
	assert.Equal(t, 1, strings.Count(d.told.String(), "the calls of a day can't be counted"))
	l.fails = false
	d.now = d.now.Add(5 * time.Second)
	made, _ := d.spend(t.Context())
	assert.Equal(t, 100, made)
}

func TestNoLimitIsNoBudget(t *testing.T) {
	assert.Nil(t, connectors.NewBudget(connectors.BudgetConfig{Upstream: "Paper"}))
	p := newPaper(t, connectors.ClientConfig{})
	assert.Nil(t, p.ask(connectors.InBackground(t.Context()), http.MethodGet, "data"))
}

package connectors

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"healthgraph/health"
)

// BudgetStore keeps what is taken of budgets that several processes share.
type BudgetStore interface {
	// TakeShare takes up to n calls of those below ceiling that nobody has taken in the time that ends at resetsAt. taken is how
	// many are by then, with these; it is ceiling or more where granted is less than n.
	TakeShare(ctx context.Context, budget string, resetsAt time.Time, n, ceiling int) (granted, taken int, err error)
}

// BudgetConfig makes a Budget.
type BudgetConfig struct {
	Upstream string // its name, for messages
	Name     string // of the budget in the store
	Limit    int    // calls until the reset, of all processes
	Reserve  int    // of these, kept for people who wait: see InBackground
	Resets   func(now time.Time) time.Time
	Store    BudgetStore
	Now      func() time.Time
	Log      *slog.Logger
}

// Budget plans the calls that an upstream allows until some hour. Processes take them from the store in shares of fifty (fewer
// of a small budget), so that most calls cost no statement; a process that dies loses what is left of its share. Safe for
// concurrent use. While the store fails nobody is refused: the upstream counts for itself.
type Budget struct {
	config BudgetConfig
	share  int
	turn   chan struct{} // held by whoever uses what follows

	resets time.Time // of the share
	left   int       // of the share
	taken  int       // by all processes, as far as known: when the share was taken
	again  time.Time // the store is not asked before
}

const (
	shareOf   = 100 // shares are a hundredth of the budget,
	mostShare = 50  // and no more than so many calls

	storeTime  = time.Second     // for taking a share
	storePause = 5 * time.Second // after it failed
)

// NewBudget makes a Budget. A Limit of 0 is no budget: nil.
func NewBudget(config BudgetConfig) *Budget {
	if config.Limit == 0 {
		return nil
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Log = cmp.Or(config.Log, slog.New(slog.DiscardHandler))
	return &Budget{config: config, share: min(max(config.Limit/shareOf, 1), mostShare), turn: make(chan struct{}, 1)}
}

type backgroundKey struct{}

// InBackground marks calls that nobody waits for. They yield: what is left of a budget is kept for people once it is no more
// than the reserve.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// IsInBackground says whether nobody waits for what is done under ctx.
func IsInBackground(ctx context.Context) bool {
	marked, _ := ctx.Value(backgroundKey{}).(bool)
	return marked
}

// spend counts a call that is about to be made. RATE_LIMITED, with the time until the reset, means that it must not be, unless
// it is essential.
func (b *Budget) spend(ctx context.Context, essential bool) error {
	if b == nil {
		return nil
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return health.Fail(health.UpstreamUnavailable, b.config.Upstream+" is not available: there was no time left to ask", ctx.Err())
	}
	now := b.config.Now()
	if resets := b.config.Resets(now); !resets.Equal(b.resets) {
		b.resets, b.left, b.taken = resets, 0, 0
	}
	ceiling := b.config.Limit
	yields := IsInBackground(ctx)
	if yields {
		ceiling -= b.config.Reserve
	}
	if b.left == 0 && b.taken < ceiling && !now.Before(b.again) && !b.take(ctx, ceiling) {
		b.again = now.Add(storePause)
	}
	switch {
	case now.Before(b.again): // nobody can tell
		b.left = max(b.left-1, 0)
	case b.left > 0 && b.taken <= ceiling:
		b.left--
	case !essential:
		return b.refusal(yields, b.resets.Sub(now))
	}
	return nil
}

// take gets a share, and says whether the store could be asked. It outlives the caller: others use the share.
func (b *Budget) take(ctx context.Context, ceiling int) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	granted, taken, err := b.config.Store.TakeShare(ctx, b.config.Name, b.resets, b.share, ceiling)
	if err != nil {
		b.config.Log.WarnContext(ctx, "the calls of a day can't be counted: the upstream itself will say when they are spent", "upstream", b.config.Upstream, "error", err)
		return false
	}
	if b.taken < b.config.Limit-b.config.Reserve && taken >= b.config.Limit-b.config.Reserve {
		b.config.Log.WarnContext(ctx, "no more than the reserve is left of the calls of a day: background work waits for the next one", "upstream", b.config.Upstream, "left", b.config.Limit-taken)
	}
	if b.taken < b.config.Limit && taken >= b.config.Limit {
		b.config.Log.WarnContext(ctx, "the calls of a day are spent", "upstream", b.config.Upstream)
	}
	b.left, b.taken = granted, taken
	return true
}

func (b *Budget) refusal(yields bool, wait time.Duration) error {
	why := " takes no more requests for now: its daily limit is spent"
	if yields {
		why = " is left to people who ask for now: the rest of its daily limit is theirs"
	}
	e := health.Fail(health.RateLimited, b.config.Upstream+why, nil)
	e.RetryAfter = wholeSeconds(wait)
	return e
}

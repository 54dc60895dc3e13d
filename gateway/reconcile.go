package gateway

import (
	"context"
	"slices"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

const (
	reconcilePage    = 100              // people whose ids are in memory at a time
	reconcileTimeout = 30 * time.Second // for one person
	leaseMargin      = time.Minute      // that a lease outlasts the check it is taken for
	// giveUpAfter is for how many people in a row an upstream may be down or out of budget before it is left in peace: one may
	// be its budget for that person, three are its state.
	giveUpAfter = 3
	// settleAfter is when a link that is on its way (PENDING, REVOKING) is looked at again.
	settleAfter = time.Hour
	longestLook = 31 * 24 * time.Hour // for data of a source that went silent
)

// ReconcileOptions bound a Reconcile.
type ReconcileOptions struct {
	CheckedBefore time.Duration // only what was checked longer ago than this
	PerHour       int           // people at most, more than 0
	Report        func(ReconcileProgress)
}

// ReconcileProgress says how far a Reconcile has come.
type ReconcileProgress struct {
	Due     int // people there were at the start
	Checked int // people asked about: the sum of those below
	Same    int
	Changed int // whose links are not what was remembered
	Failed  int // about whom the upstream could not be asked; they stay due
}

// Due says whose links at a connector are to be compared with the upstream: in the order of people, from behind After on.
type Due struct {
	Connector     string
	After         health.UserID
	CheckedBefore time.Time
	SettleBefore  time.Time // for links that are on their way
	SilentBefore  time.Time // for links that have brought nothing since
}

// Reconcile compares what is remembered of people's links at one upstream with what it says, and remembers what it says. A
// grant is renewed if need be, its account confirmed and a refused one tried again; a source that has brought nothing new
// for long is asked for its newest data. It is one process at a time among all on the database (ErrLeaseHeld), at an even
// pace.
//
// It can be stopped at any point and goes on behind whoever was checked last when run again, by whatever process. It ends early
// when the upstream is down or out of budget for several people in a row: the error is the last failure. What only the
// operator can mend fails for each at their turn, so that nobody behind them waits for that.
func (g *Gateway) Reconcile(ctx context.Context, connector string, o ReconcileOptions) (ReconcileProgress, error) {
	plug := g.Registry.Plug(connector)
	if plug.NeedsGrant() && plug.Profile == nil {
		return ReconcileProgress{}, nil // what we hold is all that can be known
	}
	pace := time.Hour / time.Duration(o.PerHour)
	r := round{Gateway: g, plug: plug, options: o, pace: pace}
	r.lease = g.newLease("reconcile "+connector, pace+reconcileTimeout+leaseMargin)
	reached, err := r.lease.take(ctx)
	if err != nil {
		return ReconcileProgress{}, err
	}
	r.due.Connector, r.due.After = connector, health.UserID(reached)
	err = r.run(ctx)
	r.lease.giveBack(ctx, string(r.due.After), pace) // so that the pace is kept from one round to the next, whoever makes it
	return r.progress, err
}

// round is one Reconcile under way.
type round struct {
	*Gateway

	plug     *connectors.Plug
	options  ReconcileOptions
	lease    lease
	pace     time.Duration
	due      Due
	progress ReconcileProgress
	inARow   int // people for whom the upstream was down or out of budget
}

// run goes on behind the person who was checked last, and begins anew behind the last one of all: wherever a round ends, nobody
// waits for ever. Who fails in the first half may be asked once more in the second.
func (r *round) run(ctx context.Context) error {
	everybody := r.bounds()
	everybody.After = ""
	var err error
	if r.progress.Due, err = r.Store.CountDue(ctx, everybody, r.plug.NeedsGrant()); err != nil {
		return err
	}
	wrapped := r.due.After == ""
	for {
		users, err := r.Store.Due(ctx, r.bounds(), r.plug.NeedsGrant(), reconcilePage)
		switch {
		case err != nil:
			return err
		case len(users) == 0 && !wrapped:
			wrapped, r.due.After = true, ""
			continue
		case len(users) == 0:
			r.due.After = ""
			return nil
		}
		for _, user := range users {
			if err := r.next(ctx, user); err != nil {
				return err
			}
		}
	}
}

// bounds are what is due by now: a round may take days.
func (r *round) bounds() Due {
	now := r.Now()
	due := r.due
	due.CheckedBefore = now.Add(-r.options.CheckedBefore)
	due.SettleBefore = now.Add(-min(settleAfter, r.options.CheckedBefore))
	if r.StaleAfter > 0 {
		due.SilentBefore = now.Add(-r.StaleAfter)
	}
	return due
}

// next checks a person when it is their turn. The error is why nobody is checked after them.
func (r *round) next(ctx context.Context, user health.UserID) error {
	if r.progress.Checked > 0 {
		if err := wait(ctx, r.pace); err != nil {
			return err
		}
	}
	if err := r.lease.keep(ctx, string(user)); err != nil {
		return err
	}
	r.due.After = user
	changed, failure := r.reconcileOne(ctx, user, r.plug)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.progress.Checked++
	switch {
	case failure != nil:
		r.progress.Failed++
	case changed:
		r.progress.Changed++
	default:
		r.progress.Same++
	}
	if e := health.AsError(failure); e.Has(health.UpstreamUnavailable) || e.Has(health.RateLimited) {
		r.inARow++
	} else {
		r.inARow = 0
	}
	r.options.Report(r.progress)
	if r.inARow >= giveUpAfter {
		return failure
	}
	return nil
}

// reconcileOne checks one person, and says whether a link is another than it was. failure says why the upstream could not be
// asked.
func (g *Gateway) reconcileOne(ctx context.Context, user health.UserID, plug *connectors.Plug) (changed bool, failure error) {
	ctx, cancel := context.WithTimeout(connectors.InBackground(ctx), reconcileTimeout)
	defer cancel()
	people, err := g.People(ctx, []health.UserID{user})
	if err != nil {
		return false, err
	}
	before := people[0]
	if plug.NeedsGrant() {
		grant, held := before.grants[plug.Description.ID]
		if !held { // it was ended a moment ago
			return false, nil
		}
		_, err := g.readProfile(ctx, before, plug, grant)
		if e := health.AsError(err); e != nil && !e.Has(health.ReauthorizationRequired) {
			g.logFailure(plug.Description.ID, err)
			return false, err
		}
		if people, err = g.People(ctx, []health.UserID{user}); err != nil {
			return false, err
		}
		if now := people[0].grants[plug.Description.ID]; now.Refused() != grant.Refused() || now.VerifiedAt.IsZero() != grant.VerifiedAt.IsZero() {
			changed = true
		}
	}
	links := g.Links(ctx, plug.Description.ID, people)[0]
	for _, link := range links {
		if link.Status == health.StatusUnknown {
			return changed, link.Problem.Err()
		}
		was := g.record(before, plug, link.DataSource.ID).Status
		changed = changed || link.Status != was && link.Status != health.StatusReauthorizationRequired // which is never remembered as a status
	}
	return changed, g.lookForData(ctx, people[0], plug, links)
}

// lookForData asks for the newest data where none has come for long and nobody has asked for a day: otherwise a source that
// went silent while nobody looked would look well.
func (g *Gateway) lookForData(ctx context.Context, p *Person, plug *connectors.Plug, links []health.DataSourceLink) error {
	now := g.Now()
	silent := func(link health.DataSourceLink) bool {
		return link.Status == health.StatusConnected && link.Problem == nil && mayBringData(link, plug) && now.Sub(newestOf(link)) >= g.StaleAfter &&
			(link.DataCheckedAt == nil || now.Sub(*link.DataCheckedAt) >= 24*time.Hour)
	}
	if g.StaleAfter == 0 || !plug.ReadsSteps() || !slices.ContainsFunc(links, silent) {
		return nil
	}
	days := health.DateRange{From: health.DateOf(now.Add(-min(g.StaleAfter, longestLook)), health.UTC), To: health.DateOf(now, health.UTC)}
	problem, complete := g.Steps(ctx, p, plug.Description.ID, links, days).problemOf(StepRequest{Days: days}, health.UTC)
	if complete || problem == nil || problem.Code == health.ReauthorizationRequired { // which the link says for itself
		return nil
	}
	return problem.Err()
}

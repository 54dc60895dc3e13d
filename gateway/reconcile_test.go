package gateway_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// atOnce leaves no pause that a test would notice.
func atOnce() gateway.ReconcileOptions {
	return gateway.ReconcileOptions{CheckedBefore: 24 * time.Hour, PerHour: int(time.Hour), Report: func(gateway.ReconcileProgress) {}}
}

func (h *house) reconcile(connector string) gateway.ReconcileProgress {
	h.t.Helper()
	p, err := h.Reconcile(h.t.Context(), connector, atOnce())
	require.NoError(h.t, err)
	return p
}

// fivePeople are linked at the lister, a day ago.
func fivePeople(h *house) {
	h.lister.shows(fitbit)
	for i := range 5 {
		h.links(health.UserID(fmt.Sprintf("person-%d", i)), "lister")
	}
	h.clock.advance(24 * time.Hour)
	h.lister.forget()
}

func TestReconcileRemembersWhatTheListSays(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	listed := h.lister.links
	h.lister.links = func(account string) connectors.LinksResult {
		if account == "person-3" {
			return connectors.LinksResult{Links: []connectors.LinkState{{DataSource: fitbit}, {DataSource: appleHealth}}}
		}
		return listed(account)
	}
	p := h.reconcile("lister")
	assert.Equal(t, gateway.ReconcileProgress{Due: 5, Checked: 5, Same: 4, Changed: 1}, p)
	assert.Len(t, h.lister.made(), 5, "one call each")
	records, _ := h.stored("person-3")
	for _, record := range records {
		assert.Equal(t, health.StatusNotConnected, record.Status)
	}
	assert.Equal(t, health.AccessEnded, h.actions("person-3")[0])

	h.lister.forget()
	assert.Equal(t, gateway.ReconcileProgress{}, h.reconcile("lister"), "nobody is due again")
	assert.Empty(t, h.lister.made())
}

func TestReconcileLooksAgainAtLinksOnTheirWay(t *testing.T) {
	h := newHouse(t)
	h.lister.shows(fitbit)
	h.lister.revocation = func(health.DataSourceID) (connectors.Revocation, error) {
		return connectors.Revocation{WasConnected: true, LateData: 6 * time.Hour}, nil
	}
	payload, err := h.Revoke(t.Context(), "person-1", "fitbit", byPerson)
	require.NoError(t, err)
	require.Equal(t, health.StatusRevoking, payload.Link.Status)
	assert.Zero(t, h.reconcile("lister").Due, "it takes its time")
	h.lister.shows()
	h.clock.advance(time.Hour)
	assert.Equal(t, 1, h.reconcile("lister").Changed)
	records, _ := h.stored("person-1")
	for _, record := range records {
		if record.DataSource == fitbit.ID {
			assert.Equal(t, health.StatusRevoked, record.Status)
		}
	}
}

func TestReconcileConfirmsGrantsAndTriesRefusedOnesAgain(t *testing.T) {
	h := newHouse(t)
	h.granter.profileErr = down
	require.NoError(t, h.finish("person-1"))
	p, err := h.Reconcile(t.Context(), "granter", atOnce())
	require.NoError(t, err, "one failure is that person's")
	assert.Equal(t, gateway.ReconcileProgress{Due: 1, Checked: 1, Failed: 1}, p)
	assert.Equal(t, health.StatusConnected, h.links("person-1", "granter")["granter"].Status, "a failure changes nothing")

	h.granter.profileErr = nil
	assert.Equal(t, gateway.ReconcileProgress{Due: 1, Checked: 1, Changed: 1}, h.reconcile("granter"), "it stayed due")
	assert.True(t, *h.links("person-1", "granter")["granter"].AccountVerified)
	assert.Zero(t, h.reconcile("granter").Due)

	h.clock.advance(24 * time.Hour)
	h.granter.forget()
	assert.Equal(t, gateway.ReconcileProgress{Due: 1, Checked: 1, Same: 1}, h.reconcile("granter"))
	assert.Equal(t, []string{"profile a-1"}, h.granter.made())
}

func TestReconcileLeavesAnUpstreamInPeaceThatFailsForSeveralInARow(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	h.lister.isDown()
	p, err := h.Reconcile(t.Context(), "lister", atOnce())
	assert.Equal(t, health.UpstreamUnavailable, codeOf(err))
	assert.Equal(t, gateway.ReconcileProgress{Due: 5, Checked: 3, Failed: 3}, p)
	h.lister.forget()
	_, err = h.another(h.config).Reconcile(t.Context(), "lister", atOnce())
	require.Error(t, err)
	assert.Equal(t, []string{"links person-3", "links person-4", "links person-0"}, h.lister.made(), "the next round begins behind those, in whatever process")
	h.lister.shows(fitbit)
	assert.Equal(t, gateway.ReconcileProgress{Due: 5, Checked: 5, Same: 5}, h.reconcile("lister"), "all of them stayed due")
}

// A wrong credential of ours, or many refused people side by side, must not keep everybody behind them from their turn.
func TestReconcileGoesOnPastWhatOnlyTheOperatorCanMend(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	listed := h.lister.links
	h.lister.links = func(account string) connectors.LinksResult {
		if account == "person-4" {
			return listed(account)
		}
		return connectors.LinksResult{Err: health.Fail(health.UpstreamInvalid, "Lister refuses the gateway", nil)}
	}
	assert.Equal(t, gateway.ReconcileProgress{Due: 5, Checked: 5, Same: 1, Failed: 4}, h.reconcile("lister"))
}

func TestReconcileCanBeStoppedAtAnyPointAndGoesOn(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	ctx, stop := context.WithCancel(t.Context())
	o := atOnce()
	o.Report = func(p gateway.ReconcileProgress) {
		if p.Checked == 2 {
			stop()
		}
	}
	_, err := h.Reconcile(ctx, "lister", o)
	require.ErrorIs(t, err, context.Canceled)
	second := h.another(h.config) // as after a restart: the lease was given back
	p, err := second.Reconcile(t.Context(), "lister", atOnce())
	require.NoError(t, err)
	assert.Equal(t, 3, p.Checked)
	assert.Len(t, h.lister.made(), 5, "nobody twice")
}

// Replicas share the work by leaving it to one of them, which keeps its pace for all.
func TestReconcileIsOneProcessAtATime(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	var others sync.WaitGroup
	o := atOnce()
	o.Report = func(p gateway.ReconcileProgress) {
		others.Go(func() {
			_, err := h.another(h.config).Reconcile(t.Context(), "lister", atOnce())
			if p.Checked < 4 { // at the last one this process may have ended by then
				assert.ErrorIs(t, err, gateway.ErrLeaseHeld)
			}
		})
		if p.Checked < 5 {
			others.Wait()
		}
	}
	_, err := h.Reconcile(t.Context(), "lister", o)
	require.NoError(t, err)
	others.Wait()
	assert.Len(t, h.lister.made(), 5, "once per person")

	// One that died leaves its lease behind, until it ends.
	fivePeople(h)
	_, held, err := h.store.TakeLease(t.Context(), "reconcile lister", "a dead process", h.clock.Now().Add(time.Minute), h.clock.Now())
	require.NoError(t, err)
	require.True(t, held)
	_, err = h.Reconcile(t.Context(), "lister", atOnce())
	require.ErrorIs(t, err, gateway.ErrLeaseHeld)
	h.clock.advance(time.Minute)
	assert.Equal(t, 5, h.reconcile("lister").Checked)
}

func TestReconcileAsksForDataOnlyWhereNoneHasComeForLong(t *testing.T) {
	h := newHouse(t)
	config := h.config
	config.StaleAfter = 72 * time.Hour
	h.Gateway = h.another(config)
	h.grant("person-1", nil)
	h.granter.profile.AccountID = "account-of-person-1"
	h.reconcile("granter")
	h.clock.advance(25 * time.Hour)
	h.granter.forget()
	h.reconcile("granter")
	assert.Equal(t, []string{"profile account-of-person-1"}, h.granter.made(), "no measurement is asked for without need")

	h.clock.advance(48 * time.Hour)
	h.granter.forget()
	h.reconcile("granter")
	assert.Len(t, h.granter.made(), 2)
	assert.Contains(t, h.granter.made()[1], "samples account-of-person-1")
	problem := h.links("person-1", "granter")["granter"].Problem
	require.NotNil(t, problem, "although nobody has read a step")
	assert.Equal(t, health.NoNewData, problem.Code)
}

// A long round keeps its lease by taking it anew for each person.
func TestAReconcileThatTakesLongKeepsItsLease(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	o := atOnce()
	o.Report = func(p gateway.ReconcileProgress) {
		h.clock.advance(time.Minute)
		if p.Checked < 5 {
			_, err := h.another(h.config).Reconcile(t.Context(), "lister", atOnce())
			assert.ErrorIs(t, err, gateway.ErrLeaseHeld, p.Checked)
		}
	}
	p, err := h.Reconcile(t.Context(), "lister", o)
	require.NoError(t, err)
	assert.Equal(t, 5, p.Checked)
}

// A budget that is spent is left in peace as an upstream that is down is.
func TestReconcileEndsWhereTheBudgetDoes(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	h.lister.links = func(string) connectors.LinksResult {
		return connectors.LinksResult{Err: health.Fail(health.RateLimited, "Lister takes no more requests for now", nil)}
	}
	p, err := h.Reconcile(t.Context(), "lister", atOnce())
	assert.Equal(t, health.RateLimited, codeOf(err))
	assert.Equal(t, 3, p.Checked)
}

// The pace holds from one round to the next, whoever makes it.
func TestTheNextRoundWaitsForItsTurn(t *testing.T) {
	h := newHouse(t)
	fivePeople(h)
	o := atOnce()
	o.PerHour = 60
	ctx, stop := context.WithCancel(t.Context())
	o.Report = func(gateway.ReconcileProgress) { stop() }
	_, err := h.Reconcile(ctx, "lister", o)
	require.ErrorIs(t, err, context.Canceled)
	second := h.another(h.config)
	_, err = second.Reconcile(t.Context(), "lister", atOnce())
	require.ErrorIs(t, err, gateway.ErrLeaseHeld)
	h.clock.advance(time.Minute)
	p, err := second.Reconcile(t.Context(), "lister", atOnce())
	require.NoError(t, err)
	assert.Equal(t, 4, p.Checked, "and begins behind whoever was checked")
}

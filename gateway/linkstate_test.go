package gateway

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"healthgraph/health"
)

var (
	noon    = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	before  = noon.Add(-24 * time.Hour) // when links of these tests were connected
	never   = time.Time{}
	aMoment = time.Microsecond
)

func TestWhatTheUpstreamShowsDecides(t *testing.T) {
	for name, c := range map[string]struct {
		old          LinkRecord
		connected    bool
		want         health.LinkStatus
		connectedAt  time.Time
		forgetsTimes bool // of return and revocation
	}{
		"first seen, connected":                  {LinkRecord{Status: health.StatusNotConnected}, true, health.StatusConnected, noon, true},
		"first seen, not connected":              {LinkRecord{Status: health.StatusNotConnected}, false, health.StatusNotConnected, never, true},
		"still connected":                        {LinkRecord{Status: health.StatusConnected, ConnectedAt: before}, true, health.StatusConnected, before, true},
		"connected, since when is not known":     {LinkRecord{Status: health.StatusConnected}, true, health.StatusConnected, noon, true},
		"ended elsewhere":                        {LinkRecord{Status: health.StatusConnected, ConnectedAt: before}, false, health.StatusNotConnected, never, true},
		"pending, shown":                         {LinkRecord{Status: health.StatusPending, PendingSince: noon.Add(-time.Minute)}, true, health.StatusConnected, noon, true},
		"pending, not shown yet":                 {LinkRecord{Status: health.StatusPending, PendingSince: noon.Add(-time.Minute)}, false, health.StatusPending, never, false},
		"came back this instant":                 {LinkRecord{Status: health.StatusNotConnected, PendingSince: noon}, false, health.StatusPending, never, false},
		"pending, its last moment":               {LinkRecord{Status: health.StatusPending, PendingSince: noon.Add(aMoment - pendingFor)}, false, health.StatusPending, never, false},
		"pending for too long":                   {LinkRecord{Status: health.StatusPending, PendingSince: noon.Add(-pendingFor)}, false, health.StatusNotConnected, never, false},
		"pending for too long, shown after all":  {LinkRecord{Status: health.StatusNotConnected, PendingSince: noon.Add(-pendingFor)}, true, health.StatusConnected, noon, true},
		"revoking, still shown in time":          {LinkRecord{Status: health.StatusRevoking, ConnectedAt: before, RevokedAt: noon, LateDataUntil: noon.Add(aMoment)}, true, health.StatusRevoking, before, false},
		"revoking, still shown when time is up":  {LinkRecord{Status: health.StatusRevoking, ConnectedAt: before, RevokedAt: before, LateDataUntil: noon}, true, health.StatusConnected, noon, true},
		"revoking, shown no more":                {LinkRecord{Status: health.StatusRevoking, ConnectedAt: before, RevokedAt: noon, LateDataUntil: noon.Add(time.Hour)}, false, health.StatusRevoked, never, false},
		"revoked, stays so":                      {LinkRecord{Status: health.StatusRevoked, RevokedAt: before, LateDataUntil: noon.Add(time.Hour)}, false, health.StatusRevoked, never, false},
		"revoked, linked again":                  {LinkRecord{Status: health.StatusRevoked, RevokedAt: before, LateDataUntil: noon.Add(time.Hour)}, true, health.StatusConnected, noon, true},
		"revoked, came back, not shown yet":      {LinkRecord{Status: health.StatusRevoked, PendingSince: noon}, false, health.StatusPending, never, false},
		"refused grant is the grant's own story": {LinkRecord{Status: health.StatusReauthorizationRequired, ConnectedAt: before}, true, health.StatusConnected, noon, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := observed(c.old, c.connected, noon)
			assert.Equal(t, c.want, got.Status)
			assert.Equal(t, c.connectedAt, got.ConnectedAt)
			assert.Equal(t, noon, got.CheckedAt)
			if c.forgetsTimes {
				assert.Zero(t, [3]time.Time{got.PendingSince, got.RevokedAt, got.LateDataUntil})
			} else {
				assert.Equal(t, [3]time.Time{c.old.PendingSince, c.old.RevokedAt, c.old.LateDataUntil}, [3]time.Time{got.PendingSince, got.RevokedAt, got.LateDataUntil})
			}
		})
	}
}

func TestALinkGoesRoundRevokingRevokedAndConnectedAgain(t *testing.T) {
	r := observed(LinkRecord{Status: health.StatusNotConnected}, true, noon)
	assert.Equal(t, health.StatusConnected, r.Status)

	r = revoked(r, 2*time.Hour, noon.Add(time.Hour))
	assert.Equal(t, health.StatusRevoking, r.Status)
	assert.Equal(t, noon.Add(time.Hour), r.RevokedAt)
	assert.Equal(t, noon.Add(3*time.Hour), r.LateDataUntil)
	r = observed(r, true, noon.Add(2*time.Hour))
	assert.Equal(t, health.StatusRevoking, r.Status, "the upstream takes its time")
	r = observed(r, false, noon.Add(150*time.Minute))
	assert.Equal(t, health.StatusRevoked, r.Status)
	assert.Zero(t, r.ConnectedAt)

	r = returned(r, noon.Add(160*time.Minute))
	assert.Zero(t, r.RevokedAt, "the person began again")
	r = observed(r, false, noon.Add(161*time.Minute))
	assert.Equal(t, health.StatusPending, r.Status)
	r = observed(r, true, noon.Add(162*time.Minute))
	assert.Equal(t, health.StatusConnected, r.Status, "although late data was awaited until later")
	assert.Equal(t, noon.Add(162*time.Minute), r.ConnectedAt)
}

func TestARevocationOfWhatIsStillShownAtOnceEndsTheWaiting(t *testing.T) {
	r := returned(revoked(LinkRecord{Status: health.StatusConnected, ConnectedAt: before}, time.Hour, noon), noon)
	assert.Equal(t, health.StatusNotConnected, r.Status)
	assert.Equal(t, health.StatusConnected, observed(r, true, noon).Status, "the person came back: the old revocation is over")

	r = revoked(returned(LinkRecord{Status: health.StatusNotConnected}, noon), 0, noon)
	assert.Zero(t, r.PendingSince)
	assert.Equal(t, health.StatusRevoked, observed(r, false, noon).Status)
}

func TestObservingTwiceIsObservingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			minutes := rapid.IntRange(-40, 40).Draw(t, "minutes")
			if rapid.Bool().Draw(t, "is never") {
				return never
			}
			return noon.Add(time.Duration(minutes) * time.Minute)
		})
		r := LinkRecord{
			Status: rapid.SampledFrom([]health.LinkStatus{
				health.StatusNotConnected, health.StatusPending, health.StatusConnected, health.StatusReauthorizationRequired,
				health.StatusRevoking, health.StatusRevoked,
			}).Draw(t, "status"),
			ConnectedAt: moment.Draw(t, "connected"), PendingSince: moment.Draw(t, "pending"), RevokedAt: moment.Draw(t, "revoked"), LateDataUntil: moment.Draw(t, "late"),
		}
		connected := rapid.Bool().Draw(t, "is shown")
		once := observed(r, connected, noon)
		assert.Equal(t, once, observed(once, connected, noon))
		assert.NotEqual(t, health.StatusUnknown, once.Status, "what was read is known")
		if !connected {
			assert.NotEqual(t, health.StatusConnected, once.Status)
		}
		if connected {
			assert.Contains(t, []health.LinkStatus{health.StatusConnected, health.StatusRevoking}, once.Status)
		}
	})
}

func TestWhatIsLastKnownIsWhatSomebodySaw(t *testing.T) {
	known := func(r LinkRecord) string {
		if status := r.lastKnown(); status != nil {
			return string(*status)
		}
		return "null"
	}
	fresh := LinkRecord{Status: health.StatusNotConnected}
	assert.Equal(t, "null", known(fresh), "nobody has looked")
	assert.Equal(t, "NOT_CONNECTED", known(observed(fresh, false, noon)))
	assert.Equal(t, "CONNECTED", known(observed(fresh, true, noon)))

	assert.Equal(t, "PENDING", known(returned(fresh, noon)), "the person came back, and nobody has looked since")
	pending := observed(returned(fresh, before), false, before.Add(time.Minute))
	assert.Equal(t, "PENDING", known(pending))
	assert.Equal(t, "NOT_CONNECTED", known(observed(pending, false, noon)), "the return counts no more")
	assert.Equal(t, "CONNECTED", known(observed(pending, true, noon)))
	assert.Equal(t, "CONNECTED", known(returned(observed(fresh, true, before), noon)), "it was there all the time")

	revoking := revoked(observed(fresh, true, before), time.Hour, noon)
	assert.Equal(t, "REVOKING", known(revoking))
	assert.Equal(t, "REVOKING", known(revoked(fresh, time.Hour, noon)), "the upstream took it, though its list was never read")
	assert.Equal(t, "REVOKED", known(observed(revoking, false, noon.Add(time.Minute))))
	assert.Equal(t, "CONNECTED", known(observed(revoking, true, noon.Add(2*time.Hour))))
	assert.Equal(t, "PENDING", known(returned(revoking, noon.Add(time.Minute))))
}

func TestOnlyNewsIsWrittenDown(t *testing.T) {
	old := LinkRecord{Version: 3, Status: health.StatusConnected, ConnectedAt: before, CheckedAt: noon, LatestDataAt: before}
	changed := func(f func(*LinkRecord)) bool {
		r := old
		f(&r)
		return r.worthWriting(old)
	}
	assert.False(t, changed(func(*LinkRecord) {}))
	assert.False(t, changed(func(r *LinkRecord) { r.CheckedAt = noon.Add(checkedAtPrecision - aMoment) }), "a read is not worth a write")
	assert.True(t, changed(func(r *LinkRecord) { r.CheckedAt = noon.Add(checkedAtPrecision) }), "but now and then")
	assert.False(t, changed(func(r *LinkRecord) { r.LatestDataAt = noon }), "which NoteData writes")
	assert.False(t, changed(func(r *LinkRecord) { r.ConnectedAt = before.In(time.FixedZone("", 3600)) }), "the same instant")
	for name, f := range map[string]func(*LinkRecord){
		"status":       func(r *LinkRecord) { r.Status = health.StatusRevoking },
		"connected at": func(r *LinkRecord) { r.ConnectedAt = noon },
		"pending":      func(r *LinkRecord) { r.PendingSince = noon },
		"revoked":      func(r *LinkRecord) { r.RevokedAt = noon },
		"late data":    func(r *LinkRecord) { r.LateDataUntil = noon },
	} {
		assert.True(t, changed(f), name)
	}
	unwritten := LinkRecord{Status: health.StatusNotConnected}
	assert.False(t, unwritten.worthWriting(unwritten), "what never stood")
	assert.True(t, observed(unwritten, true, noon).worthWriting(unwritten), "what is not stored yet")
	assert.True(t, returned(unwritten, noon).worthWriting(unwritten))
}

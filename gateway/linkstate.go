package gateway

import (
	"time"

	"healthgraph/health"
)

const (
	// pendingFor is how long a person's return from the consent page counts while the upstream does not show the link.
	pendingFor = 15 * time.Minute
	// checkedAtPrecision spares a write for every read: CheckedAt is stored again when it is this much out of date.
	checkedAtPrecision = time.Hour
)

// This file is the one place where a link's status changes. Each function takes what is remembered and gives what is to
// be remembered; none of them is called for a failure, which says nothing about the link.

// observed: the upstream said whether the source is connected.
func observed(r LinkRecord, connected bool, now time.Time) LinkRecord {
	r.CheckedAt = now
	switch {
	case connected && r.Status == health.StatusRevoking && now.Before(r.LateDataUntil):
		return r // the upstream takes its time
	case connected:
		if r.Status != health.StatusConnected || r.ConnectedAt.IsZero() {
			r.ConnectedAt = now
		}
		r.Status = health.StatusConnected
		r.PendingSince, r.RevokedAt, r.LateDataUntil = time.Time{}, time.Time{}, time.Time{}
		return r
	}
	r.ConnectedAt = time.Time{}
	switch {
	case !r.PendingSince.IsZero() && now.Sub(r.PendingSince) < pendingFor:
		r.Status = health.StatusPending
	case !r.RevokedAt.IsZero():
		r.Status = health.StatusRevoked
	default:
		r.Status = health.StatusNotConnected
	}
	return r
}

// returned: the person came back from the consent page, whatever they did there.
func returned(r LinkRecord, now time.Time) LinkRecord {
	r.PendingSince, r.RevokedAt, r.LateDataUntil = now, time.Time{}, time.Time{}
	if r.Status == health.StatusRevoking {
		r.Status = health.StatusNotConnected
	}
	return r
}

// revoked: the upstream took a revocation (or we forgot our grant); observed says afterwards whether it still shows.
func revoked(r LinkRecord, lateData time.Duration, now time.Time) LinkRecord {
	r.Status, r.RevokedAt, r.PendingSince = health.StatusRevoking, now, time.Time{}
	r.LateDataUntil = now.Add(lateData)
	return r
}

// everStood says whether the link is or was more than NOT_CONNECTED, or is about to be.
func (r LinkRecord) everStood() bool {
	return r.Status != health.StatusNotConnected || !r.PendingSince.IsZero() || !r.RevokedAt.IsZero()
}

// lastKnown is the status as the upstream last told it, or as a return or a revocation left it since; nil where there was nothing of it.
// No time runs out here: that a link is no longer PENDING or REVOKING, nobody has seen.
func (r LinkRecord) lastKnown() *health.LinkStatus {
	switch {
	case r.Status != health.StatusConnected && r.PendingSince.After(r.CheckedAt):
		r.Status = health.StatusPending
	case r.Status == health.StatusNotConnected && r.CheckedAt.IsZero():
		return nil // it is but the beginning of a record
	}
	return &r.Status
}

// worthWriting says whether the store has to hear of the change from old to r. Of a link that never was more than NOT_CONNECTED there is
// nothing to remember: whoever just looks costs no write.
func (r LinkRecord) worthWriting(old LinkRecord) bool {
	if old.Version == 0 {
		return r.everStood()
	}
	if r.CheckedAt.Sub(old.CheckedAt) >= checkedAtPrecision {
		return true
	}
	return r.Status != old.Status ||
		!r.ConnectedAt.Equal(old.ConnectedAt) || !r.PendingSince.Equal(old.PendingSince) ||
		!r.RevokedAt.Equal(old.RevokedAt) || !r.LateDataUntil.Equal(old.LateDataUntil)
}

package gateway

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"healthgraph/connectors"
	"healthgraph/health"
)

// AnyAge is the age of an answer that may be as old as the gateway remembers any.
const AnyAge = time.Duration(math.MaxInt64)

// PeopleWithin is People, for reads that an answer may stand for which an upstream gave no longer ago than maxAge. Whoever
// changes something uses People: everything about them is read afresh.
func (g *Gateway) PeopleWithin(ctx context.Context, users []health.UserID, maxAge time.Duration) ([]*Person, error) {
	people, err := g.People(ctx, users)
	for _, p := range people {
		p.maxAge = maxAge
	}
	return people, err
}

// reuse says which answers about the person may be reused. While a link is on its way (PENDING, REVOKING) somebody is waiting to
// see it arrive: none may.
func (p *Person) reuse(connector string) connectors.Reuse {
	r := connectors.Reuse{User: p.ID, MaxAge: p.maxAge}
	for _, link := range p.links {
		if link.Connector != connector {
			continue
		}
		r.State += link.state() // a sum, since they come in no order
		if link.Status == health.StatusPending || link.Status == health.StatusRevoking {
			r.MaxAge = 0
		}
	}
	if grant, held := p.grants[connector]; held {
		text := []string{grant.AccountID}
		if grant.Scopes != nil {
			text = append(text, slices.Sorted(slices.Values(grant.Scopes))...)
		}
		r.State += stateOf(text, grant.ConnectedAt, grant.RefusedAt)
	}
	return r
}

// state changes whenever the link does, and not because it was looked at.
func (r LinkRecord) state() uint64 {
	return stateOf([]string{string(r.DataSource), string(r.Status)}, r.ConnectedAt, r.PendingSince, r.RevokedAt, r.LateDataUntil)
}

// stateOf is the same in every process.
func stateOf(text []string, times ...time.Time) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(text, "\x00"))) // a hash takes everything
	var bytes [8]byte
	for _, t := range times {
		binary.BigEndian.PutUint64(bytes[:], uint64(t.UnixMicro()))
		_, _ = h.Write(bytes[:])
	}
	return h.Sum64()
}

// readAt is when an upstream was asked for an answer: now, unless it says otherwise.
func (g *Gateway) readAt(age connectors.Age) time.Time {
	if age.ReadAt.IsZero() {
		return g.Now()
	}
	return age.ReadAt.UTC().Truncate(time.Microsecond)
}

// isAsOldAs notes the age of a part of the read.
func (r *reading) isAsOldAs(age connectors.Age) {
	if !age.ReadAt.IsZero() && (r.oldest.IsZero() || age.ReadAt.Before(r.oldest)) {
		r.oldest = age.ReadAt
	}
}

// freshUntil is the end of the freshness of what was read of the days, by the first part that is stale; zero: it is good for this
// once. Where nothing was read, it is what is known now, and stays so.
func (r StepRead) freshUntil(days health.DateRange, zone health.TimeZone) time.Time {
	until := forGood
	if !r.asked {
		return until
	}
	tallies := r.tallies[zone.String()]
	for _, date := range days.Each() {
		if day, read := r.days[date]; read {
			until = earliest(until, day.FreshUntil)
		}
		if day, read := tallies[date]; read {
			until = earliest(until, day.freshUntil)
		}
	}
	return until
}

// freshUntil is the end of the freshness of samples; zero: they are good for this once.
func (r reading) freshUntil(age connectors.Age) time.Time {
	if !r.asked {
		return forGood
	}
	return age.FreshUntil
}

// FreshUntil is the end of the freshness of what was read; zero: it is good for this once.
func (r SampleRead) FreshUntil() time.Time { return r.freshUntil(r.result.Age) }

// FreshUntil is the end of the freshness of what was read; zero: it is good for this once.
func (r DailyRead) FreshUntil() time.Time { return r.freshUntil(r.result.Age) }

// forGood is the end of the freshness of what does not come from an upstream.
var forGood = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

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

// age is that of the oldest of what was read of the days, with the end of what is fresh for the shortest time. Where nothing was
// read, it is what is known now, and stays so.
func (r StepRead) age(days health.DateRange, now time.Time) connectors.Age {
	age := connectors.Age{ReadAt: now, FreshUntil: forGood}
	add := func(of connectors.Age) {
		if of.ReadAt.IsZero() {
			of.ReadAt = now
		}
		of.ReadAt = of.ReadAt.UTC().Truncate(time.Microsecond)
		age = connectors.Age{ReadAt: earliest(age.ReadAt, of.ReadAt), FreshUntil: earliest(age.FreshUntil, of.FreshUntil)}
	}
	if r.asked && r.plug.Samples != nil {
		add(r.samples.Age)
	}
	for date, day := range r.days {
		if date.Compare(days.From) >= 0 && date.Compare(days.To) <= 0 {
			add(day.Age)
		}
	}
	return age
}

// FreshUntil is the end of the freshness of what was read; zero: it is good for this once.
func (r StepRead) FreshUntil() time.Time {
	return r.age(health.DateRange{From: health.Date{}, To: health.Date{Year: 10_000}}, time.Time{}).FreshUntil
}

// forGood is the end of the freshness of what does not come from an upstream.
var forGood = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

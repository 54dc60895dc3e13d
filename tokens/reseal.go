package tokens

import (
	"bytes"
	"context"
	"errors"

	"healthgraph/health"
)

const (
	resealPage  = 200 // rows in memory at a time
	resealTries = 10  // at a row that others keep writing
)

// ResealProgress says how far a Reseal has come. Grants that come or go meanwhile may make Done differ from Total.
type ResealProgress struct {
	Total      int // grants that there were at the start
	Done       int // grants looked at: the sum of those below
	Resealed   int // sealed anew under the primary key
	Skipped    int // sealed under it already, or ended meanwhile
	Unopenable int // that no key of the keyset opens; they are left as they are
}

// Reseal seals every stored grant under the primary key that is not yet. It may run while others serve, and several times at
// once: a row is only written as it was read, and looked at again where somebody else was faster. After an error, the end
// of ctx included, the next Reseal skips what is done. report is told of every page.
func Reseal(ctx context.Context, store Store, sealer *Sealer, report func(ResealProgress)) (ResealProgress, error) {
	var p ResealProgress
	prefix, err := sealer.aead.current.Load().primaryPrefix()
	if err != nil {
		return p, err
	}
	if p.Total, err = store.CountGrants(ctx); err != nil {
		return p, err
	}
	var last Record
	for {
		page, err := store.GrantsAfter(ctx, last.User, last.Connector, resealPage)
		if err != nil || len(page) == 0 {
			return p, err
		}
		for _, record := range page {
			count, err := resealOne(ctx, store, sealer, prefix, record)
			if err != nil {
				return p, err
			}
			p.Done++
			p.Resealed += count.Resealed
			p.Skipped += count.Skipped
			p.Unopenable += count.Unopenable
		}
		report(p)
		last = page[len(page)-1]
	}
}

// resealOne gives a 1 where the grant is to be counted.
func resealOne(ctx context.Context, store Store, sealer *Sealer, prefix []byte, record Record) (ResealProgress, error) {
	for range resealTries {
		if bytes.HasPrefix(record.Sealed, prefix) {
			return ResealProgress{Skipped: 1}, nil
		}
		grant, err := sealer.openGrant(record)
		if err != nil {
			return ResealProgress{Unopenable: 1}, nil //nolint:nilerr // that is what is counted
		}
		next := record
		if next.Sealed, err = sealer.sealGrant(record.User, record.Connector, grant); err != nil {
			return ResealProgress{}, err
		}
		written, err := store.UpdateGrant(ctx, next)
		if err != nil {
			return ResealProgress{}, err
		}
		if written {
			return ResealProgress{Resealed: 1}, nil
		}
		var there bool
		if record, there, err = readAgain(ctx, store, record); err != nil {
			return ResealProgress{}, err
		}
		if !there {
			return ResealProgress{Skipped: 1}, nil
		}
	}
	return ResealProgress{}, errors.New("a grant was written by too many at once: run it again")
}

func readAgain(ctx context.Context, store Store, old Record) (record Record, there bool, err error) {
	records, err := store.Grants(ctx, []health.UserID{old.User})
	for _, r := range records {
		if r.Connector == old.Connector {
			return r, true, err
		}
	}
	return Record{}, false, err
}

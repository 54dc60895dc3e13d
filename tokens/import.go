package tokens

import (
	"context"
	"errors"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Imported is a grant that another system held.
type Imported struct {
	User  health.UserID
	Grant connectors.Grant
}

// ImportOutcome is what became of an Imported.
type ImportOutcome int

// The outcomes. Zero is none.
const (
	ImportAccepted ImportOutcome = iota + 1 // it is stored
	ImportKnown                             // the person has this very grant already
	ImportLinked                            // the person is linked otherwise, which stays as it is
	ImportInUse                             // another person holds a grant for the account
)

const importTries = 10 // at grants that others write at the same time

// Importer takes over grants that another system held, at one connector. It calls no upstream: the grants are stored
// unverified, and whoever uses one first finds out what it is worth. Not safe for concurrent use; several may work at once.
type Importer struct {
	keeper    *Keeper
	connector string
	rehearsal rehearsal // nil: for good
}

// NewImporter makes an Importer. One that rehearses judges all in the same way and stores nothing: it remembers what it would
// have stored, in some 150 bytes for each.
func (k *Keeper) NewImporter(connector string, rehearse bool) *Importer {
	i := &Importer{keeper: k, connector: connector}
	if rehearse {
		i.rehearsal = rehearsal{}
	}
	return i
}

// Import takes the grants as though one after another, and gives the outcome of each, in order: of two about the same person or
// account the first is taken. No link is ever overwritten, and each new one has a line in its person's access log. After an
// error, the outcomes are those of the first few; to import all again is safe.
func (i *Importer) Import(ctx context.Context, given []Imported) ([]ImportOutcome, error) {
	outcomes := make([]ImportOutcome, len(given))
	left := make([]int, len(given))
	for n := range left {
		left[n] = n
	}
	for len(left) > 0 {
		apart, rest := i.apart(given, left)
		if err := i.take(ctx, given, apart, outcomes); err != nil {
			decided := 0
			for decided < len(outcomes) && outcomes[decided] != 0 {
				decided++
			}
			return outcomes[:decided], err
		}
		left = rest
	}
	return outcomes, nil
}

// apart parts off those that share neither person nor account with one before them, so that their order does not matter.
func (i *Importer) apart(given []Imported, left []int) (apart, rest []int) {
	users, accounts := map[health.UserID]bool{}, map[string]bool{}
	for _, n := range left {
		one := given[n]
		if users[one.User] || (accounts[one.Grant.AccountID] && !i.keeper.shareAccounts) {
			rest = append(rest, n)
		} else {
			apart = append(apart, n)
		}
		users[one.User], accounts[one.Grant.AccountID] = true, true
	}
	return apart, rest
}

// take stores those that nothing stands in the way of. What somebody else was faster with is judged again.
func (i *Importer) take(ctx context.Context, given []Imported, left []int, outcomes []ImportOutcome) error {
	for range importTries {
		var err error
		if left, err = i.judge(ctx, given, left, outcomes); err != nil {
			return err
		}
		if i.rehearsal != nil {
			for _, n := range left {
				outcomes[n] = ImportAccepted
				i.rehearsal.add(given[n])
			}
			return nil
		}
		if left, err = i.add(ctx, given, left, outcomes); err != nil || len(left) == 0 {
			return err
		}
	}
	return errors.New("grants were written by too many at once")
}

// judge decides on what is in somebody's way, and gives the rest.
func (i *Importer) judge(ctx context.Context, given []Imported, left []int, outcomes []ImportOutcome) (rest []int, err error) {
	users, accounts := make([]health.UserID, len(left)), make([]string, len(left))
	for j, n := range left {
		users[j], accounts[j] = given[n].User, given[n].Grant.AccountID
	}
	records, err := i.keeper.store.GrantsAtStake(ctx, i.connector, users, accounts)
	if err != nil {
		return nil, err
	}
	own := map[health.UserID]Record{}
	holders := map[string]health.UserID{}
	for _, r := range records {
		own[r.User] = r
		holders[r.AccountID] = r.User
	}
	for _, n := range left {
		one := given[n]
		record, linked := own[one.User]
		_, held := holders[one.Grant.AccountID]
		rehearsed := i.rehearsal.judge(one, i.keeper.shareAccounts)
		switch {
		case linked && i.keeper.holds(record, one.Grant):
			outcomes[n] = ImportKnown
		case linked:
			outcomes[n] = ImportLinked
		case held && !i.keeper.shareAccounts:
			outcomes[n] = ImportInUse
		case rehearsed != 0:
			outcomes[n] = rehearsed
		default:
			rest = append(rest, n)
		}
	}
	return rest, nil
}

// holds says whether a record is that grant. Renewals change access tokens, so a grant is known by its refresh token if it has
// one.
func (k *Keeper) holds(r Record, grant connectors.Grant) bool {
	held, err := k.sealer.openGrant(r)
	if err != nil || held.AccountID != grant.AccountID || held.RefreshToken.Reveal() != grant.RefreshToken.Reveal() {
		return false
	}
	return !grant.RefreshToken.IsEmpty() || held.AccessToken.Reveal() == grant.AccessToken.Reveal()
}

// add stores what it can, and gives the rest.
func (i *Importer) add(ctx context.Context, given []Imported, left []int, outcomes []ImportOutcome) (rest []int, err error) {
	records, events := make([]Record, len(left)), make([]health.AccessEvent, len(left))
	for j, n := range left {
		if records[j], err = i.keeper.newRecord(given[n].User, i.connector, given[n].Grant); err != nil {
			return nil, err
		}
		events[j] = i.keeper.event(records[j], health.AccessImported, health.Actor{Kind: health.ActorOperator})
	}
	added, err := i.keeper.store.AddGrants(ctx, records, events)
	if err != nil {
		return nil, err
	}
	stored := make(map[health.UserID]bool, len(added))
	for _, user := range added {
		stored[user] = true
	}
	for _, n := range left {
		if stored[given[n].User] {
			outcomes[n] = ImportAccepted
		} else {
			rest = append(rest, n)
		}
	}
	return rest, nil
}

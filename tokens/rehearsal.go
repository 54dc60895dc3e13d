package tokens

import (
	"crypto/sha256"
	"strings"
)

// rehearsal is what an import would have stored, by digests alone: of people with their grant's digest, and of accounts.
// A nil rehearsal has nothing.
type rehearsal map[digest]digest

type digest [16]byte

// digestOf keeps its parts apart by a byte that no part holds.
func digestOf(parts ...string) digest {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return digest(sum[:16])
}

func (one Imported) digests() (person, account, grant digest) {
	g := one.Grant
	return digestOf("person", string(one.User)), digestOf("account", g.AccountID),
		digestOf("grant", g.AccountID, g.RefreshToken.Reveal(), g.AccessToken.Reveal())
}

func (r rehearsal) add(one Imported) {
	person, account, grant := one.digests()
	r[person], r[account] = grant, grant
}

// judge is the outcome if something rehearsed stands in its way, else zero.
func (r rehearsal) judge(one Imported, shareAccounts bool) ImportOutcome {
	if r == nil {
		return 0
	}
	person, account, grant := one.digests()
	if before, linked := r[person]; linked {
		if before == grant {
			return ImportKnown
		}
		return ImportLinked
	}
	if _, held := r[account]; held && !shareAccounts {
		return ImportInUse
	}
	return 0
}

package rook

import "healthgraph/health"

// spelling is how ROOK writes a source in a list.
type spelling struct{ name, image string }

// sourceFound is what a spelling stands for. Whoever finds it shares it: nobody may change what LogoURL points to.
type sourceFound struct {
	health.DataSource

	place    int  // in the catalogue, of the entry with this ID; -1 where there is none
	known    bool // the catalogue has an entry for the name
	nameless bool // nothing of the name can be shown
}

// spellings are what was found: the lists of all people repeat the same dozen, and finding out takes longer than all else about a list.
// What ROOK calls its sources tells nothing of anybody.
var spellings = memo[spelling, sourceFound]{most: 1000}

// longestSpelling is how many bytes a spelling may have that is remembered: all together are a megabyte.
const longestSpelling = 500

// sourceNamed gives the data source that ROOK calls name: the catalogue's, or one made from the name, so that a source
// which ROOK added after this was written can be shown and revoked all the same. image may be "".
func sourceNamed(name, image string) sourceFound {
	s := spelling{name, image}
	f, known := spellings.get(s)
	if known {
		return f
	}
	f = s.find()
	if len(name)+len(image) <= longestSpelling {
		spellings.put(s, f)
	}
	return f
}

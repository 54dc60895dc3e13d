package gateway

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"healthgraph/health"
	"healthgraph/tokens"
)

const (
	// linkIDStep is what the sealed part of an id is filled up to a multiple of, in bytes: its length would tell how long
	// the person's id is.
	linkIDStep = 32
	// maxLinkID is longer than any link's id, in bytes.
	maxLinkID = 1024
	hashBytes = 18
)

// linkIDs makes and reads the ids of links (docs/adr/0013-link-ids-say-whose-they-are.md). One that is stored keeps the id
// that it has, which before ADR 0013 was its hash.
type linkIDs struct {
	key    []byte
	sealer tokens.StableSealer
}

func newLinkIDs(key []byte) (*linkIDs, error) {
	sealer, err := tokens.NewStableSealer(key, "healthgraph link ids")
	if err != nil {
		return nil, fmt.Errorf("link ids: %w", err)
	}
	return &linkIDs{key, sealer}, nil
}

// NameLink is the id of the link between a person and a source: both sealed, always to the same text, which tells nothing of them
// without the key.
func (ids *linkIDs) NameLink(user health.UserID, source health.DataSourceID) health.LinkID {
	plain := make([]byte, 0, len(source)+1+len(user)+linkIDStep)
	plain = append(append(append(plain, source...), 0), user...)
	for len(plain)%linkIDStep != 0 {
		plain = append(plain, 0)
	}
	return health.LinkID(health.LinkIDPrefix + base64.RawURLEncoding.EncodeToString(ids.sealer.Seal(plain)))
}

// open says whose link it is and to what, if the id is one that NameLink made.
func (ids *linkIDs) open(id health.LinkID) (health.UserID, health.DataSourceID, bool) {
	sealed, isLink := linkIDBytes(id)
	if !isLink || len(sealed)%linkIDStep != tokens.Overhead {
		return "", "", false
	}
	plain, ours := ids.sealer.Open(sealed)
	if !ours {
		return "", "", false
	}
	source, user, _ := bytes.Cut(plain, []byte{0})
	return health.UserID(bytes.TrimRight(user, "\x00")), health.DataSourceID(source), true
}

// hash stands for a person, or for one of their links, where nobody may ever find out who it was.
func (ids *linkIDs) hash(user health.UserID, source health.DataSourceID) string {
	mac := hmac.New(sha256.New, ids.key)
	mac.Write([]byte(string(source) + "\x00" + string(user)))
	return health.LinkIDPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:hashBytes])
}

// isHash says whether the id has the shape of hash.
func isHash(id health.LinkID) bool {
	hash, isLink := linkIDBytes(id)
	return isLink && len(hash) == hashBytes
}

// linkIDBytes decodes what follows the prefix. There is one text for the same bytes: the decoder would skip line ends.
func linkIDBytes(id health.LinkID) ([]byte, bool) {
	text, isLink := strings.CutPrefix(string(id), health.LinkIDPrefix)
	if !isLink || len(id) > maxLinkID || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return decoded, err == nil
}

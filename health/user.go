package health

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// UserID names a person: the subject of the credential that speaks for them. There is no register of people, so any
// well-formed id is a person.
type UserID string

// LinkIDPrefix begins every link's id and no person's, which keeps the two apart wherever either may be given.
const LinkIDPrefix = "link_"

// MaxUserIDBytes is the longest id of a person, in bytes of UTF-8.
const MaxUserIDBytes = 255

// ParseUserID checks that s can name a person: 1 to 255 bytes of printable UTF-8 without white space at either end, and
// not beginning like a link's id. The error never repeats s, which may be personal.
func ParseUserID(s string) (UserID, error) {
	switch {
	case s == "":
		return "", Refuse("", "a person's id can't be empty")
	case len(s) > MaxUserIDBytes:
		return "", Refuse("", fmt.Sprintf("a person's id has at most %d bytes", MaxUserIDBytes))
	case strings.HasPrefix(s, LinkIDPrefix):
		return "", Refuse("", "a person's id can't begin with "+LinkIDPrefix+", which begins the ids of links")
	case !utf8.ValidString(s) || strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }): // half a surrogate pair becomes one
		return "", Refuse("", "a person's id is printable UTF-8 without white space at its ends")
	}
	return UserID(s), nil
}

// MarshalGQL writes the scalar ID.
func (id UserID) MarshalGQL(w io.Writer) { writeQuoted(w, string(id)) }

// UnmarshalGQL reads the scalar ID.
func (id *UserID) UnmarshalGQL(v any) (err error) {
	s, err := readID(v)
	if err != nil {
		return err
	}
	*id, err = ParseUserID(s)
	return err
}

// readID accepts what GraphQL accepts for the scalar ID: a string or an integer.
func readID(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int, int64, json.Number:
		return fmt.Sprint(v), nil
	default:
		return "", Refuse("", "an id is a string")
	}
}

// User is a person as the graph shows them.
type User struct{ ID UserID }

// Node is anything that can be fetched again by its id alone.
type Node interface{ IsNode() }

// IsNode marks a User as a Node.
func (User) IsNode() {}

package callers

import (
	"encoding/json"
	"slices"
	"strings"
)

// The scopes. The first three say what a caller may do, ScopeAnyUser says for whom.
const (
	ScopeConnectionsRead  = "connections:read"  // see links and the access log
	ScopeConnectionsWrite = "connections:write" // link, revoke and erase
	ScopeQuantitiesRead   = "quantities:read"   // see measurements
	ScopeAnyUser          = "users:any"         // act for every person
)

// whatScopes are those that say what, apart from for whom.
var whatScopes = []string{ScopeConnectionsRead, ScopeConnectionsWrite, ScopeQuantitiesRead}

// IsScope says whether this program knows the scope.
func IsScope(scope string) bool { return scope == ScopeAnyUser || slices.Contains(whatScopes, scope) }

// May says whether the caller's credential holds the scope. Whom it may do it for is Target's to say.
func (c Caller) May(scope string) bool { return slices.Contains(c.Scopes, scope) }

// listed turns the scopes that a credential lists into those that its caller holds: those that are known, each once. Whoever
// holds users:any alone of them holds them all, as tokens did before the others had names.
func listed(scopes []string) []string {
	held := []string{}
	for _, scope := range scopes {
		if IsScope(scope) && !slices.Contains(held, scope) {
			held = append(held, scope)
		}
	}
	if len(held) == 1 && held[0] == ScopeAnyUser {
		held = append(held, whatScopes...)
	}
	return held
}

// unlisted is what a token without any list of scopes holds: everything for its person, or nothing where lists are required.
func unlisted(required bool) []string {
	if required {
		return []string{}
	}
	return slices.Clone(whatScopes)
}

// scopesOf reads the scopes of a token's claims. Issuers differ: the claim is `scope` (RFC 8693, RFC 9068), or `scp` where
// there is no `scope` (Okta, Azure). It is a text with spaces between the scopes, or a list of texts with one scope each. found
// says whether there is a claim that is not null. One of another form lists nothing: what can't be read gives no right.
func scopesOf(claims map[string]json.RawMessage) (scopes []string, found bool) {
	for _, name := range []string{"scope", "scp"} {
		claim, ok := claims[name]
		if !ok || string(claim) == "null" {
			continue
		}
		var text string
		if json.Unmarshal(claim, &text) == nil {
			return strings.Fields(text), true
		}
		var list []string
		if json.Unmarshal(claim, &list) != nil {
			return nil, true
		}
		return list, true
	}
	return nil, false
}

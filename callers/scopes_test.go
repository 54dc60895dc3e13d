package callers_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/callers"
	"healthgraph/health"
)

var (
	what  = []string{callers.ScopeConnectionsRead, callers.ScopeConnectionsWrite, callers.ScopeQuantitiesRead}
	every = append(slices.Clone(what), callers.ScopeAnyUser)
)

// Every subset of the scopes, with and without one that nobody knows, in every form in which issuers send them.
func TestACallerMayDoWhatItsTokenListsAndNoMore(t *testing.T) {
	v := verifier(t, sharedSecret, nil)
	for bits := range 1 << len(every) {
		for _, unknown := range [][]string{nil, {"openid"}} {
			sent := slices.Clone(unknown)
			var listed []string
			for i, scope := range every {
				if bits&(1<<i) != 0 {
					listed = append(listed, scope)
				}
			}
			sent = append(sent, listed...)
			want := listed
			if len(listed) == 1 && listed[0] == callers.ScopeAnyUser {
				want = every // as tokens with users:any always did
			}
			t.Run(strings.Join(sent, " "), func(t *testing.T) {
				text, list := strings.Join(sent, " "), append([]string{}, sent...)
				for form, change := range map[string]claims{
					"scope": {"scope": text}, "scope as a list": {"scope": list}, "scp": {"scp": text}, "scp as a list": {"scp": list},
					"both": {"scope": text, "scp": "users:any quantities:read"}, "twice": {"scope": text + " " + text}, "scope of null": {"scope": json.RawMessage("null"), "scp": text},
				} {
					caller, err := v.Verify(t.Context(), "Bearer "+signHS256(t, good(change)))
					require.NoError(t, err, form)
					for _, scope := range every {
						assert.Equal(t, slices.Contains(want, scope), caller.May(scope), "%s: %s", form, scope)
					}
					assert.Len(t, caller.Scopes, len(want), form)
					assert.False(t, caller.May("openid"), form)
					assert.False(t, caller.May(""), form)
					assert.Equal(t, slices.Contains(want, callers.ScopeAnyUser), caller.IsService(), form)
				}
			})
		}
	}
}

func TestATokenWithoutAListOfScopes(t *testing.T) {
	free := verifier(t, sharedSecret, nil)
	strict, err := callers.NewVerifier(callers.Config{Secret: health.NewSecret(sharedSecret), RequireScopes: true, Now: clock})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change       claims
		free, strict []string
	}{
		"none":                     {nil, what, nil},
		"null":                     {claims{"scope": json.RawMessage("null")}, what, nil},
		"both null":                {claims{"scope": json.RawMessage("null"), "scp": json.RawMessage("null")}, what, nil},
		"an empty text":            {claims{"scope": ""}, nil, nil},
		"an empty list":            {claims{"scp": []string{}}, nil, nil},
		"a number":                 {claims{"scope": 7}, nil, nil},
		"an object":                {claims{"scope": claims{"users:any": true}}, nil, nil},
		"a list of other types":    {claims{"scope": []any{"users:any", 7}}, nil, nil},
		"two in one of a list":     {claims{"scope": []string{"users:any quantities:read"}}, nil, nil},
		"in capitals":              {claims{"scope": "USERS:ANY Quantities:Read"}, nil, nil},
		"a wrong one beside scp":   {claims{"scope": 7, "scp": "users:any"}, nil, nil},
		"one":                      {claims{"scope": "quantities:read"}, what[2:], what[2:]},
		"users:any alone":          {claims{"scope": "users:any"}, every, every},
		"users:any and one more":   {claims{"scope": "users:any connections:read"}, []string{every[3], what[0]}, []string{every[3], what[0]}},
		"users:any and an unknown": {claims{"scope": "users:any openid"}, every, every},
	} {
		t.Run(name, func(t *testing.T) {
			token := "Bearer " + signHS256(t, good(c.change))
			for v, want := range map[*callers.Verifier][]string{free: c.free, strict: c.strict} {
				caller, err := v.Verify(t.Context(), token)
				require.NoError(t, err)
				assert.ElementsMatch(t, want, caller.Scopes)
			}
		})
	}
}

func TestNobodyMayDoNothing(t *testing.T) {
	for _, scope := range append(slices.Clone(every), "", "x") {
		assert.False(t, callers.Caller{}.May(scope))
		assert.False(t, callers.FromContext(t.Context()).May(scope))
		assert.Equal(t, slices.Contains(every, scope), callers.IsScope(scope))
	}
}

package callers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"healthgraph/callers"
	"healthgraph/health"
)

func TestWhoMayActForWhom(t *testing.T) {
	first, second := health.UserID("person-1"), health.UserID("person-2")
	person := callers.Caller{Subject: first}
	scoped := callers.Caller{Subject: first, Scopes: []string{"users", "any", "users:anyone", "USERS:ANY"}}
	service := callers.Caller{Subject: "backend", Scopes: []string{"x", callers.ScopeAnyUser}}
	for name, c := range map[string]struct {
		caller callers.Caller
		asked  *health.UserID
		want   health.UserID
		code   health.Code
	}{
		"a person, of themselves":            {person, nil, first, ""},
		"a person, naming themselves":        {person, &first, first, ""},
		"a person, of another":               {person, &second, "", health.Forbidden},
		"a person with other scopes":         {scoped, &second, "", health.Forbidden},
		"a person with other scopes, of own": {scoped, nil, first, ""},
		"a service, naming somebody":         {service, &second, second, ""},
		"a service, naming nobody":           {service, nil, "", health.BadUserInput},
		"nobody, naming somebody":            {callers.Caller{}, &second, "", health.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := c.caller.Target(c.asked, "userId")
			assert.Equal(t, c.want, user)
			if c.code == "" {
				assert.NoError(t, err)
				assert.True(t, c.caller.MayActFor(c.want))
				return
			}
			assert.Equal(t, c.code, health.AsError(err).Code)
			assert.NotContains(t, err.Error(), "person-2")
			if c.asked != nil {
				assert.False(t, c.caller.MayActFor(*c.asked))
			} else {
				assert.Equal(t, "userId", health.AsError(err).Argument)
			}
		})
	}
	assert.True(t, service.IsService())
	assert.False(t, scoped.IsService())
}

func TestARequestCarriesItsCaller(t *testing.T) {
	caller := callers.Caller{Subject: "person-1", Scopes: []string{"x"}}
	assert.Equal(t, caller, callers.FromContext(callers.NewContext(t.Context(), caller)))
	nobody := callers.FromContext(t.Context())
	assert.False(t, nobody.MayActFor("person-1"))
	assert.False(t, nobody.IsService())
}

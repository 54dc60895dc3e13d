package health_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

func TestAnyWellFormedIDIsAPerson(t *testing.T) {
	for _, text := range []string{
		"person-1", "a", "auth0|5f7c8ec7c33c6c004bbafe82", "Person One", "person-1@mail.example", "日本語", "é", "0",
		"Link_x", "xlink_", "link", "hg-00", "../..", `"; DROP TABLE users; --`, strings.Repeat("x", health.MaxUserIDBytes), strings.Repeat("é", 127),
	} {
		user, err := health.ParseUserID(text)
		require.NoError(t, err, "%q", text)
		assert.Equal(t, health.UserID(text), user)
	}
}

func TestMalformedIDsArePeopleOfNobody(t *testing.T) {
	for _, text := range []string{
		"", " ", " person-1", "person-1 ", "person-1\n", "a\x00b", "a\tb", "a\x7fb", "\xff", "a\xffb", "link_", "link_abc", "a\u200bb", "a\u2028b", "\ufeffperson",
		"a\u00a0", "\u202eada", strings.Repeat("x", health.MaxUserIDBytes+1), strings.Repeat("é", 128),
	} {
		_, err := health.ParseUserID(text)
		require.Error(t, err, "%q", text)
		failure := health.AsError(err)
		assert.Equal(t, health.BadUserInput, failure.Code)
		if canary := strings.TrimSpace(text); len(canary) > 5 {
			assert.NotContains(t, err.Error(), canary, "an id may be personal")
		}
		var user health.UserID
		assert.Error(t, user.UnmarshalGQL(text))
	}
}

func TestNoIDIsAPersonAndALinkAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if _, err := health.ParseUserID(text); err == nil {
			require.False(t, strings.HasPrefix(text, health.LinkIDPrefix))
		}
		_, err := health.ParseUserID(health.LinkIDPrefix + text)
		require.Error(t, err)
	})
}

func TestPeopleAndLinksAreNodes(t *testing.T) {
	for _, node := range []health.Node{health.User{ID: "person-1"}, health.DataSourceLink{StoredID: "link_x"}} {
		assert.NotPanics(t, node.IsNode)
	}
}

func TestASlugForgetsCaseAndSeparators(t *testing.T) {
	for name, want := range map[string]health.DataSourceID{
		"Apple Health": "apple_health", "apple_health": "apple_health", "APPLE-HEALTH": "apple_health", " Apple  Health ": "apple_health",
		"Fitbit": "fitbit", "Health Connect™": "health_connect", "23andMe": "23andme", "Withings (EU)": "withings_eu", "8": "8",
		"": "", "™": "", "日本": "", "Café": "caf", "a/b?c=d": "a_b_c_d",
	} {
		assert.Equal(t, want, health.SlugOf(name), "%q", name)
	}
	rapid.Check(t, func(t *rapid.T) {
		slug := health.SlugOf(rapid.String().Draw(t, "name"))
		require.Equal(t, slug, health.SlugOf(string(slug)), "a slug is its own slug")
		require.Regexp(t, `^([a-z0-9]+(_[a-z0-9]+)*)?$`, string(slug))
	})
}

package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzNegotiate(f *testing.F) {
	for _, seed := range []string{"", "*/*", "application/json", "application/graphql-response+json;q=0.5, application/json;q=0.9", "text/event-stream", "application/json;q=NaN",
		"application/json;q=", ";;;", "application/*;q=0, application/json", `application/json;charset="utf-8"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		mediaType, ok := negotiate([]string{accept})
		if ok {
			require.Contains(t, []string{graphqlResponse, plainJSON}, mediaType)
		} else {
			require.Empty(t, mediaType)
		}
		again, _ := negotiate([]string{accept})
		require.Equal(t, mediaType, again)
	})
}

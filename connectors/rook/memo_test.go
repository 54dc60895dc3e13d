package rook

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/health"
)

// What is remembered is bounded, and what is forgotten is found again.
func TestSpellingsAreBounded(t *testing.T) {
	t.Cleanup(func() { spellings.found = nil })
	for i := range 3 * spellings.most {
		wanted := spelling{name: "Ring " + strings.Repeat("x", i%600), image: "https://cdn.example/" + strings.Repeat("y", i/600) + ".png"}
		require.Equal(t, wanted.find(), sourceNamed(wanted.name, wanted.image))
		require.Equal(t, wanted.find(), sourceNamed(wanted.name, wanted.image))
		require.LessOrEqual(t, len(spellings.found), spellings.most)
	}
	require.NotEmpty(t, spellings.found)
	for kept := range spellings.found {
		require.LessOrEqual(t, len(kept.name)+len(kept.image), longestSpelling)
	}
}

func listOf(names ...string) connectors.Answer {
	entries := make([]string, len(names))
	for i, name := range names {
		entries[i] = fmt.Sprintf(`{"data_source":%q,"authorized":%t}`, name, i%2 == 0)
	}
	return connectors.Answer{Status: http.StatusOK, Body: []byte(`{"data_sources":[` + strings.Join(entries, ",") + `]}`)}
}

// The same list is read once, another one by itself, and one that makes no sense each time.
func TestListsAreReadOnce(t *testing.T) {
	t.Cleanup(func() { lists.found = nil })
	lists.found = nil
	c, err := New(Config{BaseURL: "http://127.0.0.1", ClientUUID: "client", SecretKey: health.NewSecret("secret")})
	require.NoError(t, err)
	first, err := c.readList(listOf("Garmin", "Oura"))
	require.NoError(t, err)
	again, err := c.readList(listOf("Garmin", "Oura"))
	require.NoError(t, err)
	assert.Same(t, &first[0], &again[0])
	other, err := c.readList(listOf("Oura", "Garmin"))
	require.NoError(t, err)
	assert.NotEqual(t, first, other, "another source is linked")
	for range 2 {
		_, err = c.readList(connectors.Answer{Status: http.StatusOK, Body: []byte(`{"data_sources":[{"data_source":"Oura","authorized":"who knows"}]}`)})
		require.Error(t, err)
	}
	assert.Len(t, lists.found, 2)
	for i := range 2 * lists.most {
		_, err := c.readList(listOf(fmt.Sprint("Ring ", i)))
		require.NoError(t, err)
		require.LessOrEqual(t, len(lists.found), lists.most)
	}
	long := make([]string, longestList+1)
	for i := range long {
		long[i] = fmt.Sprint("Band ", i)
	}
	before := len(lists.found)
	_, err = c.readList(listOf(long...))
	require.NoError(t, err)
	assert.Len(t, lists.found, before)
}

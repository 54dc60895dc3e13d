package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheReadmesQuantitiesAreWhatTheDemoAnswers holds README.md to its word.
func TestTheReadmesQuantitiesAreWhatTheDemoAnswers(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "\n## Other quantities\n")
	require.True(t, found)
	blocks := regexp.MustCompile("(?s)```(?:graphql|json)\n(.*?)```").FindAllStringSubmatch(section, 2)
	require.Len(t, blocks, 2)
	w := newWorld(t, worldOptions{})
	w.link("demo", "demo")
	a := w.ask(w.token("demo"), blocks[0][1], nil)
	var told struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(blocks[1][1]), &told))
	assert.JSONEq(t, string(told.Data), string(a.Data))
}

package health_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests' own machine has zones, so that only the list of what is linked into the program tells.
func TestZoneDataComesWithTheProgram(t *testing.T) {
	linked, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "healthgraph/health").Output()
	require.NoError(t, err)
	assert.Contains(t, strings.Fields(string(linked)), "time/tzdata")
}

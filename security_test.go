package healthgraph_test

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSecurityPointsToTestsThatThereAre: what SECURITY.md says is shown by tests, under the names that it gives.
func TestSecurityPointsToTestsThatThereAre(t *testing.T) {
	document, err := os.ReadFile("SECURITY.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(document), -1)
	require.NotEmpty(t, named)
	out, err := exec.CommandContext(t.Context(), "git", "grep", "-hoE", "^func Test[A-Za-z0-9]+", "--", "*_test.go").Output()
	require.NoError(t, err)
	for _, name := range named {
		assert.Regexp(t, "(?m)^func "+name[1]+"$", string(out), "SECURITY.md")
	}
}

// Package healthgraph_test keeps the house in order: who may import whom, and how long a file may be.
package healthgraph_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// doors says which rooms of this module a room may import, tests aside. A new room needs a line here: docs/architecture.md
// tells why each door is where it is.
var doors = map[string][]string{
	"health":                   {},
	"connectors":               {"health", "stack"},
	"connectors/rook":          {"connectors", "health"},
	"connectors/onetwentyone":  {"connectors", "health"},
	"connectors/connectortest": {"connectors", "health"},
	"tokens":                   {"connectors", "health"},
	"cache":                    {"connectors", "health", "sharing", "together"},
	"gateway":                  {"tokens", "connectors", "health", "together"},
	"store":                    {"gateway", "tokens", "callers", "health", "migrations"},
	"store/storetest":          {"store", "gateway", "tokens", "callers", "health", "migrations"},
	"migrations":               {},
	"schema":                   {},
	"projection":               {"health"},
	"graph":                    {"projection", "health"},
	"callers":                  {"health"},
	"resolvers":                {"graph", "projection", "gateway", "callers", "health", "stack"},
	"web":                      {},
	"server":                   {"server/documents", "server/limits", "server/ratelimit", "resolvers", "callers", "health", "web"},
	"server/documents":         {},
	"server/limits":            {"server/documents", "health"},
	"server/ratelimit":         {"sharing"},
	"sharing":                  {},
	"together":                 {"stack"},
	"stack":                    {},
	"logtest":                  {},
	"server/redistest":         {},
	"growth":                   {},
	"simulators":               {},
	"simulators/people":        {},
	"simulators/applehealth":   {},
	"simulators/rook":          {"simulators", "simulators/people"},
	"simulators/onetwentyone":  {"simulators", "simulators/people"},
	"cmd/healthgraph":          {"*"},                              // wiring knows everybody
	"bench":                    {"bench/floor", "bench/upstreams"}, // and asks the gateway from outside
	"bench/floor":              {"bench/upstreams"},
	"bench/upstreams":          {"simulators/rook"},
}

func TestImports(t *testing.T) {
	const module = "healthgraph/"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room := strings.TrimPrefix(fields[0], module)
		if room == "healthgraph" {
			continue // this test
		}
		allowed, known := doors[room]
		require.True(t, known, "%s is a new room: give it a line in doors, and a place in docs/architecture.md", room)
		for _, path := range fields[1:] {
			imported, ours := strings.CutPrefix(path, module)
			if ours && !slices.Contains(allowed, imported) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s: there is no such door", room, imported)
			}
		}
	}
}

// TestDriversStayInTheStore: the seams are where the program touches the world.
func TestDriversStayInTheStore(t *testing.T) {
	places := map[string][]string{
		"github.com/uptrace/bun":              {"store", "store/storetest", "migrations"},
		"modernc.org/sqlite":                  {"store", "store/storetest"},
		"github.com/99designs/gqlgen":         {"graph", "projection", "resolvers", "server", "server/*"},
		"github.com/coder/websocket":          {"server", "bench"},
		"github.com/graph-gophers/dataloader": {"resolvers"},
		"github.com/maypok86/otter":           {"server/documents", "cache"},
		"github.com/tink-crypto/tink-go":      {"tokens"},
		"github.com/redis/go-redis":           {"server/ratelimit", "sharing", "cache"},
		// The clients of key management services are wiring: tokens knows Tink's interface alone, so that a service more or
		// less is a line in the command.
		"github.com/tink-crypto/tink-go-awskms":  {"cmd/healthgraph"},
		"github.com/tink-crypto/tink-go-hcvault": {"cmd/healthgraph"},
		"github.com/aws":                         {"cmd/healthgraph"},
		"github.com/hashicorp/vault":             {"cmd/healthgraph"},
		"net/http":                               {"connectors", "connectors/*", "tokens", "callers", "server", "server/limits", "web", "simulators", "simulators/*", "cmd/healthgraph", "bench", "bench/*"},
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		room := strings.TrimPrefix(fields[0], "healthgraph/")
		for _, path := range fields[1:] {
			for library, rooms := range places {
				if path != library && !strings.HasPrefix(path, library+"/") {
					continue
				}
				inside := slices.ContainsFunc(rooms, func(pattern string) bool {
					matched, err := filepath.Match(pattern, room)
					return err == nil && matched
				})
				if !inside {
					t.Errorf("%s imports %s, which belongs in %v", room, path, rooms)
				}
			}
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	const longest = 400
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "*.go", "*.mjs", "*.js", "*.jsx", "*.graphqls").Output()
	require.NoError(t, err)
	require.NotEmpty(t, out)
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		if strings.HasPrefix(path, "graph/") {
			continue // generated
		}
		file, err := os.Open(path)
		require.NoError(t, err)
		lines := 0
		for scanner := bufio.NewScanner(file); scanner.Scan(); {
			lines++
		}
		require.NoError(t, file.Close())
		if lines > longest {
			t.Errorf("%s has %d lines: at most %d", path, lines, longest)
		}
	}
}

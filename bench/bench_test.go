package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The measurement starts its own program in other roles, which here is the test's.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == roleUpstreams || os.Args[1] == roleFloor) {
		main()
		return
	}
	os.Exit(m.Run())
}

// build builds the program that is measured.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "healthgraph")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "healthgraph/cmd/healthgraph").CombinedOutput()
	require.NoError(t, err, string(out))
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's: a second for each process that ends
	return program
}

// One short round of everything: answers are compared, and upstream calls come out as they should.
func TestEveryWorkload(t *testing.T) {
	program := build(t)
	got, err := measure(t.Context(), options{healthgraph: program, rounds: 1, scale: 0.001, workloads: workloads, speak: plainHTTP, out: io.Discard})
	require.NoError(t, err)
	for name, calls := range map[string][2]float64{ // of the floor and of the gateway, at most
		"W1": {7, 1}, "W1k": {7, 1}, "W1u": {7, 8}, "W2": {1, 1}, "W3": {1, 1}, "W4": {360, 120}, "W4w": {600, 360}, "W5": {7, 1},
		"W6-W1": {7, 1}, "W6-W1u": {7, 8}, "W6-W4": {360, 120},
	} {
		require.Len(t, got.floor[name], 1, name)
		require.Len(t, got.gateway[name], 1, name)
		assert.InDelta(t, calls[0], got.floor[name][0].calls, 0, name)
		assert.LessOrEqual(t, got.gateway[name][0].calls, calls[1], name)
	}
	assert.Len(t, got.workloads, len(got.floor))
	for _, w := range workloads {
		assert.Contains(t, got.markdown(), "| "+w.name+" |")
	}
}

// Upstreams by TLS, with HTTP/2 or not, are asked by both sides.
func TestUpstreamsByTLS(t *testing.T) {
	program := build(t)
	w, err := chosen("W1k,W2")
	require.NoError(t, err)
	for _, speak := range []string{tlsHTTP1, tlsHTTP2} {
		got, err := measure(t.Context(), options{healthgraph: program, rounds: 1, scale: 0.001, workloads: w, speak: speak, out: io.Discard})
		require.NoError(t, err, speak)
		assert.Len(t, got.gateway["W2"], 1)
	}
}

func TestAnswersThatDiffer(t *testing.T) {
	floor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"list":[1,{"url":"http://up/authorize?a=1\u0026state=ABC"}]}}`)
	}))
	t.Cleanup(floor.Close)
	p := prepared{floor: request{method: http.MethodGet, url: floor.URL}}
	for answer, same := range map[string]bool{
		`{"data":{"list":[1,{"url":"http://up/authorize?a=1&state=XYZ"}]}}`: true,
		`{"data":{"list":[1,{"url":"http://up/authorize?a=2&state=ABC"}]}}`: false,
		`{"data":{"list":[{"url":"http://up/authorize?a=1&state=ABC"},1]}}`: false,
		`{"data":{"list":[1]}}`: false,
		`{"data":`:              false,
	} {
		err := (&bench{}).compare(t.Context(), floor.Client(), p, []byte(answer))
		assert.Equal(t, same, err == nil, answer)
	}
}

func TestAnAnswerThatIsNoSuccess(t *testing.T) {
	for body, status := range map[string]int{`{"errors":[{"message":"no"}],"data":null}`: 200, `{"data":{}}`: 503} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		assert.Error(t, request{method: http.MethodGet, url: server.URL}.send(t.Context(), server.Client(), &bytes.Buffer{}))
	}
}

func TestMedian(t *testing.T) {
	assert.InDelta(t, 2, median([]float64{9, 1, 2}), 0)
	assert.InDelta(t, 2.5, median([]float64{9, 1, 2, 3}), 0)
	assert.InDelta(t, 0, median(nil), 0)
}

func TestChosenWorkloads(t *testing.T) {
	list, err := chosen("w1, W6-W4")
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, "W6-W4", list[1].name)
	_, err = chosen("W1,W9")
	assert.ErrorContains(t, err, `"W9"`)
	assert.ErrorContains(t, err, "W1u")
}

func TestWriteTable(t *testing.T) {
	document := filepath.Join(t.TempDir(), "performance.md")
	require.NoError(t, os.WriteFile(document, []byte("before\n"+tableBegins+"\nold\n"+tableEnds+"\nafter\n"), 0o600))
	require.NoError(t, writeTable(document, "new"))
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	assert.Equal(t, "before\n"+tableBegins+"\n\nnew\n"+tableEnds+"\nafter\n", string(got))
	require.NoError(t, os.WriteFile(document, []byte(strings.Replace(string(got), tableEnds, "", 1)), 0o600))
	assert.Error(t, writeTable(document, "newer"))
}

// The document has a place for the table, and tells of every workload.
func TestPerformanceDocument(t *testing.T) {
	document, err := os.ReadFile("../docs/performance.md")
	require.NoError(t, err)
	assert.Contains(t, string(document), tableBegins)
	assert.Contains(t, string(document), tableEnds)
	for _, w := range workloads {
		assert.Contains(t, string(document), "| "+w.name+" |")
	}
}

package store_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bytesRead are how many this process has read, from files and sockets.
func bytesRead(tb testing.TB) int {
	tb.Helper()
	text, err := os.ReadFile("/proc/self/io")
	require.NoError(tb, err)
	read, _, _ := strings.Cut(strings.TrimPrefix(string(text), "rchar: "), "\n")
	n, err := strconv.Atoi(read)
	require.NoError(tb, err)
	return n
}

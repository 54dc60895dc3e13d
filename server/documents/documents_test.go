package documents_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"healthgraph/server/documents"
)

func parsed(t *testing.T, text string) *ast.QueryDocument {
	t.Helper()
	document, err := parser.ParseQuery(&ast.Source{Input: text})
	require.NoError(t, err)
	return document
}

// heap is what is in use after everything that nobody holds has gone.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Documents of every shape, each about as long as may be sent.
var shapes = map[string]func(i int) string{
	"one-letter fields": func(i int) string { return fmt.Sprintf("{ x%d", i) + strings.Repeat(" a", 1900) + "}" },
	"nested": func(i int) string {
		return fmt.Sprintf("{ x%d", i) + strings.Repeat("{a", 900) + strings.Repeat("}", 901)
	},
	"ordinary": func(i int) string {
		return fmt.Sprintf("query Q%d($from: Date!, $to: Date!) {", i) + strings.Repeat(`  viewer { connections(dataSources: ["fitbit", "garmin"]) { id dataSource { id name } status } stepCount(from: $from, to: $to) { total days { date steps presence } } }`, 30) + "}"
	},
	"a long text": func(i int) string { return fmt.Sprintf(`{ x%d(a: "%s") }`, i, strings.Repeat("x", 60_000)) },
	"a long list": func(i int) string { return fmt.Sprintf(`{ x%d(a: [%s]) }`, i, strings.Repeat("1 ", 1900)) },
	"directives":  func(i int) string { return fmt.Sprintf(`{ x%d%s }`, i, strings.Repeat(" @d", 900)) },
	"fragments": func(i int) string {
		return fmt.Sprintf(`{ x%d }`, i) + strings.Repeat(" fragment F on T { ...F }", 200)
	},
	"variables": func(i int) string {
		return fmt.Sprintf(`query($x%d: Int%s) { a }`, i, strings.Repeat(", $y: Int = 1", 300))
	},
	"long comment": func(i int) string { return fmt.Sprintf("{ x%d } #", i) + strings.Repeat("x", 60_000) },
}

func TestTheCacheHoldsTheBytesThatItIsGiven(t *testing.T) {
	const most = 2 << 20
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			before := heap()
			d := documents.New(documents.Config{CacheBytes: most})
			for i := range 6 * most / (len(shape(0)) * 4) {
				text := shape(i)
				d.Add(context.Background(), text, parsed(t, text))
			}
			held := d.Bytes()
			assert.LessOrEqual(t, held, int64(most))
			assert.Greater(t, held, int64(most/2), "it is full")
			used := heap() - before
			t.Logf("%d bytes estimated, %d used", held, used)
			assert.Less(t, used, int64(most)+most/4, "the estimate is not far below the truth")
			runtime.KeepAlive(d)
		})
	}
}

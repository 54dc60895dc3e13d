package limits_test

import (
	"strings"
	"testing"

	"healthgraph/growth"
	"healthgraph/server/limits"
)

// documents are sized up, in shapes that took longest where that was done badly.
func documents() (paths []growth.Path) {
	for name, document := range map[string]func(n int) string{
		"fields":    func(n int) string { return "{" + strings.Repeat(" a { b }", n) + "}" },
		"nested":    func(n int) string { return strings.Repeat("{ a ", n) + strings.Repeat("}", n) },
		"fragments": bomb,
		"circle": func(n int) string {
			return strings.ReplaceAll(bomb(n), "x: __typename @skip(if: false)", "...F0 ...F0")
		},
	} {
		paths = append(paths, growth.Path{Name: name, From: 100, To: 800, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			d := parsed(tb, document(n))
			return func() { limits.Measure(d) }
		}})
	}
	return paths
}

func TestGrowth(t *testing.T) { growth.Test(t, documents()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, documents()...) }

package projection_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"healthgraph/growth"
)

// answers are pages of samples that write themselves.
func answers() []growth.Path {
	executed := func(selection string) func(testing.TB, *growth.Meter, int) func() {
		return func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			run := execute(tb, pageOf(n), selection)
			return func() { require.Empty(tb, run().Errors) }
		}
	}
	return []growth.Path{
		{Name: "nodes", From: 1250, To: 10_000, Prepare: func(tb testing.TB, _ *growth.Meter, n int) func() {
			tb.Helper()
			page := pageOf(n)
			operation, field := operationOf(tb, nodes, nil)
			return func() { _ = project(operation, field, page, io.Discard) }
		}},
		{Name: "objects", From: 1250, To: 10_000, Prepare: executed(asObjects)},
		{Name: "columns", From: 1250, To: 10_000, Prepare: executed(asColumns)},
	}
}

func TestGrowth(t *testing.T) { growth.Test(t, answers()...) }

func BenchmarkGrowth(b *testing.B) { growth.Bench(b, answers()...) }

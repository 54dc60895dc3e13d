package growth

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

var kept [][]byte

// allocates is work that makes so many small things.
func allocates(things func(size int) int) func(testing.TB, *Meter, int) func() {
	return func(_ testing.TB, m *Meter, size int) func() {
		return func() {
			m.Statement("SELECT")
			kept = make([][]byte, things(size))
			for i := range kept {
				kept[i] = make([]byte, 64)
			}
		}
	}
}

func judged(t *testing.T, p Path) []string {
	t.Helper()
	var h history
	for _, size := range []int{100, 200, 400} {
		h.add(size, p.least(t, size))
	}
	return p.judge(h)
}

func TestWhatGrowsWithTheWorkIsGood(t *testing.T) {
	for name, things := range map[string]func(int) int{
		"not at all":              func(int) int { return 1000 },
		"with it":                 func(n int) int { return 10 * n },
		"with it, and much apart": func(n int) int { return 50_000 + n },
		"a little faster":         func(n int) int { return n * (n/100 + 20) / 10 },
		"slower":                  func(n int) int { return 5000 - 5*n },
	} {
		assert.Empty(t, judged(t, Path{Prepare: allocates(things)}), name)
	}
	assert.Empty(t, judged(t, Path{Flat: true, Prepare: allocates(func(int) int { return 1000 })}))
	Test(t, Path{Name: "good", From: 100, Prepare: allocates(func(n int) int { return n })})
}

func TestWhatGrowsFasterIsNot(t *testing.T) {
	square := allocates(func(n int) int { return n * n / 10 })
	assert.Len(t, judged(t, Path{Prepare: square}), 2, "allocations and bytes")
	assert.Len(t, judged(t, Path{Flat: true, Prepare: allocates(func(n int) int { return 10 * n })}), 2)
	statements := func(_ testing.TB, m *Meter, size int) func() {
		return func() {
			for range size {
				m.Statement("SELECT")
			}
		}
	}
	assert.Len(t, judged(t, Path{Prepare: statements}), 2, "at each larger size")
	calls := func(_ testing.TB, m *Meter, size int) func() {
		return func() {
			m.Calls(size * size)
			m.Pages(size * size)
		}
	}
	assert.Len(t, judged(t, Path{Prepare: calls}), 2, "calls and pages")
}

// BenchmarkGrowth is Bench itself.
func BenchmarkGrowth(b *testing.B) {
	Bench(b, Path{Name: "allocations", From: 100, To: 800, Prepare: allocates(func(n int) int { return n })})
}

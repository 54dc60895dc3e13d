package limits_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"healthgraph/server/limits"
)

func parsed(t testing.TB, document string) *ast.QueryDocument {
	t.Helper()
	d, err := parser.ParseQuery(&ast.Source{Input: document})
	require.NoError(t, err)
	return d
}

func TestADocumentIsSizedUp(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		want     limits.Size
	}{
		"one field":           {`{ a }`, limits.Size{Depth: 1, RootFields: 1, Fields: 1}},
		"fields within":       {`{ a { b { c d } } e }`, limits.Size{Depth: 3, RootFields: 2, Fields: 5}},
		"aliases":             {`{ x: a { y: b b } a: a }`, limits.Size{Depth: 2, Aliases: 2, RootFields: 2, Fields: 4}},
		"an inline fragment":  {`{ ... @d { a ... on T @d { b @d @d } } }`, limits.Size{Depth: 1, RootFields: 2, Directives: 4, Fields: 2}},
		"fragments, expanded": {`{ ...F @d ...F a { ...F } } fragment F on T { x: b { c } }`, limits.Size{Depth: 3, Aliases: 3, RootFields: 3, Directives: 1, Fields: 7}},
		"a fragment's own":    {`{ a } fragment F on T @d @d { b { c { d } } x: e }`, limits.Size{Depth: 3, Aliases: 1, RootFields: 1, Directives: 2, Fields: 4}},
		"the largest of each": {`query A { a { b { c } } } query B @d { x: a y: b }`, limits.Size{Depth: 3, Aliases: 2, RootFields: 2, Directives: 1, Fields: 3}},
		"of variables":        {`query A($x: Int @d, $y: Int = 1 @d) @d { a }`, limits.Size{Depth: 1, RootFields: 1, Directives: 3, Fields: 1}},
		"no such fragment":    {`{ ...F a }`, limits.Size{Depth: 1, RootFields: 1, Fields: 1}},
		"a mutation":          {`mutation { a b c }`, limits.Size{Depth: 1, RootFields: 3, Fields: 3}},
		"one of itself":       {`{ ...F } fragment F on T { a { ...F } }`, limits.Size{Depth: 1, RootFields: 1, Fields: 1}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, limits.Measure(parsed(t, c.document))) })
	}
}

// bomb is n fragments, each of which spreads the next one twice.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("{ ...F0 }")
	for i := range n {
		fmt.Fprintf(&b, " fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment F%d on Query { x: __typename @skip(if: false) }", n)
	return b.String()
}

func TestFragmentsThatDoubleAreMeasuredOnceEach(t *testing.T) {
	assert.Equal(t, limits.Size{Depth: 1, Aliases: 8, RootFields: 8, Directives: 8, Fields: 8}, limits.Measure(parsed(t, bomb(3))))
	document := parsed(t, bomb(300)) // which would be looked at for ever
	allocated := testing.AllocsPerRun(1, func() {
		size := limits.Measure(document)
		assert.Equal(t, limits.Size{Depth: 1, Aliases: math.MaxInt32, RootFields: math.MaxInt32, Directives: math.MaxInt32, Fields: math.MaxInt32}, size)
	})
	assert.Less(t, allocated, 1000.0)
}

func TestFragmentsInACircleComeToAnEnd(t *testing.T) {
	for _, document := range []string{
		`{ ...A } fragment A on Query { ...A ...A }`,
		`{ ...A } fragment A on Query { a { ...B } ...B } fragment B on Query { b { ...A } ...A }`,
		strings.ReplaceAll(bomb(40), "x: __typename @skip(if: false)", "...F0 ...F0"),
	} {
		assert.Less(t, limits.Measure(parsed(t, document)).Depth, 5)
	}
}

func TestTheIntrospectionOfToolsIsWithinTheLimits(t *testing.T) {
	files, err := filepath.Glob("testdata/introspection/*.graphql") // what getIntrospectionQuery of graphql-js 16.15 writes
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		size, most := limits.Measure(parsed(t, string(text))), limits.Defaults()
		t.Log(file, size)
		assert.LessOrEqual(t, size.Depth, most.Depth)
		assert.LessOrEqual(t, size.Fields, most.Fields)
		assert.LessOrEqual(t, size.Aliases, most.Aliases)
		assert.LessOrEqual(t, size.Directives, most.Directives)
		assert.LessOrEqual(t, size.RootFields, most.RootFields)
	}
}

func FuzzMeasure(f *testing.F) {
	for _, seed := range []string{`{ a { b: c @d } }`, bomb(5), `{ ...A } fragment A on T { ...A }`, `query($x: [Int!] = [1] @d) @d { ... on T { a(x: $x) } }`, `fragment A on T { a } fragment A on T { b { c } }`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, 2000)
		if err != nil {
			return
		}
		size := limits.Measure(document)
		for _, n := range []int{size.Depth, size.Aliases, size.RootFields, size.Directives, size.Fields} {
			if n < 0 || n > math.MaxInt32 {
				t.Fatalf("%+v of %q", size, text)
			}
		}
		if size.Depth > size.Fields || size.Aliases > size.Fields || size.RootFields > size.Fields {
			t.Fatalf("%+v of %q", size, text)
		}
		if len(document.Fragments) == 0 && size.Fields > len(text) {
			t.Fatalf("%+v of %q", size, text)
		}
	})
}

package health_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/health"
)

func TestColumnsAreListsOfNumbersAndTexts(t *testing.T) {
	at := time.Date(2026, 3, 29, 9, 30, 0, 999_999, time.FixedZone("", 7200))
	for name, c := range map[string]struct {
		write func(b *strings.Builder)
		want  string
	}{
		"no instants": {func(b *strings.Builder) { health.InstantColumn{}.MarshalGQL(b) }, `[]`},
		"instants":    {func(b *strings.Builder) { health.InstantColumn{at, time.Unix(0, 0), time.Unix(-1, 0)}.MarshalGQL(b) }, `[1774769400000,0,-1000]`},
		"numbers":     {func(b *strings.Builder) { health.NumberColumn{0, 12, 0.25, 100_000, 1e21, 1e-7}.MarshalGQL(b) }, `[0,12,0.25,100000,1e+21,1e-07]`},
		"texts":       {func(b *strings.Builder) { health.TextColumn{"phone", "", `a "b" \ <c>`, "\xff\n"}.MarshalGQL(b) }, `["phone",null,"a \"b\" \\ <c>","` + "\uFFFD" + `\n"]`},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			c.write(&b)
			assert.Equal(t, c.want, b.String())
		})
	}
	assert.Error(t, new(health.InstantColumn).UnmarshalGQL([]any{1}))
	assert.Error(t, new(health.NumberColumn).UnmarshalGQL([]any{1}))
	assert.Error(t, new(health.TextColumn).UnmarshalGQL([]any{"a"}))
}

// However long a column is, it reads back as what it was.
func TestALongColumnIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Float64().Filter(func(n float64) bool { return !math.IsInf(n, 0) && !math.IsNaN(n) }), 0, 2000).Draw(t, "numbers")
		texts := rapid.SliceOfN(rapid.StringN(1, -1, -1), 0, 300).Draw(t, "texts")
		var b, c strings.Builder
		health.NumberColumn(numbers).MarshalGQL(&b)
		health.TextColumn(texts).MarshalGQL(&c)
		var readNumbers []float64
		var readTexts []string
		require.NoError(t, json.Unmarshal([]byte(b.String()), &readNumbers))
		require.NoError(t, json.Unmarshal([]byte(c.String()), &readTexts))
		require.Len(t, readNumbers, len(numbers))
		for i := range numbers {
			require.InDelta(t, numbers[i], readNumbers[i], 0)
		}
		for i := range texts {
			require.Equal(t, strings.ToValidUTF8(texts[i], "\uFFFD"), readTexts[i])
		}
	})
}

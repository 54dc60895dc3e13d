package onetwentyone

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However a name is spelt, it stands for what its collapsed form stands for.
func TestNamesStandForColumnsHoweverSpelt(t *testing.T) {
	r := newSampleReader(measure{}, time.Time{})
	place := 0
	same := func(t require.TestingT, name []byte) column {
		var text string
		require.NoError(t, json.Unmarshal(name, &text))
		want := columnsByName[separators.Replace(strings.ToLower(text))]
		for range 2 { // the second time it is remembered
			require.Equal(t, want, r.column(place%7, name), string(name))
		}
		place++
		return want
	}
	for _, names := range sampleNames {
		for _, name := range names {
			for _, spelt := range []string{name, strings.ToUpper(name), "_" + name + "-", name[:1] + " " + name[1:], name[:1] + `\u005f` + name[1:], strings.Repeat("_", 60) + name} {
				require.NotZero(t, same(t, []byte(`"`+spelt+`"`)), spelt)
			}
			same(t, []byte(`"`+strings.NewReplacer("s", "ſ", "k", "\u212a").Replace(name)+`"`))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name, err := json.Marshal(rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z_ -]{0,60}`)).Draw(t, "name"))
		require.NoError(t, err)
		same(t, name)
	})
}

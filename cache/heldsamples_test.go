package cache

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"healthgraph/connectors"
	"healthgraph/health"
)

// Whatever samples are held, they come back as they were.
func TestHeldSamplesAreWhatTheyWere(t *testing.T) {
	text := rapid.StringN(0, 40, -1)
	sample := rapid.Custom(func(t *rapid.T) health.Sample {
		start := time.Unix(rapid.Int64Range(600_000_000, 4_000_000_000).Draw(t, "start"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		return health.Sample{
			ID: text.Draw(t, "id"), Device: text.Draw(t, "device"), Unit: health.Unit(text.Draw(t, "unit")), Value: rapid.Float64().Draw(t, "value"),
			Start: start, End: start.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "length"))),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		was := samples{
			Pages:  rapid.SliceOfN(rapid.SliceOfN(sample, 0, 20), 0, 4).Draw(t, "pages"),
			Result: connectors.SampleResult{Newest: time.Unix(1_700_000_000, 0).UTC(), Refused: rapid.IntRange(0, 9).Draw(t, "refused"), Err: errors.New("half-way")},
		}
		is := holdSamples(was).whole()
		require.Len(t, is.Pages, len(was.Pages))
		for i := range was.Pages {
			require.Equal(t, was.Pages[i], is.Pages[i])
			require.Equal(t, len(was.Pages[i]), cap(is.Pages[i]), "or who appended to a page would write into the next one")
		}
		require.Equal(t, was.Result, is.Result)
	})
}

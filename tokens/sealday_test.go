package tokens_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/health"
	"healthgraph/tokens"
)

func TestASealedDayOpensForItsOwnPlaceAlone(t *testing.T) {
	var keyset bytes.Buffer
	require.NoError(t, tokens.WriteKeyset(&keyset))
	sealer, err := tokens.NewSealer(keyset.Bytes())
	require.NoError(t, err)
	place := tokens.DayPlace{
		User: "person-1", Connector: "rook", AccountID: "account", Metric: "stepCount", Zone: "Europe/Paris",
		Day: health.Date{Year: 2026, Month: 3, Day: 29}, Version: 2, FetchedAt: time.Date(2026, 4, 15, 10, 0, 0, 1000, time.UTC),
	}
	const figure = `{"n":48613}`
	sealed, err := sealer.SealDay(place, []byte(figure))
	require.NoError(t, err)
	assert.NotContains(t, string(sealed), "48613")
	same := place
	same.FetchedAt = place.FetchedAt.In(time.FixedZone("west", -8*60*60))
	plain, err := sealer.OpenDay(same, sealed)
	require.NoError(t, err)
	assert.Equal(t, figure, string(plain))

	for name, change := range map[string]func(*tokens.DayPlace){
		"another person":    func(p *tokens.DayPlace) { p.User = "person-2" },
		"another connector": func(p *tokens.DayPlace) { p.Connector = "onetwentyone" },
		"another account":   func(p *tokens.DayPlace) { p.AccountID = "other" },
		"another metric":    func(p *tokens.DayPlace) { p.Metric = "sleep" },
		"another zone":      func(p *tokens.DayPlace) { p.Zone = "" },
		"another day":       func(p *tokens.DayPlace) { p.Day = p.Day.AddDays(1) },
		"another version":   func(p *tokens.DayPlace) { p.Version++ },
		"another time":      func(p *tokens.DayPlace) { p.FetchedAt = p.FetchedAt.Add(time.Microsecond) },
		"moved letters":     func(p *tokens.DayPlace) { p.User, p.Connector = "k"+p.User, "roo" },
	} {
		other := place
		change(&other)
		_, err := sealer.OpenDay(other, sealed)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "48613")
	}
	for i := range sealed {
		broken := bytes.Clone(sealed)
		broken[i] ^= 1
		_, err := sealer.OpenDay(place, broken)
		require.Error(t, err)
	}
}

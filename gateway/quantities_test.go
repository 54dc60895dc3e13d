package gateway_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/connectors"
	"healthgraph/gateway"
	"healthgraph/health"
)

// readDaily reads a metric's days of the granter, and gives the sums of a range in it.
func (h *house) readDaily(metric string, days health.DateRange) health.QuantityStatistics {
	h.t.Helper()
	request, err := h.StatisticsRequest(metric, days.From, days.To, health.PeriodDay, nil, "")
	require.NoError(h.t, err)
	person := h.person("demo")
	links := h.Links(h.t.Context(), "granter", []*gateway.Person{person})[0]
	read := h.ReadDaily(h.t.Context(), person, "granter", links, request.Metric, days, health.UTC)
	return h.Statistics(request, gateway.Zone{Origin: health.ZoneDefault}, []gateway.DailyRead{read})
}

func reads(calls []string) (n int) {
	for _, call := range calls {
		if strings.HasPrefix(call, "samples ") {
			n++
		}
	}
	return n
}

// An upstream that keeps no order costs a second reading, and no figure.
func TestAnUpstreamWithAnOrderOfItsOwnIsReadAgainAndCountedRight(t *testing.T) {
	h := newHouse(t)
	h.grant("demo", &connectors.Profile{})
	days := health.DateRange{From: health.Date{Year: 2026, Month: 3, Day: 1}, To: health.Date{Year: 2026, Month: 3, Day: 20}}
	begin := days.From.Start(health.UTC)
	var samples []health.Sample
	for i := range 20 * 24 * 60 { // a kilocalorie a minute by each of two devices, which count once
		at := begin.Add(time.Duration(i) * time.Minute)
		for _, device := range []string{"phone", "watch"} {
			samples = append(samples, health.Sample{Start: at, End: at.Add(time.Minute), Value: 1, Device: device})
		}
	}
	h.granter.pageLength = 10_000
	for name, c := range map[string]struct {
		order func()
		reads int
	}{
		"the oldest first": {func() {}, 1},
		"the newest first": {func() { slices.Reverse(h.granter.samples.Samples) }, 2},
		"one device, then the other": {func() {
			slices.SortStableFunc(h.granter.samples.Samples, func(a, b health.Sample) int { return strings.Compare(a.Device, b.Device) })
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			h.granter.samples.Samples = slices.Clone(samples)
			c.order()
			before := reads(h.granter.made())
			got := h.readDaily("activeEnergyBurned", days)
			assert.Equal(t, c.reads, reads(h.granter.made())-before)
			for _, day := range got.Periods {
				assert.InDelta(t, 1440, *day.Sum, 1e-9, day.From)
			}
			assert.True(t, got.Complete)
			assert.Empty(t, got.Problems)
		})
	}
}

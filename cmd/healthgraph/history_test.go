package main

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"healthgraph/simulators/onetwentyone"
)

// loadSteps gives somebody a history at OneTwentyOne.
func loadSteps(tb testing.TB, s *onetwentyone.Simulator, person string, steps iter.Seq[onetwentyone.Step]) {
	tb.Helper()
	_, err := s.LoadSteps(person, func(add func(onetwentyone.Step) error) error {
		for step := range steps {
			if err := add(step); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(tb, err)
}

// evenly makes n samples like the first, each so much later than the one before.
func evenly(n int, apart time.Duration, first onetwentyone.Step) iter.Seq[onetwentyone.Step] {
	return func(yield func(onetwentyone.Step) bool) {
		step := first
		for range n {
			if !yield(step) {
				return
			}
			step.Start, step.End = step.Start.Add(apart), step.End.Add(apart)
		}
	}
}

// everyDay makes so many samples for every one of the days.
func everyDay(begin time.Time, days, perDay int, long time.Duration, value float64) iter.Seq[onetwentyone.Step] {
	return evenly(days*perDay, 24*time.Hour/time.Duration(perDay), onetwentyone.Step{Start: begin, End: begin.Add(long), Value: value, Source: "phone"})
}

// history links the person "w" to OneTwentyOne alone, where they have this history.
func (w *world) history(zone string, steps iter.Seq[onetwentyone.Step]) {
	w.t.Helper()
	loadSteps(w.t, w.oneTwentyOne, "walker", steps)
	w.oneTwentyOnePerson("walker", fmt.Sprintf(`{"homeTimezone": %q}`, zone))
	w.link("w", "walker")
	w.forgetCalls()
}

// walked is a history in Paris.
func (w *world) walked(steps []onetwentyone.Step) {
	w.t.Helper()
	w.history("Europe/Paris", slices.Values(steps))
}

// walks is a history of so many samples of a step each for every one of the days.
func (w *world) walks(begin time.Time, days, perDay int) {
	w.t.Helper()
	w.history("UTC", everyDay(begin, days, perDay, 5*time.Second, 1))
}

// many is a history of n samples of a step each, ten seconds apart, the first at the start of 2026-04-06 in UTC.
func (w *world) many(n int) {
	w.t.Helper()
	begin := time.Date(2026, time.April, 6, 0, 0, 0, 0, time.UTC)
	w.history("UTC", evenly(n, 10*time.Second, onetwentyone.Step{Start: begin, End: begin.Add(5 * time.Second), Value: 1, Source: "phone"}))
}

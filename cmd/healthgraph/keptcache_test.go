package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/store/storetest"
)

const (
	past    = `from: "2026-04-05", to: "2026-04-11"`
	askPast = `{ stepCount(` + past + `) { total fetchedAt days { candidates { connector fetchedAt } } } }`
)

// keptAt tells when what is kept of the demo person was read.
func (w *world) keptAt() (times []time.Time) {
	w.t.Helper()
	rows, err := w.database.QueryContext(w.t.Context(), `SELECT DISTINCT fetched_at FROM kept_days WHERE person = 'demo'`)
	require.NoError(w.t, err)
	defer func() { assert.NoError(w.t, rows.Close()) }()
	for rows.Next() {
		var value any
		require.NoError(w.t, rows.Scan(&value))
		at, isTime := value.(time.Time)
		if !isTime { // SQLite has no times
			at, err = time.Parse("2006-01-02 15:04:05.999999999-07:00", value.(string))
			require.NoError(w.t, err)
		}
		times = append(times, at.UTC())
	}
	require.NoError(w.t, rows.Err())
	return times
}

func (w *world) loseKeptDays() {
	w.t.Helper()
	_, err := w.database.ExecContext(w.t.Context(), `DELETE FROM kept_days`)
	require.NoError(w.t, err)
}

// A day that comes from memory is as old as its read: in the answer, and where it is kept.
func TestADayThatIsRememberedIsKeptWithTheTimeOfItsRead(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w, _ := keepingWorld(t, worldOptions{databaseURL: url, change: func(s *settings) {
			remembering(s)
			s.CacheRecent, s.CachePast = 24*time.Hour, 24*time.Hour
		}})
		w.link("demo", "demo")
		w.clock.Freeze(today)
		w.ask(w.token("demo"), askLinks, nil).into(&struct{}{})
		read := map[string]int{rook1: 1, "rook.physical_summary": 7, "onetwentyone.quantity": 1}
		assert.Equal(t, read, w.callsOf(`{ stepCount(`+past+`, maxAge: "PT0S") { total } }`))
		require.Equal(t, []time.Time{today}, w.keptAt())

		w.loseKeptDays()
		w.later(10 * time.Minute)
		var answer struct {
			StepCount struct {
				FetchedAt time.Time
				Days      []struct {
					Candidates []struct {
						Connector string
						FetchedAt time.Time
					}
				}
			}
		}
		w.forgetCalls()
		w.ask(w.token("demo"), askPast, nil).into(&answer)
		assert.Equal(t, map[string]int{rook1: 1}, w.calls(), "the days are remembered")
		assert.Equal(t, today, answer.StepCount.FetchedAt)
		for _, day := range answer.StepCount.Days {
			require.Len(t, day.Candidates, 2)
			assert.Equal(t, []time.Time{today, today}, []time.Time{day.Candidates[0].FetchedAt, day.Candidates[1].FetchedAt})
		}
		assert.Equal(t, []time.Time{today}, w.keptAt(), "and kept with the time of their read")

		assert.Equal(t, map[string]int{}, w.callsOf(askPast))
		w.later(45 * time.Minute)
		assert.Zero(t, w.callsOf(askPast)["rook.physical_summary"], "they are kept for an hour at least")
		w.later(6 * time.Hour)
		assert.Equal(t, 7, w.callsOf(askPast)["rook.physical_summary"], "and read again then, whatever is remembered")
		assert.Equal(t, []time.Time{today.Add(6*time.Hour + 55*time.Minute)}, w.keptAt())
	})
}

func TestWhatIsKeptIsNoOlderThanTheCallerSays(t *testing.T) {
	w, _ := keepingWorld(t, worldOptions{})
	w.link("demo", "demo")
	w.clock.Freeze(today)
	w.callsOf(askPast)
	w.later(10 * time.Minute)
	ask := func(maxAge string) map[string]int {
		return w.callsOf(`{ stepCount(` + past + `, maxAge: "` + maxAge + `") { total } }`)
	}
	assert.Equal(t, map[string]int{rook1: 1}, ask("PT10M"))
	again := map[string]int{rook1: 1, "rook.physical_summary": 7, "onetwentyone.quantity": 1}
	assert.Equal(t, again, ask("PT9M59S"))
	assert.Equal(t, map[string]int{rook1: 1}, ask("PT10M"), "what was read afresh is kept")
	assert.Equal(t, again, ask("PT0S"))
}

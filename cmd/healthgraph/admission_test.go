package main

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"healthgraph/simulators"
)

// However an upstream hangs, and whatever operations wait for it, those about the other one find a place: of twenty that may be under way,
// ten wait for one upstream.
func TestAnUpstreamThatHangsDoesNotUseUpTheAdmission(t *testing.T) {
	const (
		operations, mayWait, calls = 20, 10, 4
		crowded                    = 60 // operations about the upstream that hangs
		aboutOneTwentyOne          = `{ stepCount(from: "2026-04-06", to: "2026-04-07", timeZone: "UTC", dataSources: ["onetwentyone"]) { complete problems { code message retryAfter } } }`
		aboutOneTwentyOneFrom      = `{ stepCount(from: "%s", to: "2026-04-07", timeZone: "UTC", dataSources: ["onetwentyone"]) { complete problems { code message retryAfter } } }` // of which each is a read of its own
		aboutRook                  = `{ connections(dataSources: ["garmin"]) { status lastKnownStatus problem { code message retryAfter } } }`
		stepsOfRook                = `{ stepCount(from: "2026-04-06", to: "2026-04-07", timeZone: "UTC", dataSources: ["garmin"]) { complete problems { code message retryAfter } } }`
		zoneOfRook                 = `{ stepCount(from: "2026-04-06", to: "2026-04-07", dataSources: ["garmin"]) { timeZone } }`
	)
	hangs := func(route string) simulators.Fault {
		return simulators.Fault{Route: route, Kind: simulators.KindSlow, DelayMs: tooSlow}
	}
	everybody, oneOfThem, withoutGrant := crowd(crowded), make([]string, crowded), make([]string, crowded)
	for i := range everybody {
		oneOfThem[i], withoutGrant[i] = everybody[0], "without-grant" // which would tell a zone
	}
	for name, c := range map[string]struct {
		people   []string // who ask
		ask      string
		hang     func(w *world)
		underWay int // of them, whose calls are
		other    string
	}{
		"samples of many people": {everybody, aboutOneTwentyOne, func(w *world) { w.fault(w.oneTwentyOne.Control(), hangs("quantity")) }, calls, aboutRook},
		"samples of one person":  {oneOfThem, aboutOneTwentyOne, func(w *world) { w.fault(w.oneTwentyOne.Control(), hangs("quantity")) }, 1, aboutRook},
		"renewals for many people": {everybody, aboutOneTwentyOne, func(w *world) {
			w.clock.Advance(2 * time.Hour)
			w.fault(w.oneTwentyOne.Control(), hangs("refresh"))
		}, calls, aboutRook},
		"renewals for one person": {oneOfThem, aboutOneTwentyOneFrom, func(w *world) {
			w.clock.Advance(2 * time.Hour)
			w.fault(w.oneTwentyOne.Control(), hangs("refresh"))
		}, 1, aboutRook},
		"links of one person": {oneOfThem, aboutRook, func(w *world) { w.fault(w.rook.Control(), hangs("authorized_v2")) }, 1, aboutOneTwentyOne},
		"days of one person":  {oneOfThem, stepsOfRook, func(w *world) { w.fault(w.rook.Control(), hangs("physical_summary")) }, 1, aboutOneTwentyOne},
		"zone of one person":  {withoutGrant, zoneOfRook, func(w *world) { w.fault(w.rook.Control(), hangs("user_info")) }, 1, aboutOneTwentyOne},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldOptions{change: func(s *settings) {
				resilient(s)
				s.AdmissionWait = 1500 * time.Millisecond // less than the two seconds for which all would wait, on a busy machine
				s.UpstreamTimeout, s.UpstreamMaxCalls, s.AdmissionOperations, s.AdmissionWaiting = 5*time.Second, calls, operations, 2*crowded
			}})
			w.rookPerson("without-grant", `{"sources": {"Garmin": true}}`)
			for _, person := range append([]string{"somebody"}, everybody...) {
				w.rookPerson(person, `{"sources": {"Garmin": true}}`)
				w.oneTwentyOnePerson(person, `{}`)
				w.link(person, person)
			}
			token := w.token("somebody")
			w.ask(token, c.other, nil).into(&struct{}{})
			want := w.ask(token, c.other, nil).Raw
			require.NotContains(t, want, unavailable)
			c.hang(w)
			token = w.token("somebody") // by the clock as it is now
			if c.other == aboutRook {
				require.Equal(t, want, w.ask(token, c.other, nil).Raw)
			}

			var all sync.WaitGroup
			var answered atomic.Int64
			answers := make(chan string, crowded)
			for i, person := range c.people {
				token := w.token(person)
				query := strings.Replace(c.ask, "%s", today.AddDate(0, 0, -10-i).Format(time.DateOnly), 1)
				all.Go(func() {
					a, err := w.try(token, query, nil)
					answered.Add(1)
					assert.NoError(t, err)
					assert.Equal(t, http.StatusOK, a.Status, a.Raw)
					answers <- a.Raw
				})
			}
			for range 30 {
				a := w.ask(token, c.other, nil)
				require.Equal(t, http.StatusOK, a.Status, a.Raw)
				assert.Equal(t, want, a.Raw)
			}
			assert.LessOrEqual(t, answered.Load(), int64(crowded-c.underWay), "all that while it hung")
			all.Wait()
			close(answers)
			refused := 0
			for raw := range answers {
				if c.ask == zoneOfRook { // which was never known
					assert.Contains(t, raw, `"timeZone":"UTC"`)
					continue
				}
				assert.Contains(t, raw, `"code":"UPSTREAM_UNAVAILABLE"`)
				if strings.Contains(raw, "already") {
					assert.Regexp(t, `"message":"too many operations wait for (ROOK|OneTwentyOne) already( \(2 of 2 days could not be read\))?","retryAfter":"PT1S"`, raw)
					refused++
				}
			}
			if c.ask == zoneOfRook {
				return
			}
			// Those who began to wait before it was seen that nobody is served, and were sent away by then, may have been told another reason.
			assert.GreaterOrEqual(t, refused, crowded-operations)
			assert.LessOrEqual(t, refused, crowded-mayWait)
		})
	}
}

package main

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"healthgraph/simulators"
	"healthgraph/simulators/rook"
	"healthgraph/store/storetest"
)

const rookZoneDays = `from: "2026-04-13", to: "2026-04-14"`

func (w *world) zoneOf(user, arguments string) string {
	w.t.Helper()
	got := w.steps(user, arguments)
	assert.NotNil(w.t, got.Total, "the zone costs no figure")
	return got.TimeZone + " " + got.TimeZoneOrigin
}

func (w *world) atRook(user, zone string) {
	w.t.Helper()
	w.rookPerson(user, fmt.Sprintf(`{"timeZone": %q, "sources": {"Garmin": true}, "days": {"2026-04-13": {"steps": 1234}}}`, zone))
}

// The zone of somebody with ROOK alone is ROOK's, by one call an hour, on either database.
func TestTheZoneOfSomebodyWithRookAlone(t *testing.T) {
	storetest.Both(t, func(t *testing.T, url string) {
		w := newWorld(t, worldOptions{databaseURL: url})
		w.atRook("w", "Asia/Tokyo")
		w.forgetCalls()
		assert.Equal(t, "America/New_York ARGUMENT", w.zoneOf("w", rookZoneDays+`, timeZone: "America/New_York"`))
		assert.Equal(t, map[string]int{"rook.authorized_v2": 1, "rook.physical_summary": 2}, w.calls(), "where the zone is given nobody asks for it")

		w.forgetCalls()
		assert.Equal(t, "Asia/Tokyo PROFILE", w.zoneOf("w", rookZoneDays))
		assert.Equal(t, map[string]int{"rook.authorized_v2": 1, "rook.physical_summary": 2, "rook.user_info": 1}, w.calls())
		others := w.ask(w.token("w"), `{ sleep(`+rookZoneDays+`) { timeZone } quantityStatistics(metric: "heartRate", `+rookZoneDays+`) { timeZone } }`, nil)
		assert.JSONEq(t, `{"sleep": {"timeZone": "Asia/Tokyo"}, "quantityStatistics": {"timeZone": "Asia/Tokyo"}}`, string(others.Data))
		w.forgetCalls()
		w.zoneOf("w", rookZoneDays)
		assert.Zero(t, w.calls()["rook.user_info"], "remembered")

		w.atRook("w", "Europe/Paris")
		w.clock.Advance(61 * time.Minute)
		w.forgetCalls()
		assert.Equal(t, "Europe/Paris PROFILE", w.zoneOf("w", rookZoneDays))
		assert.Equal(t, "Europe/Paris PROFILE", w.zoneOf("w", rookZoneDays))
		assert.Equal(t, 1, w.calls()["rook.user_info"], "once an hour")
	})
}

// Where ROOK tells no zone, or fails to, the days are as they were and nothing is a problem.
func TestRookTellsNoZone(t *testing.T) {
	for name, prepare := range map[string]func(w *world){
		"an offset": func(w *world) { w.rook.Configure(func(s *rook.Switches) { s.TimeZoneForm = "offset" }) },
		"empty":     func(w *world) { w.rook.Configure(func(s *rook.Switches) { s.TimeZoneForm = "empty" }) },
		"204":       func(w *world) { w.rook.Configure(func(s *rook.Switches) { s.UserInfoDays = "ended" }) },
		"it is down": func(w *world) {
			w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteUserInfo, Kind: simulators.KindStatus, Status: 503})
		},
		"it is not for us": func(w *world) {
			w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteUserInfo, Kind: simulators.KindStatus, Status: 403})
		},
		"nonsense": func(w *world) {
			w.fault(w.rook.Control(), simulators.Fault{Route: rook.RouteUserInfo, Kind: simulators.KindHTML})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.clock.Freeze(time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)) // else the newest day that has begun everywhere has ended somewhere
			w.atRook("w", "Asia/Tokyo")
			prepare(w)
			for range 2 {
				got := w.steps("w", rookZoneDays)
				assert.Equal(t, []string{"UTC", "DEFAULT"}, []string{got.TimeZone, got.TimeZoneOrigin})
				assert.Equal(t, "1234", number(got.Days[0].Steps))
				assert.True(t, got.Complete)
				assert.Empty(t, got.Problems)
				w.forgetCalls()
			}
			w.steps("w", rookZoneDays)
			assert.Zero(t, w.calls()["rook.user_info"], "which is remembered too")
		})
	}
}

// Many at one instant, in one operation and in several, ask once for each person, and each sees their own.
func TestZonesOfRookAreEachPersonsOwn(t *testing.T) {
	w := newWorld(t, worldOptions{})
	zones := map[string]string{"one": "Asia/Tokyo", "two": "America/New_York"}
	for user, zone := range zones {
		w.atRook(user, zone)
	}
	w.forgetCalls()
	var crowd sync.WaitGroup
	for user, zone := range zones {
		for range 10 {
			crowd.Go(func() {
				assert.Equal(t, zone+" PROFILE", w.zoneOf(user, rookZoneDays))
			})
			crowd.Go(func() {
				answer := w.ask(w.service(), `{ users(ids: ["two", "one", "two"]) { id stepCount(`+rookZoneDays+`) { timeZone } } }`, nil)
				assert.JSONEq(t, `{"users": [{"id": "two", "stepCount": {"timeZone": "America/New_York"}}, {"id": "one", "stepCount": {"timeZone": "Asia/Tokyo"}},
					{"id": "two", "stepCount": {"timeZone": "America/New_York"}}]}`, string(answer.Data))
			})
		}
	}
	crowd.Wait()
	assert.Equal(t, len(zones), w.calls()["rook.user_info"])
	refused := w.ask(w.token("one"), `{ stepCount(userId: "two", `+rookZoneDays+`) { timeZone } }`, nil)
	assert.NotContains(t, string(refused.Data), "New_York")

	assert.Equal(t, http.StatusOK, w.ask(w.token("two"), `mutation { eraseUser(input: {}) { erased } }`, nil).Status)
	assert.Equal(t, "Asia/Tokyo PROFILE", w.zoneOf("one", rookZoneDays), "nobody else's is erased")
}
